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
        epochs = sorted(self.i_xt)
        first, last = self.i_xt[epochs[0]], self.i_xt[epochs[-1]]
        rose = any(self.i_xt[epoch][0] > first[1] for epoch in epochs[1:])
        fell = max(self.i_xt[epoch][0] - last[1] for epoch in epochs[:-1])
        lost = f"loses {fell:.1f} bits and more" if fell > 0 else ""
        return " and ".join(filter(None, ["rises" if rose else "", lost])) or "undecided: the ends overlap"

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
