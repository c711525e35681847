"""A narrower net is made of the survivors, and normalises what they hear now."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bitneck.models import plain
from bitneck.models.config import preset
from bitneck.models.datasets import load
from bitneck.models.history import TrainingError
from bitneck.models.pruning import narrowed
from bitneck.models.training import Run, start, train

KEPT = [np.array([0, 3, 10, 11, 40]), np.array([2, 5, 6])]


@pytest.fixture(scope="module")
def base() -> Run:
    chosen = preset("digits")
    run = start(chosen.network, chosen.training.model_copy(update={"epochs": 2}), load(chosen.dataset))
    list(train(run))
    return run


def test_survivors_keep_weights_gains_thresholds_and_readouts(base):
    small = narrowed(base, KEPT, base.config)
    assert small.net.config.widths == (128, 5, 3, 10)
    was, now = base.net.state_dict(), small.net.state_dict()
    assert torch.equal(now["binarize.threshold"], was["binarize.threshold"])
    assert torch.equal(now["hidden.0.linear.weight"], was["hidden.0.linear.weight"][KEPT[0]])
    assert torch.equal(now["hidden.1.linear.weight"], was["hidden.1.linear.weight"][KEPT[1]][:, KEPT[0]])
    assert torch.equal(now["hidden.1.norm.bias"], was["hidden.1.norm.bias"][KEPT[1]])
    assert torch.equal(now["scores.weight"], was["scores.weight"][:, KEPT[1]])
    assert torch.equal(small.readouts[0].weight, base.readouts[0].weight[:, KEPT[0]])


def test_without_some_pixels_it_keeps_what_hears_the_others(base):
    pixels = np.array([5, 9, 20, 63])
    inputs = np.concatenate([pixels, 64 + pixels])  # each is shown twice
    everything = [np.arange(64), np.arange(48)]
    small = narrowed(base, everything, base.config, "cpu", base.data.of_inputs(pixels.tolist()), inputs)
    assert small.net.config.widths == (8, 64, 48, 10)
    was, now = base.net.state_dict(), small.net.state_dict()
    assert torch.equal(now["binarize.threshold"], was["binarize.threshold"][inputs])
    assert torch.equal(now["hidden.0.linear.weight"], was["hidden.0.linear.weight"][:, inputs])
    assert torch.equal(now["hidden.1.linear.weight"], was["hidden.1.linear.weight"])


def test_means_and_variances_are_those_of_the_sums_that_are_left(base):
    small = narrowed(base, KEPT, base.config)
    x = torch.tensor(base.data.train_x)
    signs = plain.input_bits(small.net, x)
    sums = signs @ torch.where(small.net.hidden[0].linear.weight >= 0, 1.0, -1.0).T
    norm = small.net.hidden[0].norm
    assert torch.allclose(norm.running_mean, sums.mean(dim=0), atol=1e-3)
    assert torch.allclose(norm.running_var, sums.var(dim=0), rtol=1e-3)
    assert norm.momentum == base.net.hidden[0].norm.momentum
    second = (
        plain.forward(small.net.train(False), signs)[0]
        @ torch.where(small.net.hidden[1].linear.weight >= 0, 1.0, -1.0).T
    )
    assert torch.allclose(small.net.hidden[1].norm.running_mean, second.mean(dim=0), atol=0.5)


def test_channels_that_survive_are_heard_at_every_place():
    chosen = preset("digits-conv")
    base = start(chosen.network, chosen.training.model_copy(update={"readout_weight": 0.3}), load(chosen.dataset))
    kept = [np.array([0, 3, 15]), np.array([2, 5])]
    small = narrowed(base, kept, base.config)
    assert [str(layer) for layer in small.net.config.layers] == ["3c+1", "2c", "2p", "10"]
    was, now = base.net.state_dict(), small.net.state_dict()
    assert torch.equal(now["hidden.0.linear.weight"], was["hidden.0.linear.weight"][kept[0]])
    assert torch.equal(now["hidden.1.linear.weight"], was["hidden.1.linear.weight"][kept[1]][:, kept[0]])
    assert torch.equal(now["scores.weight"], was["scores.weight"].view(10, 16, 9)[:, kept[1]].flatten(1))
    maps = base.readouts[0].weight.view(10, 16, 64)
    assert torch.equal(small.readouts[0].weight, maps[:, kept[0]].flatten(1))


def test_it_trains_on_from_what_was_learnt(base):
    everything = [np.arange(64), np.arange(48)]
    same = next(iter(train(narrowed(base, everything, base.config))))
    few = list(train(narrowed(base, [np.arange(0, 64, 2), np.arange(0, 48, 2)], base.config)))
    assert abs(same.test_accuracy - base.history[-1].test_accuracy) < 0.05
    assert few[-1].test_accuracy > few[0].test_accuracy
    assert few[0].epoch == 0
    assert few[-1].epoch == 2


@pytest.mark.parametrize(
    "kept",
    [
        [np.array([0])],
        [np.array([], int), np.array([0])],
        [np.array([1, 0]), np.array([0])],
        [np.array([64]), np.array([0])],
    ],
)
def test_what_is_not_of_the_net_is_refused(base, kept):
    with pytest.raises(TrainingError, match=r"hidden layers|rising indexes"):
        narrowed(base, kept, base.config)


def test_nets_with_codebooks_are_refused():
    chosen = preset("digits-conv")
    network = chosen.network.model_copy(update={"codebook_bits": 4})
    run = start(network, chosen.training, load(chosen.dataset))
    with pytest.raises(TrainingError, match="words of codebooks"):
        narrowed(run, [np.arange(16)] * 2, run.config)


def test_nets_of_several_passes_are_refused():
    chosen = preset("digits-tiny")
    run = start(chosen.network.model_copy(update={"steps": 2}), chosen.training, load(chosen.dataset))
    with pytest.raises(TrainingError, match="of one pass are narrowed"):
        narrowed(run, [np.array([0])] * 2, run.config)
