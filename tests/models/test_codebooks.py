"""Kernels of a coded conv are words of its codebook, learnt with it, and plain weights to all others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bitneck.models import codebooks, plain, training
from bitneck.models.brevitas_net import in_brevitas
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.codebooks import CodedConv2d
from bitneck.models.config import NetworkConfig, TrainingConfig, preset
from bitneck.models.datasets import load
from bitneck.models.history import TrainingError
from bitneck.models.layers import layers_of
from bitneck.models.networks import BinaryNet
from pydantic import ValidationError

SHAPE = {"shape": (8, 8, 1), "whole": True, "input_bits": 5}
NETWORK = NetworkConfig(layers=tuple(layers_of("12c+1-12c-2p-10")), codebook_bits=4, **SHAPE)
RECIPE = TrainingConfig(epochs=3, batch_size=64, learning_rate=0.1, temperature=0.7)


def coded(net: BinaryNet) -> CodedConv2d:
    (found,) = (module for module in net.modules() if isinstance(module, CodedConv2d))
    return found


@pytest.fixture(scope="module")
def run():
    """69 steps: words moved twice."""
    made = training.start(NETWORK, RECIPE, load("digits"))
    for _ in training.train(made):
        pass
    return made


def test_every_kernel_is_the_nearest_word_and_words_are_all_different(run):
    conv = coded(run.net)
    words, latent = conv.words.numpy(), conv.weight.detach().numpy().reshape(-1, 9)
    kernels = run.net.multiplied(conv).detach().numpy().reshape(-1, 9)
    for kernel, signs in zip(kernels, np.where(latent >= 0, 1, -1), strict=True):
        near = [int((word == signs).sum()) for word in words]
        assert np.array_equal(kernel, words[near.index(max(near))])
    assert len(np.unique(words, axis=0)) == 16
    assert set(np.unique(words)) == {-1, 1}


def test_words_move_in_training_and_channels_do_not_fall(run):
    assert not torch.equal(coded(run.net).words, coded(BinaryNet(NETWORK, RECIPE.seed)).words)
    assert int(coded(run.net).steps) == 3 * 23
    assert run.net.hidden[1].norm.weight.min() >= codebooks.LEAST_GAIN
    assert run.history[-1].loss < run.history[1].loss


def test_gradients_go_straight_to_kernels_and_at_every_25th_step_their_sum_to_their_word():
    conv = coded(BinaryNet(NETWORK))
    for step in range(50):
        conv.weight.grad = conv.latent_words.grad = None
        weight = torch.randn(conv.weight.shape, generator=torch.Generator().manual_seed(step))
        (conv.multiplied() * weight).sum().backward()
        assert torch.equal(conv.weight.grad, weight)
        if step % 25 < 24:
            assert conv.latent_words.grad is None
        else:
            kernels = conv.multiplied().detach().view(-1, 9)
            for word, gradient in zip(conv.words, conv.latent_words.grad, strict=True):
                mine = (kernels == word).all(dim=1)
                torch.testing.assert_close(gradient, weight.view(-1, 9)[mine].sum(dim=0))
        conv.settle()


def test_a_sign_follows_out_of_the_dead_zone_and_a_word_that_became_another_is_replaced_by_the_commonest_kernel():
    conv = coded(BinaryNet(NETWORK))
    with torch.no_grad():
        conv.steps += 24
        before = conv.words.clone()
        conv.latent_words[0, 0] = -0.9 * codebooks.DEAD_ZONE * before[0, 0]
        conv.latent_words[1, 0] = -1.1 * codebooks.DEAD_ZONE * before[1, 0]
        conv.latent_words[3] = conv.latent_words[2]
        common = next(word for word in map(codebooks._word, torch.arange(512)) if not (before == word).all(1).any())
        conv.weight.view(-1, 9)[:60] = 0.1 * common
    conv.settle()
    assert torch.equal(conv.words[0], before[0])
    assert conv.words[1, 0] == -before[1, 0]
    assert torch.equal(conv.words[1, 1:], before[1, 1:])
    assert torch.equal(conv.words[2], before[2])
    assert torch.equal(conv.words[3], common)
    assert len(conv.words.unique(dim=0)) == 16


def test_brevitas_plain_weights_emit_the_same_to_the_last_bit(run):
    x = run.data.test_x
    made = in_brevitas(run.net)
    assert made.config == NETWORK.model_copy(update={"codebook_bits": None})
    assert not [name for name in made.state_dict() if "word" in name]
    with torch.no_grad():
        of_training = plain.emissions(run.net.eval(), torch.tensor(x))[-1]
        assert torch.equal(of_training, made(made.encode(x)))


def test_an_interrupted_training_ends_in_the_same_bytes(run):
    first = training.start(NETWORK, RECIPE, run.data)
    for row in training.train(first):
        if row.epoch == 1:
            break
    second = restore(state_arrays(first), run.data)
    for _ in training.train(second):
        pass
    one, other = state_arrays(run), state_arrays(second)
    assert {name.split("/")[0] for name in one} >= {"net", "optimizer"}
    assert all(one[name].tobytes() == other[name].tobytes() for name in one if name.startswith(("net", "optimizer")))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"activation": "relu"}, "1-bit nets of maps have them, this one is a net of relu"),
        ({"weight_bits": 2}, "this one is of 2 bits"),
        ({"activation_bits": 2}, "this one is of 2 bits"),
        ({"layers": tuple(layers_of("12c-12c2-10"))}, "words have 3 x 3 bits, kernels of conv2 2 x 2"),
        ({"layers": tuple(layers_of("4c-4c-10"))}, "no conv behind the first has kernels enough"),
        ({"codebook_bits": 3}, "greater than or equal to 4"),
        ({"codebook_bits": 7}, "less than or equal to 6"),
    ],
)
def test_what_cannot_have_codebooks_is_refused_by_name(changed, said):
    with pytest.raises(ValidationError, match=said):
        NetworkConfig(**{**SHAPE, "layers": NETWORK.layers, "codebook_bits": 4, **changed})


def test_a_dense_net_has_none():
    with pytest.raises(ValidationError, match="1-bit nets of maps have them, this one is dense"):
        NetworkConfig(widths=(64, 16, 10), input_bits=5, codebook_bits=4)


@pytest.mark.parametrize("recipe", [{"optimizer": "bop"}, {"bilinear": 1e-6}])
def test_recipes_that_move_weights_one_by_one_are_refused(recipe):
    with pytest.raises(TrainingError, match=r"moves weights one by one, and those of .* are words"):
        training.start(NETWORK, RECIPE.model_copy(update=recipe), load("digits"))


def test_a_float_twin_has_no_codebook():
    assert NETWORK.twin("relu", batch_norm=True).codebook_bits is None


def test_stored_bits_are_numbers_words_and_what_is_not_coded():
    digits, cnv = preset("digits-conv").network, preset("cnv").network
    assert digits.memory_bits == 16 * 9 + 16 * 16 * 9 + 144 * 10 == digits.synapses
    assert digits.model_copy(update={"codebook_bits": 5}).memory_bits == 16 * 9 + (256 * 5 + 32 * 9) + 144 * 10
    assert cnv.model_copy(update={"codebook_bits": 5}).memory_bits == 1_036_384
    assert cnv.model_copy(update={"codebook_bits": 5}).coded == ("conv2", "conv3", "conv4", "conv5", "conv6")
    few = NETWORK.model_copy(update={"codebook_bits": 6, "layers": tuple(layers_of("4c-40c-8c-10"))})
    assert few.coded == ("conv3",)  # 160 kernels of 6 bits and 64 words of 9 are more than 160 of 9
