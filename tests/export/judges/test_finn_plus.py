"""FINN+, from its own environment, reads our files and says the same of every bit; where it would err, it is seen."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from bitneck.export.graph import Graph
from bitneck.export.judges.estimates import Estimates, Operator, beside, text
from bitneck.export.judges.finn_plus import PYTHON, JudgeError, Verdict, available, judge
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export, serialize
from bitneck.flow.config import CYCLES
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import Folding, fold
from bitneck.models.config import preset
from numpy.typing import NDArray
from onnx import numpy_helper

MISSING = available()
judged = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


def lanes(foldings: dict[str, Folding]) -> dict[str, tuple[int, int]]:
    return {name: (folding.pe, folding.simd) for name, folding in foldings.items()}


def asked(model: bytes, x: NDArray[np.uint8], cycles: int = 64) -> tuple[Graph, Verdict]:
    graph = streamline(model).graph
    return graph, judge(model, x, lanes(fold(graph, cycles)))


def all_inputs(bits: int) -> NDArray[np.uint8]:
    return (np.arange(1 << bits)[:, None] >> np.arange(bits) & 1).astype(np.uint8)


@judged
@pytest.mark.parametrize("name", ["digits", "digits-tiny", "twelve", "tfc", "sfc", "lfc"])
def test_finn_plus_emits_our_codes_and_counts_our_cycles_for_presets_of_every_shape(name, adversarial, walk, pixels):
    """Batch-norms of every kind that moves a decision somewhere: ties, falling, flat, always, never."""
    config = preset(name).network
    net = adversarial(config.widths, config.input_bits, activation=config.activation)
    x = all_inputs(12) if name == "twelve" else pixels(net, 1000)
    model = serialize(export(net, name.replace("-", "_")))
    graph, verdict = asked(model, x, CYCLES[name])
    assert verdict.mismatches(graph, graph(x), x) == []
    assert verdict.mismatches(graph, walk(net, x), x) == []
    stages = lower(graph, fold(graph, CYCLES[name])).stages
    *layers, whole = beside(verdict.estimates, {stage.name: stage.cycles for stage in stages})
    assert [row.name for row in layers] == [*(layer.name for layer in graph.layers), "argmax"]
    assert [row.their_cycles for row in layers] == [row.cycles for row in layers]
    assert whole.their_cycles == whole.cycles
    assert all(row.their_luts for row in layers if row.name != "argmax")


@judged
def test_every_accumulator_of_every_kind_of_neuron_is_decided_by_finn_plus_as_in_torch(adversarial, walk):
    net = adversarial((8, 300, 2), 1)
    graph, verdict = asked(serialize(export(net)), all_inputs(8))
    assert verdict.mismatches(graph, walk(net, all_inputs(8)), all_inputs(8)) == []


@judged
def test_finn_plus_agrees_on_every_sample_of_a_trained_run(finished_run):
    from bitneck.models.datasets import load

    x, _ = load("digits-twice").all()
    graph, verdict = asked((finished_run / "model.onnx").read_bytes(), x)
    assert verdict.mismatches(graph, graph(x), x) == []


@judged
def test_finn_plus_gives_the_first_of_equal_scores_as_the_class(adversarial):
    net = adversarial((8, 5, 4), 1)
    net.scores.weight.data[:] = net.scores.weight.data[0]
    graph, verdict = asked(serialize(export(net)), all_inputs(8))
    assert verdict.mismatches(graph, graph(all_inputs(8)), all_inputs(8)) == []
    assert not verdict.classes["finn-plus hardware"].any()


@judged
def test_one_threshold_moved_by_one_in_the_file_is_found_with_its_neuron(adversarial):
    net = adversarial((8, 12, 3), 1, kinds=("rising", "falling"))
    model, x = export(net), all_inputs(8)
    graph = streamline(model).graph
    neuron = next(row for row, threshold in enumerate(graph["dense1"].threshold) if 1 < threshold < 8)
    (midpoint,) = [tensor for tensor in model.graph.initializer if tensor.name == "dense1.midpoint"]
    moved = numpy_helper.to_array(midpoint).copy()
    moved[neuron] += 2
    midpoint.CopyFrom(numpy_helper.from_array(moved, midpoint.name))
    verdict = judge(serialize(model), x, {})
    wrong = verdict.mismatches(graph, graph(x), x)
    assert len(wrong) == 2
    assert all(line.startswith(f"dense1: neuron {neuron}, sample ") for line in wrong)
    assert "graph says 1, finn-plus says 0" in wrong[0]
    assert "graph says 1, finn-plus hardware says 0" in wrong[1]


@judged
def test_accumulators_that_finn_plus_makes_too_narrow_for_a_popcount_are_named(adversarial):
    """FINN+ 1.6.1 gives eight agreeing bits a type that ends at 7, and clips "never", 9, to 8."""
    net = adversarial((8, 300, 2), 1)
    graph, verdict = asked(serialize(export(net)), all_inputs(8))
    (found, _, _) = verdict.estimates.operators
    assert found.overflow == "dense1: 8 agreeing bits occurred, INT4 ends at 7"
    complaint = verdict.mismatch(verdict.narrowed, graph, graph(all_inputs(8)), all_inputs(8))
    assert complaint is not None
    assert "graph says 0, finn-plus narrowed says 1; accumulator 8 < threshold 9" in complaint


@judged
def test_at_the_folding_that_finn_publishes_tfc_takes_the_cycles_that_finn_publishes(adversarial, pixels):
    net = adversarial((784, 64, 64, 64, 10), 8)
    folding = {"binarize": (49, 1), "dense1": (16, 49), "dense2": (8, 8), "dense3": (8, 8), "scores": (10, 8)}
    estimates = judge(serialize(export(net)), pixels(net, 10), folding).estimates
    assert [operator.cycles for operator in estimates.operators] == [16, 64, 64, 64, 8, 10]
    assert estimates.cycles == 64
    assert estimates.bram18 == sum(operator.bram18 for operator in estimates.operators) > 0


@judged
def test_what_finn_plus_cannot_take_is_one_line(adversarial, pixels):
    net = adversarial((9, 7, 3), 2)
    model, x = serialize(export(net)), pixels(net, 4)
    with pytest.raises(JudgeError, match="the file takes 9 inputs, the samples have 8"):
        judge(model, x[:, :8].copy(), {})
    with pytest.raises(JudgeError, match=r"does not get through this file: .*DecodeError"):
        judge(model[:100], x, {})
    with pytest.raises(JudgeError, match=r"stopped after 0\.2 s"):
        judge(model, x, {}, limit_s=0.2)
    other = onnx.load_model_from_string(model)
    other.graph.node[-1].op_type = "Relu"
    del other.graph.node[-1].input[1:]
    with pytest.raises(JudgeError, match="does not get through this file: "):
        judge(serialize(other), x, {})


@judged
def test_progress_says_what_finn_plus_is_at(adversarial, pixels):
    net = adversarial((9, 7, 3), 2)
    told: list[str] = []
    judge(serialize(export(net)), pixels(net, 40), {}, progress=told.append)
    assert told[0] == "streamlining"
    assert "executing 40 samples, hardware" in told


def test_where_finn_plus_is_missing_one_sentence_says_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv(PYTHON, str(tmp_path / "python"))
    assert available() == (
        f"FINN+ is not installed: {tmp_path / 'python'}: No such file or directory; `make judge` installs it, "
        "or set BITNECK_FINN_PLUS to the Python of an environment that has it"
    )
    with pytest.raises(JudgeError, match="`make judge` installs it"):
        judge(b"", np.zeros((1, 1), dtype=np.uint8), {})
    monkeypatch.setenv(PYTHON, sys.executable)
    assert "has no finn-plus, not 1.6.1; `make judge` installs it" in str(available())


def test_estimates_stand_beside_ours_layer_by_layer_and_in_all():
    operators = (
        Operator("dense1", "MVAU_hls", 64, 700, 2, 0, "INT7", 63, 40),
        Operator("scores", "MVAU_hls", 32, 300, 1, 0, "INT7", 63, 64),
        Operator("argmax", "LabelSelect_hls", 10, 0, 0, 0, None, None, None),
    )
    estimates = Estimates("xc7z020clg400-1", operators)
    assert [operator.overflow is not None for operator in operators] == [False, True, False]
    ours = {"dense1": 64, "scores_in_up": 80, "scores": 32, "argmax": 10}
    rows = beside(estimates, ours, {"dense1": 500, "scores_in_up": 20, "scores": 200})
    assert [(row.cycles, row.their_cycles) for row in rows] == [(64, 64), (32, 32), (10, 10), (80, 64)]
    assert [(row.luts, row.their_luts) for row in rows] == [(500, 700), (200, 300), (None, 0), (720, 1000)]
    assert beside(estimates, ours)[-1].luts is None
    assert list(text(rows))[-1].split() == ["all", "80", "64", "720", "1,000", "3"]
