"""The shares of a simulation over an existing dask cluster: the same shares, the same order, the same bytes.

A share that a lost worker had is simulated by another one. Every machine compiles the design for itself: what is
compiled here need not run there.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Generator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from .library import NO_STALLS, Promise, Simulation, Simulator, Stalls, build, in_order, share_of, shares

if TYPE_CHECKING:
    from distributed import Client

RETRIES = 2  # of a share that raised; dask itself gives a share of a killed worker to another one


def parts(
    client: Client,
    accelerator: Accelerator,
    design: Mapping[str, str],
    x: NDArray[np.uint8],
    stalls: Stalls = NO_STALLS,
    most: int | None = None,
) -> Generator[Simulation, None, None]:
    """What the frames x do in the design, share after share in order, as `Simulator.parts` of one machine.

    most   frames of a share; by default as many as there

    Raises SimulationError as there.
    """
    threads = max(1, sum(client.nthreads().values()))
    both = pickle.dumps((accelerator, dict(design)))  # with every share: what lay on a worker would be lost with it

    def submit(share: NDArray[np.uint8]) -> Promise:
        return client.submit(_simulated, both, share, stalls, retries=RETRIES, pure=False)

    given = shares(x, threads, most or share_of(accelerator))
    yield from in_order(given, 2 * threads, submit)  # nobody waits for what to do next


def _simulated(both: bytes, share: NDArray[np.uint8], stalls: Stalls) -> Simulation:
    """A share, on a worker."""
    simulator, _ = _built(both)
    return simulator(share, stalls)


@lru_cache(maxsize=2)
def _built(both: bytes) -> tuple[Simulator, tempfile.TemporaryDirectory]:
    """The design of all shares that follow, and the folder of its memories, which goes when it does."""
    accelerator, design = pickle.loads(both)
    folder = tempfile.TemporaryDirectory(prefix="bitneck-")
    return build(accelerator, Path(folder.name), design), folder
