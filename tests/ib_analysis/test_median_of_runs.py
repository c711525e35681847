"""Runs as one: medians and ranges by hand, the weakest verdict, and runs that do not belong together."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest
from bitneck.ib_analysis.diagnostics import Verdict
from bitneck.ib_analysis.median_of_runs import across_runs, spread
from bitneck.ib_analysis.plane import PlaneError


def test_each_point_is_the_median_and_the_range_of_the_runs(several):
    for number, point in enumerate(across_runs(several)):
        for name in ("i_xt", "i_ty"):
            numbers = [getattr(run[number], name).bits for run in several]
            one = getattr(point, name)
            assert (one.bits, one.low, one.high) == (median(numbers), min(numbers), max(numbers))
            assert one.low < one.high
        assert (point.layer, point.epoch) == (several[0][number].layer, several[0][number].epoch)


def test_the_order_of_the_runs_does_not_matter_for_the_numbers(several):
    one, other = across_runs(several), across_runs(several[::-1])
    assert [(p.i_xt.bits, p.i_ty.high) for p in one] == [(p.i_xt.bits, p.i_ty.high) for p in other]


def test_one_run_stays_as_it_is(several):
    assert across_runs(several[:1]) == several[0]


@pytest.mark.parametrize("weak", [Verdict.WEAK, Verdict.UNRELIABLE, Verdict.SATURATED])
def test_what_one_run_refuses_or_doubts_all_do(several, weak):
    first = several[1][0]
    doubted = (replace(first, i_xt=replace(first.i_xt, verdict=weak, saturated=True)), *several[1][1:])
    point, other = across_runs([several[0], doubted, several[2]])[:2]
    assert point.i_xt.verdict is weak
    assert point.i_xt.saturated
    assert other.i_xt.verdict is Verdict.EXACT


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ((2000, (6, 3, 2), "dataset"), "its layers: layer1, layer2, layer3 against layer1, layer2"),
        ((2000, (6, 4), "dataset"), "the width of layer2, epoch 0: 4 against 3"),
        ((2000, (6, 3), "enumerated"), "the target of layer1, epoch 0: enumerated against dataset"),
        ((1000, (6, 3), "dataset"), "the N of layer1, epoch 0: 1000 against 2000"),
        ((2000, (6, 3), "dataset", (0, 1, 4)), "its epochs: 3 to 4 against 5 to 10"),
    ],
)
def test_runs_of_another_shape_are_named_with_the_difference(run, several, other, difference):
    with pytest.raises(PlaneError, match=f"run 2 differs from run 1 in {difference}"):
        across_runs([several[0], run(*other)])


def test_no_run_and_an_empty_run_are_refused(several):
    for runs in ([], [several[0], ()]):
        with pytest.raises(PlaneError, match="empty"):
            across_runs(runs)


def test_a_spread_has_the_median_and_the_range_of_each_column():
    found = spread([(1, 5), (3, 4), (2, 9)])
    assert (found.middle, found.low, found.high) == ((2, 5), (1, 4), (3, 9))
    assert spread([]).middle == ()
