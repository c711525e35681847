"""The table behind the verdicts of positions is what a small draw of it shows already."""

from __future__ import annotations

import numpy as np
from bitneck.ib_analysis.image_calibration import table, trials


def test_intervals_of_whole_images_hold_more_often_and_refused_numbers_have_no_row():
    done = list(trials(np.random.default_rng(1), 40, widths=(2, 5)))
    drawn = [trial for trial in done if trial.ours.low is not None]
    ours, theirs = (
        np.mean([each.low <= trial.truth_bits <= each.high for trial, each in pairs if each.low is not None])
        for pairs in ([(trial, trial.ours) for trial in drawn], [(trial, trial.theirs) for trial in drawn])
    )
    assert len(drawn) > 25
    assert ours > 0.85 > theirs
    text = table(done)
    assert f"all {len(drawn)} intervals: {ours:.0%} held; of positions {theirs:.0%}" in text
    assert "SATURATED" not in text
