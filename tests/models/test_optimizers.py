import pytest
import torch
from bitneck.models.config import TrainingConfig
from bitneck.models.optimizers import Bop, optimizers
from torch import nn


def stepped(optimizer, weight, gradients):
    for gradient in gradients:
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    return weight.tolist()


def test_bop_flips_a_weight_whose_mean_gradient_has_its_sign_and_passes_the_threshold():
    weight = nn.Parameter(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]))
    bop = Bop([weight], lr=0.5, threshold=0.2)
    assert stepped(bop, weight, [[1.0, -1.0, -1.0, 1.0, 0.39]]) == [-1, 1, 1, -1, 1]
    assert bop.state[weight]["average"].tolist() == pytest.approx([0.5, -0.5, -0.5, 0.5, 0.195])


def test_bop_averages_gradients_and_a_flipped_weight_is_not_flipped_back_by_the_same_ones():
    weight = nn.Parameter(torch.tensor([1.0]))
    bop = Bop([weight], lr=0.1, threshold=0.25)
    flips = [stepped(bop, weight, [[1.0]])[0] for _ in range(5)]
    assert flips == [1, 1, -1, -1, -1]  # averages 0.1, 0.19, 0.271, 0.3439, 0.40951
    assert float(bop.state[weight]["average"]) == pytest.approx(1 - 0.9**5)


def test_a_mean_gradient_at_the_threshold_flips_nothing():
    weight = nn.Parameter(torch.tensor([1.0, -1.0]))
    assert stepped(Bop([weight], lr=0.5, threshold=0.5), weight, [[1.0, -1.0]]) == [1, -1]


def test_each_choice_moves_all_parameters_once_and_only_bop_makes_weights_one_bit():
    for name, kinds in (("adam", ["Adam"]), ("sgd", ["SGD"]), ("bop", ["Bop", "Adam"])):
        weight, gain = nn.Parameter(torch.tensor([0.3, -0.2, 0.0])), nn.Parameter(torch.tensor([0.7]))
        made = optimizers(TrainingConfig(epochs=1, optimizer=name), [gain, weight], [weight])
        assert [type(optimizer).__name__ for optimizer in made] == kinds
        moved = [parameter for optimizer in made for group in optimizer.param_groups for parameter in group["params"]]
        assert {id(parameter) for parameter in moved} == {id(weight), id(gain)}
        assert len(moved) == 2
        assert weight.tolist() == ([1, -1, 1] if name == "bop" else pytest.approx([0.3, -0.2, 0]))
        assert float(gain.detach()) == pytest.approx(0.7)


def test_sgd_has_the_momentum_that_is_asked_for():
    weight = nn.Parameter(torch.tensor([0.0]))
    sgd = optimizers(TrainingConfig(epochs=1, optimizer="sgd", momentum=0.5, learning_rate=1.0), [weight], [weight])[0]
    assert stepped(sgd, weight, [[1.0], [1.0]]) == [-2.5]
