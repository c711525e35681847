"""Is late compression good for the test accuracy? Nothnagel and Geiger 2026, arXiv 2605.03636, in small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...ib_analysis.dynamics import RankCorrelation, rank_correlation
from ..config import changed, from_preset
from ..sweep import Task, rows_of, trajectories_of

SHAPES = ((12, 8, 8, 8, 2), (12, 8, 6, 4, 2), (12, 6, 4, 3, 2))
DECAYS = (0.0, 1e-4, 1e-3)


def generalisation(seeds: int, epochs: int) -> list[Task]:
    """Nets of other widths and weight decays on the 12-bit set, where every number is exact."""
    base = changed(from_preset("twelve"), training__epochs=epochs)
    return [
        Task(
            changed(base, network__widths=widths, training__weight_decay=decay, training__seed=seed),
            (("widths", "-".join(map(str, widths))), ("weight decay", decay), ("seed", seed)),
        )
        for widths in SHAPES
        for decay in DECAYS
        for seed in range(seeds)
    ]


@dataclass(frozen=True)
class Generalisation:
    """late   bits of late compression and test accuracy of every net, by hidden layer, by shape"""

    nets: int
    late: dict[str, dict[str, tuple[list[float], list[float]]]]
    correlations: dict[str, RankCorrelation]

    def sentence(self) -> str:
        sure = [layer for layer, found in self.correlations.items() if found.consistent]
        if not sure:
            return (
                f"Over {self.nets} nets no hidden layer's late compression goes with the test accuracy: every interval "
                "of the rank correlation holds 0."
            )
        words = ", ".join(f"{layer} ({self.correlations[layer].rho:+.2f})" for layer in sure)
        others = len(self.correlations) - len(sure)
        return f"Over {self.nets} nets late compression goes with the test accuracy in {words}; in {others} layers not."


def generalised(folder: Path, tasks: Sequence[Task]) -> Generalisation:
    """What the sweep's folder holds of `generalisation`."""
    late: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for task in tasks:
        rows, shape = rows_of(folder, task), str(dict(task.varied)["widths"])
        for t in trajectories_of(rows):
            if t.layer != "scores":
                bits, accuracy = late.setdefault(t.layer, {}).setdefault(shape, ([], []))
                bits.append(t.late_compression_bits)
                accuracy.append(rows[-1]["test_accuracy"])
    correlations = {
        layer: rank_correlation(*([value for pair in shapes.values() for value in pair[side]] for side in (0, 1)))
        for layer, shapes in late.items()
    }
    return Generalisation(len(tasks), late, correlations)
