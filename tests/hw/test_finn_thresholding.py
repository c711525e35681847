"""FINN's own SystemVerilog of a layer's thresholds, made from our file, fires where ours does: at every accumulator.

The RTL is FINN+'s: it is generated from its installation when the test runs, and Verilator simulates it without Vivado.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from bitneck.export.graph import Binarize, Dense
from bitneck.export.judges.finn_plus import ThresholdingRtl, available, thresholding_rtl
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.hw.packing import integer_bits
from bitneck.hw.simulation.runner import run_cocotb
from bitneck.hw.verilog import bytes_up, module, stream_ports
from stage_bench import PROMISES, RANDOM_START, VERILATOR, numbers

MISSING = available()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

WIDTHS, BITS = (12, 24, 16, 4), 4
LANES = {"binarize": (4, 1), "dense1": (6, 4), "dense2": (16, 8), "scores": (2, 8)}
LAYERS = ["binarize", "dense1", "dense2"]


def top(made: Sequence[ThresholdingRtl]) -> str:
    """One module with FINN's wrappers as instances, their ports named as `bench_stream` names them."""
    ports: list[str] = []
    body: list[str] = []
    for one in made:
        ports += [f"input  wire {one.name}_clk", f"input  wire {one.name}_rst"]
        sent, taken = bytes_up(one.pe * one.input_bits), bytes_up(one.pe)
        ports += stream_ports(f"{one.name}_s_axis", sent, sends=False)
        ports += stream_ports(f"{one.name}_m_axis", taken, sends=True)
        sides = {"in0_V": f"{one.name}_s_axis", "out0_V": f"{one.name}_m_axis"}
        wires = [
            f".{port}_{wire.upper()}({side}_{wire})"
            for port, side in sides.items()
            for wire in ("tdata", "tvalid", "tready")
        ]
        body.append(
            f"{one.top} finn_{one.name} (.ap_clk({one.name}_clk), .ap_rst_n(!{one.name}_rst), {', '.join(wires)});"
        )
    return module("stages", ports, body, "FINN's thresholds.")


def case(layer: Binarize | Dense, one: ThresholdingRtl) -> dict[str, object]:
    """Every value that can enter, to all channels at once, and which of them fire."""
    values = np.arange(1 << layer.bits if isinstance(layer, Binarize) else layer.inputs + 1)
    entering = np.repeat(values[:, None], layer.outputs, axis=1)
    beats = layer.outputs // one.pe
    sent = numbers(integer_bits(entering.reshape(-1, one.pe), one.input_bits))
    expected = numbers((entering >= layer.threshold).reshape(-1, one.pe))
    return {
        "sent": sent,
        "expected": expected,
        "directed": sent,
        "answers": expected,
        "in_beats": beats,
        "out_beats": beats,
        "cycles": beats,
        "holds": None,
        "patience": 200,
        "large": False,
        "group": None,
    }


@pytest.fixture(scope="module")
def complaints(net, tmp_path_factory) -> Mapping[str, str | None]:
    """Of every test of `bench_stream`, None where it passed."""
    folder = tmp_path_factory.mktemp("thresholding")
    model = serialize(export(net))
    graph = streamline(model).graph
    made = thresholding_rtl(model, LANES, folder)
    assert [one.name for one in made] == LAYERS
    sources = {source.name: source for one in made for source in one.sources}
    for one in made:
        for memory in one.sources[-1].parent.glob("*.dat"):
            shutil.copy(memory, folder / memory.name)
    (folder / "stages.sv").write_text(top(made))
    (folder / "cases.json").write_text(json.dumps({one.name: case(graph[one.name], one) for one in made}))
    here = {"PYTHONPATH": str(Path(__file__).parent)}
    every = [*sources.values(), folder / "stages.sv"]
    return run_cocotb("verilator", every, "stages", "bench_stream", folder, VERILATOR, RANDOM_START, environment=here)


@pytest.fixture(scope="module")
def net():
    """Thresholds at both ends and between: neurons that always fire, that never do, and every kind of rounding."""
    torch = pytest.importorskip("torch")
    from bitneck.models.brevitas_net import BrevitasNet
    from bitneck.models.config import NetworkConfig

    rng = np.random.default_rng(0)
    made = BrevitasNet(NetworkConfig(widths=WIDTHS, input_bits=BITS)).eval()
    with torch.no_grad():
        made.binarize.threshold.copy_(torch.from_numpy(rng.permutation(np.arange(12) * 16 // 11) - 0.5))
        for block in made.hidden:
            fan_in, width = block.linear.in_features, block.linear.out_features
            means = rng.permutation(np.linspace(-fan_in - 1, fan_in + 1, width))
            block.norm.running_mean.copy_(torch.from_numpy(means))
    return made


@pytest.mark.parametrize("name", LAYERS)
def test_thresholds_of_finn_in_simulation_fire_where_ours_do(complaints, name):
    found = {test: complaint for test, complaint in complaints.items() if f"/case={name}/" in f"{test}/"}
    assert len(found) == PROMISES
    assert not {test: complaint for test, complaint in found.items() if complaint}


def test_the_thresholds_that_are_simulated_reach_both_ends(net):
    graph = streamline(serialize(export(net))).graph
    for layer in (graph["dense1"], graph["dense2"]):
        assert {0, layer.inputs + 1} <= set(layer.threshold.tolist())
    assert {0, 16} <= set(graph["binarize"].threshold.tolist())
