"""A supernet: its narrow nets share weights, learn from the widest, and are judged with means of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bitneck.models import plain
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.config import preset
from bitneck.models.datasets import load
from bitneck.models.history import TrainingError
from bitneck.models.supernet import emissions, judged, teach, with_validation
from bitneck.models.training import Run, start

CHOICES = ((4, 8, 16), (4, 12))


def fresh(epochs: int = 8) -> Run:
    chosen = preset("digits")
    network = chosen.network.model_copy(update={"widths": (128, 16, 12, 10)})
    quick = {"epochs": epochs, "readout_weight": 0.0, "warp": 0.0, "learning_rate": 0.02}
    recipe = chosen.training.model_copy(update=quick)
    return start(network, recipe, with_validation(load(chosen.dataset), 0.2, 0))


@pytest.fixture(scope="module")
def taught() -> Run:
    run = fresh()
    list(teach(run, CHOICES))
    return run


def test_validation_is_drawn_from_the_training_set_class_by_class():
    data = load("digits-twice")
    split = with_validation(data, 0.2, 3)
    rows = np.concatenate([split.train_x, split.test_x])
    assert sorted(map(bytes, rows)) == sorted(map(bytes, data.train_x))  # and nothing of the test set
    shares = np.bincount(split.test_y) / np.bincount(data.train_y)
    assert np.allclose(shares, 0.2, atol=0.01)
    assert with_validation(data, 0.2, 3).sha256 == split.sha256 != with_validation(data, 0.2, 4).sha256


def test_a_share_that_leaves_nobody_to_judge_says_so():
    with pytest.raises(TrainingError, match="0 to judge by"):
        with_validation(load("digits"), 0.0001, 0)


def test_a_narrow_net_hears_only_its_own_neurons_and_its_own_weights_decide_their_signs(taught):
    signs = plain.input_bits(taught.net, torch.tensor(taught.data.train_x[:64]))
    first, second, dots = emissions(taught.net, (8, 4), signs)
    assert [layer.shape[1] for layer in (first, second, dots)] == [8, 4, 10]
    weight = taught.net.hidden[1].linear.weight[:4, :8].detach()
    sums = first @ torch.where(weight - weight.mean(dim=1, keepdim=True) >= 0, 1.0, -1.0).T
    norm = taught.net.hidden[1].norm
    normal = (sums - sums.mean(dim=0)) / torch.sqrt(sums.var(dim=0, correction=0) + norm.eps)
    due = normal * norm.weight[:4] + norm.bias[:4]
    sure = due.abs() > 1e-4
    assert torch.equal(second[sure], torch.where(due >= 0, 1.0, -1.0)[sure])


def test_means_are_of_training_samples_whoever_is_judged_beside_them(taught):
    signs = plain.input_bits(taught.net, torch.tensor(taught.data.train_x))
    together = emissions(taught.net, (8, 12), signs, signs[:5])
    for layer, whole in zip(together, emissions(taught.net, (8, 12), signs), strict=True):
        assert torch.equal(layer, whole[:5])


def test_every_width_learns_and_the_narrowest_is_taught_by_the_widest(taught):
    untaught = fresh()
    for hidden in ((4, 4), (8, 12), (16, 12)):
        assert judged(taught.net, hidden, taught.data)[0] > judged(untaught.net, hidden, taught.data)[0] + 0.1
    accuracy, codes = judged(taught.net, (8, 12), taught.data)
    assert (len(codes), codes.width) == (len(taught.data.test_y), 12)
    assert taught.history[0].loss > taught.history[-1].loss
    assert judged(taught.net, (16, 12), taught.data)[0] == pytest.approx(taught.history[-1].test_accuracy)
    assert accuracy == judged(taught.net, (8, 12), taught.data)[0]


def test_a_supernet_that_goes_on_ends_in_the_same_bytes(taught):
    run = fresh()
    epochs = teach(run, CHOICES)
    next(epochs), next(epochs)
    again = restore(state_arrays(run), run.data)
    list(teach(again, CHOICES))
    one, other = state_arrays(taught), state_arrays(again)
    assert all(np.array_equal(one[name], other[name]) for name in one if name != "history")
