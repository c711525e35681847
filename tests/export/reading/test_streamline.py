"""The reader finds the integers in our own files and in stock ones, and refuses by name what it cannot be sure of."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
from bitneck.export.graph import Binarize, Cut
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.reading.streamline import streamline
from bitneck.export.reading.threshold import ThresholdError
from hand_made_files import all_codes, chain_file, floats_of, node, two_layers
from onnx import numpy_helper

BYTES = np.arange(256, dtype=np.float32) / 255


BETWEEN = {
    "nothing": ([], {}),
    "add": ([node("Add", "a k", "b")], {"k": [0.0, -2, 2, 9]}),
    "constant first": ([node("Sub", "k a", "b")], {"k": [1.0, 0, -2, 5]}),
    "negative factor": ([node("Mul", "k a", "b")], {"k": [-1.0, -0.3, 0.0, 2]}),
    "divide": ([node("Div", "a k", "d"), node("Add", "d one", "b")], {"k": [-1.0, 3, 0.7, -1e9]}),
    "negate": ([node("Neg", "a", "d"), node("Sub", "d one", "b")], {}),
    "clip": ([node("Clip", "a m one", "b")], {"m": -1.0}),
    "batch-norm": (
        [node("BatchNormalization", "a g h k u", "b")],
        {"g": [1.0, -1, 0, 0], "h": [0.1, 0.2, -0.1, 0], "k": [2.0, 0, 1, 1], "u": [1.0, 2, 3, 4]},
    ),
}


@pytest.mark.parametrize("scale", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("between", BETWEEN)
def test_float_nodes_before_a_sign_decide_as_the_file_does(between, scale):
    nodes, constants = BETWEEN[between]
    model = two_layers(*nodes, scale=scale, **constants)
    graph = streamline(model, (-1, 1)).graph
    x = all_codes(graph)
    code, output = floats_of(model, x)
    trace = graph(x)
    assert np.array_equal(trace.codes["dense1"].bits(), code)
    assert np.array_equal(2 * trace.scores - 4, output)


@pytest.mark.parametrize(("factor", "offset"), [(0.25, 3.0), (-0.3, 1.0), (1e-20, 0.0)])
def test_a_line_behind_the_last_layer_leaves_the_class_alone(factor, offset):
    last = (node("Mul", "s f", "t"), node("Add", "t o", "y"))
    model = two_layers(last=last, f=factor, o=offset)
    graph = streamline(model, (-1, 1)).graph
    x = all_codes(graph)
    assert np.array_equal(graph(x).predictions(), floats_of(model, x)[1].argmax(axis=1))


@pytest.mark.parametrize(
    ("last", "constants", "message"),
    [
        ((node("Mul", "s o", "y"),), {"o": 0.0}, "my_Mul.*makes different dot products equal"),
        ((node("Add", "s o", "y"),), {"o": 1e9}, "my_Add.*makes different dot products equal"),
    ],
)
def test_what_may_change_the_class_is_refused(last, constants, message):
    with pytest.raises(StreamlineError, match=message):
        streamline(two_layers(last=last, **constants), (-1, 1))


@pytest.mark.parametrize(("bits", "head"), [(8, []), (3, []), (1, [])])
def test_pixels_are_asked_one_by_one(bits, head):
    values = np.linspace(-1, 1, 1 << bits, dtype=np.float32)
    cut = np.array([-2, -1, -0.1, 0, 0.5, 3] if bits > 1 else [0.0] * 6, dtype=np.float32)
    model = chain_file(
        node("Sub", "x cut", "p"),
        node("BipolarQuant", "p one", "q"),
        node("MatMul", "q w", "y"),
        cut=cut,
        w=np.ones((6, 2)),
    )
    read = streamline(model, values)
    x = np.repeat(np.arange(1 << bits, dtype=np.uint8)[:, None], 6, axis=1)
    fires = values[x] - cut >= 0
    if bits == 1:
        assert list(read.tensors) == ["scores"]
        fires = x.astype(bool)
    else:
        assert isinstance(read.graph["binarize"], Binarize)
        assert np.array_equal(read.graph(x).codes["binarize"].bits(), fires)
    assert np.array_equal(read.graph(x).scores[:, 0], fires.sum(axis=1))


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm_is_a_product_and_a_bias(transposed):
    weight = np.random.default_rng(0).choice([-1.0, 1.0], (6, 4))
    model = chain_file(
        node("Gemm", "x w k", "b", transB=transposed),
        node("BipolarQuant", "b one", "c"),
        node("MatMul", "c v", "y"),
        w=weight.T if transposed else weight,
        k=[1.0, -1, 0, 3],
        v=np.ones((4, 2)),
    )
    graph = streamline(model, (-1, 1)).graph
    x = all_codes(graph)
    fires = (2.0 * x - 1) @ weight + [1, -1, 0, 3] >= 0
    assert np.array_equal(graph(x).codes["dense1"].bits(), fires)


@pytest.mark.parametrize("kind", ["Softmax", "Sin", "Floor"])
def test_an_unsupported_node_is_named_with_its_neighbours(kind):
    model = two_layers(node("Add", "a one", "d"), node(kind, "d", "e"), node("Mul", "e one", "b"))
    with pytest.raises(StreamlineError) as refused:
        streamline(model, (-1, 1))
    place = f"{kind} 'my_{kind}' (d → e), after Add 'my_Add', before Mul 'my_Mul'"
    assert str(refused.value).startswith(f"{place}: is not read")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (two_layers(node("Add", "a x", "b")), "my_Add.*joins a and x where only a continues the chain"),
        (two_layers(node("Mul", "a k", "b"), k=np.ones((4, 1))), "each sample needs a row of its own"),
        (chain_file(node("MatMul", "x w", "y"), w=np.full((6, 2), 0.0)), "all its weights are 0"),
        (chain_file(node("MatMul", "x w", "y"), w=np.arange(1, 13).reshape(6, 2) / 8), "nor ± one number"),
        (chain_file(node("MatMul", "w x", "y"), w=np.ones((2, 1))), "its second operand is no constant matrix"),
        (
            chain_file(node("MatMul", "x w", "a"), node("MatMul", "a w", "y"), w=np.ones((6, 6)), outputs=6),
            "follows a MatMul without a quantizer",
        ),
        (chain_file(node("Add", "x one", "y"), outputs=6), "my_Add.*no MatMul or Conv comes before the output"),
        (chain_file(node("BipolarQuant", "x one", "y"), outputs=6), "my_BipolarQuant.*no MatMul or Conv comes"),
        (
            chain_file(node("BipolarQuant", "x k", "q"), node("MatMul", "q w", "y"), k=-1.0, w=np.ones((6, 2))),
            "its scale is .*positive numbers belong there",
        ),
        (
            chain_file(node("Quant", "w one", "q"), node("MatMul", "x q", "y"), w=np.ones((6, 2))),
            "Quant takes 4 tensors",
        ),
    ],
)
def test_what_is_no_chain_of_one_bit_layers_is_refused(model, message):
    with pytest.raises(StreamlineError, match=message):
        streamline(model, (-1, 1))


def test_a_scale_that_rounds_needs_a_margin():
    decided_between = two_layers(node("Add", "a k", "b"), scale=0.1, k=[0.1, -0.1, 0.3, 9])
    margins = streamline(decided_between, (-1, 1)).margins
    assert margins["dense1"].distance == pytest.approx(1, abs=1e-5)
    assert 0 < margins["dense1"].error < 1e-5
    on_a_tie = two_layers(node("Add", "a k", "b"), scale=0.1, k=[0.1, -0.1, 0.2, 9])
    with pytest.raises(
        StreamlineError, match=r"dense1 sums terms of 0.1\d+, which round: a decision lies .* and rounding"
    ):
        streamline(on_a_tie, (-1, 1))
    stated = streamline(on_a_tie, (-1, 1), margin="state").margins["dense1"]
    assert not stated.safe
    assert not streamline(two_layers(scale=0.25), (-1, 1)).margins, "a power of two rounds nothing"


def scored(scale: float, fan_in: int, classes: int, seed: int) -> onnx.ModelProto:
    """x → BipolarQuant → MatMul with ± `scale` → y."""
    rng = np.random.default_rng(seed)
    weight = rng.choice(np.array([-scale, scale], np.float32), (fan_in, classes))
    nodes = [node("BipolarQuant", "x one", "c"), node("MatMul", "c w", "y")]
    return chain_file(*nodes, inputs=fan_in, outputs=classes, w=weight)


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.5, 0.7, 0.25, 1.0, 3.0, 0.375])
def test_where_a_scale_is_accepted_torch_has_the_class_of_the_graph(scale):
    torch = pytest.importorskip("torch")
    accepted = 0
    for seed, (fan_in, classes) in enumerate(itertools.product((20, 21, 256), (1, 2, 2, 2, 4))):
        model = scored(scale, fan_in, classes, seed)
        try:
            read = streamline(model, (-1, 1))
        except StreamlineError:
            continue
        accepted += 1
        pixels = np.random.default_rng(seed).integers(0, 2, (1000, fan_in), dtype=np.uint8)
        weight = numpy_helper.to_array(model.graph.initializer[1])
        floats = torch.nn.functional.linear(torch.from_numpy(2 * pixels.astype(np.float32) - 1), torch.tensor(weight.T))
        assert np.array_equal(read.graph(pixels).predictions(), floats.numpy().argmax(axis=1))
    assert 3 <= accepted <= 12 if scale in (0.1, 0.3, 0.7) else accepted == 15


def test_scores_that_rounding_may_order_are_refused_or_stated_as_ties():
    model = scored(0.1, 64, 4, 0)
    said = (
        r"my_MatMul.*the scores sum terms of 0\.1\d*, which round.*by 0\.000128.*train or export with scale 1.*margin="
    )
    with pytest.raises(StreamlineError, match=said):
        streamline(model, (-1, 1))
    read = streamline(model, (-1, 1), margin="state")
    assert list(read.margins) == ["scores"]
    assert read.margins["scores"].distance == 0
    assert not read.margins["scores"].safe
    weight = numpy_helper.to_array(model.graph.initializer[1])
    pixels = np.random.default_rng(1).integers(0, 2, (2000, 64), dtype=np.uint8)
    floats = (2 * pixels.astype(np.float32) - 1) @ weight
    scores = read.graph(pixels).scores
    other = read.graph(pixels).predictions() != floats.argmax(axis=1)
    first, second = np.sort(scores, axis=1)[:, :-3:-1].T
    assert other.any(), "BLAS orders some ties by rounding, else there is nothing to state"
    assert (first == second)[other].all()


def test_two_classes_that_cannot_tie_need_no_margin_beyond_the_rounding():
    weight = np.full((20, 2), 0.1, np.float32)
    weight[:3, 1] *= -1
    nodes = [node("BipolarQuant", "x one", "c"), node("MatMul", "c w", "y")]
    read = streamline(chain_file(*nodes, inputs=20, w=weight), (-1, 1))
    assert read.margins["scores"].distance == 1
    assert read.margins["scores"].safe
    weight[3, 1] *= -1
    with pytest.raises(StreamlineError, match="two classes may have equal sums"):
        streamline(chain_file(*nodes, inputs=20, w=weight), (-1, 1))


def test_sums_beyond_the_range_of_a_float_are_refused():
    for tiny in (1e-30, 1e30):
        nodes = [node("BipolarQuant", "x k", "c"), node("MatMul", "c w", "y")]
        with pytest.raises(StreamlineError, match=r"sums 6 terms of 1e.*beyond float32's range"):
            streamline(chain_file(*nodes, w=np.full((6, 2), tiny), k=tiny), (-1, 1))


def test_a_margin_is_refused_or_stated():
    with pytest.raises(StreamlineError, match="margin='ignore'; choose one of refuse, state"):
        streamline(two_layers(), (-1, 1), margin="ignore")


def test_answers_that_are_no_threshold_name_the_neuron():
    with pytest.raises(ThresholdError, match="dense1, neuron 1: NaN at"):
        streamline(two_layers(node("Mul", "a k", "b"), k=[1.0, np.nan, 1, 1]), (-1, 1))
    with pytest.raises(ThresholdError, match="dense1, neuron 0: the answer changes"):
        streamline(two_layers(node("Div", "one a", "d"), node("Sub", "d k", "b"), k=0.5), (-1, 1))


@pytest.mark.parametrize("values", [["0", "1"], [0, np.nan], [0, np.inf], [0, 1j], [None, 1]])
def test_pixels_of_no_number_are_refused(values):
    with pytest.raises(StreamlineError, match="pixel_values must be finite floats"):
        streamline(two_layers(), values)


def test_pixel_values_are_asked_for_where_the_file_does_not_say():
    with pytest.raises(StreamlineError, match="input x is FLOAT32; say with --pixels, or pixel_values"):
        streamline(two_layers())
    with pytest.raises(StreamlineError, match=r"pixel_values must be \(levels,\), 2 to 256"):
        streamline(two_layers(), np.arange(257))
    with pytest.raises(StreamlineError, match=r"levels stand for floats .* not evenly spaced; put a quantizer"):
        streamline(two_layers(), [0, 1, 3])


def test_pixels_that_fire_below_are_a_table():
    falling = [node("Neg", "x", "p"), node("BipolarQuant", "p one", "q"), node("MatMul", "q w", "y")]
    graph = streamline(chain_file(*falling, w=np.ones((6, 2))), np.arange(256) - 3.5).graph
    x = np.arange(12, dtype=np.uint8).reshape(2, 6)
    assert isinstance(graph["cut1"], Cut)
    assert np.array_equal(graph(x).codes["cut1"].bits(), x < 3.5)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "flipped"])
def test_damaged_files_get_one_clear_error(damage):
    data = two_layers().SerializeToString()
    broken = {"cut": data[: len(data) // 2], "garbage": b"\x7fELF" * 30, "empty": b"", "flipped": b"\xff" + data[1:]}
    with pytest.raises(StreamlineError, match=r"not an ONNX|export it again|chain"):
        streamline(broken[damage], (-1, 1))


def test_every_cut_of_a_file_is_refused_by_name():
    data = two_layers(node("Add", "a k", "b"), k=[0.0, -2, 2, 9]).SerializeToString()
    for length in range(len(data)):
        with pytest.raises(StreamlineError):
            streamline(data[:length], (-1, 1))
