"""`attack`: how few input bits, flipped by somebody who knows a run's net, make it answer another class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ..export.attacks import Broken, Signs, Target, at_random, by_gradient, exactly, summed_draws
from ..export.graph import Graph
from ..hw.accelerator import Accelerator
from ..hw.synthesis.bitstream import design_digest
from .attack_report import AttackReport, Curve
from .belonging import check_design, graph_of
from .config import RunError, chosen_samples
from .files import write_record
from .folder import RunFolder
from .held import reading
from .run import built, finished, trained_on

SLOPES = (1.0, 3.0)  # of the triangle; the wider asks whether the narrower hides gradients
SHARE, DRAWS = 0.015, 8  # of STF-BNN's first layer

Progress = Callable[[int, int], None]


@reading
def attack(
    folder: RunFolder,
    most: int = 16,
    limit: int = 1000,
    candidates: int = 32,
    data_dir: Path | str | None = None,
    progress: Progress = lambda done, of: None,
) -> AttackReport:
    """Random flips, the gradient's, and the best of candidates; what the last made goes through the RTL.

    most         flips of a sample
    limit        samples, from the first
    candidates   bits that are tried at each flip

    Raises GraphError for a net that is not of dense 1-bit layers. Writes attack.json.
    """
    config, graph = finished(folder), graph_of(folder, own=False)
    target = Target.of(graph)
    accelerator, files = built(folder, graph)
    check_design(folder, accelerator, files)
    x, y = chosen_samples(config, trained_on(folder, config, data_dir))
    x, y = x[:limit], y[:limit]
    if (free := int(target.free.sum())) < most:
        raise RunError(f"{most} flips of {free} bits that may be flipped; ask for fewer")
    bits, rng = target.bits(x), np.random.default_rng(0)
    steps = _steps(most)
    flipped = {"random": [at_random(target, bits, flips, rng) for flips in steps]}
    for slope in SLOPES:
        flipped[f"gradient at once, slope {slope:g}"] = [by_gradient(target, bits, y, k, slope) for k in steps]
    tried = {
        slope: exactly(target, bits, y, most, candidates, slope, partial(_part, progress, number))
        for number, slope in enumerate(SLOPES)
    }
    slope = max(SLOPES, key=lambda each: int((tried[each].needed >= 0).sum()))
    best = tried[slope]
    drawn = summed_draws(target, SHARE, DRAWS, rng)
    report = AttackReport(
        design=design_digest(files),
        samples=len(x),
        bits=free,
        slope=slope,
        candidates=candidates,
        curves=(
            *(_curve(by, steps, attacked, target.scores, y) for by, attacked in flipped.items()),
            *(Curve(f"best of {candidates}, slope {each:g}", steps, _left(tried[each], steps)) for each in SLOPES),
        ),
        summed=tuple(_curve(by, steps, attacked, drawn, y) for by, attacked in flipped.items()),
        share=SHARE,
        draws=DRAWS,
        broken=int((best.needed > 0).sum()),
        median=float(np.median(best.needed[best.needed > 0])) if (best.needed > 0).any() else None,
        witness=_witness(target, bits, y, best),
        replayed=len(x),
        differences=tuple(_replayed(graph, accelerator, files, target.samples(best.bits, x))),
    )
    write_record(folder.attack, asdict(report))
    return report


def _steps(most: int) -> tuple[int, ...]:
    """0, then powers of two, and `most`."""
    return tuple(sorted({0, most, *(1 << k for k in range(most.bit_length()))}))


def _part(progress: Progress, number: int, done: int, of: int) -> None:
    """Of one of the exact attacks, as a part of all."""
    progress(number * of + done, len(SLOPES) * of)


def _curve(
    by: str, steps: tuple[int, ...], attacked: list[Signs], scores: Callable[[Signs], Signs], y: NDArray[np.int64]
) -> Curve:
    return Curve(by, steps, tuple(int((scores(bits).argmax(axis=1) == y).sum()) for bits in attacked))


def _left(tried: Broken, steps: tuple[int, ...]) -> tuple[int, ...]:
    """Samples that are right still after so many flips."""
    return tuple(int(((tried.needed < 0) | (tried.needed > flips)).sum()) for flips in steps)


def _witness(
    target: Target, bits: Signs, y: NDArray[np.int64], best: Broken
) -> tuple[int, int, int, tuple[int, ...]] | None:
    turned = np.flatnonzero(best.needed > 0)
    if not len(turned):
        return None
    sample = int(turned[best.needed[turned].argmin()])
    now = int(target.scores(best.bits[sample : sample + 1]).argmax())
    return sample, int(y[sample]), now, tuple(np.flatnonzero(best.bits[sample] != bits[sample]).tolist())


def _replayed(graph: Graph, accelerator: Accelerator, files: Mapping[str, str], x: NDArray[np.uint8]) -> Iterator[str]:
    """Where the RTL emits something else than the graph of attacked samples."""
    from ..hw.simulation.library import build

    with TemporaryDirectory(prefix="bitneck-") as place:
        trace = build(accelerator, Path(place), files)(x).trace
    due = graph(x).layers()
    for layer, codes in trace.layers().items():
        if (found := due[layer].first_difference(codes)) is not None:
            yield f"{layer} of attacked sample {found[0]} differs in bit {found[1]}"
