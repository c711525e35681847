"""Whatever array, label, count or set of samples comes in: an answer, or an error of ours in one line."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from bitneck.ib_analysis import diagnostics, dynamics, entropy, information, median_of_runs, neurons, nsb, nulls, probe
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.float_quantities import binned_not_mi, hash_not_mi, kde_bounds_not_mi
from bitneck.ib_analysis.layer_bits import layer_bits
from bitneck.ib_analysis.plane import caption, plane
from bitneck.ib_analysis.symbols import label_symbols, pairs, symbols

KINDS = [*"?bBhHiIlLqQefdgFDO", "U1", "S1", "M8[s]", "m8[s]", "V4"]
SHAPES = [(), (0,), (1,), (5,), (0, 3), (3, 0), (1, 1), (5, 3), (2, 3, 2), (0, 0)]
BY_KIND = [np.zeros(shape, kind) for kind in KINDS for shape in SHAPES]
ODD = [
    *([[0, 1], [1]], None, "abc", [["0", "1"]], {1: 2}, [None], [[1, np.nan]], [[-np.inf, 1]], [[-1, 0]], [0.5, 1.5]),
    *(
        [10**30, 1],
        [2**62, -(2**62)],
        np.array([2**63], np.uint64),
        [[2]],
        [1, 2, 3, math.nan],
        [3, 1, 2, 5],
        [[1], [2]],
    ),
]
ARRAYS = [*BY_KIND, *(np.ones(array.shape, array.dtype) for array in BY_KIND if array.dtype.kind in "biuf"), *ODD]
CODES = [Codes.pack(np.arange(n * w).reshape(n, w) % 3 == 0) for n in (0, 1, 2, 5, 9) for w in (1, 9)]
LABELS = [label_symbols(np.arange(n) % k) for n in (0, 1, 2, 5, 9) for k in (1, 3)]
TARGETS = ["dataset", "population", "enumerated", "another"]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


ASKED = {
    "codes of an array": (Codes.from_array, [ARRAYS]),
    "packed bits": (Codes.pack, [BY_KIND]),
    "packed integers": (Codes.pack_integers, [BY_KIND, [0, 1, 64]]),
    "codes": (Codes, [BY_KIND, [-1, 0, 1, 9]]),
    "labels": (label_symbols, [ARRAYS]),
    "pairs": (pairs, [LABELS, LABELS]),
    "plug-in": (entropy.plug_in, [ARRAYS]),
    "Miller-Madow": (entropy.miller_madow, [ARRAYS]),
    "Chao-Wang-Jost": (entropy.chao_wang_jost, [ARRAYS]),
    "Grassberger": (entropy.grassberger, [ARRAYS]),
    "NSB": (nsb.nsb, [ARRAYS, [0, 1, 5, 2**600]]),
    "NSB of pairs": (lambda one, two: nsb.nsb_information(one, two, one, 4), [ARRAYS[::9], ARRAYS[::5]]),
    "coverage": (diagnostics.coverage, [ARRAYS]),
    "saturation": (diagnostics.saturated, [ARRAYS]),
    "bias": (diagnostics.bias_bound_bits, [[-1, 0, 1, 5], [-1, 0, 1, 5]]),
    "verdict": (lambda a, b, target: diagnostics.verdict(a, b, 4, target), [ARRAYS[::7], ARRAYS[::9], TARGETS]),
    "I(X;T)": (lambda codes, target: information.i_xt(symbols(codes), codes.width, target), [CODES, TARGETS]),
    "I(T;Y)": (
        lambda codes, y, target: information.i_ty(symbols(codes), y, codes.width, target),
        [CODES, LABELS, TARGETS],
    ),
    "neurons": (neurons.neurons, [CODES]),
    "neurons and labels": (neurons.neuron_information, [CODES, LABELS]),
    "sharing": (neurons.sharing, [CODES, LABELS]),
    "chance": (lambda codes, y: nulls.null_mean_bits(symbols(codes), y), [CODES, LABELS]),
    "dealings": (lambda codes, y, n: nulls.null_bits(symbols(codes), y, rng(), n), [CODES, LABELS, [-1, 0, 2]]),
    "p": (lambda codes, y: nulls.p_value(symbols(codes), y, rng(), 2), [CODES, LABELS]),
    "observed": (lambda codes, y: nulls.observed_bits(symbols(codes), y), [CODES, LABELS]),
    "probe": (
        lambda codes, y, share: probe.probe_bound(codes, y, rng(), share),
        [CODES, LABELS, [0.25, 0, 1, -1, 2, math.nan]],
    ),
    "a layer's bits": (lambda codes, y: layer_bits("dense1", codes, y, rng()), [CODES, LABELS]),
    "a plane": (
        lambda codes, labels, target: plane({0: {"dense1": codes}}, labels, target, chance=True),
        [CODES[::3], ARRAYS, TARGETS],
    ),
    "no points": (caption, [[()]]),
    "ranks": (dynamics.rank_correlation, [[array for array in BY_KIND if array.ndim][::3], ODD[-4:]]),
    "spread": (median_of_runs.spread, [[[[1], [1, 2]], [[1, 2], [3, 4]]]]),
    "bins": (lambda t, y, bins: binned_not_mi(t, y, bins, -1, 1), [ARRAYS[::3], LABELS, [0, 2, 70_000]]),
    "Gaussian noise": (kde_bounds_not_mi, [ARRAYS[::3], LABELS, [-1, 0, 1e-320, 1, math.inf, math.nan]]),
    "hash": (lambda t, y, scale: hash_not_mi(t, t, y, rng(), scale), [ARRAYS[::3], LABELS, [0, 0.3, math.nan]]),
}


def outcome(function, given: tuple) -> object:
    try:
        return function(*given)
    except ValueError as error:
        return error


@pytest.mark.parametrize("what", ASKED)
def test_odd_inputs_get_an_answer_or_one_line_of_ours(what):
    function, axes = ASKED[what]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in itertools.product(*axes):
            found = outcome(function, given)
            if isinstance(found, ValueError):
                assert type(found).__module__.startswith("bitneck."), (what, given, found)
                assert len(str(found).splitlines()) == 1, (what, given, found)
            assert not isinstance(found, float) or math.isfinite(found), (what, given)


def test_six_samples_are_the_fewest_of_which_a_quarter_can_judge():
    y = label_symbols(np.arange(probe.FEWEST_SAMPLES) % 2)
    codes = Codes.pack(np.arange(probe.FEWEST_SAMPLES)[:, None] % 2 == 0)
    assert probe.probe_bound(codes, y, rng()).held_out == 2
    with pytest.raises(probe.ProbeError):
        probe.probe_bound(codes[:-1], label_symbols(np.arange(probe.FEWEST_SAMPLES - 1) % 2), rng())
