"""Nets of maps: the fast forward is Brevitas' to the last bit, codes go place by place, trainings resume."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import small_conv_nets
import torch
from bitneck.models import plain
from bitneck.models.brevitas_net import BrevitasNet
from bitneck.models.capture import capture, capture_floats
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.config import TrainingConfig
from bitneck.models.datasets import Dataset
from bitneck.models.history import Epoch, TeacherEpoch, TrainingError
from bitneck.models.networks import BinaryNet, untrained
from bitneck.models.thresholds import most_telling_thresholds
from bitneck.models.training import reestimate, start, train
from torch.nn import functional


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("config", small_conv_nets.KINDS, ids=str)
def test_plain_torch_gives_the_scores_of_brevitas_to_the_last_bit(config, training):
    pixels, said = torch.from_numpy(small_conv_nets.pixels(config)), []
    for kind, forward in (
        (BrevitasNet, lambda net: net(net.encode(pixels))),
        (BinaryNet, lambda net: plain.forward(net, plain.input_bits(net, pixels))[-1]),
    ):
        net = small_conv_nets.odd(config, kind=kind).train(training)
        said.append([forward(net), *net.state_dict().values()])
    assert len(said[0][0].unique()) > 2
    assert all(map(torch.equal, *said))


def test_without_a_pool_the_gradients_are_those_of_brevitas_too():
    config, gradients = small_conv_nets.config(layers="7c+1-9c-11-4"), []
    pixels = torch.from_numpy(small_conv_nets.pixels(config))
    for kind, forward in (
        (BrevitasNet, lambda net: net(net.encode(pixels))),
        (BinaryNet, lambda net: plain.forward(net, plain.input_bits(net, pixels))[-1]),
    ):
        net = kind(config, seed=1)
        forward(net).square().sum().backward()
        gradients.append([parameter.grad for parameter in net.parameters()])
    assert all(bool(gradient.any()) for gradient in gradients[0])
    assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-3) for one, other in zip(*gradients, strict=True))


def test_behind_a_pool_the_gradient_goes_to_the_largest_sum():
    """Four pixels that a weight of one passes on: the signs are all equal, and the largest is the last."""
    layers = tuple(small_conv_nets.layers_of("1c1-2p-2"))
    config = COLOUR.model_copy(update={"shape": (2, 2, 1), "layers": layers, "activation": "ste-identity"})
    net = untrained(config).eval()
    with torch.no_grad():
        for linear in net.linears():
            linear.weight.fill_(1)
    pixels = torch.tensor([[1, 2, 3, 7]], dtype=torch.uint8)
    plain.forward(net, plain.input_bits(net, pixels))[-1][0, 0].backward()
    assert net.hidden[0].linear.weight.grad.item() == pytest.approx(7, rel=1e-4)


@pytest.mark.parametrize("config", small_conv_nets.KINDS, ids=str)
def test_codes_go_row_by_row_column_by_column_and_channel_by_channel(config):
    net, x = small_conv_nets.odd(config).eval(), small_conv_nets.pixels(config)
    trace = capture(net, x, batch=7)
    assert tuple(trace.codes) == config.names[:-1]
    with torch.no_grad():
        signs = net.encode(x)
        signs = signs if net.binarize is None else net.binarize(signs)
        first, second, pool, dense = net.hidden
        maps = [first(signs)]
        maps += [second(maps[0])]
        maps += [pool(maps[1])]
        scores = net.scores(dense(maps[2]))
    for name, map_ in zip(("conv1", "conv2", "pool1"), maps, strict=True):
        height, width, channels = config.shapes[name]
        levels = trace.codes[name].levels(config.activation_bits).reshape(-1, height, width, channels)
        values = 2.0 * levels - 1 if config.activation_bits == 1 else levels - 1.0
        assert np.array_equal(np.moveaxis(values, -1, 1), map_.numpy())
    above = np.diff(np.stack([trace.scores, scores.numpy()]).reshape(2, -1))
    assert len(np.unique(above[:, above[0] != 0][1] / above[:, above[0] != 0][0])) == 1, "one scale for all classes"
    assert trace.scores.min() >= 0
    assert trace.scores.max() <= trace.fan_in


def test_around_a_map_of_bits_is_minus_one_and_around_whole_pixels_zero():
    for whole, value in ((False, -1.0), (True, 0.0)):
        net = untrained(small_conv_nets.config(whole=whole, layers="7c+1-4"), 1).eval()
        x = net.encode(small_conv_nets.pixels(net.config))
        entering = x if net.binarize is None else net.binarize(x)
        weight = torch.where(net.hidden[0].linear.weight >= 0, 1.0, -1.0)
        sums = functional.conv2d(functional.pad(entering, (1, 1, 1, 1), value=value), weight)
        assert torch.equal(net.hidden[0].linear(net.hidden[0].entering(entering)), sums)


def test_a_float_twin_has_the_layers_of_its_net_and_starts_from_its_weights():
    net, twin = (untrained(each, seed=4) for each in (small_conv_nets.config(), small_conv_nets.config().twin("relu")))
    assert all(torch.equal(one.weight, other.weight) for one, other in zip(net.linears(), twin.linears(), strict=True))
    trace = capture_floats(twin, small_conv_nets.pixels(net.config))
    assert {name: values.shape[1] for name, values in trace.activations.items()} == {
        "conv1": 210,
        "conv2": 180,
        "pool1": 36,
        "dense1": 11,
    }


def made(samples: int = 60, side: int = 6, channels: int = 3) -> Dataset:
    """Images whose class is the quarter that is bright."""
    rng = np.random.default_rng(3)
    y = np.arange(samples) % 4
    x = rng.integers(0, 90, (samples, side, side, channels))
    for image, label in zip(x, y, strict=True):
        rows, columns = divmod(int(label), 2)
        half = side // 2
        image[rows * half : (rows + 1) * half, columns * half : (columns + 1) * half] += 150
    flat = x.reshape(samples, -1).astype(np.uint8)
    return Dataset("made", flat, y, flat, y, 4, 8)


COLOUR = small_conv_nets.NetworkConfig(
    shape=(6, 6, 3), layers=tuple(small_conv_nets.layers_of("6c+1-2p-8c-4")), whole=True, input_bits=8
)
RECIPE = TrainingConfig(
    epochs=6, batch_size=16, learning_rate=1e-2, shift=1, flip=True, cutout=2, mixup=0.2, readout_weight=0.5, settle=0.2
)


TAUGHT = RECIPE.model_copy(
    update={"teacher_epochs": 3, "float_weights": 0.4, "bilinear": 0.1, "reestimate": True, "readout_weight": 0}
)


@pytest.mark.parametrize(("recipe", "stop"), [(RECIPE, 4), *((TAUGHT, stop) for stop in (1, 3, 5, 6, 8, 10))])
def test_an_interrupted_training_of_maps_that_goes_on_ends_in_the_same_bytes(recipe, stop):
    """Of the taught one: before its teacher, within it, after it, in the first step of two, in the second."""
    data = made()
    whole = start(COLOUR, recipe, data)
    list(train(whole))
    first = start(COLOUR, recipe, data)
    list(islice(train(first), stop))
    second = restore(state_arrays(first), data)
    list(train(second))
    assert second.history[-1].epoch == 6
    one, other = state_arrays(whole), state_arrays(second)
    assert one.keys() == other.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_a_net_of_maps_learns_what_a_quarter_of_an_image_says():
    run = start(COLOUR, TrainingConfig(epochs=12, batch_size=16, learning_rate=1e-2), made())
    assert list(train(run))[-1].train_accuracy > 0.9


def test_maps_of_another_shape_than_the_samples_are_refused():
    data = made()
    with pytest.raises(TrainingError, match=r"108 inputs of 8 bits and 4 classes, but the network 6x5x2-7c"):
        start(small_conv_nets.config(8), RECIPE, data)
    tall = COLOUR.model_copy(update={"shape": (4, 9, 3), "layers": COLOUR.layers[::3]})
    with pytest.raises(TrainingError, match="shift moves square images, but there are 108 pixels"):
        start(tall, RECIPE, data)


def test_each_channel_is_cut_by_one_threshold_for_all_of_its_places():
    data, cut = made(), COLOUR.model_copy(update={"whole": False})
    run = start(cut, TrainingConfig(epochs=1), data)
    assert run.net.binarize.threshold.shape == (3, 1, 1)
    assert run.net.binarize.threshold.flatten().tolist() == most_telling_thresholds(data, channels=3).tolist()


def test_a_teacher_is_trained_between_the_untrained_net_and_its_first_epoch():
    rows = list(train(start(COLOUR, TAUGHT, made())))
    assert [(type(row), row.epoch) for row in rows] == [
        (Epoch, 0),
        *((TeacherEpoch, epoch) for epoch in range(4)),
        *((Epoch, epoch) for epoch in range(1, 7)),
    ]
    assert [row.epochs for row in rows[1:5]] == [3] * 4


def test_a_net_learns_from_a_given_teacher_what_no_label_says():
    """The labels are all one class, and the answers of the teacher the four."""
    data = made()
    teacher = start(COLOUR.twin("relu").model_copy(update={"batch_norm": True}), TAUGHT_BY, data)
    assert list(train(teacher))[-1].train_accuracy > 0.9
    recipe = TrainingConfig(epochs=12, batch_size=16, learning_rate=1e-2, teacher="elsewhere", soft=1.0)
    with pytest.raises(TrainingError, match="the net of elsewhere is to teach, and is not given"):
        start(COLOUR, recipe, data)
    blind = replace(data, train_y=np.zeros_like(data.train_y))
    taught = start(COLOUR, recipe, blind, teacher=teacher.net)
    assert list(train(taught))[-1].test_accuracy > 0.9
    with pytest.raises(
        TrainingError, match=r"teacher: 6x5x2-.* takes other inputs, or knows other classes, than 6x6x3-"
    ):
        start(COLOUR, recipe, data, teacher=untrained(small_conv_nets.config(8, whole=True)))


TAUGHT_BY = TrainingConfig(epochs=12, batch_size=16, learning_rate=1e-2)


def test_of_two_steps_the_first_moves_weights_that_are_floats_and_says_what_their_signs_are_worth():
    run = start(COLOUR, TrainingConfig(epochs=30, batch_size=16, learning_rate=1e-2, float_weights=0.5), made())
    rows = train(run)
    for row in islice(rows, 16):
        reached = row.epoch
        before = {name: value.clone() for name, value in run.net.state_dict().items()}
    reestimate(run.net, torch.from_numpy(run.data.train_x))
    assert all(torch.equal(before[name], value) for name, value in run.net.state_dict().items())
    assert reached == 15
    assert list(rows)[-1].train_accuracy > 0.9


def test_means_and_variances_taken_again_are_those_of_the_sums():
    run = start(COLOUR, RECIPE, made())
    list(islice(train(run), 3))
    x = torch.from_numpy(run.data.train_x)
    reestimate(run.net, x)
    block = run.net.hidden[0]
    with torch.no_grad():
        sums = block.sums(plain.input_bits(run.net, x))
    assert torch.allclose(block.norm.running_mean, sums.mean((0, 2, 3)), rtol=1e-4, atol=1e-3)
    assert torch.allclose(block.norm.running_var, sums.var((0, 2, 3)), rtol=1e-4)
    assert block.norm.momentum == 0.1
