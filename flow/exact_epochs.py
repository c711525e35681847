"""Layers over a training, all inputs of a region counted at every epoch: an information plane without any sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..hw.exact.shards import TWO_THREADS, Spread
from ..ib_analysis.diagnostics import Verdict
from ..ib_analysis.entropy import plug_in
from ..ib_analysis.information import Estimate
from ..ib_analysis.plane import PlanePoint
from .config import RunError
from .exact import Tell
from .exact_free import FreeRegion, over
from .exact_record import Free, OutsideY
from .exact_y import TOO_MANY, Y, said_of
from .files import write
from .folder import RunFolder, history
from .held import writing

YOf: TypeAlias = Callable[[FreeRegion], Y]
STEPS = 1000  # of the progress of an epoch


@dataclass(frozen=True)
class AtEpoch:
    """What was counted of one epoch's net. said: of a Y from outside, where one was asked for."""

    epoch: int
    free: Free
    said: OutsideY | None


@writing
def over_epochs(
    folder: RunFolder,
    bits: Sequence[int] | None,
    epochs: Sequence[int] | None = None,
    y_of: YOf | None = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    tell: Tell = lambda done, total, remark: None,
) -> list[AtEpoch]:
    """What `exact_free.free` counts, and of a Y what `exact_y.said_of` does, of the nets at captured epochs, None for
    all of them.

    Each epoch has a file in exact/, and what lies there is not counted again. With a Y the plane is drawn, too, as
    exact/plane.html and plane.svg.
    """
    region = FreeRegion.of(folder, bits, base, data_dir).checked()
    wanted = folder.origin().record.epochs if epochs is None else sorted(set(epochs))
    nets = [region.at(epoch) for epoch in wanted]  # before anything is counted: are they all there?
    y = None if y_of is None else y_of(region)
    found = []
    for done, (epoch, net) in enumerate(zip(wanted, nets, strict=True)):

        def told(part: int, parts: int, remark: str, done: int = done, epoch: int = epoch) -> None:
            tell(done * STEPS + STEPS * part // parts, len(wanted) * STEPS, f"epoch {epoch}: {remark}")

        said = None if y is None else said_of(y, net, spread, told)
        found.append(AtEpoch(epoch, over(net, spread, told), said))
    if y is not None:
        if not (drawn := points(found)):
            raise RunError(f"{TOO_MANY}, or later epochs")
        _draw(folder, found, drawn)
    return found


def points(counted: Sequence[AtEpoch]) -> list[PlanePoint]:
    """Of each layer and epoch where a Y was asked for and codes could be counted."""
    return [point for each in counted if each.said is not None for point in _points(each.epoch, each.free, each.said)]


def _points(epoch: int, free: Free, said: OutsideY) -> list[PlanePoint]:
    inputs = 1 << len(free.free)

    def exactly(bits: float, symbols: int) -> Estimate:
        return Estimate(bits, bits, bits, plug_in.__name__, "enumerated", inputs, Verdict.EXACT, symbols, 1.0, False)

    made = []
    for layer, i_ty, pairs in zip(free.layers, said.i_ty_bits, said.pairs, strict=True):
        if layer.entropy_bits is not None and layer.codes is not None and i_ty is not None and pairs is not None:
            both = exactly(layer.entropy_bits, layer.codes), exactly(i_ty, pairs)
            made.append(PlanePoint(layer.layer, epoch, *both, layer.neurons, said.class_entropy_bits))
    return made


def _draw(folder: RunFolder, counted: Sequence[AtEpoch], drawn: Sequence[PlanePoint]) -> None:
    from ..ib_analysis.pictures.plots import run_figure, svg
    from .pages.plane_page import page, sections

    free, said = counted[0].free, counted[0].said
    rows = history(folder)
    remark = f"all 2^{len(free.free)} inputs, none of them sampled; Y is the {said}"
    epochs = [int(row["epoch"]) for row in rows]
    train, test = ([row[kind] for row in rows] for kind in ("train_accuracy", "test_accuracy"))
    accuracy = dict(zip(epochs, test, strict=True))
    write(folder.exact_plane, page(sections(folder.path.name, drawn, (), remark, accuracy)))
    write(folder.exact_plane.with_suffix(".svg"), svg(run_figure(drawn, epochs, train, test)))
