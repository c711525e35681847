"""What lies in exact.json of a run: all that was asked about all inputs of its net."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import comb
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..export.graph import Graph
from ..hw.exact.differing import Differing
from ..hw.exact.pairs import Proof
from .files import digest_of, read_record, write_record
from .folder import RunFolder, is_there

MOST_BITS = 38  # of the codes of a region: minutes
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
    code        of the sample, a bit an element, the first element lowest: bytes as hexadecimal digits
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
    code: str = ""
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
    def nearest(self) -> tuple[int, ...] | None:
        """The flips of its witness."""
        return None if self.first is None else self.witnesses[self.first]

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


@dataclass(frozen=True, kw_only=True)
class OutsideY:
    """What hidden layers say over a region of a Y that is not the net's own class.

    number      inputs of each y; none where no layer's codes could be counted
    i_ty_bits   I(T;Y) of each hidden layer; None where there are too many codes
    pairs       of each hidden layer, codes and y's that occur together; none in files written before they were counted
    """

    base: Natural
    free: tuple[Natural, ...]
    number: tuple[Natural, ...] = ()
    i_ty_bits: tuple[Annotated[float, Field(ge=0)] | None, ...] = ()
    pairs: tuple[Natural | None, ...] = ()
    seconds: Annotated[float, Field(ge=0)] = 0.0

    @property
    def countable(self) -> bool:
        """In some layer."""
        return any(bits is not None for bits in self.i_ty_bits)

    @property
    def asked(self) -> OutsideY:
        """The same with nothing counted."""
        return replace(self, number=(), i_ty_bits=(), pairs=(), seconds=0.0)

    @property
    def class_entropy_bits(self) -> float:
        return entropy_bits(np.array(self.number))


@dataclass(frozen=True, kw_only=True)
class Taught(OutsideY):
    """Y is the class by another run. teacher, graph: its name, and the digest of its net."""

    teacher: str
    graph: str

    def __str__(self) -> str:
        return f"class by {self.teacher}"


@dataclass(frozen=True, kw_only=True)
class Labelled(OutsideY):
    """Y is the label by a rule. rule, labels: its name, and the digest of what it said of the region's inputs."""

    rule: str
    labels: str

    def __str__(self) -> str:
        return f"label by {self.rule}"


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


@dataclass(frozen=True)
class AskedOfTwo:
    """Whether the run and the net of digest `other` say the same `of`, on all inputs that differ from sample `base`
    in the bits `free` alone; None is all of them.
    """

    other: str
    of: str
    base: Natural
    free: tuple[Natural, ...] | None


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
    labelled: tuple[Labelled, ...] = ()
    compared: tuple[tuple[AskedOfTwo, Differing], ...] = ()

    def of(self, sample: int, radius: int) -> Around | None:
        return next((each for each in self.around if (each.sample, each.radius) == (sample, radius)), None)

    def told(self, new: Around) -> Exact:
        others = [each for each in self.around if (each.sample, each.radius) != (new.sample, new.radius)]
        return replace(self, around=tuple(sorted([*others, new], key=lambda each: (each.radius, each.sample))))


def exact_of(folder: RunFolder, graph: Graph, epoch: int | None = None) -> Exact:
    """What is known of this net so far; of an epoch's, in a file of its own."""
    empty, path = Exact(digest_of(graph.arrays())), _file(folder, epoch)
    if not is_there(path):
        return empty
    found = read_record(path, Exact)
    return found if found.graph == empty.graph else empty


def write_exact(folder: RunFolder, known: Exact, epoch: int | None = None) -> None:
    """Whole, or not at all."""
    write_record(_file(folder, epoch), asdict(known))


def _file(folder: RunFolder, epoch: int | None) -> Path:
    return folder.exact if epoch is None else folder.exact_at(epoch)
