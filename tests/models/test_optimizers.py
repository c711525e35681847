import pytest
import torch
from bitneck.models.config import TrainingConfig
from bitneck.models.optimizers import Bilinear, Bop, optimizers
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


def bilinear_by_hand(weight, gradient, scale, share, added, lr, strength):
    """One step on rows of plain lists, by the equations; what weight, gradient, scale, share and d are then."""
    norm = [sum(map(abs, row)) for row in weight]
    lowest = int(len(weight) * 0.6)
    ranks = [[sum(other < one for other in values) for one in values] for values in (norm, scale)]
    lags = [small < lowest <= dense for small, dense in zip(*ranks, strict=True)]
    share = [
        abs(u - lr * sum(g * d for g, d in zip(*r, strict=True))) for u, *r in zip(share, gradient, added, strict=True)
    ]
    apart = [[(1 if w >= 0 else -1) - a * w for w in row] for a, row in zip(scale, weight, strict=True)]
    of_g = [[-2 * a * x for x in row] for a, row in zip(scale, apart, strict=True)]
    of_a = [-2 * sum(x * w for x, w in zip(*r, strict=True)) for r in zip(apart, weight, strict=True)]
    gradient = [[g + strength * x for g, x in zip(*r, strict=True)] for r in zip(gradient, of_g, strict=True)]
    added = [row if lag else [0.0] * len(row) for lag, row in zip(lags, weight, strict=True)]
    weight = [[w + u * d for w, d in zip(*r, strict=True)] for u, *r in zip(share, weight, added, strict=True)]
    scale = [abs(a - lr * strength * x) for a, x in zip(scale, of_a, strict=True)]
    return weight, gradient, scale, share, added


def test_rbonn_adds_its_gradient_and_pushes_the_rows_that_lag_as_the_equations_say():
    rng = torch.Generator().manual_seed(3)
    weight = nn.Parameter(torch.randn(5, 7, generator=rng, dtype=torch.float64) * torch.arange(1, 6)[:, None] / 5)
    before = weight.detach().clone()
    scale = before.abs().sum(1) / before.square().sum(1)
    due = before.tolist(), None, scale.tolist(), [0.2] * 5, torch.zeros(5, 7).tolist()
    one = Bilinear([weight], lr=0.1, weight=0.3)
    pushed = 0
    for _ in range(4):
        gradient = torch.randn(5, 7, generator=rng, dtype=torch.float64)
        weight.grad = gradient.clone()
        one.step()
        due = bilinear_by_hand(due[0], gradient.tolist(), *due[2:], 0.1, 0.3)
        state = one.state[weight]
        for have, want in zip((weight, weight.grad, state["scale"], state["share"], state["added"]), due, strict=True):
            assert torch.allclose(have.detach(), torch.tensor(want, dtype=torch.float64), rtol=1e-12)
        pushed += int(state["added"].any(dim=1).sum())
    assert 0 < pushed < 20


def test_rbonn_of_kernels_is_that_of_their_rows_wherever_they_lie_in_memory():
    values = torch.randn(6, 2, 3, 3, generator=torch.Generator().manual_seed(1))
    ends = []
    for given in (values, values.to(memory_format=torch.channels_last), values.flatten(1)):
        weight = nn.Parameter(given.clone())
        one = Bilinear([weight], lr=0.1, weight=0.3)
        for _ in range(3):
            weight.grad = weight.detach().sin()
            one.step()
        ends.append(weight.detach().reshape(6, -1))
    assert torch.allclose(ends[0], ends[1], rtol=1e-5)
    assert torch.allclose(ends[0], ends[2], rtol=1e-5)
    assert not torch.allclose(ends[0], values.flatten(1))
