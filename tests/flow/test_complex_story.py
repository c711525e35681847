"""A complex net becomes hardware, and half of its weights lie there: torch = QONNX = graph = RTL in every bit of every
quadrant, and a bit that flips is two weights.
"""

from __future__ import annotations

import json

import pytest
import torch
from bitneck import flow
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import changed, from_preset
from bitneck.flow.faults import faults
from bitneck.flow.folder import RunFolder
from bitneck.flow.run import RunError, built
from bitneck.flow.shrink import Shrinking, Wish
from bitneck.hw.stages import Mvtu
from bitneck.models.networks import Weighted

AS_THEY_ARE = {"training__epochs": 1, "training__warp": 0.0, "training__shift": 0}
COMPLEX = {"widths": (128, 12, 8, 4), "input_bits": 1, "complex": True}


def falling(block: Weighted) -> torch.nn.Module:
    """A batch-norm whose first gain begins below zero, where longer trainings leave some."""
    norm = torch.nn.BatchNorm1d(len(block.linear.weight))
    torch.nn.init.constant_(norm.weight[:1], -1)
    return norm


def test_four_sources_emit_the_same_codes_of_a_complex_net(tmp_path, monkeypatch):
    monkeypatch.setattr(Weighted, "normalisation", falling)
    folder = RunFolder(tmp_path / "run")
    small = {**AS_THEY_ARE, "analysis__samples": "test", "analysis__at_most": 300, "analysis__brackets": 0}
    network = {f"network__{name}": value for name, value in COMPLEX.items()}
    flow.train(folder, changed(from_preset("digits-tiny"), dataset="modulation", **network, **small))
    flow.export(folder)
    flow.build(folder)
    stages = [stage for stage in built(folder, graph_of(folder, own=False))[0].stages if isinstance(stage, Mvtu)]
    assert all(stage.turned and stage.mirrored is not None and stage.mirrored.any() for stage in stages)
    assert flow.simulate(folder).equal
    for row in json.loads(folder.verification.read_text())["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    found = faults(folder)
    assert found.replayed
    assert not found.differences
    stored = {row.layer: row.bits for row in found.memories if row.part == "weights"}
    assert stored == {"dense1": 128 * 12 // 2, "dense2": 12 * 8 // 2, "scores": 8 * 4}
    with pytest.raises(RunError, match="come in pairs"):
        Shrinking(folder, Wish("up5k"), tmp_path / "shrunk", None)
