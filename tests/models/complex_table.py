"""`make complex`: a complex net on bursts of four modulations, beside real ones of as many weights and of as many
products; the table of docs/complex.md. Each is trained with several seeds, on the embedded set.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import pairwise

import numpy as np
from bitneck.models import training
from bitneck.models.capture import capture
from bitneck.models.config import NetworkConfig, TrainingConfig
from bitneck.models.datasets import load
from bitneck.models.modulation import CONSTELLATIONS, TESTED, bursts

NETS = {
    "complex, 64-32-32-4": NetworkConfig(widths=(128, 64, 64, 4), input_bits=1, complex=True),
    "real, as many products": NetworkConfig(widths=(128, 64, 64, 4), input_bits=1),
    "real, as many weights": NetworkConfig(widths=(128, 38, 38, 4), input_bits=1),
}
DECIBELS = (0, 5, 10, 15, 20)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    data = load("modulation")
    x, y, decibels = bursts(TESTED, np.random.default_rng(1))
    assert np.array_equal(x, data.test_x)
    for name, network in NETS.items():
        accuracies, right, seconds = [], [], 0.0
        for seed in range(options.seeds):
            run = training.start(network, TrainingConfig(epochs=options.epochs, seed=seed), data)
            began = time.perf_counter()
            for _ in training.train(run):
                pass
            seconds += time.perf_counter() - began
            right.append(capture(run.net, x).predictions() == y)
            accuracies.append(100 * right[-1].mean())
        each, mean = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies), np.mean(right, axis=0)
        by_noise = (
            f"{100 * mean[(decibels >= low) & (decibels < high)].mean():.1f}" for low, high in pairwise(DECIBELS)
        )
        by_class = (f"{kind} {100 * mean[y == number].mean():.1f}" for number, kind in enumerate(CONSTELLATIONS))
        size = f"{network.free_weights:,} | {network.products:,}"
        found = f"{each} | {statistics.median(accuracies):.2f} % | {' / '.join(by_noise)} | {', '.join(by_class)}"
        print(f"| {name} | {size} | {found} | {seconds / options.seeds:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
