"""Members of a trained net: drawn once for a seed, around its own thresholds, by samples that it has not learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from bitneck.models import checkpoints, training
from bitneck.models.capture import capture
from bitneck.models.config import NetworkConfig, TrainingConfig
from bitneck.models.datasets import load
from bitneck.models.history import TrainingError
from bitneck.models.layers import layers_of
from bitneck.models.networks import BinaryNet
from bitneck.models.threshold_sets import COLDEST, HELD_OUT, WARMEST, draw, learnt, most_likely
from pydantic import ValidationError

NETWORK = NetworkConfig(widths=(64, 24, 16, 10), input_bits=5, threshold_sets=4)
RECIPE = TrainingConfig(epochs=2, learning_rate=3e-3)
DIGITS = load("digits")


@pytest.fixture(scope="module")
def run():
    run = training.start(NETWORK, RECIPE, DIGITS)
    for _ in training.train(run):
        pass
    return run


def test_thresholds_of_a_neuron_lie_evenly_around_its_own(run):
    for block in run.net.hidden:
        offsets = block.offsets.numpy()
        assert offsets.any()
        assert (offsets % 2 == 0).all()
        assert (np.abs(offsets.sum(axis=0)) <= len(offsets)).all()  # rounding alone moves the middle
        assert len({tuple(column) for column in np.sign(offsets).T}) > 1  # members are not higher or lower everywhere


def test_they_are_drawn_once_for_a_seed(run):
    twins = [BinaryNet(NETWORK) for _ in range(2)]
    for twin, seed in zip(twins, (0, 1), strict=True):
        twin.load_state_dict(run.net.state_dict())
        draw(twin, float(run.net.spread), seed)
    same, other = ([block.offsets for block in twin.hidden] for twin in twins)
    assert all(torch.equal(one, block.offsets) for one, block in zip(same, run.net.hidden, strict=True))
    assert not all(map(torch.equal, same, other))


def test_without_spread_every_member_is_the_net_itself(run):
    net = BinaryNet(NETWORK)
    net.load_state_dict(run.net.state_dict())
    draw(net, 0.0, 0)
    plain = BinaryNet(NETWORK.model_copy(update={"threshold_sets": 1}))
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if name in plain.state_dict()})
    of_members, alone = capture(net, DIGITS.test_x), capture(plain, DIGITS.test_x)
    assert (of_members.scores == 4 * alone.scores).all()
    assert not of_members.codes["spread"].bits().any()
    codes = of_members.codes["dense2"].bits().reshape(len(alone), 4, -1)
    assert (codes == alone.codes["dense2"].bits()[:, None]).all()


def test_accuracy_is_of_the_members_together(run):
    right = capture(run.net, DIGITS.test_x).predictions() == DIGITS.test_y
    assert run.history[-1].test_accuracy == pytest.approx(right.mean())


def test_what_chooses_the_spread_is_not_learnt(run):
    rest = learnt(DIGITS, NETWORK)
    assert len(rest.train_y) == len(DIGITS.train_y) - len(DIGITS.train_y) // HELD_OUT
    assert learnt(DIGITS, NETWORK.model_copy(update={"threshold_sets": 1})) is DIGITS
    relabelled = DIGITS.train_y.copy()
    relabelled[HELD_OUT - 1 :: HELD_OUT] = 0
    other = training.start(NETWORK, RECIPE, replace(DIGITS, train_y=relabelled))
    for _ in training.train(other):
        pass
    for ours, theirs in zip(run.net.linears(), other.net.linears(), strict=True):
        assert torch.equal(ours.weight, theirs.weight)


@pytest.mark.parametrize("temperature", [2.0, 6.5, 20.0])
def test_the_temperature_is_that_under_which_labels_are_most_likely(temperature):
    generator = torch.Generator().manual_seed(0)
    dots = 4 * temperature * torch.randn(20_000, 5, generator=generator)
    y = torch.multinomial((dots / temperature).softmax(dim=1), 1, generator=generator)[:, 0]
    nll, found = most_likely(dots, y)
    assert found == pytest.approx(temperature, rel=0.03)  # of so many labels, drawn at that temperature

    def at(other):
        return float(torch.nn.functional.cross_entropy(dots.double() / other, y))

    assert nll == pytest.approx(at(found))
    assert nll < min(at(found * 1.003), at(found / 1.003))


def test_where_all_or_none_are_right_the_temperature_ends_where_it_is_sought():
    dots = torch.tensor([[9.0, 1.0], [1.0, 9.0]])
    assert most_likely(dots, torch.tensor([0, 1]))[1] == pytest.approx(COLDEST, rel=1e-4)
    assert most_likely(dots, torch.tensor([1, 0]))[1] == pytest.approx(WARMEST, rel=1e-4)


def test_a_checkpoint_keeps_the_members(run):
    net = checkpoints.network(checkpoints.state_arrays(run))
    assert all(torch.equal(value, run.net.state_dict()[name]) for name, value in net.state_dict().items())


def test_nets_that_cannot_have_sets_are_refused_by_name():
    maps = {"shape": (8, 8, 1), "layers": tuple(layers_of("4c-10"))}
    for said, of in (
        ({**maps, "whole": True}, "this one is a net of maps"),
        ({"widths": (4, 3, 2), "weight_bits": 2}, "this one is of 2 bits"),
        ({"widths": (4, 3, 2), "activation": "relu"}, "this one is a net of relu"),
    ):
        with pytest.raises(ValidationError, match=of):
            NetworkConfig(input_bits=5, threshold_sets=8, **said)


def test_too_few_samples_to_hold_any_out_are_refused():
    few = replace(DIGITS, train_x=DIGITS.train_x[:20], train_y=DIGITS.train_y[:20])
    with pytest.raises(TrainingError, match="20 training samples, of which one in 12"):
        training.start(NETWORK, RECIPE, few)
