"""One flipped bit anywhere is found and named; equal traces have equal digests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Binarize, Dense, Graph, Scores
from bitneck.export.judges.compare import CompareError, digests, first_mismatch
from bitneck.ib_analysis.codes import Codes, Trace

SOURCES = ("torch", "qonnx", "graph", "rtl")


@pytest.fixture
def graph() -> Graph:
    rng = np.random.default_rng(0)
    return Graph(
        "small",
        3,
        (
            Binarize("binarize", np.array([4, 3, 0, 8, 2], np.int32), 3),
            Dense("dense1", rng.random((6, 5)) < 0.5, np.array([3, 2, 0, 6, 3, 1], np.int32)),
            Dense("dense2", rng.random((4, 6)) < 0.5, np.array([3, 3, 3, 3], np.int32)),
            Scores(rng.random((2, 4)) < 0.5),
        ),
    )


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 8, (20, 5), dtype=np.uint8)


def flip(trace: Trace, layer: str, sample: int, bit: int) -> Trace:
    bits = trace.codes[layer].bits().copy()
    bits[sample, bit] ^= True
    return replace(trace, source="rtl", codes={**trace.codes, layer: Codes.pack(bits)})


@pytest.mark.parametrize(("layer", "bits"), [("binarize", 5), ("dense1", 6), ("dense2", 4)])
def test_every_flipped_bit_is_found_and_explained(graph, x, layer, bits):
    reference = graph(x)
    for sample in range(len(x)):
        for bit in range(bits):
            found = first_mismatch(graph, reference, flip(reference, layer, sample, bit), x)
            assert found is not None
            assert (found.layer, found.sample, found.neuron) == (layer, sample, bit)
            assert found.expected == 1 - found.got == int(found.accumulator >= found.threshold)


def test_the_first_layer_counts_then_the_first_sample(graph, x):
    reference = graph(x)
    wrong = flip(flip(flip(reference, "dense2", 0, 0), "dense1", 7, 2), "dense1", 5, 4)
    found = first_mismatch(graph, reference, wrong, x)
    assert (found.layer, found.sample, found.neuron) == ("dense1", 5, 4)


def test_the_message_is_one_line_with_everything_in_it(graph, x):
    reference = graph(x)
    found = first_mismatch(graph, reference, flip(reference, "dense1", 5, 4), x)
    entering = reference.codes["binarize"].bits()[5]
    accumulator = int((entering == graph["dense1"].weight[4]).sum())
    relation, bit = (">=", 1) if accumulator >= 3 else ("<", 0)
    assert str(found) == (
        f"dense1: neuron 4, sample 5: graph says {bit}, rtl says {1 - bit}; "
        f"accumulator {accumulator} {relation} threshold 3 agreeing bits"
    )
    pixel = first_mismatch(graph, reference, flip(reference, "binarize", 2, 1), x)
    assert f"neuron 1, sample 2: graph says {int(x[2, 1] >= 3)}" in str(pixel)
    assert str(pixel).endswith(f"accumulator {x[2, 1]} {'>=' if x[2, 1] >= 3 else '<'} threshold 3 of the pixel")


def test_a_wrong_score_names_the_class_and_both_values(graph, x):
    reference = graph(x)
    scores = reference.scores.copy()
    scores[3, 1] += 1
    found = first_mismatch(graph, reference, replace(reference, source="qonnx", scores=scores), x)
    right = reference.scores[3, 1]
    assert str(found) == (
        f"scores: class 1, sample 3: graph says {right}, qonnx says {right + 1}; accumulator {right} agreeing bits"
    )


def test_one_bit_inputs_explain_the_first_layer_from_the_input():
    weight = np.array([[True, False, True], [False, False, True]])
    graph = Graph("one-bit", 1, (Dense("dense1", weight, np.array([2, 3], np.int32)), Scores(weight[:, :2])))
    x = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)
    found = first_mismatch(graph, graph(x), flip(graph(x), "dense1", 0, 1), x)
    assert (found.accumulator, found.threshold, found.unit) == (2, 3, "agreeing bits")


def test_equal_traces_do_not_differ_and_have_equal_digests(graph, x):
    traces = [replace(graph(x), source=source) for source in SOURCES]
    assert all(first_mismatch(graph, traces[0], other, x) is None for other in traces[1:])
    table = digests(traces)
    assert list(table) == ["binarize", "dense1", "dense2", "scores"]
    assert all(list(row) == list(SOURCES) and len(set(row.values())) == 1 for row in table.values())
    traces[3] = flip(traces[0], "dense2", 19, 3)
    assert {layer for layer, row in digests(traces).items() if len(set(row.values())) > 1} == {"dense2"}


def test_what_cannot_be_compared_is_named(graph, x):
    trace = graph(x)
    with pytest.raises(CompareError, match="the graph trace has 20 samples, the set has 19"):
        first_mismatch(graph, trace, trace, x[:19])
    without = replace(trace, source="rtl", codes={name: trace.codes[name] for name in ("binarize", "dense2")})
    with pytest.raises(CompareError, match=r"the rtl trace has the layers \['binarize', 'dense2'\]"):
        first_mismatch(graph, trace, without, x)
    wide = replace(trace, codes={**trace.codes, "dense1": Codes.pack(np.zeros((20, 7), bool))})
    with pytest.raises(CompareError, match="7 bits in dense1, the graph has 6"):
        first_mismatch(graph, wide, trace, x)
    with pytest.raises(CompareError, match="2 classes"):
        first_mismatch(graph, trace, replace(trace, scores=np.zeros((20, 3), np.int32)), x)
    with pytest.raises(CompareError, match="two traces of one source: graph"):
        digests([trace, trace])
