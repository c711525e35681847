"""A complex net computes what complex numbers give, stays one while it is trained, and is a net like any other."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.models import training
from bitneck.models.alike import trainable
from bitneck.models.capture import capture
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.complex_nets import tie
from bitneck.models.config import ConfigError, NetworkConfig, TrainingConfig
from bitneck.models.datasets import load
from bitneck.models.modulation import CONSTELLATIONS, bursts
from pydantic import ValidationError

NETWORK = NetworkConfig(widths=(128, 12, 8, 4), input_bits=1, complex=True)
RECIPE = TrainingConfig(epochs=2, batch_size=500)
DIGEST = "653382c2ea99d52dadc1321fe2e61d3c3620bbd56bc1fb96e3083e88dacee5fb"  # of the embedded bursts


@pytest.fixture(scope="module")
def run():
    made = training.start(NETWORK, RECIPE, load("modulation"))
    for _ in training.train(made):
        pass
    return made


def as_complex(values):
    """Of (…, 2n) real parts, then imaginary ones."""
    real, imaginary = np.split(values, 2, axis=-1)
    return real + 1j * imaginary


def test_every_code_is_the_quadrant_of_a_complex_sum_and_scores_are_real_parts(run):
    net, x = run.net.eval(), run.data.test_x[:300]
    trace, entering = capture(net, x), as_complex(2.0 * x - 1)
    for name, block in zip(NETWORK.names, net.hidden, strict=False):
        a, b = (part[:, : part.shape[1] // 2] for part in np.split(np.sign(block.linear.weight.detach().numpy()), 2))
        sums = entering @ (a + 1j * b).T
        norm = block.norm
        mean, spread, gain, bias = (
            as_complex(part.detach().numpy().astype(np.float64))
            for part in (norm.running_mean, (norm.running_var + norm.eps).sqrt(), norm.weight, norm.bias)
        )
        parts = [
            (getattr(sums, part) - getattr(mean, part)) / getattr(spread, part) * getattr(gain, part)
            + getattr(bias, part)
            for part in ("real", "imag")
        ]
        bits = np.concatenate(parts, axis=1) >= 0
        near = np.abs(np.concatenate(parts, axis=1)) < 1e-5  # float32 may round either way
        assert ((bits == trace.codes[name].bits()) | near).all()
        entering = as_complex(2.0 * trace.codes[name].bits() - 1)
    a, minus_b = np.split(np.sign(net.scores.weight.detach().numpy()), 2, axis=1)
    real = (entering @ (a - 1j * minus_b).T).real
    assert np.array_equal(2 * trace.scores - trace.fan_in, real)


def test_it_stays_complex_in_every_epoch_to_the_last_sign(run):
    for weight in (np.sign(block.linear.weight.detach().numpy()) for block in run.net.hidden):
        (a, minus_b), (b, again) = (np.split(half, 2, axis=1) for half in np.split(weight, 2))
        assert (a == again).all()
        assert (b == -minus_b).all()
        assert (weight != 0).all()
    assert run.history[-1].loss < run.history[1].loss


def test_a_weight_of_zero_has_a_sign_and_its_other_place_the_opposite_one(run):
    net = training.start(NETWORK, RECIPE, run.data).net
    weight = net.hidden[0].linear.weight
    weight.data.zero_()
    tie(net)
    signs = np.where(weight.detach().numpy() >= 0, 1, -1)
    assert (signs[:6, 64:] == -signs[6:, :64]).all()


def test_an_interrupted_training_ends_in_the_same_bytes(run):
    first = training.start(NETWORK, RECIPE, run.data)
    for row in training.train(first):
        if row.epoch == 1:
            break
    second = restore(state_arrays(first), run.data)
    for _ in training.train(second):
        pass
    one, other = state_arrays(run), state_arrays(second)
    assert all(one[name].tobytes() == other[name].tobytes() for name in one if name.startswith(("net", "optimizer")))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"widths": (128, 13, 8, 4)}, "13 elements are no pairs"),
        ({"threshold_sets": 2}, "that a frame passes once can be; it passes this one 2 times"),
        ({"input_bits": 4, "steps": 3}, "it passes this one 3 times"),
        ({"activation": "tanh"}, "dense 1-bit nets can be, this one is a net of tanh"),
        ({"weight_bits": 2}, "this one is of 2 bits"),
    ],
)
def test_what_cannot_be_complex_is_refused_by_name(changed, said):
    with pytest.raises((ConfigError, ValidationError), match=said):
        NetworkConfig(**{"widths": (128, 12, 8, 4), "input_bits": 1, "complex": True, **changed})


def test_small_complex_nets_are_not_trained_together():
    assert trainable(NETWORK.model_copy(update={"complex": False}), RECIPE)
    assert not trainable(NETWORK, RECIPE)


def test_free_weights_are_counted_once():
    assert NETWORK.free_weights == 6 * 64 * 2 + 4 * 6 * 2 + 4 * 8
    assert NETWORK.model_copy(update={"complex": False}).free_weights == 12 * 128 + 8 * 12 + 4 * 8


def test_bursts_are_of_mean_power_one_and_the_same_at_every_call():
    assert [round(float(np.mean(np.abs(points) ** 2)), 9) for points in CONSTELLATIONS.values()] == [1, 1, 1, 1]
    (x, y, decibels), again = (bursts(2000, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip((x, y, decibels), again, strict=True))
    assert set(y) == {0, 1, 2, 3}
    assert x.shape == (2000, 128)
    assert load("modulation").sha256 == DIGEST


@pytest.mark.parametrize(("kind", "crossings"), [("BPSK", 0), ("QPSK", 1)])
def test_signs_within_a_symbol_tell_where_it_stood_as_the_carrier_turns_through_a_quadrant(kind, crossings):
    x, y, decibels = bursts(4000, np.random.default_rng(2))
    clear = x[(y == list(CONSTELLATIONS).index(kind)) & (decibels > 19)]
    i, q = clear[:, :64].reshape(-1, 16, 4), clear[:, 64:].reshape(-1, 16, 4)
    crossed = ((i[:, :, 1:] != i[:, :, :-1]) | (q[:, :, 1:] != q[:, :, :-1])).sum(axis=2)
    assert (crossed == crossings).mean() > 0.9
