"""finn-base, another executor of our files; without it, one sentence."""

from __future__ import annotations

from importlib import metadata

import pytest
from bitneck.export.judges import finn
from bitneck.export.judges.compare import first_mismatch
from bitneck.export.writing.qonnx import export
from bitneck.export.writing.streamlined import streamlined
from bitneck.models.config import PRESETS
from random_nets import random_frames, random_graph

pytestmark = pytest.mark.filterwarnings("ignore:.*mapping.TENSOR_TYPE:DeprecationWarning")  # finn-base's own
with_finn = pytest.mark.skipif(finn.available() is not None, reason=str(finn.available()))


@with_finn
@pytest.mark.parametrize("dialect", ["xnor", "bipolar"])
@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].network.widths])
def test_every_layer_of_every_streamlined_preset_says_what_the_graph_says(preset, dialect):
    network = PRESETS[preset].network
    graph = random_graph(network.widths, network.input_bits)
    x = random_frames(graph, 300)
    assert first_mismatch(graph, graph(x), finn.execute(streamlined(graph, dialect), x, batch=128), x) is None


@with_finn
@pytest.mark.parametrize(("widths", "input_bits"), [((12, 10, 7, 5, 2), 1), ((9, 24, 17, 4), 3), ((33, 64, 64, 10), 8)])
def test_model_onnx_of_an_adversarial_net_says_what_torch_says(widths, input_bits, adversarial, walk, pixels):
    from bitneck.export.reading.streamline import streamline

    net = adversarial(widths, input_bits)
    x = pixels(net, 300)
    model = export(net)
    assert first_mismatch(streamline(model).graph, walk(net, x), finn.execute(model, x, batch=128), x) is None


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({"qonnx"}, "finn-base is not installed here; "),
        ({"finn-plus"}, "finn-base is not installed here; "),
        ({"finn-base", "finn-plus"}, "finn-plus is in the same environment and has overwritten parts of finn-base; "),
    ],
)
def test_where_it_is_missing_or_overwritten_one_sentence_names_the_way_out(monkeypatch, installed, said):
    def version(package: str) -> str:
        if package not in installed:
            raise metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    found = finn.available()
    assert found is not None
    assert found.startswith(said)
    assert "\n" not in found
