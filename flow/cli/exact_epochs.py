"""What `exact` tells of a training: layers at every epoch, over all inputs of a region."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.table import Table

from ...hw.exact.shards import Spread
from ..exact_epochs import AtEpoch, YOf, over_epochs
from ..exact_labels import by_rule
from ..exact_teacher import by_teacher
from ..folder import RunFolder
from .console import bar, say, show
from .verb import Facts


def epochs_told(
    place: RunFolder,
    bits: list[int] | None,
    epochs: list[int] | None,
    teacher: Path | None,
    rule: str | None,
    base: int,
    data_dir: Path | None,
    spread: Spread,
) -> Facts:
    y_of: YOf | None = None
    with bar("exact") as tell:
        if teacher is not None:
            y_of = partial(by_teacher, RunFolder(teacher))
        elif rule is not None:
            y_of = partial(by_rule, rule, tell=tell)
        counted = over_epochs(place, bits, epochs, y_of, base, data_dir, spread, tell)
    show(_table(counted))
    inputs = f"{len(counted)} epochs, 2^{len(counted[0].free.free)} inputs each, exact"
    said = next((each.said for each in counted if each.said is not None and each.said.countable), None)
    if said is None:
        say("exact", inputs, place.exact_at(counted[-1].epoch).parent)
    else:
        say("exact", f"{inputs}; Y is the {said}, H(Y) {said.class_entropy_bits:.4f} bits", place.exact_plane)
    return {"epochs": [asdict(each) | {"class_entropy_bits": each.free.class_entropy_bits} for each in counted]}


def _table(counted: list[AtEpoch]) -> Table:
    y = counted[0].said is not None
    head = ("epoch", "H(class)", "layer", "codes", "H(T)", "H(T|class)", *["I(T;Y)"] * y)
    drawn = Table(*head, box=None, pad_edge=False)
    for number, column in enumerate(drawn.columns):
        column.justify = "left" if number == 2 else "right"
    for each in counted:
        answer = each.free.class_entropy_bits
        said = [None] * len(each.free.layers) if each.said is None else each.said.i_ty_bits
        for layer, i_ty in zip(each.free.layers, said, strict=True):
            numbers = ["too many", "", ""]
            if layer.codes is not None and layer.entropy_bits is not None:
                rest = max(0.0, layer.entropy_bits - answer)
                numbers = [f"{layer.codes:,}", f"{layer.entropy_bits:.4f}", f"{rest:.4f}"]
            told = ["" if i_ty is None else f"{i_ty:.4f}"] * y
            drawn.add_row(str(each.epoch), f"{answer:.4f}", layer.layer, *numbers, *told)
    return drawn
