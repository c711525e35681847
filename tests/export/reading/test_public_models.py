"""Real files of others, read and held against the executors of the field, their makers' integers and known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.graph.constants import constants, fold_constants
from bitneck.export.judges import foreign
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.reading.chain import StreamlineError
from bitneck.export.reading.streamline import streamline
from bitneck.flow.importing import pixels_of
from public_models import PUBLIC, finn_cybsec, folder, packed_cnv, random_levels

pytestmark = pytest.mark.skipif(not folder().is_dir(), reason="no public models in BITNECK_DATA")
SLOW = ("cnv", "radioml")  # executors take 10 ms a sample and more


def read(public):
    return streamline(public.content(), None if public.pixels is None else pixels_of(public.pixels), margin="state")


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.file.partition(".")[0])
def test_the_integers_of_a_public_file_are_what_executors_make_of_it(public):
    found = read(public)
    graph = found.graph
    assert tuple(layer.out_shape[-1] for layer in graph.layers) == public.widths
    x = random_levels(graph.layers[0].takes, graph.inputs, 12 if any(slow in public.file for slow in SLOW) else 1000)
    trace = graph(x)
    for judge in (foreign.onnx_runtime, foreign.qonnx):
        said = judge(found, x)
        if not found.margins:
            assert first_mismatch(graph, said, trace, x) is None
        moved, mismatch = foreign.explained(found, said, x)
        assert mismatch is None
        assert moved <= sum(codes.width for codes in said.codes.values()) * len(x) / 1e6


@pytest.mark.parametrize("public", [each for each in PUBLIC if each.dataset == "mnist"], ids=lambda each: each.file)
def test_public_nets_of_mnist_know_as_many_digits_as_they_do(public, mnist_folder):
    from bitneck.models.datasets import load

    data = load("mnist", mnist_folder)
    graph = read(public).graph
    assert (graph(data.test_x).predictions() == data.test_y).mean() == public.accuracy


def test_the_net_of_finns_build_flow_knows_the_first_digits(mnist_folder):
    from bitneck.models.datasets import load

    public = next(each for each in PUBLIC if each.file.startswith("finn_build"))
    assert read(public).graph(load("mnist", mnist_folder).test_x[:4]).predictions().tolist() == [7, 2, 1, 0]


@pytest.mark.parametrize("name", ["bnnpynq_cifar10_cnvW1A1", "bnnpynq_cifar10_cnvW1A2", "bnnpynq_cifar10_cnvW2A2"])
def test_a_trained_cnv_gives_the_classes_of_its_packed_integers(name):
    public = next(each for each in PUBLIC if each.file.startswith(name))
    image = np.load(folder() / "cifar10-test-data-class3.npz")["arr_0"].transpose(0, 2, 3, 1).reshape(1, -1)
    x = np.concatenate([image, random_levels(256, 3072, 5)])
    trace = read(public).graph(x)
    sums = packed_cnv(name, x)
    assert np.array_equal(trace.predictions(), sums.argmax(axis=1))
    apart = trace.scores - trace.scores[:, :1]
    assert np.array_equal(2 * apart if "W1A1" in name else apart, sums - sums[:, :1])
    assert trace.predictions()[0] == 3


def test_cybsecs_integers_say_what_finns_own_say():
    public = next(each for each in PUBLIC if each.file.startswith("cybsec"))
    graph = read(public).graph
    x = random_levels(2, 600, 1000)
    trace = graph(x)
    for layer, due in zip(graph.layers, finn_cybsec(x), strict=True):
        said = trace.scores if layer.name == "scores" else trace.codes[layer.name].levels(layer.emits.bits)
        assert np.array_equal(said, due), layer.name


def test_cybsecs_second_layer_loses_two_neurons_to_the_constants_of_the_first():
    """Each layer by itself has 28, 40 and 58 neurons that never change; two more see too little of the first."""
    graph = read(next(each for each in PUBLIC if each.file.startswith("cybsec"))).graph
    alone = {
        name: constants(replace(graph, layers=(graph[name],), input_bits=2))[name] for name in ("dense2", "dense3")
    }
    known = constants(graph)
    assert [int((row >= 0).sum()) for row in (known["dense1"], *alone.values())] == [28, 40, 58]
    more = np.flatnonzero((known["dense2"] >= 0) & (alone["dense2"] < 0))
    assert more.tolist() == [26, 43]
    for row in more:
        weight, said = graph["dense2"].integers()[row], known["dense1"]
        sums = {0}  # every one there can be, exactly
        for each, level in zip(weight.tolist(), said.tolist(), strict=True):
            levels = range(4) if level < 0 else [level]
            sums = {total + abs(each) * (3 - at if each < 0 else at) for total in sums for at in levels}
        assert {int((graph["dense2"].threshold[row] <= total).sum()) for total in sums} == {known["dense2"][row]}
    left = [layer.outputs for layer in fold_constants(graph).graph.layers]
    assert left == [36, 22, 6, 1]


def test_hardware_layers_of_a_compiler_are_refused_by_name():
    with pytest.raises(StreamlineError, match=r"MVAU_hls.*of the domain 'finn.custom_op.fpgadataflow.hls'"):
        streamline((folder() / "finn_cybsec_PE_SIMD.onnx").read_bytes(), (-1, 1))
