"""A map in one value and two tables: no number that cannot be believed, and no I(T;Y) without labels."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.map_information import (
    CHANNELS_HEAD,
    HEAD,
    NO_LABELS,
    MapLayer,
    channel_cells,
    legend,
    map_layer,
    named,
    rows,
    summary,
)
from bitneck.ib_analysis.map_shape import MapShape
from bitneck.ib_analysis.symbols import label_symbols
from maps_of_bits import maps_of

LABELS = np.arange(400) % 4
RNG = np.random.default_rng(0)
BITS = RNG.random((400, 6, 4)) < 0.5
BITS[:, 2:, 1] = (LABELS % 2 == 1)[:, None]
BITS[:, :, 2] = ~BITS[:, :, 0]
BITS[:, 0, :] = False
BITS[:, :, 3] = True


def of(bits: np.ndarray, labels: np.ndarray | None = LABELS, target="dataset") -> MapLayer:
    codes, shape = maps_of(bits)
    shape = MapShape(2, shape.width // 2, shape.channels)
    y = None if labels is None else label_symbols(labels)
    return map_layer("conv1", codes, shape, y, target, np.random.default_rng(0))


@pytest.fixture(scope="module")
def narrow() -> MapLayer:
    return of(BITS)


@pytest.fixture(scope="module")
def wide() -> MapLayer:
    return of(RNG.random((400, 6, 40)) < 0.5)


def test_each_position_has_its_own_number(narrow):
    at = narrow.at_positions
    assert at.h_bits == pytest.approx([0, 2, 2, 2, 2, 2], abs=0.02)
    assert at.ty_bits == pytest.approx([0, 0, 1, 1, 1, 1], abs=0.03)
    assert all(most >= bits - 0.01 for most, bits in zip(at.most_bits, at.h_bits, strict=True))
    assert at.least_ty_bits == pytest.approx([0, 0, 1, 1, 1, 1], abs=0.03)
    assert at.most_bits[1] == pytest.approx(3, abs=0.05)  # the bound does not see that one channel negates another


def test_all_positions_together_are_exact_for_the_images_and_an_estimate_for_more(narrow):
    given, population = (pooled.i_xt for pooled in narrow.pooled)
    assert (given.standing, given.samples, given.low) == ("EXACT", 2400, given.bits)
    truth = 1 / 6 * np.log2(6) + 5 / 6 * np.log2(6 / 5) + 5 / 6 * 2  # the code of the first position is its alone
    assert given.bits == pytest.approx(truth, abs=0.001)
    assert population.low < truth < population.high
    assert of(BITS, target="population").pooled == (narrow.population,)
    every = of(BITS, target="enumerated")
    assert (every.population, every.whole, every.position, every.probe) == (None, None, None, None)
    assert every.at_positions.h_bits[1] == pytest.approx(2, abs=0.02)


def test_channels_are_named_in_a_line(narrow):
    assert channel_cells(narrow)[:3] == ("conv1", "2 x 3 x 4", "1 of 4")
    assert named(narrow) == "dead: 3 (always 1)"
    bits = BITS.copy()
    bits[:, 0, 2] = ~bits[:, 0, 0]
    many = np.concatenate([bits, *([bits[:, :, :1]] * 30)], axis=2)
    assert named(of(many)).startswith("dead: 3 (always 1); copies: 4 of 0, 5 of 0")
    assert named(of(many)).endswith("27 of 0 and 6 more; inverted: 2 of 0")


def test_a_number_that_cannot_be_believed_is_two_ends_and_has_no_place(wide):
    assert set(wide.at_positions.h_bits) == set(wide.at_positions.ty_bits) == {None}
    assert min(wide.at_positions.most_bits) > 39.9
    estimate = wide.population.i_xt
    assert estimate.verdict.refused
    text = summary([wide])
    assert f"{estimate.bits:.3f} " not in text.split("population")[1].split("\n")[0]
    assert str(wide.position) in text
    assert str(wide.probe) in text
    assert str(wide.whole) in text


def test_without_labels_there_is_no_information_about_them_and_the_table_says_so():
    found = of(BITS, labels=None)
    assert (found.given.i_ty, found.population.i_ty, found.probe, found.at_positions.ty_bits) == (None,) * 4
    assert NO_LABELS in legend([found])
    assert [row[7] for row in rows([found])] == ["no labels"] * 2


def test_the_tables_have_a_cell_for_every_column_and_say_images_and_positions(narrow):
    assert {len(row) for row in rows([narrow])} == {len(HEAD)}
    assert len(channel_cells(narrow)) == len(CHANNELS_HEAD)
    assert "400 images x 6 positions, population" in summary([narrow])
    assert NO_LABELS not in summary([narrow])
