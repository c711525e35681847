"""The exported file says what torch says, to every consumer, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from bitneck.export.annotations import QonnxError
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.judges.qonnx import execute
from bitneck.export.reading.streamline import streamline
from bitneck.export.reading.threshold import ThresholdError
from bitneck.export.writing.qonnx import export, serialize, thresholds
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.batchnorm_to_affine import BatchNormToAffine
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.cleanup import cleanup_model

torch = pytest.importorskip("torch")

SHAPES = [
    ((12, 10, 7, 5, 4, 3, 2), 1),
    ((9, 24, 17, 4), 3),
    ((8, 1, 1, 2), 1),
    ((1, 3, 2), 2),
    ((5, 6, 1), 8),
    ((33, 64, 64, 10), 8),
]

TRAINED = [("twelve", 1, (12, 10, 7, 5, 4, 3, 2)), ("digits", 5, (64, 24, 16, 10))]


def onnx_runtime(model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every code and the scores by ONNX Runtime with its optimisations on: it knows the file and nothing of qonnx."""
    wide = ModelWrapper(model, make_deepcopy=True).transform(ChangeBatchSize(len(x))).transform(InferShapes()).model
    names = [node.output[0] for node in wide.graph.node if node.output[0].endswith(".code")]
    known = {value.name: value for value in wide.graph.value_info}
    wide.graph.output.extend(known[name] for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(serialize(wide), options)
    bipolar = ModelWrapper(model).get_tensor_datatype("x") == DataType["BIPOLAR"]
    floats = x.astype(np.float32)
    answers = session.run([*names, "scores"], {"x": 2 * floats - 1 if bipolar else floats})
    return dict(zip([*names, "scores"], answers, strict=True))


def assert_all_sources_agree(net, x, walk) -> None:
    model = export(net)
    graph = streamline(model).graph
    reference = walk(net, x)
    assert first_mismatch(graph, reference, execute(model, x), x) is None
    assert first_mismatch(graph, reference, graph(x), x) is None
    by_runtime = onnx_runtime(model, x)
    for name, codes in reference.codes.items():
        assert np.array_equal(by_runtime[f"{name}.code"] > 0, codes.bits()), name
    assert np.array_equal(by_runtime["scores"], 2 * reference.scores - net.scores.in_features)


@pytest.mark.parametrize(("widths", "input_bits"), SHAPES)
def test_torch_qonnx_graph_and_onnx_runtime_emit_the_same_codes(widths, input_bits, adversarial, walk, pixels):
    net = adversarial(widths, input_bits)
    assert_all_sources_agree(net, pixels(net, 200), walk)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    widths=st.lists(st.integers(1, 20), min_size=3, max_size=5).map(tuple),
    input_bits=st.integers(1, 8),
    seed=st.integers(0, 2**16),
)
def test_any_adversarial_net_is_the_same_everywhere(widths, input_bits, seed, adversarial, walk, pixels):
    net = adversarial(widths, input_bits, seed)
    assert_all_sources_agree(net, pixels(net, 64, seed), walk)


def test_every_accumulator_of_every_kind_of_neuron_is_decided_as_in_torch(adversarial, walk):
    """All 2^8 inputs of a net whose first layer has every kind of batch-norm: each accumulator is reached."""
    net = adversarial((8, 300, 2), 1)
    x = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    assert_all_sources_agree(net, x, walk)


@pytest.mark.parametrize(("widths", "input_bits"), SHAPES)
def test_learnt_thresholds_are_in_the_integer_thresholds_of_every_source(widths, input_bits, adversarial, walk, pixels):
    net = adversarial(widths, input_bits, activation="rsign")
    assert_all_sources_agree(net, pixels(net, 200), walk)


def test_a_learnt_threshold_on_an_exact_tie_is_decided_as_in_torch(adversarial, walk):
    net = adversarial((8, 300, 2), 1, activation="rsign")
    x = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    assert_all_sources_agree(net, x, walk)
    moved = export(net)
    with torch.no_grad():
        net.hidden[0].shift.threshold.zero_()
    assert serialize(export(net)) != serialize(moved)


@pytest.mark.parametrize(("dataset", "input_bits", "widths"), TRAINED)
def test_a_trained_net_with_learnt_thresholds_says_the_same_everywhere(dataset, input_bits, widths, walk):
    from bitneck.models.brevitas_net import in_brevitas
    from bitneck.models.capture import capture
    from bitneck.models.config import NetworkConfig, TrainingConfig
    from bitneck.models.datasets import load
    from bitneck.models.training import start, train

    data = load(dataset)
    config = NetworkConfig(widths=widths, input_bits=input_bits, activation="rsign")
    run = start(config, TrainingConfig(epochs=12, batch_size=64), data)
    assert [row.epoch for row in train(run)][-1] == 12
    assert all(float(block.shift.threshold.detach().abs().min()) > 0 for block in run.net.hidden)
    x, _ = data.all()
    assert_all_sources_agree(in_brevitas(run.net), x, walk)
    model = export(in_brevitas(run.net))
    said = capture(run.net, x)
    assert said.codes == execute(model, x).codes == streamline(model).graph(x).codes
    for block in run.net.hidden:
        torch.nn.init.zeros_(block.shift.threshold)
    assert capture(run.net, x).codes != said.codes, "the thresholds decide nothing here"


def test_a_float_net_is_refused_and_the_way_out_named():
    from bitneck.models.config import NetworkConfig
    from bitneck.models.networks import untrained

    with pytest.raises(QonnxError, match="a net of tanh has float weights; hardware needs a sign"):
        export(untrained(NetworkConfig(widths=(4, 3, 2), input_bits=1).twin("tanh")))


def plain_export(net) -> onnx.ModelProto:
    from brevitas.export import export_qonnx

    model = export_qonnx(net, torch.zeros(1, net.config.inputs), dynamo=False)
    wrapper = cleanup_model(ModelWrapper(model))
    wrapper.set_tensor_datatype(wrapper.graph.input[0].name, DataType["BIPOLAR"])
    return wrapper.model


def test_a_plain_export_moves_decisions_on_exact_ties_and_ours_does_not(adversarial, walk):
    net = adversarial((8, 2000, 2), 1, 3, ("tie in the bias", "falling tie in the bias"))
    x = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    said = walk(net, x).codes["dense1"].bits()
    plain = streamline(plain_export(net))
    moved = plain.graph(x).codes["dense1"].bits() != said
    assert 0 < moved.sum() < 0.2 * moved.size, "the plain file disagrees with torch, and only on ties"
    wide = ModelWrapper(plain_export(net)).transform(ChangeBatchSize(len(x))).transform(InferShapes())
    context = execute_onnx(wide, {wide.graph.input[0].name: 2 * x.astype(np.float32) - 1}, True)
    assert np.array_equal(context[plain.tensors["dense1"]] > 0, plain.graph(x).codes["dense1"].bits())
    assert np.array_equal(execute(export(net), x).codes["dense1"].bits(), said)


def test_a_consumer_that_rearranges_the_batch_norm_moves_no_decision(adversarial, walk, pixels):
    """qonnx's own BatchNormToAffine, the first step of FINN; a plain export loses its ties here."""
    net = adversarial((33, 64, 64, 10), 8)
    x = pixels(net, 200)
    affine = ModelWrapper(export(net)).transform(BatchNormToAffine())
    assert not affine.get_nodes_by_op_type("BatchNormalization")
    assert execute(affine.model, x).codes == walk(net, x).codes


def test_no_value_before_a_sign_comes_near_zero(adversarial, pixels):
    net = adversarial((33, 64, 10), 8)
    model = ModelWrapper(export(net)).transform(ChangeBatchSize(100)).transform(InferShapes())
    context = execute_onnx(model, {"x": pixels(net, 100).astype(np.float32)}, return_full_exec_context=True)
    assert np.abs(context["binarize.norm"]).min() >= 0.5
    assert np.abs(context["dense1.norm"]).min() >= 1
    assert (context["dense1.norm"] % 1 == 0).all()


def test_the_net_is_left_as_it_was(adversarial):
    net = adversarial((9, 24, 17, 4), 3)
    net.train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    export(net)
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_names_and_types_of_the_tensors_speak(adversarial):
    model = ModelWrapper(export(adversarial((9, 24, 17, 4), 3), "digits"))
    types = {name: model.get_tensor_datatype(name).name for name in model.get_all_tensor_names()}
    assert model.graph.name == "digits"
    assert types["x"] == "UINT3"
    layers = ("dense1", "dense2", "scores")
    assert {types[f"{layer}.weight"] for layer in layers} | {types["binarize.code"], types["dense2.code"]} == {
        "BIPOLAR"
    }
    assert types["dense1.accumulator"] == types["scores"] == "INT32"
    bipolar = ModelWrapper(export(adversarial((8, 1, 1, 2), 1)))
    assert bipolar.get_tensor_datatype("x").name == "BIPOLAR"


SAME_NET = """
import hashlib, sys
from bitneck.models.config import NetworkConfig
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.export.writing.qonnx import export, serialize
data = serialize(export(BrevitasNet(NetworkConfig(widths=(9, 6, 4, 3), input_bits=4), seed=5)))
assert not [word for word in (sys.prefix, "site-packages", "/home", "/tmp", "torch") if word.encode() in data]
print(hashlib.sha256(data).hexdigest())
"""


def test_same_net_same_bytes_in_another_process_and_folder(tmp_path):
    def digest(folder, seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-W", "ignore", "-c", SAME_NET]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout

    assert digest(tmp_path, "1") == digest("/", "2") != ""


def test_a_batch_that_does_not_divide_the_set_changes_nothing(adversarial, pixels):
    net = adversarial((9, 24, 4), 3)
    model, x = export(net), pixels(net, 23)
    whole, cut = execute(model, x), execute(model, x, batch=10)
    assert whole.codes == cut.codes
    assert np.array_equal(whole.scores, cut.scores)


def test_broken_statistics_name_the_neuron(adversarial):
    net = adversarial((9, 24, 4), 1)
    net.hidden[0].norm.running_var[17] = float("nan")
    with pytest.raises(ThresholdError, match="dense1, neuron 17: NaN"):
        export(net)


def test_thresholds_do_not_move_the_statistics_of_a_net_in_training(adversarial):
    net = adversarial((9, 24, 4), 1)
    net.train()
    before = net.hidden[0].norm.running_mean.clone()
    thresholds(net)
    assert torch.equal(net.hidden[0].norm.running_mean, before)


def test_samples_that_do_not_fit_are_named(adversarial):
    model = export(adversarial((9, 24, 4), 3))
    with pytest.raises(QonnxError, match=r"takes \(n, 9\) uint8, got \(5, 8\)"):
        execute(model, np.zeros((5, 8), np.uint8))
    with pytest.raises(QonnxError, match="only files of `export`"):
        execute(onnx.ModelProto(), np.zeros((5, 9), np.uint8))
