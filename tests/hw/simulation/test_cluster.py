"""The same shares over a dask cluster: one machine's digest, and a worker that is killed loses nothing."""

from __future__ import annotations

import os
import signal
import tracemalloc

import numpy as np
import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.hw.simulation import cluster, library
from bitneck.hw.simulation.library import build
from bitneck.hw.verilog import verilog
from random_nets import random_frames, random_graph

GRAPH = random_graph([64, 32, 32, 10], 5, name="digits")  # as in test_tiers: it is compiled already
ACCELERATOR = lower(GRAPH, fold(GRAPH, 32))
X = random_frames(GRAPH, 240)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    return build(ACCELERATOR, tmp_path_factory.mktemp("cluster"))


def test_a_killed_worker_loses_nothing_and_the_digests_are_those_of_one_machine(simulator):
    distributed = pytest.importorskip("distributed")
    quiet = {"silence_logs": 50, "dashboard_address": None}
    expected = GRAPH(X)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as machines,
        distributed.Client(machines) as client,
    ):
        pids = list(client.run(os.getpid).values())
        done = []
        for part in cluster.parts(client, ACCELERATOR, verilog(ACCELERATOR), X, most=12):
            if len(done) == 3:
                os.kill(pids[0], signal.SIGKILL)
            done.append(part)
        assert pids[0] not in client.run(os.getpid).values()
    trace = library.concatenate([part.trace for part in done])
    assert len(done) == 20
    assert trace.layers() == expected.layers() == simulator(X).trace.layers()
    assert np.array_equal(np.concatenate([part.classes for part in done]), expected.predictions())


def test_memory_does_not_grow_with_the_number_of_frames(simulator, monkeypatch):
    monkeypatch.setattr(library, "SHARE", 250)

    def peak(frames: int) -> int:
        x = np.resize(X, (frames, X.shape[1]))
        tracemalloc.start()
        assert sum(len(part.classes) for part in simulator.parts(x, workers=2)) == frames
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(500)
    # How many shares there are at once is the threads' matter: up to 1.7 times as much. With all frames kept it is 3.3.
    assert min(peak(12_000) for _ in range(3)) < 2 * peak(1000)
