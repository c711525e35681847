from typing import get_args

import numpy as np
import pytest
import torch
from bitneck.models import plain
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.config import NetworkConfig, Sign
from bitneck.models.networks import BinaryNet
from bitneck.models.signs import SLOPES, QuantizedActivation, QuantizedWeight


@pytest.mark.parametrize("activation", get_args(Sign))
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("input_bits", "weight_bits", "activation_bits"), [(1, 1, 1), (4, 1, 1), (4, 1, 2), (1, 2, 2)])
def test_plain_torch_gives_the_scores_and_the_gradients_of_brevitas_to_the_last_bit(
    input_bits, weight_bits, activation_bits, training, activation
):
    config = NetworkConfig(
        widths=(20, 16, 12, 5),
        input_bits=input_bits,
        activation=activation,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
    )
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 2**input_bits, (64, 20), np.uint8))
    results = []
    for kind, forward in (
        (BrevitasNet, lambda net: net(net.encode(pixels))),
        (BinaryNet, lambda net: plain.forward(net, plain.input_bits(net, pixels))[-1]),
    ):
        net = kind(config, seed=1).train(training)
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                if name.endswith("shift.threshold"):
                    parameter.copy_(torch.linspace(-0.5, 0.5, len(parameter)))
        dots = forward(net)
        dots.square().sum().backward()
        assert not training or all(bool(parameter.grad.any()) for parameter in net.parameters())
        results.append([dots, *(p.grad for p in net.parameters()), *net.state_dict().values()])
    assert all(map(torch.equal, *results))


CLOSED_FORMS = {
    "ste-identity": lambda x: np.ones_like(x),
    "ste-clipped": lambda x: 1.0 * (np.abs(x) <= 1),
    "approx-sign": lambda x: np.where(x < 0, 2 + 2 * x, 2 - 2 * x) * (np.abs(x) < 1),
    "swish-sign": lambda x: 5 * (2 - 5 * x * np.tanh(2.5 * x)) / (1 + np.cosh(5 * x)),
    "rsign": lambda x: np.where(x < 0, 2 + 2 * x, 2 - 2 * x) * (np.abs(x) < 1),
}


@pytest.mark.parametrize("activation", get_args(Sign))
def test_the_gradient_of_an_activation_is_its_closed_form(activation):
    """On a grid through zero, the edges at ±1 and far beyond them."""
    grid = np.concatenate([np.linspace(-3, 3, 49), [-1e-30, -0.0, 40, -40]])
    quantizer = BrevitasNet(NetworkConfig(widths=(2, 1, 1), input_bits=1, activation=activation)).hidden[0].activation
    for sign in (quantizer, lambda x: QuantizedActivation.apply(x, SLOPES[activation], 1)):
        x = torch.tensor(grid, dtype=torch.float32, requires_grad=True)
        signs = sign(x)
        (3 * signs).sum().backward()
        assert np.array_equal(signs.detach().numpy(), np.where(grid >= 0, 1, -1))
        assert x.grad.numpy() == pytest.approx(3 * CLOSED_FORMS[activation](grid), abs=1e-6)


@pytest.mark.parametrize("activation", get_args(Sign))
def test_of_two_bits_the_gradient_is_the_mean_of_those_of_the_two_signs_that_it_is_of(activation):
    grid = np.concatenate([np.linspace(-3, 3, 49), [0.5, -0.5, 0.5 + 1e-6, -0.0]])
    config = NetworkConfig(widths=(2, 1, 1), input_bits=1, activation=activation, activation_bits=2)
    due = (CLOSED_FORMS[activation](grid - 0.5) + CLOSED_FORMS[activation](grid + 0.5)) / 2
    for step in (kind(config).hidden[0].activation for kind in (BrevitasNet, BinaryNet)):
        x = torch.tensor(grid, dtype=torch.float32, requires_grad=True)
        levels = step(x)
        (3 * levels).sum().backward()
        assert np.array_equal(levels.detach().numpy(), 1.0 * (grid > 0.5) - (grid < -0.5))
        assert x.grad.numpy() == pytest.approx(3 * due, abs=1e-5)


def test_the_closed_form_of_swish_sign_is_the_slope_of_the_published_curve():
    x = np.linspace(-2, 2, 401)
    curve = 2 / (1 + np.exp(-5 * x)) * (1 + 5 * x * (1 - 1 / (1 + np.exp(-5 * x)))) - 1
    middle = CLOSED_FORMS["swish-sign"]((x[1:] + x[:-1]) / 2)
    assert np.diff(curve) / np.diff(x) == pytest.approx(middle, abs=2e-3)


def test_no_size_of_a_value_makes_the_gradient_of_swish_sign_anything_but_finite():
    assert SLOPES["swish-sign"](torch.tensor([1e30, -1e30, 18.0, -3e38 / 5])).tolist() == pytest.approx([0] * 4)


@pytest.mark.parametrize("kind", [BinaryNet, BrevitasNet])
def test_a_channels_threshold_moves_its_sign_and_learns_with_the_opposite_gradient(kind):
    block = kind(NetworkConfig(widths=(2, 3, 1), input_bits=1, activation="rsign")).hidden[0]
    with torch.no_grad():
        block.shift.threshold.copy_(torch.tensor([0.5, -0.5, 0.0]))
    x = torch.tensor([[0.25, 0.25, 0.25], [-0.25, -0.25, -0.25]], requires_grad=True)
    signs = block.activation(block.shift(x))
    signs.sum().backward()
    assert signs.tolist() == [[-1, 1, 1], [-1, 1, -1]]
    assert x.grad.tolist() == [[1.5, 0.5, 1.5], [0.5, 1.5, 1.5]]
    assert block.shift.threshold.grad.tolist() == [-2, -2, -3]


def test_zero_is_plus_one():
    values = torch.tensor([0.0, -0.0, -1e-30, 2.0])
    assert QuantizedActivation.apply(values, SLOPES["ste-clipped"], 1).tolist() == [1, 1, -1, 1]
    assert QuantizedWeight.apply(values, 1).tolist() == [1, 1, -1, 1]
    assert QuantizedWeight.apply(torch.tensor([0.5, -0.5, 0.51, -2.0]), 2).tolist() == [0, 0, 1, -1]
