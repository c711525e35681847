"""The small version of the calibration: what the cut-offs of the verdicts rest on still holds, within tolerances."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from bitneck.ib_analysis import calibration
from bitneck.ib_analysis.calibration import ESTIMATORS, SAMPLE_SIZES, distribution, entropy_bits, percentiles, trials


@pytest.fixture(scope="module")
def done():
    return list(trials(np.random.default_rng(1), 150, (4, 14)))


def test_the_corrected_estimators_keep_their_errors_at_every_coverage(done):
    """Limits in bits: the 95th percentiles of 5,000 distributions, and a little more for the few here."""
    limits = {0.999: 0.06, 0.99: 0.09, 0.98: 0.1, 0.95: 0.18, 0.9: 0.2, 0.8: 0.35, 0.65: 0.6}
    rows = {low: (many, dict(zip(ESTIMATORS, values, strict=True))) for low, _, many, values in percentiles(done)}
    for low, limit in limits.items():
        many, at = rows[low]
        assert many >= 10
        assert at["Chao-Wang-Jost"] <= limit, low
        assert at["NSB"] <= limit, low
        if low < 0.98:
            assert at["plug-in"] > 1.5 * at["Chao-Wang-Jost"], low
            assert at["Chao-Wang-Jost"] < at["Grassberger"] < at["Miller-Madow"] < at["plug-in"], low
    assert rows[0.65][1]["Chao-Wang-Jost"] > 0.2, "what UNRELIABLE refuses deserves it"


def test_every_trial_is_there_and_plug_in_is_low_on_average(done):
    assert len(done) == 150 * len(SAMPLE_SIZES)
    assert sum(many for _, _, many, _ in percentiles(done)) == len(done)
    assert {trial.width for trial in done} == set(range(4, 15))
    biases = np.mean([trial.errors_bits for trial in done], axis=0)
    assert biases[0] < biases[1] < biases[2] < 0
    assert max(abs(biases[3:])) < 0.1


def test_the_entropies_are_known():
    assert entropy_bits(np.array([0.5, 0.25, 0.25, 0.0])) == 1.5
    rng = np.random.default_rng(0)
    for width in (4, 9, 12):
        for _ in range(12):
            p = distribution(rng, width)
            assert p.shape == (2**width,)
            assert p.sum() == pytest.approx(1, abs=1e-12)
            assert 0 < entropy_bits(p) <= width + 1e-9


def test_the_same_seed_gives_the_same_table_and_the_script_prints_it(monkeypatch, capsys):
    monkeypatch.setattr(calibration, "QUICK", 3)
    printed = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["calibration", "--seed", "4"])
        calibration.main()
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "3 distributions, 4 to 18 bits, 1,000, 4,096, 10,000, 60,000 samples, seed 4" in printed[0]
    assert "Chao-Wang-Jost" in printed[0]
    script = [sys.executable, "-m", "bitneck.ib_analysis.calibration", "--help"]
    assert "--full" in subprocess.run(script, check=True, capture_output=True, text=True).stdout
