"""A judge that rounds by another law than the file: what that moves is counted, and all else is a difference."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from bitneck.export.judges import finn_plus, half_up
from bitneck.export.judges.finn_plus import RefusalError, available, thresholds_reached
from bitneck.export.judges.foreign import floats
from bitneck.export.reading.streamline import Streamlined, streamline

torch = pytest.importorskip("torch")
from bitneck.export.writing.qonnx import of_module, serialize  # noqa: E402 - it needs torch
from brevitas_nets import random_net  # noqa: E402
from stand_in_judge import reached_by  # noqa: E402

MISSING = available()
WITH_TIES = (2, 5, 8)  # seeds: pools of codes and of sums, ReLUs, falling channels


@cache
def file_of(seed: int) -> bytes:
    net = random_net(seed)
    return serialize(of_module(net.module, torch.zeros(1, *net.shape)))


def samples(read: Streamlined, count: int = 100) -> np.ndarray:
    levels = read.graph.layers[0].takes
    return np.random.default_rng(1).integers(0, levels, (count, read.graph.inputs)).astype(np.uint8)


def judged(read: Streamlined, answer: Streamlined, x: np.ndarray, spoil: int = 0) -> half_up.Moved:
    """A judge that answers as `answer`, but for one code of the last quantizer where `spoil` is added to it."""
    reached, last = reached_by(answer, x)
    reached[-1][7, 0] = max(int(reached[-1][7, 0]) - spoil, 0) if reached[-1][7, 0] else spoil
    return half_up.moved(read, read.graph(x), lambda of: half_up.trace_of(of, reached, last, x, "judge"), x)


@pytest.mark.parametrize("seed", WITH_TIES)
def test_what_rounding_halves_up_moves_is_counted_and_a_planted_code_beside_it_is_found(seed):
    read = streamline(file_of(seed))
    by_law, modes = half_up.half_up(read)
    x = samples(read)
    assert judged(read, read, x) == half_up.Moved(0, sum(layer.outputs for layer in read.graph.layers) * 100, 0)
    found = judged(read, by_law, x)
    assert modes == ["ROUND"]
    assert found.mismatch is None
    assert found.law == "halves go up, where the file says ROUND"
    pairs = [(trace.layers(), trace.predictions()) for trace in (read.graph(x), by_law.graph(x))]
    assert found.classes == (pairs[0][1] != pairs[1][1]).sum()
    assert 0 < found.codes < found.of / 4
    for answer in (read, by_law):
        spoilt = judged(read, answer, x, spoil=1)
        assert spoilt.mismatch is not None
        assert "sample 7: " in spoilt.mismatch


def test_the_law_is_the_floor_of_a_half_more():
    net = random_net(11)  # of a dense layer, whose batch-norm gives quarters and whose quantizer counts halves
    read = streamline(file_of(11))
    by_law, _ = half_up.half_up(read)
    x = samples(read, 2000)
    with torch.no_grad():
        values = torch.nn.Sequential(*net.layers[: net.shown[0]]).eval()(torch.from_numpy(floats(read, x))).numpy()
    (layer,) = read.graph.layers[:-1]
    steps = (values - layer.emits.low) / layer.emits.step
    for graph, rounded in ((read.graph, np.rint(steps)), (by_law.graph, np.floor(steps + 0.5))):
        levels = graph(x).codes[layer.name].levels(layer.emits.bits)
        if graph is read.graph:  # half to even of the level that the value 0 has
            rounded = np.rint(values / layer.emits.step) - layer.emits.low / layer.emits.step
        assert np.array_equal(levels, np.clip(rounded, 0, layer.emits.top))


def test_a_judge_that_makes_other_quantizers_is_refused():
    read = streamline(file_of(8))
    x = samples(read, 10)
    reached, last = reached_by(read, x)
    with pytest.raises(RefusalError, match=r"it makes 2 quantizers of 3"):
        half_up.trace_of(read, reached[1:], last, x, "judge")


def test_what_a_judge_says_in_a_traceback_is_one_line():
    words = 'Traceback:\n  File "x.py", line 1\nAssertionError: Shape is not\n      the same as before.\n'
    assert finn_plus._complaint(words) == "AssertionError: Shape is not the same as before."
    assert finn_plus._complaint("first\nFINN+ emits numbers") == "FINN+ emits numbers"
    assert finn_plus._complaint("") == "it said nothing"


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_finn_plus_rounds_halves_up_in_a_convolutional_net_and_differs_in_nothing_else():
    content = file_of(5)
    read = streamline(content)
    x = samples(read)
    reached, last = thresholds_reached(content, floats(read, x))
    found = half_up.moved(read, read.graph(x), lambda of: half_up.trace_of(of, reached, last, x, "finn-plus"), x)
    assert found == judged(read, half_up.half_up(read)[0], x)
    assert found.codes > 300
    assert found.mismatch is None
