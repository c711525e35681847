"""A supernet: its narrow nets share weights, learn from the widest, and are judged with means of their own."""

from __future__ import annotations

import numpy as np
import pytest
import small_conv_nets
import torch
from bitneck.export.reading.streamline import streamline
from bitneck.export.writing.qonnx import export
from bitneck.models import plain
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.capture import capture, evaluating
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.config import preset
from bitneck.models.datasets import load
from bitneck.models.history import TrainingError
from bitneck.models.networks import BinaryNet
from bitneck.models.supernet import emissions, judged, narrowed, teach, with_validation
from bitneck.models.training import Run, start

CHOICES = ((4, 8, 16), (4, 12))


def fresh(epochs: int = 8, name: str = "digits") -> Run:
    chosen = preset(name)
    network = chosen.network.of_rows((16, 12))
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
    own = narrowed(taught.net, (8, 12), torch.tensor(taught.data.train_x))
    whole, few = (capture(own, taught.data.train_x[:samples]) for samples in (None, 5))
    assert all(np.array_equal(whole.codes[name][:5].packed, codes.packed) for name, codes in few.codes.items())


@pytest.mark.parametrize(
    ("config", "hidden"),
    [
        (small_conv_nets.config(), (3, 5, 6)),
        (small_conv_nets.config(whole=True, activation="rsign"), (7, 2, 11)),
        (small_conv_nets.config(1, activation="ste-clipped", layers="6c2-2p-8c1-5-4"), (2, 8, 3)),
        (small_conv_nets.config(layers="1c1-2c1/2-4"), (1, 1)),
        (small_conv_nets.rows(1, 1), (9, 4)),
    ],
    ids=str,
)
def test_a_narrower_net_says_in_its_supernet_what_it_says_as_a_net_of_its_own(config, hidden):
    """Also behind a map, where a dense layer hears the places of the channels left."""
    net, x = small_conv_nets.odd(config, kind=BinaryNet), torch.from_numpy(small_conv_nets.pixels(config))
    *codes, dots = emissions(net, hidden, plain.input_bits(net, x))
    own = narrowed(net, hidden, x)
    assert tuple(own.config.rows.values()) == hidden
    assert own.config.of_rows(config.rows.values()) == config
    with evaluating(own):
        *due, scores = plain.forward(own, plain.input_bits(own, x))
    assert all(torch.equal(one, other) for one, other in zip([*codes, dots], [*due, scores], strict=True))
    assert len(dots.unique()) > 1
    assert np.array_equal(capture(own, x.numpy()).predictions(), dots.argmax(dim=1).numpy())
    of_file = BrevitasNet(own.config).eval()
    of_file.load_state_dict(own.state_dict())
    graph = streamline(export(of_file, "own")).graph
    assert np.array_equal(graph(x.numpy()).predictions(), dots.argmax(dim=1).numpy())


def test_every_width_learns_and_the_narrowest_is_taught_by_the_widest(taught):
    untaught = fresh()
    for hidden in ((4, 4), (8, 12), (16, 12)):
        assert judged(taught.net, hidden, taught.data)[0] > judged(untaught.net, hidden, taught.data)[0] + 0.1
    accuracy, codes = judged(taught.net, (8, 12), taught.data)
    assert (len(codes), codes.width) == (len(taught.data.test_y), 12)
    assert taught.history[0].loss > taught.history[-1].loss
    assert judged(taught.net, (16, 12), taught.data)[0] == taught.history[-1].test_accuracy
    assert accuracy == judged(taught.net, (8, 12), taught.data)[0]


def test_a_supernet_of_maps_learns_in_every_width_and_goes_on_in_the_same_bytes():
    untaught, run, first = (fresh(2, "digits-conv") for _ in range(3))
    list(teach(run, CHOICES))
    for hidden in ((4, 4), (8, 12), (16, 12)):
        assert judged(run.net, hidden, run.data)[0] > judged(untaught.net, hidden, run.data)[0] + 0.1
    accuracy, codes = judged(run.net, (16, 12), run.data)
    assert (accuracy, codes.width) == (run.history[-1].test_accuracy, 12 * 9)
    epochs = teach(first, CHOICES)
    next(epochs), next(epochs)
    again = restore(state_arrays(first), first.data)
    list(teach(again, CHOICES))
    assert all(torch.equal(one, other) for one, other in zip(*map(values, (run, again)), strict=True))


def values(run: Run) -> list[torch.Tensor]:
    return list(run.net.state_dict().values())


def test_a_supernet_that_goes_on_ends_in_the_same_bytes(taught):
    run = fresh()
    epochs = teach(run, CHOICES)
    next(epochs), next(epochs)
    again = restore(state_arrays(run), run.data)
    list(teach(again, CHOICES))
    one, other = state_arrays(taught), state_arrays(again)
    assert all(np.array_equal(one[name], other[name]) for name in one if name != "history")
