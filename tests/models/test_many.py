"""Nets that are trained together: each in the bits that its own training gives it, whoever is beside it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from bitneck.models import many, signs, training
from bitneck.models.alike import SMALL, recipe, trainable
from bitneck.models.capture import capture
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.config import NetworkConfig, TrainingConfig, preset
from bitneck.models.datasets import load
from bitneck.models.history import TrainingError
from bitneck.models.training import Run

TWELVE = preset("twelve")
CUT = NetworkConfig(widths=(64, 33, 17, 10), input_bits=5)
RECIPE = TrainingConfig(epochs=2, batch_size=100)  # of 3,276 samples: a last batch of 76, no multiple of a vector


def started(network: NetworkConfig, config: TrainingConfig, seeds: Iterable[int], data: str = "twelve") -> list[Run]:
    return [training.start(network, config.model_copy(update={"seed": seed}), load(data)) for seed in seeds]


def trained(runs: list[Run]) -> list[Run]:
    for _ in many.train(runs):
        pass
    return runs


def alone(runs: list[Run]) -> list[Run]:
    for run in runs:
        for _ in training.train(run):
            pass
    return runs


def same(one: Run, other: Run) -> bool:
    """Weights, statistics, Adam's moments and history, bit for bit."""
    here, there = state_arrays(one), state_arrays(other)
    return here.keys() == there.keys() and all(np.array_equal(here[name], there[name]) for name in here)


@pytest.mark.parametrize("activation", ["ste-identity", "ste-clipped", "approx-sign", "swish-sign", "rsign"])
def test_each_net_is_bit_for_bit_that_of_its_own_training(activation):
    network = TWELVE.network.model_copy(update={"activation": activation})
    runs = trained(started(network, RECIPE, range(3)))
    assert all(map(same, runs, alone(started(network, RECIPE, range(3)))))
    assert len({state_arrays(run)["net/scores.weight"].tobytes() for run in runs}) == 3


def test_so_is_a_net_of_thresholds_whose_rates_fall_weights_decay_and_statistics_are_taken_anew():
    config = RECIPE.model_copy(update={"batch_size": 128, "cosine": True, "weight_decay": 1e-3, "reestimate": True})
    runs = [started(CUT, config, (4, 7), "digits") for _ in range(2)]
    assert all(map(same, trained(runs[0]), alone(runs[1])))


def test_where_no_probe_finds_a_kernel_that_rounds_alike_each_net_is_asked_alone(monkeypatch):
    monkeypatch.setattr(many, "_fused", lambda rows, width: None)
    monkeypatch.setattr(many, "_alike", lambda rows, nets, out, entering: (False, False))
    assert all(
        map(same, trained(started(CUT, RECIPE, (0, 1), "digits")), alone(started(CUT, RECIPE, (0, 1), "digits")))
    )


def test_a_slope_of_others_is_asked_for_each_net_alone(monkeypatch):
    def of_all(x):
        return torch.ones_like(x) * x.abs().mean()

    for module in (signs, many):
        monkeypatch.setattr(module, "slope", lambda activation, bits=1: of_all)
    network = TWELVE.network.model_copy(update={"activation": "swish-sign"})
    assert all(map(same, trained(started(network, RECIPE, (0, 1))), alone(started(network, RECIPE, (0, 1)))))


def test_a_net_knows_nothing_of_those_beside_it():
    few, others = (trained(started(TWELVE.network, RECIPE, seeds)) for seeds in ((1, 2), (9, 2, 30, 4, 5)))
    assert same(few[1], others[1])


def test_what_was_trained_together_goes_on_alone():
    longer = RECIPE.epochs + 1
    ends = []
    for run in (*trained(started(TWELVE.network, RECIPE, (3, 4))), *alone(started(TWELVE.network, RECIPE, (3, 4)))):
        ends += alone([restore(state_arrays(run), run.data, epochs=longer)])
    assert same(ends[0], ends[2])
    assert same(ends[1], ends[3])


@pytest.mark.parametrize(("network", "data"), [(TWELVE.network, "twelve"), (CUT, "digits")], ids=["bits", "cut"])
def test_asked_together_each_says_what_it_says_alone(network, data, monkeypatch):
    monkeypatch.setattr(many, "BATCH", 300)
    runs = trained(started(network, RECIPE, (0, 1, 2), data))
    x = runs[0].data.train_x[:1000]
    for run, trace in zip(runs, many.capture([run.net for run in runs], x), strict=True):
        own = capture(run.net, x)
        assert (trace.codes, trace.fan_in) == (own.codes, own.fan_in)
        assert np.array_equal(trace.scores, own.scores)


def test_the_nets_may_be_looked_at_after_every_epoch():
    runs, (by_itself, *_) = started(TWELVE.network, RECIPE, (0, 1)), started(TWELVE.network, RECIPE, (0,))
    epochs = 0
    for rows, row in zip(many.train(runs), training.train(by_itself), strict=True):
        assert same(runs[0], by_itself)
        assert (rows[0].epoch, rows[0].loss, rows[0].test_accuracy) == (row.epoch, row.loss, row.test_accuracy)
        epochs += 1
    assert epochs == RECIPE.epochs + 1


OTHERS = {
    "shift": 1,
    "warp": 0.5,
    "flip": True,
    "cutout": 2,
    "mixup": 0.2,
    "teacher_epochs": 2,
    "teacher": "runs/other",
    "float_weights": 0.5,
    "bilinear": 0.1,
    "readout_weight": 1.0,
    "optimizer": "bop",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_recipe_that_changes_samples_or_learns_otherwise_is_not_trained_together(name):
    assert trainable(TWELVE.network, RECIPE)
    assert not trainable(TWELVE.network, RECIPE.model_copy(update={name: OTHERS[name]}))


def test_nor_are_large_nets_nets_of_maps_and_floats():
    large = NetworkConfig(widths=(200, 101, 10), input_bits=1)
    assert large.products > SMALL
    for network in (large, TWELVE.network.twin("tanh"), preset("digits-conv").network):
        assert not trainable(network, RECIPE)


def test_runs_of_two_recipes_or_already_trained_are_refused():
    two = [
        *started(TWELVE.network, RECIPE, (0,)),
        *started(TWELVE.network, RECIPE.model_copy(update={"epochs": 3}), (1,)),
    ]
    assert len({recipe(run.net.config, run.config) for run in two}) == 2
    with pytest.raises(TrainingError, match="2 nets of 2 recipes cannot be trained together"):
        next(many.train(two))
    run = alone(started(TWELVE.network, RECIPE.model_copy(update={"epochs": 1}), (0,)))
    with pytest.raises(
        TrainingError, match="1 nets of 1 recipes cannot be trained together: it takes some that have just"
    ):
        next(many.train(run))
