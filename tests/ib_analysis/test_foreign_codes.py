"""Codes of another framework need two lines and nothing else of ours; what is no bit is refused, never guessed."""

from __future__ import annotations

import bitneck as bn
import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.plane import plane, summary

BITS = np.random.default_rng(0).random((2000, 8)) < 0.5
LABELS = BITS[:, 0] + 2 * BITS[:, 1]


def test_the_two_lines_of_the_readme():
    bits, labels = np.where(BITS, 1, -1), LABELS
    text = str(bn.plane({"layer1": bits}, labels, "population"))
    assert text == summary(plane({0: {"layer1": Codes.from_array(bits)}}, labels, "population"))
    assert "I(X;T) bits" in text
    (line,) = (line for line in text.splitlines() if line.startswith("layer1"))
    assert line.split()[3].startswith("8.0")
    assert line.count("RELIABLE") == 2


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64, np.float32, np.float16])
def test_every_spelling_of_a_bit_gives_the_same_codes(kind):
    assert Codes.from_array(BITS.astype(kind)) == Codes.pack(BITS)
    if kind not in (np.bool_, np.uint8):
        assert Codes.from_array(np.where(BITS, 1, -1).astype(kind)) == Codes.pack(BITS)
    assert Codes.from_array(BITS.astype(kind).tolist()) == Codes.pack(BITS)


def test_maps_are_read_in_c_order_and_constant_layers_are_codes_too():
    maps = BITS.reshape(2000, 2, 2, 2)
    assert Codes.from_array(maps) == Codes.pack(BITS)
    assert Codes.from_array(np.asfortranarray(maps)) == Codes.pack(BITS)
    assert not Codes.from_array(-np.ones((5, 3))).bits().any()
    assert Codes.from_array(np.ones((5, 3))).bits().all()


@pytest.mark.parametrize(
    "values", [[[0, 1, 2]], [[-1, 0, 1]], [[0.5, 1.0]], [[np.nan, 1.0]], [[-1.0, 0.0]], [[255, 0]]]
)
def test_what_is_no_bit_is_refused_with_its_values(values):
    with pytest.raises(CodesError, match=r"0 and 1, or -1 and \+1, got .* in sample 0, bit [012]"):
        Codes.from_array(values)


@pytest.mark.parametrize("values", [[0, 1, 1], 1, np.zeros((0, 4)), np.zeros((4, 0))])
def test_what_has_no_samples_or_no_width_is_refused_with_its_shape(values):
    with pytest.raises(CodesError, match=r"need \(n, width\) bits, got \("):
        Codes.from_array(values)
