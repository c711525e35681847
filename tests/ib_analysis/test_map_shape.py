"""A map's code is its elements in stream order: each position's channels are cut out of it, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis import map_shape
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.map_shape import MapShape, at_positions, levels, unpacked


@pytest.mark.parametrize(("channels", "bits"), [(1, 1), (3, 1), (8, 1), (5, 3), (16, 2), (1, 12)])
def test_the_code_at_a_position_is_the_levels_of_its_channels(monkeypatch, channels, bits):
    monkeypatch.setattr(map_shape, "_BITS", 100)  # several shares
    shape = MapShape(3, 5, channels, bits)
    maps = np.random.default_rng(0).integers(0, 1 << bits, (7, 3, 5, channels))
    cut = at_positions(Codes.pack_integers(maps.reshape(7, -1), bits), shape)
    assert (len(cut), cut.width) == (7 * 15, channels * bits)
    assert cut == Codes.pack_integers(maps.reshape(7 * 15, channels), bits)
    assert np.array_equal(levels(cut.bits(), shape), maps.reshape(7 * 15, channels))
    shares = list(unpacked(Codes.pack_integers(maps.reshape(7, -1), bits), shape))
    assert [start for start, _ in shares] == np.cumsum([0, *(len(part) for _, part in shares)])[:-1].tolist()
    assert np.array_equal(np.concatenate([part for _, part in shares]).reshape(7 * 15, -1), cut.bits())


def test_codes_of_another_width_are_no_maps():
    with pytest.raises(CodesError, match=r"4 codes of 12 bits are no maps of 2 x 3 x 4"):
        at_positions(Codes.pack(np.zeros((4, 12), bool)), MapShape(2, 3, 4))
    with pytest.raises(CodesError, match="levels that its bits can hold"):
        MapShape(2, 3, 4, bits=1, top=2)
