"""A net of codebooks becomes hardware that decodes them: torch = QONNX = graph = RTL in every bit of every layer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bitneck import flow
from bitneck.export.graph import Graph
from bitneck.flow.config import changed, from_preset
from bitneck.flow.files import read_arrays
from bitneck.flow.folder import RunFolder
from bitneck.models.layers import layers_of

AS_THEY_ARE = {"training__epochs": 2, "training__warp": 0.0, "analysis__samples": "test", "analysis__brackets": 0}
CODED = {"network__layers": tuple(layers_of("12c+1-12c-2p-10")), "network__codebook_bits": 4}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("subbit") / "run")
    flow.train(folder, changed(from_preset("digits-conv"), **CODED, **AS_THEY_ARE))
    flow.export(folder)
    flow.build(folder)
    return folder


def memory(run: RunFolder, layer: str, what: str) -> Path:
    (path,) = run.rtl.glob(f"*__{layer}_{what}.mem")
    return path


def test_four_sources_emit_the_same_codes_of_a_net_of_codebooks(run):
    assert flow.simulate(run).equal
    for row in json.loads(run.verification.read_text())["digests"].values():
        assert list(row) == ["torch", "qonnx", "graph", "rtl"]
        assert len(set(row.values())) == 1


def test_the_file_has_plain_weights_and_the_hardware_a_codebook_of_those_kernels_that_there_are(run):
    kernels = Graph.from_arrays(read_arrays(run.graph))["conv2"].weight.reshape(12, 9, 12).transpose(0, 2, 1)
    different = {tuple(kernel) for kernel in kernels.reshape(-1, 9)}
    assert len(different) <= 16
    words = [int(word, 16) for word in memory(run, "conv2", "codebook").read_text().split()]
    assert len(words) == 16
    assert set(words) >= {sum(int(bit) << at for at, bit in enumerate(kernel)) for kernel in different}
    assert not list(run.rtl.glob("*__conv1_codebook.mem"))


def test_a_wrong_bit_of_a_codebook_is_found_in_the_layer_that_reads_it(run):
    path = memory(run, "conv2", "codebook")
    before = path.read_text()
    words = before.split()
    path.write_text("\n".join([f"{int(words[0], 16) ^ 0x10:03x}", *words[1:], ""]))
    try:
        assert not flow.simulate(run).equal
        digests = json.loads(run.verification.read_text())["digests"]
        assert len(set(digests["conv1"].values())) == 1
        assert len(set(digests["conv2"].values())) == 2
    finally:
        path.write_text(before)
