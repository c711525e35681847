"""I(X;T) and I(T;Y): closed forms, symmetry, the data-processing inequality, and verdicts that keep their word."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.diagnostics import Verdict, bias_bound_bits, coverage, verdict
from bitneck.ib_analysis.entropy import chao_wang_jost, miller_madow, plug_in
from bitneck.ib_analysis.information import i_ty, i_xt, mutual_information
from bitneck.ib_analysis.nsb import nsb
from bitneck.ib_analysis.symbols import label_symbols, of_ids, pairs, symbols
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

ADJACENT = """(0,1)(0,3)(0,5)(0,10)(0,11)(1,2)(1,3)(1,4)(1,11)(2,3)(2,4)(2,8)(2,9)(3,8)(3,10)(4,6)(4,9)(4,11)(5,6)(5,7)
(5,10)(5,11)(6,7)(6,9)(6,11)(7,8)(7,9)(7,10)(8,9)(8,10)"""
ANTIPODAL = "(0,9)(1,7)(2,5)(3,6)(4,10)(8,11)"
SAMPLES = st.integers(1, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(3)))
)


def information(x, y, estimator=plug_in):
    x, y = label_symbols(x), label_symbols(y)
    return mutual_information(x.counts, y.counts, pairs(x, y).counts, estimator)


def twelve_bit_set():
    """Inputs (4096, 12) and labels of Shwartz-Ziv and Tishby's rotation-invariant rule on the icosahedron."""
    bits = (np.arange(4096)[:, None] >> np.arange(11, -1, -1)) & 1

    def active(listed):
        both = np.array([pair.split(",") for pair in listed.replace("\n", "").strip("()").split(")(")], int)
        return (bits[:, both[:, 0]] & bits[:, both[:, 1]]).sum(axis=1)

    h, e, a = bits.sum(axis=1), active(ADJACENT), active(ANTIPODAL)
    five = (h == 5) & (e == 7) & (a == 0)
    six = (h == 6) & ((e >= 7) | ((e == 6) & (a == 0)))
    seven = (h == 7) & ~((e == 8) & (a == 2))
    return bits.astype(bool), ((h >= 8) | five | six | seven).astype(np.uint8)


def uniform_bits(samples, width, seed=0):
    return symbols(Codes.pack(np.random.default_rng(seed).random((samples, width)) < 0.5))


def test_the_twelve_bit_set_has_its_published_information():
    bits, y = twelve_bit_set()
    digest = "77732f16f85e91b49d3997196b56163b3bd362d8cf631468a8de3f986e88359f"
    assert hashlib.sha256(y.tobytes()).hexdigest() == digest
    labels = label_symbols(y)
    assert plug_in(labels.counts) == pytest.approx(0.9991571, abs=1e-7)
    everything = i_xt(symbols(Codes.pack(bits)), 12, "enumerated")
    assert (everything.bits, everything.low, everything.high) == (12.0, 12.0, 12.0)
    assert everything.verdict is Verdict.EXACT
    assert not everything.saturated, "all inputs there are: 12 bits are the network's own"
    ones = label_symbols(bits.sum(axis=1))
    assert i_xt(ones, 4, "enumerated").bits == pytest.approx(2.83853, abs=1e-5)
    assert i_ty(ones, labels, 4, "enumerated").bits == pytest.approx(0.62764, abs=1e-5)
    for bit in bits.T:
        assert i_ty(label_symbols(bit), labels, 1, "enumerated").bits == pytest.approx(0.03391, abs=1e-5)


@given(SAMPLES)
def test_information_is_symmetric_to_the_last_bit_and_within_its_bounds(columns):
    x, y, _ = columns
    for estimator in (plug_in, miller_madow, chao_wang_jost):
        assert information(x, y, estimator) == information(y, x, estimator)
    h_x, h_y = (plug_in(label_symbols(column).counts) for column in (x, y))
    assert -1e-12 <= information(x, y) <= min(h_x, h_y) + 1e-12
    assert information(x, x) == pytest.approx(h_x, abs=1e-12)


@given(SAMPLES)
def test_chain_rule(columns):
    """I(X,Y;Z) = I(X;Z) + I(Y;Z given X)."""
    x, y, z = (np.array(column) for column in columns)
    given_x = sum((x == v).mean() * information(y[x == v], z[x == v]) for v in np.unique(x))
    assert information(x * 7 + y, z) == pytest.approx(information(x, z) + given_x, abs=1e-10)


@given(SAMPLES, st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_a_function_of_a_code_knows_no_more_than_the_code(columns, table):
    t, y, _ = (np.array(column) for column in columns)
    deeper, labels = label_symbols(np.array(table)[t]), label_symbols(y)
    code = label_symbols(t)
    assert i_xt(deeper, 2, "dataset").bits <= i_xt(code, 3, "dataset").bits + 1e-12
    assert i_ty(deeper, labels, 2, "dataset").bits <= i_ty(code, labels, 3, "dataset").bits + 1e-12


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    t, y = rng.integers(0, 300, 5000), rng.integers(0, 10, 5000)
    assert information(t, y) == pytest.approx(mutual_info_score(t, y) / math.log(2), abs=1e-10)


def test_the_names_of_codes_cannot_move_a_number():
    bits = np.random.default_rng(0).random((3000, 9)) < 0.3
    labels = label_symbols(np.arange(3000) % 10)
    one, other = (symbols(Codes.pack(code)) for code in (bits, ~bits[:, ::-1]))
    for target in ("dataset", "population"):
        assert i_xt(one, 9, target) == i_xt(other, 9, target)
        assert i_ty(one, labels, 9, target) == i_ty(other, labels, 9, target)


def test_spurious_perfection_is_refused():
    """Labels that have nothing to do with all-distinct codes: plug-in says H(Y), and that is not shown as a number."""
    t, y = uniform_bits(10_000, 64), label_symbols(np.random.default_rng(1).integers(0, 10, 10_000))
    spurious = i_ty(t, y, 64, "dataset")
    assert spurious.bits == pytest.approx(3.32, abs=0.01)
    assert (spurious.verdict, spurious.saturated, spurious.solid) == (Verdict.EXACT, True, False)
    assert spurious.standing == "EXACT (saturated)"
    for estimate in (i_xt(t, 64, "population"), i_ty(t, y, 64, "population")):
        assert estimate.verdict is Verdict.SATURATED
        assert str(estimate) == "refused"
        assert estimate.low is None
        assert estimate.high is None


@pytest.mark.parametrize(
    ("width", "expected"),
    [(8, "GUARANTEED"), (10, "RELIABLE"), (12, "CORRECTED"), (14, "UNRELIABLE"), (16, "UNRELIABLE"), (64, "SATURATED")],
)
def test_verdicts_along_the_saturation_table(width, expected):
    assert i_xt(uniform_bits(10_000, width), width, "population").verdict == expected


@pytest.mark.parametrize(
    ("once", "expected"),
    [(100, "RELIABLE"), (101, "CORRECTED"), (1000, "CORRECTED"), (1001, "WEAK"), (2000, "WEAK"), (2001, "UNRELIABLE")],
)
def test_cut_offs_of_coverage_lie_where_they_were_calibrated(once, expected):
    """10,000 samples, `once` of them alone, the rest on 10 symbols."""
    rest = 10_000 - once
    counts = np.array([1] * once + [rest // 10] * 9 + [rest - 9 * (rest // 10)])
    assert coverage(counts) == pytest.approx(1 - once / 10_000)
    assert verdict(counts, counts, 2500, "population") == expected


def test_what_was_corrected_shows_how_far_nsb_is_and_nothing_else_does():
    width = 12
    rng = np.random.default_rng(0)
    patterns, weights = rng.random((4096, width)) < 0.5, rng.dirichlet(np.full(4096, 0.5))
    patterns[:, :12] = Codes.pack_integers(np.arange(4096)[:, None], 12).bits()  # all distinct
    drawn = rng.choice(4096, 10_000, p=weights)
    t, y = symbols(Codes.pack(patterns[drawn])), label_symbols(drawn % 2)
    xt, ty = i_xt(t, width, "population"), i_ty(t, y, width, "population")
    for estimate in (xt, ty):
        assert estimate.verdict is Verdict.CORRECTED
        assert 0 < abs(estimate.nsb_gap_bits) < 0.1
        assert str(estimate).endswith(f" (NSB {estimate.nsb_gap_bits:+.3f})")
    assert xt.bits + xt.nsb_gap_bits == nsb(t.counts, 2 ** min(width, 256))
    assert ty.bits + ty.nsb_gap_bits == pytest.approx(1, abs=0.01), "H(Y), as the label is a function of the code"
    assert i_xt(t, width, "dataset").nsb_gap_bits is None
    assert i_xt(uniform_bits(10_000, 8), 8, "population").nsb_gap_bits is None


def test_reliable_needs_a_small_correction_too():
    counts = np.array([1] * 100 + [5] * 1980)
    assert chao_wang_jost(counts) - plug_in(counts) > 0.1
    assert verdict(counts, counts, 2**12, "population") is Verdict.CORRECTED


def rare_and_uniform(seed, samples, width, rare, common=16):
    """Codes that are one of `common`, or with a chance of `rare` any of 2^width; and their entropy."""
    rng = np.random.default_rng(seed)
    places, bits = rng.random((common, width)) < 0.5, rng.random((samples, width)) < 0.5
    often = rng.random(samples) >= rare
    bits[often] = places[rng.integers(0, common, int(often.sum()))]
    h = -rare * math.log2(rare) - (1 - rare) * math.log2(1 - rare)
    return symbols(Codes.pack(bits)), h + (1 - rare) * math.log2(common) + rare * width


@pytest.mark.parametrize(
    ("samples", "width", "rare"),
    [(1000, 64, 0.005), (10_000, 64, 0.005), (10_000, 256, 0.009), (60_000, 64, 0.0005), (60_000, 1024, 0.009),
     (10_000, 64, 0.05), (10_000, 20, 0.009), (2000, 128, 0.001)],
)  # fmt: skip
def test_codes_never_seen_may_weigh_their_width_and_no_promise_forgets_it(samples, width, rare):
    missed, printed, errors = 0, 0, []
    for seed in range(20):
        t, truth = rare_and_uniform(seed, samples, width, rare)
        said = i_xt(t, width, "population")
        if said.verdict in (Verdict.RELIABLE, Verdict.CORRECTED):
            errors.append(abs(said.bits - truth))
        if said.low is not None and said.high is not None:
            printed += 1
            missed += not said.low <= truth <= said.high
    assert not errors or np.quantile(errors, 0.95) <= 0.2
    assert missed <= 2, "of 20 draws; where nothing rare was drawn, nothing can know of it"
    assert errors or printed or rare * (width - math.log2(16)) > 0.2, "what can be known is not refused"


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("target", ["dataset", "population"])
def test_a_layer_that_keeps_every_input_apart_is_saturated_however_often_they_are_repeated(times, target):
    rng = np.random.default_rng(0)
    bits, y = rng.random((500, 20)) < 0.5, rng.integers(0, 4, 500)
    t = symbols(Codes.pack(np.repeat(bits, times, axis=0)))
    labels = label_symbols(np.repeat(y, times))
    for estimate in (i_xt(t, 20, target), i_ty(t, labels, 20, target)):
        assert estimate.saturated
        assert estimate.verdict is (Verdict.SATURATED if target == "population" else Verdict.EXACT)


def test_saturation_is_against_what_the_inputs_have():
    t = symbols(Codes.pack(np.random.default_rng(0).random((300, 20)) < 0.5))
    some = of_ids(np.concatenate([t.ids, t.ids[:150]]))  # half of the inputs twice
    h_x = plug_in(some.counts)
    assert h_x < math.log2(450) - 0.1
    assert not i_xt(some, 20, "dataset").saturated
    assert i_xt(some, 20, "dataset", h_x).saturated


def test_a_guarantee_is_the_bound_of_paninski():
    counts = np.full(16, 1000)
    assert verdict(counts, counts, 1 + int(16_000 * (2**0.1 - 1)), "population") is Verdict.GUARANTEED
    assert verdict(counts, counts, 2 + int(16_000 * (2**0.1 - 1)), "population") is Verdict.RELIABLE
    for samples, width in ((4096, 8.2), (10_000, 9.5), (60_000, 12.1)):
        assert bias_bound_bits(round(2**width), samples) == pytest.approx(0.1, abs=0.003)
    assert math.isfinite(bias_bound_bits(2**4096 * 10, 10))


def test_estimates_of_known_distributions_keep_what_their_verdicts_say():
    """The small version of the calibration: 95th percentile of |error| by verdict, and what intervals cover."""
    rng = np.random.default_rng(3)
    errors: dict[str, list[float]] = {}
    covered: list[bool] = []
    for _ in range(160):
        width, classes, samples = (
            int(rng.integers(4, 14)),
            int(rng.choice([2, 10])),
            int(rng.choice([1000, 4096, 20_000])),
        )
        p = rng.dirichlet(np.full(2**width, rng.choice([0.05, 0.3, 1.0, 5.0])))
        if rng.random() < 0.5:
            p = np.arange(1, 2**width + 1) ** -rng.uniform(0.5, 2)
        p, label_of, noise = p / p.sum(), rng.integers(0, classes, 2**width), rng.choice([0.0, 0.1, 0.5, 1.0])
        joint = np.full((2**width, classes), noise / classes)
        joint[np.arange(2**width), label_of] += 1 - noise
        joint *= p[:, None]
        h_t, h_y, h_ty = (-float(np.sum(q[q > 0] * np.log2(q[q > 0]))) for q in (p, joint.sum(axis=0), joint))
        t = rng.choice(2**width, samples, p=p)
        y = np.where(rng.random(samples) < noise, rng.integers(0, classes, samples), label_of[t])
        codes, labels = label_symbols(t), label_symbols(y)
        for estimate, truth in (
            (i_xt(codes, width, "population"), h_t),
            (i_ty(codes, labels, width, "population"), h_t + h_y - h_ty),
        ):
            errors.setdefault(estimate.verdict, []).append(abs(estimate.bits - truth))
            if estimate.low is not None and estimate.high is not None:
                covered.append(estimate.low <= truth <= estimate.high)
    allowed = {"GUARANTEED": 0.06, "RELIABLE": 0.06, "CORRECTED": 0.14, "WEAK": 0.35}
    for name, limit in allowed.items():
        assert len(errors[name]) >= 8
        assert np.quantile(errors[name], 0.95) <= limit, name
    assert np.quantile(errors["UNRELIABLE"], 0.95) > 0.35, "what is refused deserves it"
    assert len(covered) > 80
    assert np.mean(covered) >= 0.88


def test_codes_and_labels_of_different_length_are_refused_by_numbers():
    with pytest.raises(CodesError, match=r"100 samples .* against 99"):
        i_ty(uniform_bits(100, 4), label_symbols(np.zeros(99, int)), 4, "dataset")


def test_one_sample_says_nothing_and_says_so():
    one = symbols(Codes.pack(np.ones((1, 5), bool)))
    assert i_xt(one, 5, "dataset").bits == 0.0
    assert i_xt(one, 5, "population").verdict is Verdict.SATURATED
