"""`faults`: what bits that flip and wires that are stuck cost a run's net, and which bits are worth guarding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ..hw.accelerator import Accelerator
from ..hw.faults import Faults, Flip, Part, Unit, in_memory, units, with_bit_flipped
from ..hw.memories import placement
from ..hw.parts import Family, part
from ..hw.synthesis.bitstream import design_digest
from ..hw.verilog import OWN
from ..ib_analysis.entropy import plug_in
from ..ib_analysis.information import mutual_information
from ..ib_analysis.symbols import Symbols, label_symbols, pair_tally, symbols
from .belonging import check_design, graph_of
from .config import chosen_samples
from .fault_report import AtOnce, Costly, FaultReport, Guard, OfMemory
from .files import write_record
from .folder import RunFolder
from .held import reading
from .run import built, finished, trained_on

Tell = Callable[[str], None]
SHOWN = 12  # of the worst faults
INFORMED = 100  # flips of each memory whose codes are counted
REPLAYED = 3  # flips of each memory that go through the RTL
TRIALS = 100  # of so many flips at once
AT_ONCE = (1, 3, 10, 30, 100, 300, 1000)
GUARDED = (0.01, 0.05, 0.1, 0.25)  # shares of all columns of memories


@reading
def faults(
    folder: RunFolder, target: str = "xc7", data_dir: Path | str | None = None, tell: Tell = lambda _: None
) -> FaultReport:
    """Every single flip, every stuck wire, many flips at once, over the run's samples; some flips through the RTL.

    target   part that guards are estimated for

    Raises FaultsError for a net that is not of dense 1-bit layers in memories. Writes faults.json.
    """
    family = part(target).family
    config, graph = finished(folder), graph_of(folder, own=False)
    accelerator, files = built(folder, graph)
    check_design(folder, accelerator, files)
    held = units(graph, accelerator)
    x, y = chosen_samples(config, trained_on(folder, config, data_dir))
    trace = graph(x)
    before = [layer.name for layer in graph.layers if layer.fan_in == 1]
    bits = trace.codes[before[-1]].bits() if before else x.astype(bool)
    net = Faults(held, np.where(bits, np.float32(1), np.float32(-1)), y)
    tell("faults: every single flip")
    began = time.perf_counter()
    lost = _single(net)
    seconds = time.perf_counter() - began
    tell(f"faults: {sum(each.size for each in lost.values()):,} flips in {seconds:.1f} s; every stuck wire")
    stuck = sorted(net.stuck(), key=lambda each: -each[1])
    rng, n = np.random.default_rng(0), len(y)
    tell("faults: many flips at once, and what they do to the codes")
    memories = tuple(_informed(net, lost, rng))
    at_once = tuple(_at_once(net, rng))
    chosen = [flip for place in lost for flip in _chosen(net, place, lost[place], rng)]
    tell(f"faults: {len(chosen)} of them through the RTL")
    differences = tuple(_replayed(net, chosen, accelerator, files, x))
    guards, parity = _guards(held, lost, accelerator, family)
    report = FaultReport(
        design=design_digest(files),
        samples=n,
        accuracy=float(net.right.mean()),
        target=target,
        single=sum(each.size for each in lost.values()),
        seconds=round(seconds, 3),
        memories=memories,
        worst=_worst(net, lost),
        wires=len(stuck),
        stuck=tuple(Costly(str(wire), cost / n) for wire, cost in stuck[:SHOWN]),
        at_once=at_once,
        guards=guards,
        parity=parity,
        replayed=len(chosen),
        differences=differences,
    )
    write_record(folder.faults, asdict(report))
    return report


Place = tuple[str, Part]
Lost = Mapping[Place, NDArray[np.int64]]


def _single(net: Faults) -> dict[Place, NDArray[np.int64]]:
    """(rows, bits) right answers that each stored bit's flip costs, by layer and part."""
    lost: dict[Place, NDArray[np.int64]] = {}
    for index, unit in enumerate(net.units):
        lost[unit.name, "weights"] = net.weights(index)
        if unit.hidden:
            lost[unit.name, "thresholds"] = net.thresholds(index)
    return lost


def _informed(net: Faults, lost: Lost, rng: np.random.Generator) -> Iterator[OfMemory]:
    labels, n = label_symbols(net.y), len(net.y)
    emitted = net.emitted()
    for (layer, of), losses in lost.items():
        said = OfMemory(
            layer, of, losses.size, float(losses.mean() / n), float(losses.max() / n), float((losses <= 0).mean())
        )
        if layer not in emitted:
            yield said
            continue
        h_t, i_ty = _bits(symbols(emitted[layer]), labels)
        places = rng.choice(losses.size, min(INFORMED, losses.size), replace=False)
        flips = [net.bit(layer, of, int(place)) for place in places]
        after = np.array([_bits(symbols(net.flipped([flip]).emitted()[layer]), labels) for flip in flips])
        means = after.mean(axis=0)
        yield replace(
            said,
            counted=len(flips),
            h_t=h_t,
            i_ty=i_ty,
            h_t_lost=float(h_t - means[0]),
            i_ty_lost=float(i_ty - means[1]),
        )


def _bits(codes: Symbols, labels: Symbols) -> tuple[float, float]:
    """H(T) and I(T;Y) of these samples, which are all that is asked about."""
    return plug_in(codes.counts), mutual_information(codes.counts, labels.counts, pair_tally(codes, labels).counts)


def _at_once(net: Faults, rng: np.random.Generator) -> Iterator[AtOnce]:
    stored = net.stored()
    for flips in AT_ONCE:
        if flips <= len(stored) // 4:
            drawn = (rng.choice(len(stored), flips, replace=False) for _ in range(TRIALS))
            right = [float(net.flipped([stored[at] for at in places]).right.mean()) for places in drawn]
            low, median, high = np.quantile(right, (0.05, 0.5, 0.95))
            yield AtOnce(flips, float(median), float(low), float(high))


def _worst(net: Faults, lost: Lost) -> tuple[Costly, ...]:
    found: list[tuple[int, Flip]] = []
    for place, losses in lost.items():
        for at in np.argsort(-losses, axis=None, kind="stable")[:SHOWN]:
            found.append((int(losses.flat[at]), net.bit(*place, int(at))))
    found.sort(key=lambda each: -each[0])
    return tuple(Costly(str(flip), cost / len(net.y)) for cost, flip in found[:SHOWN])


def _chosen(net: Faults, place: Place, losses: NDArray[np.int64], rng: np.random.Generator) -> list[Flip]:
    """The worst, and some at random."""
    return [net.bit(*place, int(at)) for at in (losses.argmax(), *rng.choice(losses.size, REPLAYED - 1))]


def _replayed(
    net: Faults, flips: Sequence[Flip], accelerator: Accelerator, files: Mapping[str, str], x: NDArray[np.uint8]
) -> Iterator[str]:
    """What the RTL answers otherwise where the bit flips in its memory file."""
    from ..hw.simulation.library import build

    by_name = {unit.name: unit for unit in net.units}
    for flip in flips:
        memory, word, bit = in_memory(flip, by_name[flip.layer])
        name = OWN.format(design=accelerator.name, name=memory)
        damaged = {**files, name: with_bit_flipped(files[name], word, bit)}
        expected = net.flipped([flip])
        with TemporaryDirectory(prefix="bitneck-") as place:
            trace = build(accelerator, Path(place), damaged)(x).trace
        for layer, codes in expected.emitted().items():
            if (found := codes.first_difference(trace.codes[layer])) is not None:
                yield f"{flip}: {layer} of sample {found[0]} differs in bit {found[1]}"
        if (wrong := np.flatnonzero((trace.scores != expected.scores()).any(axis=1))).size:
            yield f"{flip}: the scores of sample {wrong[0]} differ"


def _guards(
    held: Sequence[Unit], lost: Lost, accelerator: Accelerator, family: Family
) -> tuple[tuple[Guard, ...], tuple[int, int]]:
    """Of the costliest columns stored three times, and of a bit of parity for every word."""
    inputs = 6 if family in ("xc7", "xcup") else 4  # of a LUT
    styles = {stage.name: stage.parameters().get("ROM_STYLE", "auto") for stage in accelerator.stages}
    columns: list[tuple[int, Place]] = []
    sizes: dict[Place, tuple[int, int]] = {}
    for unit in held:
        for of in ("weights", "thresholds") if unit.hidden else ("weights",):
            losses = np.maximum(lost[unit.name, of], 0)
            width = unit.pe * (unit.simd if of == "weights" else unit.bits)
            if of == "weights":
                by_column = losses.reshape(-1, unit.pe, losses.shape[1] // unit.simd, unit.simd).sum(axis=(0, 2))
            else:
                by_column = losses.reshape(-1, unit.pe, unit.bits).sum(axis=0)
            sizes[unit.name, of] = losses.size // width, width
            columns += [(int(cost), (unit.name, of)) for cost in by_column.ravel()]
    columns.sort(key=lambda each: -each[0])
    whole = max(1, sum(cost for cost, _ in columns))

    def more(place: Place, extra: int, logic: int) -> tuple[int, int]:
        """LUTs and blocks for so many columns more, beside `logic` LUTs."""
        words, width = sizes[place]
        style = styles[place[0]] if place[1] == "weights" else "auto"
        now, then = (placement(words, each, family, style=style) for each in (width, width + extra))  # type: ignore[arg-type]
        leaves = -(-words // (1 << inputs))
        return logic + (0 if then.blocks else extra * (2 * leaves - 1)), then.blocks - now.blocks

    guards = []
    for share in GUARDED:
        count = max(1, round(share * len(columns)))
        chosen = [place for _, place in columns[:count]]
        costs = [more(place, 2 * chosen.count(place), chosen.count(place)) for place in dict.fromkeys(chosen)]
        removed = sum(cost for cost, _ in columns[:count]) / whole
        guards.append(Guard(count, len(columns), removed, sum(c[0] for c in costs), sum(c[1] for c in costs)))
    costs = [more(place, 1, -(-width // (inputs - 1))) for place, (_, width) in sizes.items()]
    return tuple(guards), (sum(c[0] for c in costs), sum(c[1] for c in costs))
