from itertools import pairwise

import pytest
from bitneck.models.config import PRESETS, ConfigError, NetworkConfig, TrainingConfig, describe, preset, schedule
from bitneck.models.datasets import load
from pydantic import ValidationError


def test_an_unknown_key_names_the_nearest_known_one():
    with pytest.raises(ValidationError, match="unknown key 'epoch'; did you mean 'epochs'") as caught:
        TrainingConfig.model_validate({"epoch": 3})
    assert describe(caught.value) == "TrainingConfig: unknown key 'epoch'; did you mean 'epochs'?"


def test_a_value_out_of_range_is_described_with_its_place_on_one_line():
    with pytest.raises(ValidationError) as caught:
        NetworkConfig.model_validate({"widths": [64, 0, 10], "input_bits": 9})
    text = describe(caught.value)
    assert "widths.1: " in text
    assert "input_bits: " in text
    assert "\n" not in text


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        preset("tfc").training.epochs = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_its_own_json(name):
    known = PRESETS[name]
    assert NetworkConfig.model_validate_json(known.network.model_dump_json()) == known.network
    assert TrainingConfig.model_validate_json(known.training.model_dump_json()) == known.training


def test_layers_are_named_from_input_to_output_and_one_bit_inputs_need_no_binarize():
    assert NetworkConfig(widths=(4, 3, 3, 2), input_bits=8).names == ("binarize", "dense1", "dense2", "scores")
    assert NetworkConfig(widths=(4, 3, 2), input_bits=1).names == ("dense1", "scores")


@pytest.mark.parametrize("name", ["digits", "digits-small", "digits-tiny", "twelve"])
def test_a_preset_fits_its_embedded_data_set(name):
    known = preset(name)
    data = load(known.dataset)
    assert (known.network.inputs, known.network.classes) == (data.features, data.classes)
    assert known.network.input_bits == data.input_bits


def test_the_nets_of_mnist_are_the_papers_and_one_of_at_most_ten_bits_behind_its_first_layer():
    assert preset("paper-mnist").network.widths == (784, 1024, 20, 20, 20, 10)
    narrow = preset("narrow-mnist").network
    assert max(narrow.hidden[1:]) <= 10
    assert (narrow.inputs, narrow.classes, narrow.input_bits) == (784, 10, 8)


def test_synapses_are_the_binary_weights_of_all_layers():
    assert preset("tfc").network.synapses == 784 * 64 + 64 * 64 + 64 * 64 + 64 * 10
    assert preset("digits-tiny").network.synapses <= 3400  # small enough to unroll on an iCE40 UP5K


def test_a_misspelt_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'digits'"):
        preset("digit")


@pytest.mark.parametrize("epochs", [1, 2, 10, 11, 30, 100, 300, 3000])
def test_captures_begin_untrained_thin_out_and_end_at_the_last_epoch(epochs):
    points = schedule(epochs)
    steps = [after - before for before, after in pairwise(points)]
    assert points[0] == 0
    assert points[-1] == epochs
    assert points[: min(epochs, 10) + 1] == tuple(range(min(epochs, 10) + 1))
    assert min(steps) >= 1
    assert all(later >= earlier - 1 for earlier, later in pairwise(steps))  # but for rounding, they only grow
    assert len(points) <= 40
    assert epochs < 100 or len(points) >= 25


def test_layers_of_a_float_net_begin_where_its_weights_do():
    known = NetworkConfig(widths=(4, 3, 3, 2), input_bits=8)
    assert known.twin("tanh").names == ("dense1", "dense2", "scores")
    assert (known.binary, known.twin("tanh").binary) == (True, False)
    assert (known.normalized, known.twin("relu").normalized) == (True, False)


def test_a_sign_without_batch_norm_is_refused():
    with pytest.raises(ValidationError, match="a net of rsign needs it; only tanh and relu can do without"):
        NetworkConfig(widths=(4, 3, 2), input_bits=1, activation="rsign", batch_norm=False)


@pytest.mark.parametrize(("name", "activation"), [("twelve", "ste-clipped"), ("tfc", "approx-sign")])
def test_presets_keep_the_gradient_that_they_were_tuned_with(name, activation):
    assert preset(name).network.activation == activation
