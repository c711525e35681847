"""Small runs as a training would give them, in every state that a picture or a table has to tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.plane import plane


@pytest.fixture(scope="session")
def run():
    """(samples, widths, target, epochs, seed) -> points: random layers on a latent that learns its class by and by."""

    def points(samples, widths, target, epochs=(0, 1, 2, 5, 10), seed=0, brackets=False):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 10, samples)
        latent, prototypes = rng.normal(size=(samples, 8)), rng.normal(size=(10, 8))
        weights = [rng.normal(size=shape) for shape in zip((8, *widths), widths, strict=False)]

        def layers(epoch):
            h, codes = latent + 0.3 * epoch * prototypes[labels], {}
            for index, weight in enumerate(weights):
                bits = h @ weight >= 0
                codes[f"layer{index + 1}"], h = Codes.pack(bits), np.where(bits, 1.0, -1.0)
            return codes

        return plane(((epoch, layers(epoch)) for epoch in epochs), labels, target, brackets=brackets)

    return points


@pytest.fixture(scope="session")
def several(run):
    """Three runs that differ in their seed only."""
    return [run(2000, (6, 3), "dataset", seed=seed) for seed in range(3)]
