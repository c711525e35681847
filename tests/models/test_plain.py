import numpy as np
import pytest
import torch
from bitneck.models import plain
from bitneck.models.config import NetworkConfig
from bitneck.models.networks import DenseNet


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("input_bits", [1, 4])
def test_plain_torch_gives_the_scores_and_the_gradients_of_brevitas_to_the_last_bit(input_bits, training):
    config = NetworkConfig(widths=(20, 16, 12, 5), input_bits=input_bits)
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 2**input_bits, (64, 20), np.uint8))
    results = []
    for forward in (
        lambda net: net(net.encode(pixels)),
        lambda net: plain.forward(net, plain.input_bits(net, pixels))[-1],
    ):
        net = DenseNet(config, seed=1).train(training)
        dots = forward(net)
        dots.square().sum().backward()
        results.append([dots, *(p.grad for p in net.parameters()), *net.buffers()])
    assert all(map(torch.equal, *results))


@pytest.mark.parametrize(("gradient", "slopes"), [("straight", [0, 1, 1, 1, 1, 0]), ("triangle", [0, 0, 1, 2, 1.5, 0])])
def test_gradients_of_an_activation_stop_beyond_one(gradient, slopes):
    values = torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.25, 1.5], requires_grad=True)
    signs = plain.SignOfActivation.apply(values, gradient)
    signs.sum().backward()
    assert signs.tolist() == [-1, -1, -1, 1, 1, 1]
    assert values.grad.tolist() == slopes


def test_zero_is_plus_one():
    values = torch.tensor([0.0, -0.0, -1e-30, 2.0])
    assert plain.SignOfActivation.apply(values, "straight").tolist() == [1, 1, -1, 1]
    assert plain.SignOfWeight.apply(values).tolist() == [1, 1, -1, 1]
