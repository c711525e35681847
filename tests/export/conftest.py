"""Nets made to be misread, what torch says of them, and samples for them. Without torch what needs them is skipped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def adversarial() -> Callable:
    """adversarial(widths, input_bits, seed, kinds, activation) -> BinaryNet in evaluation mode of such neurons."""
    pytest.importorskip("torch")
    from adversarial_nets import adversarial_net

    return adversarial_net


@pytest.fixture(scope="session")
def walk() -> Callable:
    """walk(net, x) -> Trace: the modules one after the other and nothing else, the plain truth of torch."""
    pytest.importorskip("torch")
    from adversarial_nets import walk_net

    return walk_net


@pytest.fixture(scope="session")
def pixels() -> Callable:
    """pixels(net, samples) -> (samples, inputs) uint8."""

    def draw(net, samples: int, seed: int = 1) -> NDArray[np.uint8]:
        return np.random.default_rng(seed).integers(
            0, 1 << net.config.input_bits, (samples, net.config.inputs), dtype=np.uint8
        )

    return draw
