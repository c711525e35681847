"""What a run says of its neurons and codes over a region is what every input of it says, and lies in exact.json."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from bitneck.export.graph import Dense, Graph, Scores
from bitneck.export.writing.tie_proof import tie_proof
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import chosen_samples
from bitneck.flow.exact_record import exact_of
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import import_model
from bitneck.flow.run import finished, trained_on

INPUTS, FREE = 14, 10


@pytest.fixture(scope="module")
def net(bitneck, tmp_path_factory) -> RunFolder:
    rng, widths = np.random.default_rng(2), (INPUTS, 9, 5)
    layers = [
        Dense(f"dense{index + 1}", rng.random((rows, fan_in)) < 0.5, np.full(rows, fan_in // 2, np.int32))
        for index, (fan_in, rows) in enumerate(pairwise(widths))
    ]
    place = tmp_path_factory.mktemp("net") / "net"
    import_model(tie_proof(Graph("net", 1, (*layers, Scores(rng.random((3, 5)) < 0.5)))), place)
    assert bitneck("export", place).exit_code == 0
    return RunFolder(place)


@pytest.fixture(scope="module")
def said(net) -> dict[str, np.ndarray]:
    """Each layer's code of every input of the region."""
    return {name: codes.levels(1).astype(int) for name, codes in graph_of(net)(inputs_of(net)).codes.items()}


def inputs_of(net: RunFolder) -> np.ndarray:
    """Those whose bits beyond the free ones are those of sample 0."""
    x, _ = chosen_samples(finished(net), trained_on(net, finished(net), None))
    every = np.repeat(x[:1], 1 << FREE, axis=0)
    every[:, :FREE] = np.arange(1 << FREE)[:, None] >> np.arange(FREE) & 1
    return every


def test_neurons_by_two_and_what_follows_from_them(bitneck, net, said):
    told = bitneck("exact", net.path, "--neurons", "--free", f"0-{FREE - 1}", "--json")
    assert told.exit_code == 0, told.output
    for layer in json.loads(told.stdout)["layers"]:
        codes = said[layer["layer"]]
        both = codes.T @ codes
        assert layer["ones"] == np.diag(both).tolist()
        assert layer["both"] == both[np.triu_indices(len(both), 1)].tolist()
        assert layer["bound_bits"] >= layer["entropy_bits"] - 1e-9 > 0
    kept = exact_of(net, graph_of(net)).neurons[0]
    again = json.loads(bitneck("exact", net.path, "--neurons", "--free", f"0-{FREE - 1}", "--json").stdout)
    assert again["seconds"] == kept.seconds
    assert "2^10 inputs, exact" in bitneck("exact", net.path, "--neurons", "--free", f"0-{FREE - 1}").output


def test_a_teachers_classes_are_what_layers_say_something_of(bitneck, net, said, tmp_path):
    rng = np.random.default_rng(7)
    first = Dense("dense1", rng.random((6, INPUTS)) < 0.5, np.full(6, 7, np.int32))
    import_model(tie_proof(Graph("by", 1, (first, Scores(rng.random((4, 6)) < 0.5)))), tmp_path / "by")
    assert bitneck("export", tmp_path / "by").exit_code == 0
    words = net.path, "--free", f"0-{FREE - 1}", "--teacher", tmp_path / "by"
    found = json.loads(bitneck("exact", *words, "--json").stdout)["taught"]
    y = graph_of(RunFolder(tmp_path / "by"))(inputs_of(net)).predictions()
    assert found["number"] == np.bincount(y, minlength=4).tolist()

    def entropy(*columns):
        share = np.unique(np.column_stack(columns), axis=0, return_counts=True)[1] / (1 << FREE)
        return -(share * np.log2(share)).sum()

    for codes, bits in zip(said.values(), found["i_ty_bits"], strict=True):
        assert bits == pytest.approx(entropy(codes) + entropy(y) - entropy(codes, y), abs=1e-9)
    assert "H(Y)" in bitneck("exact", *words).output


@pytest.mark.parametrize("layer", ["dense1", "dense2"])
def test_neurons_jointly(bitneck, net, said, layer):
    told = bitneck("exact", net.path, "--jointly", f"{layer}:3,0,1", "--free", f"0-{FREE - 1}", "--json")
    pattern = (said[layer][:, [3, 0, 1]] << np.arange(3)).sum(axis=1)
    assert json.loads(told.stdout)["inputs"] == np.bincount(pattern, minlength=8).tolist()


def test_codes_that_are_reached_come_with_an_input_for_each(bitneck, net, said, monkeypatch):
    monkeypatch.setattr("bitneck.flow.exact_reach.RANDOM", 4)
    told = bitneck("exact", net.path, "--reach", "dense2", "--free", f"0-{FREE - 1}", "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    due = np.unique((said["dense2"] << np.arange(5)).sum(axis=1))
    assert (found["codes"], found["undecided"]) == (due.tolist(), [])
    assert sorted(found["codes"] + found["none"]) == list(range(32))
    codes = graph_of(net)(np.array(found["witnesses"], np.uint8)).codes["dense2"].levels(1).astype(int)
    assert (codes << np.arange(5)).sum(axis=1).tolist() == found["codes"]
