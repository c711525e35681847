"""The codes that programs call reached are those that some input gives, whatever is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from bit_nets import all_inputs, random_graph
from bitneck.hw.exact import reach
from bitneck.hw.exact.net import BitNet
from bitneck.hw.exact.reach import codes_given, reached


@pytest.mark.parametrize("seed", range(8))
def test_every_code_is_decided_as_every_input_says(seed):
    rng = np.random.default_rng(seed)
    widths = int(rng.integers(3, 10)), *rng.integers(2, 7, 1 + seed % 3).tolist(), 3
    layers = BitNet.of(random_graph(widths, seed, wild=seed % 2 == 1)).hidden
    due = dict(codes_given(layers, all_inputs(widths[0])))
    found = dict(reached(layers, rng.random((2, widths[0])) < 0.5, seconds=10))
    assert len(found) == 1 << widths[-2]
    for code, answer in found.items():
        if isinstance(answer, str):
            assert (answer, code in due) == ("none", False)
        else:
            assert dict(codes_given(layers, answer[None])).keys() == {code}


def test_a_program_that_errs_is_caught_and_nothing_is_claimed(monkeypatch):
    layers, zeros = BitNet.of(random_graph((8, 5, 4, 3), 1)).hidden[:1], np.zeros((1, 8), bool)
    monkeypatch.setattr(reach, "_solved", lambda layers, code, costs, seconds: zeros[0])
    found = dict(reached(layers, zeros, seconds=1))
    answers = [answer for code, answer in found.items() if code not in dict(codes_given(layers, zeros))]
    assert answers == ["not decided"] * 31


def test_what_is_not_decided_in_time_is_said_so():
    layers = BitNet.of(random_graph((8, 5, 4, 3), 1)).hidden
    found = dict(reached(layers, np.zeros((1, 8), bool), seconds=1, deadline=0.0))
    assert sorted(map(str, found.values()))[-1] == "not decided"
    assert len(found) == 16
