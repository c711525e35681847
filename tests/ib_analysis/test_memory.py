"""Memory traffic bounds the analysis: at 60,000 codes of 1,024 bits nothing needs more than twice the packed codes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.information import i_ty, i_xt
from bitneck.ib_analysis.neurons import neuron_information, neurons, sharing
from bitneck.ib_analysis.nulls import null_mean_bits, p_value
from bitneck.ib_analysis.symbols import label_symbols, symbols

SAMPLES, WIDTH = 60_000, 1024


def measured(codes, labels):
    """All of `make bench`'s first group: symbols, both estimates, verdicts, the second opinion where there is one."""
    t, y = symbols(codes), label_symbols(labels)
    return i_xt(t, codes.width, "population"), i_ty(t, y, codes.width, "population")


def nulls(codes, labels):
    t, y = symbols(codes), label_symbols(labels)
    return null_mean_bits(t, y), p_value(t, y, np.random.default_rng(0), 2)


def each_neuron(codes, labels):
    return neurons(codes), neuron_information(codes, label_symbols(labels))


def shared(codes, labels):
    return sharing(codes, label_symbols(labels))


@pytest.mark.parametrize(
    ("work", "distinct", "limit"),
    [
        (measured, False, 1.0),
        (measured, True, 1.0),
        (nulls, False, 1.0),
        (nulls, True, 2.0),
        (each_neuron, True, 2.0),
        (shared, False, 1.0),
    ],
)
def test_peak_extra_memory_as_a_multiple_of_the_packed_codes(work, distinct, limit):
    rng = np.random.default_rng(0)
    packed = rng.integers(0, 256, (SAMPLES if distinct else 600, WIDTH // 8), dtype=np.uint8)
    codes = Codes(packed if distinct else packed[(rng.zipf(1.3, SAMPLES) - 1) % 600], WIDTH)
    labels = rng.integers(0, 10, SAMPLES)
    work(codes[:2000], labels[:2000])  # compiled and imported before it is watched
    tracemalloc.start()
    work(codes, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < limit * codes.packed.nbytes
