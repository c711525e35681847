"""All inputs around samples of a run: how they are counted into exact.json, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Binarize, Graph
from ..hw.exact.net import BitNet
from ..hw.exact.radius import Ball, Counted, Shard, shards
from ..hw.exact.shards import TWO_THREADS, Spread, by_cluster, by_threads
from ..ib_analysis.codes import Trace
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact_record import Around, exact_of, write_exact
from .folder import RunFolder, is_there
from .held import writing
from .run import built, finished, trained_on

EVERY_SECONDS = 5.0  # what is counted is written
Tell: TypeAlias = Callable[[int, int, str], None]


@contextmanager
def spread_over(workers: int, scheduler: str | None) -> Iterator[Spread]:
    """Threads of this machine, or in their place the dask cluster at an address."""
    if scheduler is None:
        yield partial(by_threads, workers=workers)
        return
    from .cluster import connected

    with connected(scheduler, workers) as client:
        yield partial(by_cluster, client=client)


@writing
def around(
    folder: RunFolder,
    samples: int | Sequence[int] | None,
    radius: int,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    seconds: float | None = None,
    tell: Tell = lambda done, total, remark: None,
) -> list[Around]:
    """Counts all inputs within `radius` flips of samples that change the class; into exact.json, part by part.

    samples     numbers of samples, or how many from the first; None is all that the run analyses
    seconds     after which no part is begun; None counts to the end
    tell        is called with parts done, parts there are, and a remark
    spread      who counts

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

    with closing(spread(questions())) as ending:
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
        code=np.packbits(code_of(graph, x[number]), bitorder="little").tobytes().hex(),
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


def checked_witnesses(graph: Graph, inputs: NDArray[np.uint8], sample: int, predicted: int) -> Trace:
    """What the golden model says of them, (n, inputs). Raises RunError where it gives one the sample's class."""
    golden = graph(inputs)
    if (golden.predictions() == predicted).any():
        raise RunError(f"{graph.name}: sample {sample}: the golden model sees no other class in a witness")
    return golden


def _replayed(folder: RunFolder, graph: Graph, x: NDArray[np.uint8], answer: Around) -> Around:
    """The same, its witnesses given to the golden model, and to the RTL where it is built."""
    witnesses = [each for each in answer.witnesses if each is not None]
    if not witnesses:
        return replace(answer, replayed=0)
    inputs = np.stack([flipped(graph, x, each) for each in witnesses])
    golden = checked_witnesses(graph, inputs, answer.sample, answer.predicted)
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
