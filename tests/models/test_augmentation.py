import numpy as np
import torch
from bitneck.models.augmentation import shifted, warped


def dot(side, row, column, n):
    images = torch.zeros(n, side, side, dtype=torch.uint8)
    images[:, row, column] = 7
    return images.view(n, -1)


def test_a_shift_moves_every_image_whole_and_in_every_direction():
    moved = shifted(dot(4, 1, 1, 200), 1, np.random.default_rng(0))
    assert (moved.sum(dim=1) == 7).all()
    places = {divmod(int(flat.argmax()), 4) for flat in moved}
    assert places == {(row, column) for row in (0, 1, 2) for column in (0, 1, 2)}


def test_what_is_shifted_out_is_gone_and_zeros_come_in():
    moved = shifted(dot(4, 0, 0, 200), 1, np.random.default_rng(0))
    assert set(moved.sum(dim=1).tolist()) == {0, 7}


def test_a_warp_of_no_strength_changes_nothing_and_a_warp_keeps_the_range():
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 17, (50, 64), np.uint8))
    assert torch.equal(warped(images, 0.0, rng), images)
    moved = warped(images, 1.0, rng)
    assert moved.dtype == torch.uint8
    assert int(moved.max()) <= 16
    assert not torch.equal(moved, images)


def test_a_warp_moves_the_weight_of_an_image_by_less_than_a_pixel():
    spot = torch.zeros(300, 9, 9)
    spot[:, 3:6, 3:6] = 10
    moved = warped(spot.view(300, -1).to(torch.uint8), 1.0, np.random.default_rng(0)).float().view(300, 9, 9)
    column = (moved.sum(dim=1) * torch.arange(9)).sum(dim=1) / moved.sum(dim=(1, 2))
    assert 0.2 < float((column - 4).abs().max()) < 0.6
