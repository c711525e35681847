"""Whether two runs answer the same, or one does where bits of its code flip or a pixel gets brighter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Dense, Graph
from ..hw.exact.differing import Differing
from ..hw.exact.equality import Question, Verdict, equality
from ..hw.exact.rising import Rising
from ..hw.exact.rising import rising as over_region
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import EVERY_SECONDS, free_of, numbers_of
from .exact_record import AskedOfTwo, exact_of, write_exact
from .files import digest_of
from .folder import RunFolder
from .held import held, reading
from .run import finished, trained_on

Of: TypeAlias = Literal["class", "scores", "layers"]
Tell: TypeAlias = Callable[[int, int, str], None]
Bits: TypeAlias = Sequence[int] | None  # of the code, that are free; None is all


@reading
def equal(
    folder: RunFolder,
    other: RunFolder,
    of: Of = "class",
    bits: Bits = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    seconds: float | None = None,
    tell: Tell = lambda done, total, remark: None,
) -> list[Verdict]:
    """Whether two runs have the same classes, the same scores, or in every layer the same codes and the same scores.

    bits   the others are as in sample `base` of the first run

    A count that takes long, or is interrupted, lies in exact.json of the first run, and the same call goes on with it.
    """
    x, _ = _samples(folder, base, data_dir)
    question = Question(graph_of(folder), graph_of(other), x[base], _rising(bits))
    asked = [*(name for name, _ in question.layers), "scores"] if of == "layers" else [of]
    return [_counted(folder, question, each, base, x, workers, seconds, tell) for each in asked]


@reading
def unmoved(
    folder: RunFolder,
    flips: Sequence[int],
    bits: Bits = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    seconds: float | None = None,
    tell: Tell = lambda done, total, remark: None,
) -> Verdict:
    """Whether the class stays what it is when all these bits of the code flip at once; goes on as `equal` does."""
    x, _ = _samples(folder, base, data_dir)
    graph = graph_of(folder)
    able = set(free_of(graph).tolist())
    if stuck := [bit for bit in flips if bit not in able]:
        raise RunError(f"--flip: bit {stuck[0]} of {graph.inputs} is none, or never changes")
    question = Question(graph, _flipped(graph, flips), x[base], _rising(bits))
    return _counted(folder, question, "class", base, x, workers, seconds, tell)


@reading
def rising(
    folder: RunFolder,
    pixel: int,
    bits: Bits = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> Rising:
    """What classes become where a pixel gets brighter; all elements of the code that show it move together."""
    x, pixels = _samples(folder, base, data_dir)
    if not 0 <= pixel < pixels:
        raise RunError(f"no pixel {pixel}; a sample has {pixels}")
    return over_region(graph_of(folder), range(pixel, x.shape[1], pixels), x[base], bits, workers, tell)


def _counted(
    folder: RunFolder,
    question: Question,
    of: str,
    base: int,
    x: NDArray[np.uint8],
    workers: int,
    seconds: float | None,
    tell: Tell,
) -> Verdict:
    asked = AskedOfTwo(digest_of(question.b.arrays()), of, base, question.free)
    found = before = dict(exact_of(folder, question.a).compared).get(asked, Differing())
    began = written = time.monotonic()

    def write() -> None:
        with held(folder.path, "prove"):
            known = exact_of(folder, question.a)
            compared = dict(known.compared) | {asked: found}
            write_exact(folder, replace(known, compared=tuple(compared.items())))

    def keep(now: Differing) -> None:
        nonlocal found, written
        found = now
        if time.monotonic() - written > EVERY_SECONDS:
            write()
            written = time.monotonic()

    try:
        return equality(question, of, x, workers, seconds, tell=tell, before=before, keep=keep)
    finally:
        long = time.monotonic() - began > EVERY_SECONDS
        if found != before and (long or found.counted < question.inputs):
            write()


def _rising(bits: Bits) -> tuple[int, ...] | None:
    return None if bits is None else tuple(sorted(set(bits)))


def _samples(folder: RunFolder, base: int, data_dir: Path | str | None) -> tuple[NDArray[np.uint8], int]:
    """Those that the run analyses, and how many pixels one has."""
    data = trained_on(folder, config := finished(folder), data_dir)
    x, _ = chosen_samples(config, data)
    numbers_of([base], len(x))
    return x, data.pixels


def _flipped(graph: Graph, bits: Sequence[int]) -> Graph:
    """A net that answers as this one where these bits of the code are the others."""
    at = next(index for index, layer in enumerate(graph.layers) if layer.fan_in > 1)
    first = graph.layers[at]
    if not isinstance(first, Dense) or not first.one_bit:
        raise RunError(
            f"{graph.name}: bits flip in front of a dense layer of 1-bit weights and codes; not of {first.name}"
        )
    weight = first.weight.copy()
    weight[:, list(bits)] ^= True
    return replace(graph, layers=(*graph.layers[:at], replace(first, weight=weight), *graph.layers[at + 1 :]))
