"""Nets that share their weights as one of threshold sets: the golden model, the files, who reads and runs them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph import Binarize, Dense, Graph, GraphError, Scores
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.judges.written import execute_passes, execute_standard
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.reading.members import graph_of, joined_graph
from bitneck.export.writing.standard import standard
from bitneck.export.writing.streamlined import streamlined
from bitneck.export.writing.tie_proof import tie_proof
from bitneck.ib_analysis.codes import Codes

RNG = np.random.default_rng(0)
WEIGHTS = [RNG.random(shape) < 0.5 for shape in ((12, 20), (8, 12), (5, 8))]
CUTS = RNG.integers(0, 33, 20).astype(np.int32)
X = RNG.integers(0, 32, (60, 20)).astype(np.uint8)


def member(bits: int = 5) -> Graph:
    first, second, last = WEIGHTS
    at = [RNG.integers(0, weight.shape[1] + 2, len(weight)).astype(np.int32) for weight in (first, second)]
    cut = (Binarize("binarize", CUTS, bits),) if bits > 1 else ()
    return Graph("m", bits, (*cut, Dense("dense1", first, at[0]), Dense("dense2", second, at[1]), Scores(last)))


MEMBERS = [member() for _ in range(3)]
GRAPH = joined_graph(MEMBERS)


def test_it_says_what_its_members_say_and_adds_their_scores():
    said, each = GRAPH(X), [alone(X) for alone in MEMBERS]
    scores = np.stack([alone.scores for alone in each], axis=1)
    assert (said.scores == scores.sum(axis=1)).all()
    for name in ("dense1", "dense2"):
        alone = np.stack([trace.codes[name].bits() for trace in each], axis=1)
        assert (said.codes[name].bits().reshape(alone.shape) == alone).all()
    assert (said.codes["members"].levels(4).reshape(scores.shape) == scores).all()
    spread = (scores.max(axis=1) - scores.min(axis=1)).sum(axis=1)
    assert (said.codes["spread"].levels(GRAPH.coded["spread"])[:, 0] == spread).all()
    assert list(said.codes) == ["binarize", "dense1", "dense2", "members", "spread"]


@pytest.mark.parametrize("bits", [1, 5])
def test_file_and_arrays_are_read_back_as_they_were(bits):
    graph = GRAPH if bits == 5 else joined_graph([member(1) for _ in range(2)])
    for back in (graph_of(tie_proof(graph)), Graph.from_arrays(graph.arrays())):
        assert {name: array.tolist() for name, array in back.arrays().items()} == {
            name: array.tolist() for name, array in graph.arrays().items()
        }


@pytest.mark.parametrize("by", ["qonnx", "onnxruntime", "finn-base"])
def test_executors_of_the_file_say_what_the_graph_says(by):
    assert first_mismatch(GRAPH, GRAPH(X), execute_passes(GRAPH, tie_proof(GRAPH), X, by), X) is None


def test_standard_onnx_says_it_too_and_finns_dialect_is_refused_by_name():
    assert first_mismatch(GRAPH, GRAPH(X), execute_standard(GRAPH, standard(GRAPH), X), X) is None
    with pytest.raises(GraphError, match="dense1: FINN's dialect has no word for a SetDense"):
        streamlined(GRAPH)


def test_another_threshold_of_one_member_is_found_and_named():
    threshold = GRAPH["dense2"].threshold.copy()
    threshold[1] = 0
    layers = [replace(layer, threshold=threshold) if layer.name == "dense2" else layer for layer in GRAPH.layers]
    found = first_mismatch(GRAPH, GRAPH(X), replace(GRAPH, layers=tuple(layers))(X), X)
    assert found is not None
    assert (found.layer, found.neuron // 8) == ("dense2", 1)


def test_a_spread_that_differs_alone_is_named():
    said = GRAPH(X)
    spread = said.codes["spread"].levels(GRAPH.coded["spread"]).astype(np.int64)
    spread[7] += 1
    other = replace(said, codes={**said.codes, "spread": Codes.pack_integers(spread, GRAPH.coded["spread"])})
    found = first_mismatch(GRAPH, said, replace(other, source="rtl"), X)
    assert str(found).startswith(f"spread: neuron 0, sample 7: graph says {spread[7, 0] - 1}, rtl says {spread[7, 0]}")


def test_members_of_other_weights_are_no_members():
    other = replace(MEMBERS[1], layers=(*MEMBERS[1].layers[:-1], Scores(~WEIGHTS[2])))
    with pytest.raises(StreamlineError, match="scores: members share weights"):
        joined_graph([MEMBERS[0], other])
    with pytest.raises(StreamlineError, match=r"17 passes; 2 \.\. 16 are supported"):
        joined_graph([MEMBERS[0]] * 17)
