import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from bitneck.models.capture import capture
from bitneck.models.checkpoints import restore, state_arrays
from bitneck.models.config import NetworkConfig, TrainingConfig, preset
from bitneck.models.datasets import Dataset, load
from bitneck.models.training import TrainingError, batches, clip_latent_weights, generator, start, train

NETWORK = NetworkConfig(widths=(16, 12, 8, 3), input_bits=3)
RECIPE = TrainingConfig(epochs=4, batch_size=16, learning_rate=0.03, seed=1)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data():
    """Three classes of 4 × 4 images: which third of the pixels is bright."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    x = (rng.integers(0, 5, (150, 16)) + 3 * (np.arange(16) % 3 == y[:, None])).astype(np.uint8)
    return Dataset("bright", x[:100], y[:100], x[100:], y[100:], 3, 3)


def saved(run):
    """What the roof would write and read: the bytes of one .npz file without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, **state_arrays(run))
    return buffer.getvalue()


def loaded(content):
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def finished(run):
    for _ in train(run):
        pass
    return run


def test_it_learns_and_tells_of_every_epoch_from_the_untrained_net_on(data):
    run = start(NETWORK, RECIPE.model_copy(update={"epochs": 15}), data)
    rows = list(train(run))
    assert [row.epoch for row in rows] == list(range(16))
    assert rows[-1].test_accuracy > 0.9 > rows[0].test_accuracy
    assert rows[-1].loss < rows[1].loss < rows[0].loss
    trace = capture(run.net, data.test_x)
    assert rows[-1].test_accuracy == (trace.predictions() == data.test_y).mean()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(data):
    torch.manual_seed(1)
    first = saved(finished(start(NETWORK, RECIPE, data)))
    torch.manual_seed(2)
    assert saved(finished(start(NETWORK, RECIPE, data))) == first
    assert saved(finished(start(NETWORK, RECIPE.model_copy(update={"seed": 2}), data))) != first


def test_every_epoch_of_every_seed_draws_its_own_order_again():
    orders = {(seed, epoch): tuple(generator(seed, epoch).permutation(50)) for seed in (0, 1) for epoch in (1, 2)}
    assert len(set(orders.values())) == 4
    assert orders[0, 1] == tuple(generator(0, 1).permutation(50))


MOVED = {"shift": 1, "readout_weight": 0.5, "warp": 0.5, "settle": 0.3}


@pytest.mark.parametrize(
    ("network", "recipe"),
    [
        ({}, MOVED),
        ({"activation": "rsign"}, {}),
        ({}, {"optimizer": "sgd"}),
        ({}, {"optimizer": "sgd", "momentum": 0.0}),
        ({}, {"bilinear": 0.1}),
        ({"activation": "rsign"}, {"optimizer": "bop", **MOVED}),
        ({"activation": "tanh"}, {}),
        ({"activation": "relu", "batch_norm": True}, {"optimizer": "sgd"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("stop", [0, 1, 3, 4])
def test_resuming_after_any_epoch_ends_in_the_bytes_of_an_uninterrupted_run(data, stop, network, recipe):
    shape, how = NETWORK.model_copy(update=network), RECIPE.model_copy(update=recipe)
    whole = saved(finished(start(shape, how, data)))
    run = start(shape, how, data)
    for row in train(run):
        if row.epoch == stop:
            break
    resumed = restore(loaded(saved(run)), data)
    assert [row.epoch for row in train(resumed)] == list(range(stop + 1, 5))
    assert saved(resumed) == whole


@pytest.mark.parametrize(
    ("activation", "recipe"),
    [
        ("ste-identity", {}),
        ("ste-clipped", {}),
        ("swish-sign", {}),
        ("rsign", {}),
        ("approx-sign", {"optimizer": "sgd"}),
        ("approx-sign", {"optimizer": "bop"}),
        ("tanh", {"learning_rate": 0.01}),
        ("relu", {"learning_rate": 0.01}),
    ],
)
def test_every_activation_and_every_optimiser_learns(data, activation, recipe):
    shape, how = NETWORK.model_copy(update={"activation": activation}), RECIPE.model_copy(update=recipe)
    run = finished(start(shape, how.model_copy(update={"epochs": 30}), data))
    assert run.history[-1].train_accuracy > 0.9
    assert run.history[-1].loss < 0.7 * run.history[0].loss


def test_bop_holds_no_weight_that_is_not_one_bit_and_moves_everything_else(data):
    run = start(
        NETWORK.model_copy(update={"activation": "rsign"}), RECIPE.model_copy(update={"optimizer": "bop"}), data
    )
    for row in train(run):
        assert all(torch.equal(linear.weight.abs(), torch.ones_like(linear.weight)) for linear in run.net.linears())
        if row.epoch == 0:
            before = {name: parameter.detach().clone() for name, parameter in run.parameters().items()}
    moved = {name for name, parameter in run.parameters().items() if not torch.equal(parameter, before[name])}
    assert moved == set(before)


def test_bop_is_no_optimiser_of_float_weights(data):
    with pytest.raises(TrainingError, match="bop flips 1-bit weights, but a net of relu has none; use adam or sgd"):
        start(NETWORK.twin("relu"), RECIPE.model_copy(update={"optimizer": "bop"}), data)


@pytest.mark.parametrize(
    ("network", "recipe", "said"),
    [
        (NETWORK.twin("relu"), {}, "weights of a net of relu are pulled to no signs"),
        (NETWORK.model_copy(update={"weight_bits": 2}), {}, "weights of 2 bits are pulled to no signs"),
        (NETWORK, {"optimizer": "bop"}, "bop's weights are signs already; use adam or sgd"),
    ],
)
def test_rbonn_is_for_latent_weights_of_one_bit(data, network, recipe, said):
    with pytest.raises(TrainingError, match=said):
        start(network, RECIPE.model_copy(update={"bilinear": 0.1, **recipe}), data)


def test_float_weights_are_free_to_leave_one(data):
    run = finished(start(NETWORK.twin("relu"), RECIPE.model_copy(update={"learning_rate": 0.3}), data))
    assert max(float(linear.weight.detach().abs().max()) for linear in run.net.linears()) > 1


def test_all_rates_decay_together(data):
    recipe = RECIPE.model_copy(update={"optimizer": "bop", "flip_rate": 0.5, "epochs": 2})
    run = finished(start(NETWORK, recipe, data))
    flips, adam = (optimizer.param_groups[0]["lr"] for optimizer in run.optimizers)
    assert flips / 0.5 == pytest.approx(adam / recipe.learning_rate)
    assert 0 < flips < 0.05


def test_a_checkpoint_refuses_other_data_and_names_what_it_lacks(data):
    arrays = state_arrays(start(NETWORK, RECIPE, data))
    with pytest.raises(TrainingError, match=f"trained on data of sha256 {data.sha256}"):
        restore(arrays, replace(data, test_y=data.test_y[::-1].copy()))
    del arrays["net/scores.weight"]
    with pytest.raises(TrainingError, match=r"net/scores\.weight is missing"):
        restore(arrays, data)


def test_latent_weights_stay_within_one(data):
    run = start(NETWORK, RECIPE.model_copy(update={"learning_rate": 0.9, "epochs": 1}), data)
    finished(run)
    extremes = [float(linear.weight.detach().abs().max()) for linear in run.net.linears()]
    assert max(extremes) == 1
    with torch.no_grad():
        run.net.scores.weight.fill_(-7)
    clip_latent_weights(run.net)
    assert (run.net.scores.weight == -1).all()


def test_input_thresholds_are_half_integers_from_the_training_set(data):
    threshold = finished(start(NETWORK, RECIPE, data)).net.binarize.threshold.numpy()
    assert np.array_equal(threshold % 1, np.full(16, 0.5))
    assert len(set(threshold)) > 1


def test_a_net_that_does_not_fit_its_data_is_refused_with_both_shapes():
    twelve = load("twelve")
    with pytest.raises(TrainingError, match="twelve has 12 inputs of 1 bits and 2 classes, but the network 16-12-8-3"):
        start(NETWORK, RECIPE, twelve)
    net = NetworkConfig(widths=(12, 4, 2), input_bits=1)
    with pytest.raises(TrainingError, match="shift moves square images, but there are 12 pixels"):
        start(net, RECIPE.model_copy(update={"shift": 1}), twelve)


def test_a_last_batch_of_one_sample_is_left_out(data):
    recipe = RECIPE.model_copy(update={"batch_size": 99, "epochs": 1})
    assert len(list(train(start(NETWORK, recipe, data)))) == 2


def test_a_few_epochs_of_the_digits_recipe_already_recognise_digits():
    known = preset("digits")
    run = finished(start(known.network, known.training.model_copy(update={"epochs": 60}), load(known.dataset)))
    assert run.history[-1].test_accuracy > 0.9


def test_a_few_epochs_of_the_narrow_net_of_mnist_are_far_above_chance(mnist_folder):
    known = preset("narrow-mnist")
    recipe = known.training.model_copy(update={"epochs": 4})
    run = finished(start(known.network, recipe, load(known.dataset, mnist_folder)))
    assert run.history[-1].test_accuracy > 0.6


def test_pixels_that_stay_are_moved_as_in_the_whole_image():
    """Where all stay it is the same training; where half do, that half of the same moved images."""
    chosen, data = preset("digits"), load("digits-twice")
    config = chosen.training.model_copy(update={"epochs": 1, "shift": 1})
    ends = []
    for given in (data, data.of_inputs(range(64))):
        run = start(chosen.network, config, given)
        list(train(run))
        ends.append(state_arrays(run))
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0] if name not in ("history", "data"))
    half = data.of_inputs(range(0, 64, 2))
    x, y = (torch.tensor(array) for array in (data.train_x, data.train_y))
    runs = [start(chosen.network.of_rows((64, 48), given.features), config, given) for given in (data, half)]
    moved = [next(batches(run, 1, torch.tensor(run.data.train_x), y))[0] for run in runs]
    assert torch.equal(moved[1], moved[0][:, half_of(64)])
    assert not torch.equal(moved[0][: len(x)], x[: len(moved[0])])


def half_of(pixels):
    return [*range(0, pixels, 2), *range(pixels, 2 * pixels, 2)]
