"""What brackets say of the seed paper's wide layers, where counting sees the sample size and not the net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ..measured import Row
from ..sweep import rows_of
from .paper_nets import Variant

Ends: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class WideLayer:
    """The population's ends (low, high), in bits, of a layer at some epochs of one training; at least two of them."""

    layer: str
    width: int
    i_xt: Mapping[int, Ends]
    i_ty: Mapping[int, Ends]

    @property
    def rises(self) -> str:
        """Whether I(X;T) was ever higher than the untrained net's for certain, and whether the trained net's is lower
        than some before: what no place between the ends can undo.
        """
        first, *later = (self.i_xt[epoch] for epoch in sorted(self.i_xt))
        fell = max(one[0] for one in (first, *later[:-1])) - later[-1][1]
        rose = any(low > first[1] for low, _ in later)
        if fell <= 0:
            return "rises" if rose else "undecided: the ends overlap"
        at_once = all(high < first[0] for _, high in later)
        how = (
            "rises, then loses" if rose else "falls below the untrained net's at once and loses" if at_once else "loses"
        )
        return f"{how} {fell:.1f} bits and more"

    @property
    def fits(self) -> str:
        """The same of I(T;Y), which a net is to gain."""
        epochs = sorted(self.i_ty)
        gained = self.i_ty[epochs[-1]][0] - self.i_ty[epochs[0]][1]
        if gained > 0:
            return f"gains {gained:.1f} bits and more"
        low, high = self.i_ty[epochs[0]][0], self.i_ty[epochs[-1]][0]
        return f"undecided: a probe finds {low:.1f}, later {high:.1f}, of {self.i_ty[epochs[-1]][1]:.1f}"


def wide_layers(folder: Path, variant: Variant) -> list[WideLayer]:
    """Of the variant's first seed; none where it has no brackets."""
    if not (variant.brackets and variant.binary):
        return []
    rows = rows_of(folder, variant.tasks[0])
    made = []
    for layer in dict.fromkeys(row["layer"] for row in rows):
        own = [row for row in rows if row["layer"] == layer]
        ends = [_by_epoch(own, name) for name in ("i_xt", "i_ty")]
        if min(map(len, ends)) > 1:
            made.append(WideLayer(layer, own[0]["width"], *ends))
    return made


def _by_epoch(rows: Sequence[Row], name: str) -> dict[int, Ends]:
    low, high = f"{name}_at_least_bits", f"{name}_at_most_bits"
    return {row["epoch"]: (row[low], row[high]) for row in rows if row.get(low) is not None}


def wide_part(folder: Path, variants: Sequence[Variant]) -> list[dict[str, Any]]:
    """A table for each variant that has brackets, for the template."""
    tables = []
    for variant in variants:
        layers = wide_layers(folder, variant)
        epochs = sorted({epoch for layer in layers for epoch in layer.i_xt})
        if layers:
            tables.append({"name": variant.name, "epochs": epochs, "layers": layers})
    return tables
