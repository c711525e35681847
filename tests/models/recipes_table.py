"""`make recipes`: a net trained plainly, taught without labels as S2-BNN is, and by RBONN; see docs/recipes.md.

Needs mnist/ where BITNECK_DATA says. The teacher is a float net 784-512-512-10, trained here once.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import Any

from bitneck.models import training
from bitneck.models.config import NetworkConfig, TrainingConfig, preset
from bitneck.models.datasets import load
from bitneck.models.networks import Net

TEACHER = NetworkConfig(widths=(784, 512, 512, 10), input_bits=8, activation="relu", batch_norm=True)
OF_TEACHER = TrainingConfig(epochs=10, learning_rate=training.TEACHING)
RECIPES: dict[str, dict[str, Any]] = {
    "as the preset": {},
    "S2-BNN: the teacher alone, `soft = 1`": {"teacher": "float", "soft": 1.0},
    "the teacher and labels, `soft = 0.9`": {"teacher": "float", "soft": 0.9},
    "RBONN, `bilinear = 1e-4`": {"bilinear": 1e-4},
    "RBONN, `bilinear = 1e-6`": {"bilinear": 1e-6},
}


def trained(run: training.Run) -> float:
    """Seconds."""
    began = time.perf_counter()
    for _ in training.train(run):
        pass
    return time.perf_counter() - began


def rows(name: str, epochs: int, seeds: int, teacher: Net) -> Iterator[str]:
    data, chosen = load("mnist"), preset(name)
    for label, changed in RECIPES.items():
        accuracies, seconds = [], 0.0
        for seed in range(seeds):
            recipe = chosen.training.model_copy(update={"epochs": epochs, "seed": seed, "teacher_epochs": 0, **changed})
            run = training.start(chosen.network, recipe, data, teacher=teacher if recipe.teacher else None)
            seconds += trained(run)
            accuracies.append(100 * run.history[-1].test_accuracy)
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        yield f"| {name} | {label} | {each} | {statistics.median(accuracies):.2f} % | {seconds / seeds:.0f} s |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("nets", nargs="*", default=["tfc", "mnist-small"])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    teacher = training.start(TEACHER, OF_TEACHER, load("mnist"))
    seconds = trained(teacher)
    print(f"teacher {100 * teacher.history[-1].test_accuracy:.2f} %, {seconds:.0f} s", flush=True)
    for name in options.nets:
        for row in rows(name, options.epochs, options.seeds, teacher.net):
            print(row, flush=True)


if __name__ == "__main__":
    main()
