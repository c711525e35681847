"""Nets of 2 bits that are trained here: torch = QONNX = graph = RTL in every bit of every level."""

from __future__ import annotations

import json

import pytest
from bitneck import flow
from bitneck.flow.config import changed, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.flow.map_shapes import map_shapes
from bitneck.flow.run import RunError
from bitneck.flow.shrink import Shrinking, Wish
from bitneck.models.config import NetworkConfig
from pydantic import ValidationError


@pytest.mark.parametrize(("preset", "weight_bits"), [("digits-conv", 2), ("digits-small", 1)])
def test_four_sources_emit_the_same_levels_of_every_layer_for_every_sample(preset, weight_bits, tmp_path):
    folder = RunFolder(tmp_path / "run")
    few = {"network__activation_bits": 2, "network__weight_bits": weight_bits}
    flow.train(
        folder,
        changed(from_preset(preset), **few, training__epochs=2, analysis__samples="test", analysis__brackets=0),
    )
    flow.export(folder)
    flow.build(folder)
    assert flow.simulate(folder).equal
    verification = json.loads(folder.verification.read_text())
    for row in verification["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1
    assert verification["cycles_per_frame"] == verification["promised_cycles"]
    assert {shape.bits for shape in map_shapes(folder).values()} == ({2} if preset == "digits-conv" else set())
    with pytest.raises(RunError, match="is a net of"):
        Shrinking(folder, Wish("up5k"), tmp_path / "shrunk", None)


def test_a_float_net_has_no_bits():
    with pytest.raises(ValidationError, match="a net of relu is of floats"):
        NetworkConfig(widths=(4, 3, 2), input_bits=1, activation="relu", weight_bits=2)
