"""What the nets of the seed paper have shown: figures of each kind and layer over its seeds, and their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ...ib_analysis.dynamics import Trajectory, dpi_violations
from ..sweep import rows_of, trajectories_of
from .paper_nets import Variant

NOTABLE_BITS = 0.1  # less is no rise and no compression worth the word
NOTABLE_SHARE = 0.1  # of the compression: a smaller rise is no phase of its own


@dataclass(frozen=True)
class LayerFigures:
    """Medians over the seeds, with the smallest and the largest; bits and epochs.

    while_fitting   share of the compression that is over when I(T;Y) has made 90 % of its gain; None where no seed
                    compresses
    """

    layer: str
    first: tuple[float, float, float]
    last: tuple[float, float, float]
    rise: tuple[float, float, float]
    peak_epoch: tuple[float, float, float]
    compression: tuple[float, float, float]
    while_fitting: tuple[float, float, float] | None
    i_ty_last: tuple[float, float, float]


@dataclass(frozen=True)
class Found:
    """What came out of one variant."""

    variant: Variant
    layers: tuple[LayerFigures, ...]
    accuracy: tuple[float, float, float]
    violations: int

    @property
    def rises(self) -> list[LayerFigures]:
        """Layers with a fitting phase of their own: what they gain first counts, also beside what they lose."""
        return [
            layer
            for layer in self.layers
            if layer.rise[0] > NOTABLE_BITS and layer.rise[0] > NOTABLE_SHARE * layer.compression[0]
        ]

    @property
    def compresses(self) -> list[LayerFigures]:
        return [layer for layer in self.layers if layer.compression[0] > NOTABLE_BITS]

    def sentence(self) -> str:
        """What the numbers say of the claim, in words."""
        if not self.compresses:
            return f"{self.variant.name}: no layer loses {NOTABLE_BITS} bit of I(X;T); there is no compression to time."
        rising = ", ".join(f"{layer.layer} (+{layer.rise[0]:.2f} bit)" for layer in self.rises) or "none"
        shares = [layer.while_fitting[0] for layer in self.compresses if layer.while_fitting]
        share = f"{median(shares):.0%}" if shares else "none"
        return (
            f"{self.variant.name}: I(X;T) rises first in {len(self.rises)} of {len(self.layers)} layers ({rising}) and "
            f"falls in {len(self.compresses)}; of the fall, {share} (median over layers) is over when the fit is."
        )


def found(folder: Path, variant: Variant) -> tuple[Found, list[list[Trajectory]]]:
    """What the sweep's folder holds of a variant, and the trajectories of every seed for the picture."""
    runs = [rows_of(folder, task) for task in variant.tasks]
    seeds = [trajectories_of(rows) for rows in runs]
    layers = []
    for each in zip(*seeds, strict=True):
        shares = [share for t in each if (share := t.compression_while_fitting()) is not None]
        layers.append(
            LayerFigures(
                each[0].layer,
                first=_spread([t.i_xt[0] for t in each]),
                last=_spread([t.i_xt[-1] for t in each]),
                rise=_spread([t.rise_bits for t in each]),
                peak_epoch=_spread([t.peak_epoch for t in each]),
                compression=_spread([t.compression_bits for t in each]),
                while_fitting=_spread(shares) if shares else None,
                i_ty_last=_spread([t.i_ty[-1] for t in each]),
            )
        )
    accuracy = _spread([rows[-1]["test_accuracy"] for rows in runs])
    return Found(variant, tuple(layers), accuracy, sum(len(dpi_violations(each)) for each in seeds)), seeds


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest, largest."""
    return float(median(values)), float(min(values)), float(max(values))
