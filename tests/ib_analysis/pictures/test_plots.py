"""What is drawn is what the verdicts allow: read from the artists and not from pixels."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import pytest
from bitneck.ib_analysis.median_of_runs import across_runs, spread
from bitneck.ib_analysis.pictures.plots import information_over_epochs, information_plane, pdf, png, run_figure, svg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

WHITE, GREY = to_rgba("white"), to_rgba("#777777")


def marks(axes):
    """(x, y, filled, edge, hatch) of every scattered mark."""
    found = []
    for artist in axes.collections:
        if isinstance(artist, PathCollection):
            (x, y), face, edge = artist.get_offsets()[0], artist.get_facecolor()[0], artist.get_edgecolor()[0]
            found.append((float(x), float(y), tuple(face) != WHITE, tuple(edge), artist.get_hatch()))
    return found


def drawn(points):
    axes = Figure().subplots()
    assert information_plane(axes, points) is axes
    return axes


def test_reliable_points_are_filled_and_stand_at_their_numbers(run):
    points = [point for point in run(8000, (6, 3), "population") if point.i_xt.solid and point.i_ty.solid]
    assert len(points) == 10
    found = marks(drawn(points))
    assert sorted(mark[:2] for mark in found) == sorted((point.i_xt.bits, point.i_ty.bits) for point in points)
    assert all(filled and not hatch for _, _, filled, _, hatch in found)


def test_weak_points_are_hollow(run):
    points = [p for p in run(1500, (9, 8, 7), "population") if not p.i_ty.solid and not p.i_ty.verdict.refused]
    assert {p.i_ty.verdict for p in points} == {"WEAK"}
    found = marks(drawn(points))
    assert len(found) == len(points)
    assert not any(filled or hatch or edge == GREY for _, _, filled, edge, hatch in found)


def test_saturated_but_exact_points_are_hollow_hatched_and_in_place(run):
    points = run(600, (64,), "dataset")
    axes = drawn(points)
    for (x, y, filled, edge, hatch), point in zip(marks(axes), points, strict=True):
        assert (x, y) == (point.i_xt.bits, point.i_ty.bits)
        assert not filled
        assert edge == GREY
        assert hatch
    assert any(patch.get_hatch() for patch in axes.patches), "the region of saturation is hatched"


def test_refused_points_stand_in_the_margin_and_never_at_a_number(run):
    points = run(600, (64, 14), "population", epochs=(0, 1))
    assert all(point.i_xt.verdict.refused for point in points)
    axes = drawn(points)
    scale_ends = math.log2(600) * 1.04
    for x, y, filled, edge, _ in marks(axes):
        assert scale_ends < x < axes.get_xlim()[1]
        assert not any(math.isclose(x, point.i_xt.bits, abs_tol=1e-3) for point in points)
        assert not filled
        assert edge == GREY
        assert not any(math.isclose(y, point.i_ty.bits, abs_tol=1e-3) for point in points)
    assert {bool(hatch) for *_, hatch in marks(axes)} == {True, False}, "hatched where saturated"
    assert max(axes.get_xticks()) <= scale_ends, "no tick under the margin"
    assert all(len(line.get_xdata()) in (0, 2) for line in axes.lines)


def test_a_refused_label_information_keeps_its_place_on_the_x_axis_only(run):
    points = [p for p in run(1500, (10, 9), "population") if p.i_ty.verdict.refused and not p.i_xt.verdict.refused]
    assert points
    found = marks(drawn(points))
    assert sorted(mark[0] for mark in found) == sorted(point.i_xt.bits for point in points)
    assert all(y > 1.06 * points[0].h_y_bits and not filled for _, y, filled, _, _ in found)


def test_the_series_follows_the_same_rule(run):
    points = run(600, (64, 6), "population")
    axes = Figure().subplots()
    information_over_epochs(axes, points)
    highest = max(point.i_xt.high or point.i_xt.bits for point in points if not point.i_xt.verdict.refused)
    refused = [mark for mark in marks(axes) if mark[1] > highest]
    assert len(refused) == sum(point.i_xt.verdict.refused for point in points) == 5
    assert not any(filled for _, _, filled, _, _ in refused)
    assert max(max(line.get_ydata(), default=0) for line in axes.lines) <= highest


def test_the_picture_says_units_target_samples_and_estimator(run):
    points = run(2000, (8, 4), "dataset")
    figure = run_figure(points, (0, 1, 2, 5, 10), (0.1, 0.5, 0.6, 0.8, 0.9), (0.1, 0.4, 0.5, 0.7, 0.8), title="a run")
    labels = {text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())}
    assert {"I(X;T) (bits)", "I(T;Y) (bits)", "accuracy (%)", "epoch"} <= labels
    caption = figure.get_supxlabel()
    for part in ("Target: dataset.", "N = 2,000.", "plug-in, exact."):
        assert part in caption.replace("\n", " ")


@pytest.mark.parametrize(
    ("widths", "target", "epochs"), [((8, 4), "population", (0, 1, 5)), ((64, 64), "dataset", (0,))]
)
def test_same_points_give_the_same_bytes(run, widths, target, epochs):
    points = run(700, widths, target, epochs)
    one = svg(run_figure(points))
    assert one == svg(run_figure(points))
    assert one.startswith("<?xml")
    assert "<dc:date>" not in one
    assert png(run_figure(points)).startswith(b"\x89PNG")
    paper = pdf(run_figure(points))
    assert paper == pdf(run_figure(points))
    assert paper.startswith(b"%PDF")
    assert b"Date" not in paper


def test_drawing_leaves_no_trace_in_pyplot(run):
    run_figure(run(700, (8,), "dataset"))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def bars(axes):
    """Where error bars stand."""
    return {tuple(container.lines[0].get_xydata()[0]) for container in axes.containers}


def test_several_runs_show_their_median_with_bars_at_both_ends_and_say_so(several):
    points = across_runs(several)
    figure = run_figure(points, (0, 1), spread([(0.1, 0.5), (0.2, 0.9), (0.1, 0.7)]), spread([(0.1, 0.5)] * 3), runs=3)
    plane, series, accuracy = figure.axes[:3]
    ends = {(p.i_xt.bits, p.i_ty.bits) for p in points if p.epoch in (0, 10)}
    assert bars(plane) == ends
    assert sorted(mark[:2] for mark in marks(plane)) == sorted((p.i_xt.bits, p.i_ty.bits) for p in points)
    assert len(series.collections) == 2 + len(points), "a band for each layer, and the marks"
    assert accuracy.lines[0].get_ydata()[1] == pytest.approx(70)
    assert "Median of 3 runs; bands, and bars" in figure.get_supxlabel().replace("\n", " ")
    alone = Figure().subplots()
    information_plane(alone, points)
    assert len(bars(alone)) == 2, "the last epoch's only, where not asked for more"


@pytest.fixture(scope="module")
def bracketed(run):
    """A layer that is too wide to count beside one that is not, at three epochs."""
    return run(600, (40, 3), "population", (0, 1, 5), brackets=True)


def test_a_bracket_stands_at_its_lower_ends_hollow_with_bars_to_the_upper_ones(bracketed):
    axes = drawn(bracketed)
    wide = [point for point in bracketed if point.layer == "layer1"]
    assert all(point.i_xt.verdict.refused and point.xt.bracketed for point in wide)
    found = {mark[:2]: mark[2:] for mark in marks(axes)}
    for point in wide:
        assert point.xt.place == point.xt_bracket.low_bits
        filled, edge, hatch = found[point.xt.place, point.ty.place]
        assert (filled, hatch) == (False, None)
        assert edge != GREY
    bars = [bar for bars in axes.containers for bar in bars.lines[2]]
    reached = [tuple(map(float, segment[-1])) for bar in bars for segment in bar.get_segments()]
    last = wide[-1]
    assert (last.xt_bracket.high_bits, last.ty.place) in reached
    assert not any("margin" in text.get_text() or "refused" in text.get_text() for text in axes.texts)
    assert "at least the mark" in run_figure(bracketed).get_supxlabel()


def test_no_axis_goes_further_than_three_times_what_counting_can_say(bracketed):
    far = [replace(p, xt_bracket=replace(p.xt_bracket, high_bits=900.0)) if p.xt_bracket else p for p in bracketed]
    axes, most = drawn(far), 3 * math.log2(600)
    assert axes.get_xlim()[1] == pytest.approx(most, rel=0.05)
    assert any(
        artist.get_offsets()[0][0] == axes.get_xlim()[1] for artist in axes.collections if len(artist.get_offsets())
    )
    assert information_over_epochs(Figure().subplots(), far).get_ylim()[1] == pytest.approx(most, rel=0.06)


def test_in_the_series_the_bars_of_an_epoch_stand_side_by_side(run):
    axes = Figure().subplots()
    information_over_epochs(axes, run(600, (40, 30), "population", (0, 5), brackets=True))
    at = sorted(float(x) for x, *_ in marks(axes))
    assert len({round(x, 6) for x in at}) == 4


def test_of_several_runs_the_bracket_goes_around_all(run):
    runs = [run(600, (40,), "population", (0, 5), seed=seed, brackets=True) for seed in (0, 1)]
    for one, *each in zip(across_runs(runs), *runs, strict=True):
        assert one.xt_bracket.low_bits == min(point.xt_bracket.low_bits for point in each)
        assert one.xt_bracket.high_bits == max(point.xt_bracket.high_bits for point in each)
