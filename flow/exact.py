"""All inputs around samples of a run: what lies in exact.json, and how it comes there, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from math import comb
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..export.graph import Binarize, Graph
from ..hw.exact.net import BitNet
from ..hw.exact.pairs import Proof
from ..hw.exact.radius import Ball, Counted, Shard, shards
from ..hw.exact.shards import by_cluster, by_threads
from .belonging import graph_of
from .config import RunError, chosen_samples
from .files import digest_of, read_record, write_record
from .folder import RunFolder, is_there
from .held import writing
from .run import built, finished, trained_on

EVERY_SECONDS = 5.0  # what is counted is written
Tell: TypeAlias = Callable[[int, int, str], None]
Natural: TypeAlias = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Around:
    """What is known of all inputs within a radius of a sample.

    sample      number among those that the run analyses, from 0; of class `predicted`, where the net is asked
    elements    that can flip: bits of the code that enters the first matrix
    changed     of each distance: inputs of another class; where parts are missing, at least so many
    seen        of each distance: inputs that were looked at, or shown to be of one class
    witnesses   of each distance: elements whose flips give one of another class; None where none is known
    parts       the ball was cut into
    done        numbers of the parts that are counted
    replayed    witnesses that the golden model and the RTL gave the same other class; None where no RTL was built
    """

    sample: Natural
    label: Natural
    predicted: Natural
    radius: Annotated[int, Field(ge=1)]
    elements: Natural
    changed: tuple[Natural, ...]
    seen: tuple[Natural, ...]
    witnesses: tuple[tuple[Natural, ...] | None, ...]
    parts: Annotated[int, Field(ge=1)]
    done: tuple[Natural, ...] = ()
    replayed: Natural | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0

    @property
    def inputs(self) -> tuple[int, ...]:
        """Of each distance, all there are."""
        return tuple(comb(self.elements, distance) for distance in range(self.radius + 1))

    @property
    def finished(self) -> bool:
        return self.seen == self.inputs

    @property
    def first(self) -> int | None:
        """The least distance at which an input of another class is known."""
        return next((distance for distance, number in enumerate(self.changed) if number), None)

    @property
    def certain(self) -> str:
        """In words."""
        if self.finished:
            return "exact"
        seen = sum(self.seen) / sum(self.inputs)
        found = f"at least {sum(self.changed):,} inputs of another class"
        if self.first is not None:
            found += f", the nearest known at distance {self.first}"
        return f"not finished: {len(self.done)} of {self.parts} parts, {seen:.1%} of the inputs; {found}"


@dataclass(frozen=True)
class Within:
    """What is known of all images whose pixels are within ±epsilon of those of a sample, and within 0 .. vmax.

    images    that there are; `codes` different ones enter the first matrix
    changed   of them, images of another class
    witness   such an image, where there is one
    """

    sample: Natural
    label: Natural
    predicted: Natural
    epsilon: Annotated[int, Field(ge=1)]
    vmax: Annotated[int, Field(ge=1)]
    codes: Natural
    images: Natural
    changed: Natural
    witness: tuple[Natural, ...] | None
    seconds: Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class CodesOf:
    """What a hidden layer remembers of a region. codes: different ones, reached; None where there were too many."""

    layer: str
    neurons: Natural
    codes: Natural | None
    entropy_bits: Annotated[float, Field(ge=0)] | None


@dataclass(frozen=True)
class Free:
    """All inputs that differ from sample `base` in the bits `free` alone.

    number   (classes) inputs of each
    """

    base: Natural
    free: tuple[Natural, ...]
    number: tuple[Natural, ...]
    layers: tuple[CodesOf, ...]
    seconds: Annotated[float, Field(ge=0)]

    @property
    def class_entropy_bits(self) -> float:
        return entropy_bits(np.array(self.number))


@dataclass(frozen=True)
class Implied:
    """Where neuron `of` says `says`, neuron `then` says `so`: proven whatever enters the layer, or over the region."""

    of: Natural
    says: bool
    then: Natural
    so: bool
    proof: Proof


@dataclass(frozen=True)
class NeuronsOf:
    """How often neurons of a hidden layer say yes over a region, and what follows.

    ones           of each neuron: inputs; none where the layer has too many codes
    both           of each pair, (0, 1), (0, 2) .. in that order: inputs on which both do
    bound_bits     H(T) is at most this, by Chow and Liu; `entropy_bits` is H(T) itself, where codes could be counted
    implications   between neurons that say both
    """

    layer: str
    neurons: Natural
    ones: tuple[Natural, ...] = ()
    both: tuple[Natural, ...] = ()
    bound_bits: Annotated[float, Field(ge=0)] | None = None
    entropy_bits: Annotated[float, Field(ge=0)] | None = None
    implications: tuple[Implied, ...] = ()

    def constants(self, inputs: int) -> int:
        """Neurons that say one thing alone."""
        return sum(one in (0, inputs) for one in self.ones)


@dataclass(frozen=True)
class Neurons:
    """Of all inputs that differ from sample `base` in the bits `free` alone."""

    base: Natural
    free: tuple[Natural, ...]
    layers: tuple[NeuronsOf, ...]
    seconds: Annotated[float, Field(ge=0)]

    @property
    def inputs(self) -> int:
        return 1 << len(self.free)


@dataclass(frozen=True)
class Taught:
    """What hidden layers say of the classes Y of another run, over a region.

    teacher, graph   its name, and the digest of its net
    number           (classes) inputs of each of its classes
    i_ty_bits        I(T;Y) of each hidden layer; None where there are too many codes
    """

    teacher: str
    graph: str
    base: Natural
    free: tuple[Natural, ...]
    number: tuple[Natural, ...]
    i_ty_bits: tuple[Annotated[float, Field(ge=0)] | None, ...]
    seconds: Annotated[float, Field(ge=0)]

    @property
    def class_entropy_bits(self) -> float:
        return entropy_bits(np.array(self.number))


@dataclass(frozen=True)
class Reached:
    """Which codes of a hidden layer some input gives that differs from sample `base` in the bits `free` alone.

    codes       that are reached, rising; bit j is that of neuron j
    witnesses   of each, an input that the golden model gives this code
    none        codes that no such input gives, by a mixed integer program that cannot be satisfied
    undecided   the others
    """

    layer: str
    neurons: Natural
    base: Natural
    free: tuple[Natural, ...]
    codes: tuple[Natural, ...]
    witnesses: tuple[tuple[Natural, ...], ...]
    none: tuple[Natural, ...]
    undecided: tuple[Natural, ...]
    seconds: Annotated[float, Field(ge=0)]


def entropy_bits(times: NDArray[np.int64]) -> float:
    """Of how often each of several things occurs, all of them counted."""
    share = times[times > 0] / times.sum()
    return float(abs((share * np.log2(share)).sum()))


@dataclass(frozen=True)
class Exact:
    """exact.json. graph: digest of the net that was asked; what was asked of another is gone."""

    graph: str
    around: tuple[Around, ...] = ()
    within: tuple[Within, ...] = ()
    free: tuple[Free, ...] = ()
    neurons: tuple[Neurons, ...] = ()
    reached: tuple[Reached, ...] = ()
    taught: tuple[Taught, ...] = ()

    def of(self, sample: int, radius: int) -> Around | None:
        return next((each for each in self.around if (each.sample, each.radius) == (sample, radius)), None)

    def told(self, new: Around) -> Exact:
        others = [each for each in self.around if (each.sample, each.radius) != (new.sample, new.radius)]
        return replace(self, around=tuple(sorted([*others, new], key=lambda each: (each.radius, each.sample))))


def exact_of(folder: RunFolder, graph: Graph) -> Exact:
    """What is known of this net so far."""
    empty = Exact(digest_of(graph.arrays()))
    if not is_there(folder.exact):
        return empty
    found = read_record(folder.exact, Exact)
    return found if found.graph == empty.graph else empty


@writing
def around(
    folder: RunFolder,
    samples: int | Sequence[int] | None,
    radius: int,
    data_dir: Path | str | None = None,
    workers: int = 2,
    seconds: float | None = None,
    tell: Tell = lambda done, total, remark: None,
    scheduler: str | None = None,
) -> list[Around]:
    """Counts all inputs within `radius` flips of samples that change the class; into exact.json, part by part.

    samples     numbers of samples, or how many from the first; None is all that the run analyses
    seconds     after which no part is begun; None counts to the end
    tell        is called with parts done, parts there are, and a remark
    scheduler   address of a dask cluster that counts in the place of this machine's `workers`

    What an earlier call counted is not counted again. Every witness is given to the golden model, and to the RTL where
    it is built. Raises RunError where a sample is none, or where one of the two disagrees.
    """
    graph = graph_of(folder)
    net = BitNet.of(graph)
    x, y = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
    numbers = numbers_of(samples, len(x))
    known = exact_of(folder, graph)
    asked = [known.of(number, radius) or _nothing_yet(graph, net, x, y, number, radius) for number in numbers]
    cut = shards(asked[0].elements, radius) if asked else []
    left = [(each, part) for each in asked for part in sorted({*range(len(cut))} - {*each.done})]
    balls = _balls(graph, net, x, radius)
    answers = {each.sample: each for each in asked}
    total = len(cut) * len(asked)
    done = total - len(left)
    began = written = time.monotonic()

    def questions() -> Iterator[tuple[Ball, Shard]]:
        for each, part in left:
            if seconds is not None and time.monotonic() - began > seconds:
                return
            yield balls(each.sample), cut[part]

    with ExitStack() as stack:
        ending: Generator[tuple[int, Counted], None, None]
        if scheduler is None:
            ending = by_threads(questions(), workers)
        else:
            from .cluster import connected

            ending = by_cluster(questions(), stack.enter_context(connected(scheduler, workers)))
        stack.enter_context(closing(ending))
        last = time.monotonic()
        try:
            for number, found in ending:
                each, part = left[number]
                now = time.monotonic()
                answer = answers[each.sample]
                answers[each.sample] = _with(answer, part, found, free_of(graph), now - last)
                known, last, done = known.told(answers[each.sample]), now, done + 1
                tell(done, total, f"sample {each.sample}")
                if now - written > EVERY_SECONDS:
                    write_exact(folder, known)
                    written = now
        finally:
            write_exact(folder, known)
    for each in answers.values():
        if each.replayed is None and each.finished:
            known = known.told(_replayed(folder, graph, x[each.sample], each))
    write_exact(folder, known)
    return [known.of(number, radius) or answers[number] for number in numbers]


def write_exact(folder: RunFolder, known: Exact) -> None:
    """Whole, or not at all."""
    write_record(folder.exact, asdict(known))


def numbers_of(samples: int | Sequence[int] | None, there: int) -> list[int]:
    """Those asked for, of so many. Raises RunError where one is none."""
    wanted = list(range(there if samples is None else samples)) if not isinstance(samples, Sequence) else [*samples]
    if wrong := [number for number in wanted if not 0 <= number < there]:
        raise RunError(f"no sample {wrong[-1]}; the run analyses {there:,}, 0 .. {there - 1}")
    return wanted


def _nothing_yet(
    graph: Graph, net: BitNet, x: NDArray[np.uint8], y: NDArray[np.int64], number: int, radius: int
) -> Around:
    elements = len(free_of(graph))
    if not 1 <= radius <= elements:
        raise RunError(f"a radius of {radius} flips; 1 .. {elements} elements can flip")
    none = Counted.nothing(radius)
    predicted = int(net.classes(code_of(graph, x[number])[None])[0])
    return Around(
        sample=number,
        label=int(y[number]),
        predicted=predicted,
        radius=radius,
        elements=elements,
        changed=none.changed,
        seen=none.seen,
        witnesses=none.witnesses,
        parts=len(shards(elements, radius)),
    )


def _balls(graph: Graph, net: BitNet, x: NDArray[np.uint8], radius: int) -> Callable[[int], Ball]:
    """The ball of a sample; the last one is kept, for parts come sample by sample."""
    kept: dict[int, Ball] = {}

    def ball(number: int) -> Ball:
        if number not in kept:
            kept.clear()
            code, free = code_of(graph, x[number]), free_of(graph)
            kept[number] = Ball(net.fixed(code, free), code[free], radius)
        return kept[number]

    return ball


def code_of(graph: Graph, x: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(elements,) what enters the first matrix."""
    first = graph.layers[0]
    return x >= first.threshold if isinstance(first, Binarize) else x.astype(np.bool_)


def free_of(graph: Graph) -> NDArray[np.int64]:
    """The elements of that code that can flip: a threshold may be one that a pixel always or never reaches."""
    first = graph.layers[0]
    if not isinstance(first, Binarize):
        return np.arange(graph.inputs)
    return np.flatnonzero((first.threshold > 0) & (first.threshold < first.takes))


def flipped(graph: Graph, x: NDArray[np.uint8], elements: Sequence[int]) -> NDArray[np.uint8]:
    """An input whose code is that of x but for these elements: pixels beside their thresholds."""
    first, found, at = graph.layers[0], x.copy(), list(elements)
    if isinstance(first, Binarize):
        found[at] = np.where(x[at] >= first.threshold[at], first.threshold[at] - 1, first.threshold[at])
    else:
        found[at] ^= 1
    return found


def _with(answer: Around, part: int, found: Counted, free: NDArray[np.int64], seconds: float) -> Around:
    named = tuple(None if each is None else tuple(free[list(each)].tolist()) for each in found.witnesses)
    both = Counted(answer.changed, answer.seen, answer.witnesses) + replace(found, witnesses=named)
    return replace(
        answer,
        changed=both.changed,
        seen=both.seen,
        witnesses=both.witnesses,
        done=tuple(sorted((*answer.done, part))),
        seconds=answer.seconds + seconds,
    )


def _replayed(folder: RunFolder, graph: Graph, x: NDArray[np.uint8], answer: Around) -> Around:
    """The same, its witnesses given to the golden model, and to the RTL where it is built."""
    witnesses = [each for each in answer.witnesses if each is not None]
    if not witnesses:
        return replace(answer, replayed=0)
    inputs = np.stack([flipped(graph, x, each) for each in witnesses])
    golden = graph(inputs)
    if (golden.predictions() == answer.predicted).any():
        raise RunError(f"{folder.path}: sample {answer.sample}: the golden model sees no other class in a witness")
    if not is_there(folder.rtl):
        return answer
    from ..hw.simulation.library import build

    accelerator, files = built(folder, graph)
    with TemporaryDirectory(prefix="bitneck-") as work:
        simulated = build(accelerator, Path(work), files)(inputs)
    if (simulated.classes != golden.predictions()).any():
        raise RunError(
            f"{folder.path}: sample {answer.sample}: the RTL gives a witness another class than the golden model"
        )
    return replace(answer, replayed=len(witnesses))
