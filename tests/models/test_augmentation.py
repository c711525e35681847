import numpy as np
import torch
from bitneck.models.augmentation import cut_out, flipped, mixed, shifted, warped


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


def test_images_of_three_colours_move_with_all_of_them():
    images = torch.zeros(200, 4, 4, 3, dtype=torch.uint8)
    images[:, 1, 2] = torch.tensor([5, 6, 7], dtype=torch.uint8)
    moved = shifted(images.view(200, -1), 1, np.random.default_rng(0), channels=3).view(200, 16, 3)
    assert all(pixels[pixels.bool().any(dim=1)].tolist() == [[5, 6, 7]] for pixels in moved)
    assert len({int(pixels.any(dim=1).nonzero()) for pixels in moved}) == 9


def test_about_half_of_the_images_are_seen_in_a_mirror_and_the_others_as_they_are():
    images = torch.arange(12, dtype=torch.uint8).view(1, 2, 2, 3).expand(400, -1, -1, -1).reshape(400, -1)
    seen = flipped(images, np.random.default_rng(0), channels=3)
    mirrored = torch.tensor([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8], dtype=torch.uint8)
    is_mirrored = (seen == mirrored).all(dim=1)
    assert (is_mirrored | (seen == images).all(dim=1)).all()
    assert 150 < int(is_mirrored.sum()) < 250


def test_a_grey_square_covers_a_part_of_each_image_and_all_colours_of_it():
    images = torch.zeros(300, 5 * 5 * 2, dtype=torch.uint8)
    images[0, 0] = 255
    covered = cut_out(images, 3, np.random.default_rng(0), channels=2)[1:].view(299, 5, 5, 2)
    assert set(covered.unique().tolist()) == {0, 128}
    assert torch.equal(covered[..., 0], covered[..., 1])
    sizes = (covered[..., 0] > 0).sum(dim=(1, 2))
    assert (int(sizes.min()), int(sizes.max())) == (4, 9)  # in a corner, and within


def test_mixed_images_lie_between_two_of_the_batch_by_the_share_that_their_labels_get():
    images = torch.tensor([[0, 200], [100, 100], [40, 0]], dtype=torch.uint8)
    blended, other, share = mixed(images, 0.5, np.random.default_rng(1))
    assert 0 < share < 1
    assert sorted(other.tolist()) == [0, 1, 2]
    by_hand = (share * images.float() + (1 - share) * images[other].float()).round()
    assert torch.equal(blended, by_hand.to(torch.uint8))
