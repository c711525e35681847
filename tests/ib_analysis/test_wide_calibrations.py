"""The calibrations of wide codes: what they call the truth is true, and what they found on few distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bitneck.ib_analysis import label_bracket_calibration as of_labels
from bitneck.ib_analysis import verdict_calibration as of_verdicts
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.diagnostics import Verdict
from bitneck.ib_analysis.entropy import miller_madow
from bitneck.ib_analysis.symbols import label_symbols, pairs, symbols

RNG = np.random.default_rng


@pytest.mark.parametrize("family", of_verdicts.FAMILIES)
def test_the_entropies_of_wide_codes_are_known(family):
    """Many samples and codes narrow enough to be counted: the estimate agrees."""
    for seed in range(4):
        counts, truth = of_verdicts.FAMILIES[family](RNG(seed), 400_000, 10)
        assert miller_madow(counts) == pytest.approx(truth, abs=0.08 if family == "power law" else 0.03)


@pytest.mark.parametrize("family", of_labels.FAMILIES)
def test_the_information_of_labels_is_known(family):
    """As many bits of noise as counting can stand: it agrees."""
    for seed in range(4):
        bits, labels, truth = of_labels.FAMILIES[family](RNG(seed), 200_000, 8 if family == "named" else 11)
        t, y = symbols(Codes.pack(bits)), label_symbols(labels)
        found = miller_madow(t.counts) + miller_madow(y.counts) - miller_madow(pairs(t, y).counts)
        assert found == pytest.approx(truth, abs=0.03)


def test_verdicts_of_wide_codes_keep_their_promise():
    done = list(of_verdicts.trials(RNG(1), 120))
    assert {t.family for t in done} == set(of_verdicts.FAMILIES)
    kept = [t for t in done if t.estimate.verdict in (Verdict.RELIABLE, Verdict.CORRECTED)]
    assert len(kept) > 10
    assert max(t.error_bits for t in kept) < 0.2
    ends = [(t.estimate.low, t.truth_bits, t.estimate.high) for t in done if t.estimate.low is not None]
    assert sum(low <= truth <= high for low, truth, high in ends) >= 0.9 * len(ends)
    assert "| all | RELIABLE |" in of_verdicts.table(done)


def test_i_ty_lies_in_its_bracket(monkeypatch):
    monkeypatch.setattr(of_labels, "SAMPLE_SIZES", (1000, 1000, 2000, 2000))
    done = list(of_labels.trials(RNG(2), 10))
    assert [t for t in done if not t.inside] == []
    assert math.isfinite(sum(t.truth_bits for t in done))
    assert "| all | 10 | 10 |" in of_labels.table(done)
