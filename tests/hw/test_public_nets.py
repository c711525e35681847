"""Nets of others as RTL, on real samples: every layer's codes are the graph's, in the cycles of published foldings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from bitneck.export.graph import Graph
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.reading.streamline import streamline
from bitneck.flow.config import default_cycles
from bitneck.flow.importing import pixels_of
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.hw.simulation.library import build
from bitneck.hw.stages import Folding
from bitneck.models.datasets import load
from numpy.typing import NDArray
from public_models import CNV_FOLDING, PUBLIC, cifar10_images, folder, random_levels

Samples = Callable[[Graph, int], NDArray[np.uint8]]


def pictures(graph: Graph, count: int) -> NDArray[np.uint8]:
    return cifar10_images(count)


def digits(graph: Graph, count: int) -> NDArray[np.uint8]:
    return load("mnist", folder().parent).test_x[:count]


def at_random(graph: Graph, count: int) -> NDArray[np.uint8]:
    return random_levels(graph.layers[0].takes, graph.inputs, count)


@dataclass(frozen=True)
class Case:
    """cycles    a frame: of the published folding, or where nobody published one of the one that is taken by default"""

    file: str
    cycles: int
    samples: Samples
    count: int
    folding: dict[str, tuple[int, int]] | None = None


CASES = (
    Case("bnnpynq_cifar10_cnvW1A1", 32_768, pictures, 100, CNV_FOLDING),
    Case("bnnpynq_cifar10_cnvW1A2", 32_768, pictures, 5, CNV_FOLDING),
    Case("zoo_TFC_1W1A", 64, digits, 1000),
    Case("zoo_TFC_1W2A", 64, digits, 1000),
    Case("zoo_TFC_2W2A", 64, digits, 1000),
    Case("cybsec_w2a2", 64, at_random, 1000),
    Case("radioml_vgg10", 65_536, at_random, 3),
)


def proven(graph: Graph, foldings: dict[str, Folding], x: NDArray[np.uint8], place: Path) -> float:
    """Cycles a frame of a design all of whose layers answer as the graph."""
    accelerator = lower(graph, foldings)
    found, expected = build(accelerator, place)(x), graph(x)
    assert first_mismatch(graph, expected, found.trace, x) is None
    assert np.array_equal(found.classes, expected.predictions())
    assert found.cycles_per_frame == accelerator.cycles
    return found.cycles_per_frame


@pytest.mark.skipif(not folder().is_dir(), reason="no public models in BITNECK_DATA")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file)
def test_a_public_net_answers_as_rtl_what_its_file_says(case, tmp_path):
    public = next(each for each in PUBLIC if each.file.startswith(case.file))
    pixels = None if public.pixels is None else pixels_of(public.pixels)
    graph = replace(streamline(public.content(), pixels, margin="state").graph, name="public")
    foldings = (
        fold(graph, default_cycles(graph))
        if case.folding is None
        else {name: Folding(*pair) for name, pair in case.folding.items()}
    )
    assert proven(graph, foldings, case.samples(graph, case.count), tmp_path) == case.cycles


def test_a_keyword_net_of_three_bits_takes_the_392_cycles_of_finns_folding(tmp_path):
    torch = pytest.importorskip("torch")
    from bitneck.export.writing.qonnx import of_module
    from brevitas_nets import keyword_net

    graph = streamline(of_module(keyword_net()[0], torch.zeros(1, 490)), margin="state").graph
    assert proven(graph, fold(graph, 392), at_random(graph, 200), tmp_path) == 392
