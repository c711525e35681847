"""`bitneck.plots`: every picture on the axes that are given, on new ones where none are, and nowhere else."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.dynamics import trajectories
from bitneck.ib_analysis.map_information import map_layer
from bitneck.ib_analysis.map_shape import MapShape
from bitneck.ib_analysis.pictures import on_axes
from bitneck.ib_analysis.pictures.plots import png
from bitneck.ib_analysis.plane import PlaneError
from bitneck.ib_analysis.symbols import label_symbols
from matplotlib import pyplot
from matplotlib.figure import Figure

HISTORY = [{"epoch": epoch, "train_accuracy": 0.1 * epoch, "test_accuracy": 0.09 * epoch} for epoch in range(6)]
SHAPES = {"12-10-2": ([0.1, 0.4], [0.8, 0.9]), "12-6-2": ([0.2], [0.7])}


@pytest.fixture(autouse=True)
def _without_a_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def drawn(run, several):
    """Every picture with something to draw, waiting for its axes."""
    bits = np.random.default_rng(0).random((100, 12)) < 0.5
    shape, y = MapShape(2, 3, 2, 1), label_symbols(np.arange(100) % 2)
    layer = map_layer("conv1", Codes.pack(bits), shape, y, "dataset", np.random.default_rng(0))
    seeds = [trajectories(points) for points in several]
    return {
        "information_plane": run(500, (6, 3), "dataset"),
        "information_over_epochs": run(500, (6, 3), "dataset"),
        "accuracy_over_epochs": HISTORY,
        "positions": layer,
        "mean_plane": seeds,
        "mean_series": seeds,
        "accuracy_over_compression": SHAPES,
    }


NAMES = [name for name in on_axes.__all__ if not name.endswith("_figure")]


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_drawn_on_the_axes_that_are_given(drawn, name):
    figure = Figure(layout="constrained", figsize=(9, 4))
    ax, other = figure.subplots(1, 2)
    assert getattr(on_axes, name)(drawn[name], ax=ax) is ax
    assert ax.has_data()
    assert not other.has_data()
    assert not pyplot.get_fignums()
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_without_axes_a_figure_is_made_that_a_notebook_shows(drawn, name):
    ax = getattr(on_axes, name)(drawn[name])
    assert pyplot.get_fignums() == [ax.get_figure().number]


def test_every_picture_is_tried(drawn):
    assert drawn.keys() == set(NAMES)


def test_a_picture_of_information_says_what_it_is_of_and_which_shape_is_which_layer(run):
    ax = on_axes.information_plane(run(500, (6, 3), "dataset"), Figure().subplots())
    title = " ".join(ax.get_title(loc="left").split())
    assert title.startswith("Target: dataset. N = 500. Estimator: plug-in, exact.")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["layer1", "layer2"]
    assert title.endswith("Colour: epoch.")
    series = on_axes.information_over_epochs(run(500, (6, 3), "dataset"), Figure().subplots())
    assert "Colour: epoch" not in " ".join(series.get_title(loc="left").split())  # there it is the layer
    bare = on_axes.information_plane(run(500, (6, 3), "dataset"), Figure().subplots(), legend=False)
    assert bare.get_legend() is None
    assert not bare.get_title(loc="left")


def test_points_of_one_epoch_have_no_scale_of_epochs(run):
    one, more = (Figure() for _ in range(2))
    on_axes.information_plane(run(500, (6, 3), "dataset", epochs=(4,)), one.subplots())
    on_axes.information_plane(run(500, (6, 3), "dataset"), more.subplots())
    assert (len(one.axes), len(more.axes)) == (1, 2)


def test_what_cannot_be_drawn_is_refused_in_a_line(drawn, run):
    points, ax = drawn["information_plane"], Figure().subplots()
    with pytest.raises(on_axes.PictureError, match="results come first, then ax="):
        on_axes.information_plane(ax, points)
    with pytest.raises(on_axes.PictureError, match="ndarray; give matplotlib Axes, one of them at a time"):
        on_axes.information_plane(points, np.array([ax]))
    with pytest.raises(on_axes.PictureError, match="a dict where points belong"):
        on_axes.information_over_epochs({})
    with pytest.raises(PlaneError, match="no points"):
        on_axes.information_plane((), ax)
    with pytest.raises(on_axes.PictureError, match="train first"):
        on_axes.accuracy_over_epochs([], ax)
    with pytest.raises(on_axes.PictureError, match="no quantity 'I' of positions; choose one of"):
        on_axes.positions(drawn["positions"], ax, "I")
