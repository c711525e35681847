"""A net of maps as run.toml says it: shapes, names, and what is refused."""

from __future__ import annotations

import pytest
from bitneck.models.config import NetworkConfig, describe, preset
from bitneck.models.layers import LayerConfig, layers_of
from pydantic import ValidationError
from small_conv_nets import config


def test_every_layer_has_the_name_and_the_shape_that_a_reader_of_its_file_finds():
    assert config().shapes == {
        "cut1": (6, 5, 2),
        "conv1": (6, 5, 7),
        "conv2": (5, 4, 9),
        "pool1": (2, 2, 9),
        "dense1": (11,),
        "scores": (4,),
    }
    assert config(whole=True).names[0] == config(1).names[0] == "conv1"
    cnv = preset("cnv").network
    assert (cnv.shapes["conv6"], cnv.synapses) == ((1, 1, 256), 1_542_848)  # those of FINN's


def test_layers_print_themselves_as_they_are_parsed():
    text = "64c5/2+1-3p/2-16c-2p-10"
    assert "-".join(map(str, layers_of(text))) == text


def test_weights_and_products_are_counted_at_every_place():
    net = config(layers="7c-4")
    assert net.synapses == 7 * 18 + 4 * 84
    assert net.products == 12 * 7 * 18 + 4 * 84


def test_a_net_of_maps_survives_its_own_json_and_says_nothing_of_the_other_form():
    said = config().model_dump(mode="json")
    assert "widths" not in said
    assert said["layers"][:2] == [{"conv": 7, "padding": 1}, {"conv": 9, "kernel": 2, "stride": 1}]
    assert NetworkConfig.model_validate_json(config().model_dump_json()) == config()
    assert preset("tfc").network.model_dump().keys() == {"widths", "input_bits", "activation", "batch_norm"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"conv": 4, "dense": 3}, "here stand conv and dense"),
        ({}, "here stand none"),
        ({"dense": 4, "padding": 1}, "a dense layer has no padding"),
        ({"pool": 2, "kernel": 3}, "a pool layer has no kernel"),
        ({"conv": 4, "padding": 3}, "padding 3 makes windows of nothing else; kernel 3"),
        ({"channels": 4}, "unknown key 'channels'"),
    ],
)
def test_a_layer_that_is_none_is_refused(said, why):
    with pytest.raises(ValidationError) as caught:
        LayerConfig.model_validate(said)
    assert why in describe(caught.value)


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ("16c-16c-16c-4", "conv3: windows of 3 x 3 over a map of 2 x 1: none fits"),
        ("5-4", "from dense to dense; the first is a conv"),
        ("4c-2p", "from conv to pool"),
        ("4c-5-2p-4", "pool1: a pool layer stands behind a dense one"),
    ],
)
def test_layers_that_do_not_chain_are_refused_by_name(layers, why):
    with pytest.raises(ValidationError) as caught:
        config(layers=layers)
    assert why in describe(caught.value)


def test_a_net_is_said_in_one_form():
    both = {"widths": [4, 3, 2], "shape": [6, 5, 2], "layers": [{"conv": 2}, {"dense": 2}], "input_bits": 1}
    for left_out in ((), ("widths", "layers"), ("shape", "layers", "widths")):
        with pytest.raises(ValidationError, match="give one of the two"):
            NetworkConfig.model_validate({key: value for key, value in both.items() if key not in left_out})
    with pytest.raises(ValidationError, match="height, width and channels of a sample are not given"):
        NetworkConfig.model_validate({key: value for key, value in both.items() if key not in ("widths", "shape")})
    with pytest.raises(ValidationError, match="shape and whole are of a net of layers"):
        NetworkConfig.model_validate({key: value for key, value in both.items() if key != "layers"})
