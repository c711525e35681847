"""Every neuron against its own two-by-classes table, planted copies, and codes whose sharing is known on paper."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.neurons import dead, neuron_information, neurons, sharing
from bitneck.ib_analysis.nulls import observed_bits
from bitneck.ib_analysis.symbols import label_symbols, symbols
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

EVERY_4 = (np.arange(16)[:, None] >> np.arange(4)) & 1 == 1


@pytest.mark.parametrize("samples", [1, 7, 8, 1024, 1025, 5001])
def test_each_neuron_has_the_information_of_its_own_table(samples):
    rng = np.random.default_rng(samples)
    labels = rng.integers(0, 5, samples)
    bits = rng.random((samples, 11)) < 0.3 + 0.1 * (labels[:, None] == np.arange(11))
    y = label_symbols(labels)
    alone = [observed_bits(label_symbols(bit), y) for bit in bits.T]
    np.testing.assert_allclose(neuron_information(Codes.pack(bits), y), alone, atol=1e-12)


@pytest.mark.parametrize("samples", [61, 64, 4099])
def test_planted_dead_neurons_and_copies_are_found(samples):
    rng = np.random.default_rng(0)
    bits = rng.random((samples, 12)) < 0.5
    bits[:, 2], bits[:, 5], bits[:, 9] = False, True, False
    bits[:, 7], bits[:, 11] = bits[:, 1], bits[:, 1]
    bits[:, 8] = ~bits[:, 3]
    bits[:, 10] = ~bits[:, 8]
    found = neurons(Codes.pack(bits))
    assert found.dead.tolist() == [2, 5, 9]
    assert dead(Codes.pack(bits)).tolist() == [2, 5, 9]
    assert found.duplicates == [(7, 1), (10, 3), (11, 1)]
    assert found.inverted_duplicates == [(8, 3)]
    np.testing.assert_array_equal(found.ones, bits.sum(axis=0))


@settings(max_examples=80, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 9)), elements=st.booleans()))
def test_copies_are_those_of_a_comparison_pair_by_pair(bits):
    found = neurons(Codes.pack(bits))
    for j in range(bits.shape[1]):
        alike = [i for i in range(j + 1) if len(set(bits[:, i] ^ bits[:, j])) == 1]
        assert found.first[j] == alike[0]
        assert found.opposite[j] == (bits[0, j] != bits[0, alike[0]])


def test_sharing_on_paper():
    """Two uniform bits. Divided: 1, 1. A copy: 2, 0. Exclusive or: 0, 2. One bit beside an idle one: 1, 1."""
    two = EVERY_4[:, :2]
    cases = {
        (1.0, 1.0): (two, two @ [1, 2]),
        (2.0, 0.0): (two[:, [0, 0]], two[:, 0]),
        (0.0, 2.0): (two, two[:, 0] ^ two[:, 1]),
        (0.0, 4.0): (EVERY_4, EVERY_4.sum(axis=1) % 2),
        (4.0, 0.0): (EVERY_4[:, [1, 1, 1, 1]], EVERY_4[:, 1]),
    }
    for (redundancy, vulnerability), (bits, labels) in cases.items():
        shared = sharing(Codes.pack(bits), label_symbols(labels))
        assert shared.redundancy == pytest.approx(redundancy, abs=1e-12)
        assert shared.vulnerability == pytest.approx(vulnerability, abs=1e-12)
    idle = sharing(Codes.pack(two), label_symbols(two[:, 0]))
    assert (idle.redundancy, idle.vulnerability) == pytest.approx((1.0, 1.0), abs=1e-12)


def test_sharing_of_an_and_in_closed_form():
    """Y = T1 and T2: I(T;Y) = h(1/4) = .811278, I(T_j;Y) = .311278, I(T_j;Y given the other) = 1/2."""
    two = EVERY_4[:, :2]
    shared = sharing(Codes.pack(two), label_symbols(two.all(axis=1)))
    assert shared.i_ty_bits == pytest.approx(0.8112781, abs=1e-7)
    assert shared.redundancy == pytest.approx(2 * 0.3112781 / 0.8112781, abs=1e-6)
    assert shared.vulnerability == pytest.approx(1 / 0.8112781, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.bool_, st.tuples(st.integers(2, 40), st.integers(1, 6)), elements=st.booleans()), st.integers(0, 2**32)
)
def test_sharing_is_its_definition_on_any_bits(bits, seed):
    y = label_symbols(np.random.default_rng(seed).integers(0, 3, len(bits)))
    codes, width = Codes.pack(bits), bits.shape[1]
    before = codes.packed.copy()
    shared, whole = sharing(codes, y), observed_bits(symbols(codes), y)
    np.testing.assert_array_equal(codes.packed, before)
    if whole < 1e-9:
        assert shared.redundancy is None
        return
    rest = [np.delete(bits, j, axis=1) if width > 1 else np.zeros((len(bits), 1), bool) for j in range(width)]
    lost = sum(whole - observed_bits(symbols(Codes.pack(other)), y) for other in rest)
    alone = sum(observed_bits(label_symbols(bit), y) for bit in bits.T)
    assert shared.vulnerability == pytest.approx(lost / whole, abs=1e-8)
    assert shared.redundancy == pytest.approx(alone / whole, abs=1e-8)


def test_where_nothing_is_known_there_is_nothing_to_share():
    shared = sharing(Codes.pack(EVERY_4), label_symbols(np.zeros(16, int)))
    assert (shared.redundancy, shared.vulnerability, shared.i_ty_bits) == (None, None, 0.0)


def test_distinct_codes_far_apart_can_spare_every_bit():
    codes = Codes(np.random.default_rng(0).integers(0, 256, (500, 8), dtype=np.uint8), 64)
    shared = sharing(codes, label_symbols(np.arange(500) % 10))
    assert shared.vulnerability == 0
    assert shared.i_ty_bits == pytest.approx(np.log2(10), abs=1e-12)


def test_what_does_not_match_is_refused_by_numbers():
    codes = Codes.pack(EVERY_4)
    with pytest.raises(CodesError, match="16 samples of one variable against 3"):
        neuron_information(codes, label_symbols([0, 1, 2]))
    with pytest.raises(CodesError, match=r"16 samples .* against 3"):
        sharing(codes, label_symbols([0, 1, 2]))
    with pytest.raises(CodesError, match="at least one"):
        neurons(codes[:0])
