"""Neurons that integrate: whole numbers from batch-norm, states that begin at 0, cuts of pixels at every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bitneck.models import checkpoints, training
from bitneck.models.alike import trainable
from bitneck.models.capture import capture
from bitneck.models.config import NetworkConfig, TrainingConfig
from bitneck.models.datasets import load
from bitneck.models.integrate import Integrate
from bitneck.models.layers import layers_of
from bitneck.models.signs import Activation
from bitneck.models.thresholds import even_thresholds
from pydantic import ValidationError

NETWORK = NetworkConfig(widths=(64, 24, 16, 10), input_bits=5, steps=4)
RECIPE = TrainingConfig(epochs=2, learning_rate=3e-3)
DIGITS = load("digits")


@pytest.fixture(scope="module")
def run():
    run = training.start(NETWORK, RECIPE, DIGITS)
    for _ in training.train(run):
        pass
    return run


def neurons(mean: float, deviation: float, gain: float, bias: float) -> Integrate:
    """One, of eight inputs."""
    made = Integrate(1, 8, Activation("approx-sign", 1)).eval()
    made.norm.eps = 0.0
    for name, value in {"running_mean": mean, "running_var": deviation**2, "weight": gain, "bias": bias}.items():
        getattr(made.norm, name).data.fill_(value)
    return made


def test_what_is_left_of_a_state_counts_at_the_next_step_and_nothing_at_the_next_frame():
    layer = neurons(mean=-8, deviation=6, gain=1, bias=0)  # nothing leaks, theta is three agreeing bits
    dots = 2 * torch.tensor([[2.0, 3, 0], [2, 3, 0], [2, 3, 8], [2, 1, 0]])[:, :, None] - 8
    for _ in range(2):
        fired = layer(dots)[:, :, 0] > 0
        assert fired.T.int().tolist() == [[0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 1, 1]]


def test_a_neuron_that_falls_counts_what_disagrees():
    rising, falling = neurons(1, 3, 0.5, 0.5), neurons(-1, 3, -0.5, 0.5)
    dots = torch.arange(-8.0, 9, 2).repeat(4, 1)[:, :, None]
    assert falling.whole().falling.all()
    assert torch.equal(falling(-dots), rising(dots))


@pytest.mark.parametrize(("gain", "bias", "fires"), [(1e-9, 2.0, True), (0.0, 2.0, True), (1e-9, -2.0, False)])
def test_a_gain_of_nothing_leaves_the_bias(gain, bias, fires):
    layer = neurons(0, 1, gain, bias)
    whole = layer.whole()
    assert -whole.theta.item() <= whole.leak.item() <= 8
    assert ((layer(torch.tensor([-8.0, 8]).repeat(4, 1)[:, :, None]) > 0) == fires).all()


def test_every_step_cuts_the_middle_of_its_share():
    assert DIGITS.train_x.max() == 16
    assert even_thresholds(DIGITS, 4).tolist() == [2.5, 6.5, 10.5, 14.5]
    assert even_thresholds(DIGITS, 2).tolist() == [4.5, 12.5]


def test_codes_are_captured_step_by_step(run):
    trace = capture(run.net, DIGITS.test_x)
    assert {name: codes.width for name, codes in trace.codes.items()} == {
        "binarize": 4 * 64,
        "dense1": 4 * 24,
        "dense2": 4 * 16,
        "steps": 4 * 10 * 5,
        "spread": 8,
    }
    cut = trace.codes["binarize"].bits().reshape(-1, 4, 64)
    assert (cut == (DIGITS.test_x[:, None] >= np.array([3, 7, 11, 15])[:, None])).all()
    scores = trace.codes["steps"].levels(5).reshape(-1, 4, 10)
    assert (trace.scores == scores.sum(axis=1)).all()
    assert run.history[-1].test_accuracy == pytest.approx((trace.predictions() == DIGITS.test_y).mean())


def test_a_training_goes_on_from_its_checkpoint_in_the_same_bytes(run):
    half = training.start(NETWORK, RECIPE, DIGITS)
    epochs = training.train(half)
    next(epochs), next(epochs)
    again = checkpoints.restore(checkpoints.state_arrays(half), DIGITS)
    for _ in training.train(again):
        pass
    for name, value in run.net.state_dict().items():
        assert torch.equal(value, again.net.state_dict()[name]), name


def test_nets_that_cannot_have_steps_are_refused_by_name():
    dense = {"widths": (4, 3, 2)}
    for said, of in (
        ({"shape": (8, 8, 1), "layers": tuple(layers_of("4c-10")), "whole": True}, "this one is a net of maps"),
        ({**dense, "weight_bits": 2}, "this one is of 2 bits"),
        ({**dense, "activation": "relu"}, "this one is a net of relu"),
        ({**dense, "input_bits": 1}, "a bit is cut already"),
        ({**dense, "threshold_sets": 2}, "a frame passes for one of them"),
        ({**dense, "activation": "rsign"}, "a neuron's theta is its threshold"),
    ):
        with pytest.raises(ValidationError, match=of):
            NetworkConfig(**{"input_bits": 5, "steps": 4, **said})


def test_small_nets_of_steps_are_not_trained_together():
    assert trainable(NETWORK.model_copy(update={"steps": 1}), RECIPE)
    assert not trainable(NETWORK, RECIPE)
