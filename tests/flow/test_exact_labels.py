"""What layers say of labels that a rule gives is what every input of the region says, and lies in exact.json."""

from __future__ import annotations

import json
from itertools import pairwise

import bitneck as bn
import numpy as np
import pytest
from bitneck.export.graph import Binarize, Dense, Graph, Scores
from bitneck.export.writing.tie_proof import tie_proof
from bitneck.flow import exact_labels
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import RunError, chosen_samples
from bitneck.flow.exact import flipped
from bitneck.flow.exact_labels import labelled, labels_over
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import import_model
from bitneck.flow.run import finished, trained_on
from bitneck.models.label_rules import RULES, DataError, labels_by, twelve
from bitneck.plugins import PluginError


@pytest.fixture(scope="module")
def net(bitneck, tmp_path_factory) -> RunFolder:
    """Of the 12-bit set, not trained."""
    rng, widths = np.random.default_rng(2), (12, 9, 5)
    layers = [
        Dense(f"dense{index + 1}", rng.random((rows, fan_in)) < 0.5, np.full(rows, fan_in // 2, np.int32))
        for index, (fan_in, rows) in enumerate(pairwise(widths))
    ]
    place = tmp_path_factory.mktemp("net") / "net"
    graph = tie_proof(Graph("net", 1, (*layers, Scores(rng.random((2, 5)) < 0.5))))
    import_model(graph, place, dataset="twelve", samples="all")
    assert bitneck("export", place).exit_code == 0
    return RunFolder(place)


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch):
    monkeypatch.setattr(RULES, "added", {})


def test_over_the_whole_space_it_is_what_the_analysis_of_every_input_says(bitneck, net, monkeypatch):
    monkeypatch.setattr(exact_labels, "BLOCK_BYTES", 12 * 1000)  # the rule is asked block by block
    told = bitneck("exact", net.path, "--free", "all", "--labels", "twelve", "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)["labelled"]
    assert found["number"] == [1978, 2118]
    x, y = trained_on(net, finished(net), None).all()
    points = bn.plane(graph_of(net)(x).codes, y, "enumerated")
    assert found["i_ty_bits"] == pytest.approx([point.i_ty.bits for point in points][:2], abs=1e-12)
    again = json.loads(bitneck("exact", net.path, "--free", "all", "--labels", "twelve", "--json").stdout)["labelled"]
    assert again["seconds"] == found["seconds"]
    assert (
        "Y is the label by twelve; H(Y) 0.9992 bits"
        in bitneck("exact", net.path, "--free", "all", "--labels", "twelve").output
    )


def test_a_rule_of_ones_own_of_five_labels_over_some_bits_and_another_of_the_same_name(net):
    @bn.labels("own")
    def own(x):
        return x[:, ::3].sum(axis=1)

    free, said = [0, 2, 3, 6, 7, 9, 11], {}
    for name, codes in graph_of(net)(inputs := all_over(net, free)).codes.items():
        said[name] = codes.levels(1)
    found = labelled(net, "own", free, base=5)
    y = inputs[:, ::3].sum(axis=1)
    assert found.number == tuple(np.bincount(y))

    def entropy(*columns):
        share = np.unique(np.column_stack(columns), axis=0, return_counts=True)[1] / len(y)
        return -(share * np.log2(share)).sum()

    due = [entropy(codes) + entropy(y) - entropy(codes, y) for codes in said.values()]
    assert found.i_ty_bits == pytest.approx(due[:2], abs=1e-12)
    bn.labels("own")(lambda x: x[:, 0])
    assert labelled(net, "own", free, base=5).number == (64, 64)


def all_over(net: RunFolder, free: list[int]) -> np.ndarray:
    x, _ = chosen_samples(finished(net), trained_on(net, finished(net), None))
    every = np.repeat(x[5:6], 1 << len(free), axis=0)
    every[:, free] = np.arange(1 << len(free))[:, None] >> np.arange(len(free)) & 1
    return every


def test_pixels_are_as_in_the_sample_or_beside_their_threshold():
    rng = np.random.default_rng(3)
    cut = Binarize("cut", rng.integers(1, 16, 10).astype(np.int32), 4)
    graph = Graph("grey", 4, (cut, Scores(rng.random((2, 10)) < 0.5)))
    x, free = rng.integers(0, 16, 10).astype(np.uint8), [1, 2, 4, 5, 8]
    bn.labels("dark")(lambda images: images.sum(axis=1))
    for number, label in enumerate(labels_over(graph, "dark", x, free, lambda *_: None)):
        code = np.array([number >> bit & 1 for bit in range(len(free))])
        elsewhere = np.array(free)[(x[free] >= cut.threshold[free]) != code]
        assert label == flipped(graph, x, elsewhere.tolist()).sum()


def test_more_inputs_than_a_rule_is_asked_of_are_refused_with_their_number(net, monkeypatch):
    monkeypatch.setattr(exact_labels, "MOST_LABELLED", 11)
    with pytest.raises(RunError, match=r"12 free bits; a rule gives labels to 2\^11 inputs at most: fewer free bits"):
        labelled(net, "twelve", None)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda x: x, r"gave \(6, 12\) uint8 for x \(6, 12\); \(6,\) whole numbers are due"),
        (lambda x: x.mean(axis=1), r"gave \(6,\) float64"),
        (lambda x: 0, r"gave \(\) int64"),
        (lambda x: x[:, 0].astype(int) - 1, r"gave labels -1 .. -1; they are 0 .. 255"),
        (lambda x: x[:, 0] + np.arange(251, 257), r"gave labels 251 .. 256; they are 0 .. 255"),
    ],
)
def test_what_are_no_labels_is_refused_by_the_rules_name(rule, said):
    bn.labels("odd")(rule)
    with pytest.raises(PluginError, match=f"labels rule 'odd' of this process {said}"):
        labels_by("odd", np.zeros((6, 12), np.uint8))


def test_a_rule_nobody_knows_and_one_of_other_inputs_are_refused():
    with pytest.raises(DataError, match="no labels rule 'twelv'; did you mean 'twelve'"):
        labels_by("twelv", np.zeros((6, 12), np.uint8))
    with pytest.raises(DataError, match="is of 12 bits; these inputs are 12 numbers up to 2"):
        twelve(np.full((6, 12), 2, np.uint8))
