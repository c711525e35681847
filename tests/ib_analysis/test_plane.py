"""The plane keeps order and labels, and its table never shows a number that nobody should believe."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from bitneck.ib_analysis import plane as plane_module
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.diagnostics import Verdict
from bitneck.ib_analysis.plane import PlaneError, plane, summary

BITS = np.random.default_rng(0).random((200, 6)) < 0.5
LABELS = np.arange(200) % 4


def test_mapping_and_stream_give_the_same_points_in_the_order_given():
    runs = {epoch: {"a": Codes.pack(BITS), "b": Codes.pack(BITS[:, : epoch + 1])} for epoch in (0, 3)}
    points = plane(runs, LABELS, "dataset")
    assert [(point.epoch, point.layer, point.width) for point in points] == [
        (0, "a", 6),
        (0, "b", 1),
        (3, "a", 6),
        (3, "b", 4),
    ]
    assert plane(iter(runs.items()), LABELS, "dataset") == points
    assert all(point.h_y_bits == 2.0 for point in points)


def test_exact_information_never_rises_with_depth(run):
    points = run(4096, (10, 7, 4, 2), "enumerated")
    for epoch in {point.epoch for point in points}:
        chain = [point for point in points if point.epoch == epoch]
        for one, deeper in pairwise(chain):
            assert deeper.i_xt.bits <= one.i_xt.bits + 1e-12
            assert deeper.i_ty.bits <= one.i_ty.bits + 1e-12


def test_other_sample_counts_are_named_with_layer_and_epoch():
    with pytest.raises(PlaneError, match=r"dense2, epoch 7: 150 codes against 200 labels"):
        plane({7: {"dense1": Codes.pack(BITS), "dense2": Codes.pack(BITS[:150])}}, LABELS, "dataset")


def test_no_samples_and_no_such_target_are_refused():
    with pytest.raises(PlaneError, match="at least one"):
        plane({}, np.empty(0, int), "dataset")
    with pytest.raises(PlaneError, match="choose one of"):
        plane({}, LABELS, "world")
    with pytest.raises(PlaneError, match="no points"):
        summary(())
    with pytest.raises(PlaneError, match=r"choose one of \[0\]"):
        summary(plane({0: {"a": Codes.pack(BITS)}}, LABELS, "dataset"), epoch=5)


def test_the_table_explains_the_gap_where_there_is_one(run):
    assert "a second estimator" not in summary(run(2000, (8, 4), "dataset"))
    points = run(2000, (10, 9), "population", epochs=(0,))
    assert Verdict.CORRECTED in {point.i_xt.verdict for point in points}
    text = summary(points)
    assert "(NSB " in text
    assert "a second estimator" in text


def test_the_table_tells_target_samples_estimator_and_the_last_epoch(run):
    points = run(5000, (8, 4), "population")
    text = summary(points)
    for part in ("Epoch 10.", "Target: population.", "N = 5,000.", "Chao-Wang-Jost", "H(Y) = 3.3"):
        assert part in text
    last = points[-1]
    (line,) = (line for line in text.splitlines() if line.startswith("layer2"))
    assert f"{last.i_xt.bits:.3f} [{last.i_xt.low:.3f}, {last.i_xt.high:.3f}]" in line
    assert f"{last.i_ty.bits:.3f}" in line
    assert "Epoch 0." in summary(points, epoch=0)


def test_the_table_never_prints_a_refused_number(run):
    points = run(600, (64, 14), "population", epochs=(0,))
    text = summary(points)
    refused = [e for point in points for e in (point.i_xt, point.i_ty) if e.verdict.refused]
    assert {e.verdict for e in refused} == {Verdict.SATURATED, Verdict.UNRELIABLE}
    assert text.count("refused") == len(refused)
    for estimate in refused:
        assert f"{estimate.bits:.2f}" not in text.partition("\n")[2], "below the caption, which tells H(Y)"
        assert f"{estimate.verdict}: {estimate.verdict.explanation}" in text


def test_an_exact_number_that_is_saturated_says_both(run):
    text = summary(run(600, (64,), "dataset", epochs=(0,)))
    assert text.count("EXACT (saturated)") == 2
    assert "whatever the network does" in text


def test_the_ceiling_is_the_smaller_of_width_and_sample_size():
    (point,) = plane({0: {"a": Codes.pack(BITS)}}, LABELS, "dataset")
    assert point.ceiling_bits == 6.0
    assert replace(point, width=64).ceiling_bits == pytest.approx(np.log2(200))


def test_chance_is_what_shuffled_labels_give_on_average_and_only_where_it_was_asked_for():
    rng = np.random.default_rng(0)
    codes, labels = Codes.pack(rng.random((400, 6)) < 0.3), rng.integers(0, 3, 400)
    (point,) = plane({0: {"dense1": codes}}, labels, "dataset", chance=True)
    shuffled = [plane({0: {"dense1": codes}}, rng.permutation(labels), "dataset")[0].i_ty.bits for _ in range(200)]
    assert point.chance_bits == pytest.approx(np.mean(shuffled), abs=0.01)
    assert f"{point.chance_bits:.3f}" in summary([point])
    assert plane({0: {"dense1": codes}}, labels, "dataset")[0].chance_bits is None


def test_codes_that_did_not_change_are_bracketed_once(monkeypatch):
    rng = np.random.default_rng(0)
    same, labels = Codes.pack(rng.random((200, 30)) < 0.5), rng.integers(0, 3, 200)
    other = Codes.pack(rng.random((200, 30)) < 0.5)
    asked = []
    honest = plane_module.entropy_bracket
    monkeypatch.setattr(
        plane_module, "entropy_bracket", lambda codes, *more: asked.append(codes) or honest(codes, *more)
    )
    points = plane({0: {"a": same}, 1: {"a": same}, 2: {"a": other}}, labels, "population", brackets=True)
    assert asked == [same, other]
    assert points[0].xt_bracket == points[1].xt_bracket
