"""The picture shows the numbers of the table, and a hatched place where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.map_information import map_layer
from bitneck.ib_analysis.map_shape import MapShape
from bitneck.ib_analysis.pictures.maps_of_positions import heat, maps_figure
from bitneck.ib_analysis.pictures.plots import svg
from bitneck.ib_analysis.symbols import label_symbols
from maps_of_bits import maps_of
from matplotlib.figure import Figure


def layer(name: str, labelled: bool = True, channels: int = 2):
    codes, _ = maps_of(np.random.default_rng(0).random((200, 6, channels)) < 0.4)
    y = label_symbols(np.arange(200) % 2) if labelled else None
    return map_layer(name, codes, MapShape(2, 3, channels), y, "dataset", np.random.default_rng(0))


def test_a_heat_picture_has_the_shape_of_the_map_and_its_numbers():
    axes = heat(Figure().subplots(), [0.5, None, 1.0, 2.0, 1.5, None], 2, 3)
    shown = axes.images[0].get_array()
    assert shown.shape == (2, 3)
    assert shown.mask.tolist() == [[False, True, False], [False, False, True]]
    assert (shown[1, 0], axes.images[0].norm.vmin, axes.images[0].norm.vmax) == (2.0, 0.5, 2.0)


def test_without_one_number_it_says_refused_and_draws_none():
    axes = heat(Figure().subplots(), [None] * 6, 2, 3)
    assert len(axes.images) == 0
    assert [text.get_text() for text in axes.texts] == ["refused"]


@pytest.mark.parametrize(("labelled", "columns"), [(True, 4), (False, 2)])
def test_each_map_has_a_row_and_each_quantity_a_column(labelled, columns):
    maps = [layer("conv1", labelled), layer("conv2", labelled, channels=40)]
    figure = maps_figure(maps)
    pictures = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(pictures) == 2 * columns
    assert [axes.get_ylabel() for axes in pictures[::columns]] == ["conv1\n2 x 3 x 2", "conv2\n2 x 3 x 40"]
    at = maps[0].at_positions
    numbers = [each for each in (at.h_bits, at.most_bits, at.ty_bits, at.least_ty_bits) if each]
    for axes, values in zip(pictures, numbers, strict=False):
        assert np.array_equal(axes.images[0].get_array().ravel(), values)
    assert [len(axes.images) for axes in pictures[columns:]] == [0, 1] * (columns // 2)


def test_a_column_without_a_single_number_is_left_out_and_the_bytes_are_the_same_every_time():
    maps = [layer("conv2", channels=40)]
    figure = maps_figure(maps)
    assert [axes.get_title() for axes in figure.axes[:2]] == [
        "I(patch;T) is at most (bits)",
        "I(T;Y) is at least (bits)",
    ]
    assert svg(figure) == svg(maps_figure(maps))
