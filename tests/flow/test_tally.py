"""Share after share gives what the whole traces give: digests, differences, and the bytes of trace.npz."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.judges.compare import digests
from bitneck.flow.config import RunError
from bitneck.flow.files import CLASSES, read_simulated, write_arrays
from bitneck.flow.record import differences
from bitneck.flow.tally import Tally
from bitneck.flow.traces import TraceWriter, trace_reader
from bitneck.ib_analysis.codes import Codes, Trace
from random_nets import random_frames, random_graph

GRAPH = random_graph([20, 12, 9, 4], 5, name="shares")
X = random_frames(GRAPH, 37)
WHOLE = GRAPH(X)
SHARES = [slice(0, 10), slice(10, 11), slice(11, 30), slice(30, 37)]


def by(source: str, *flips: tuple[str, int, int]) -> Trace:
    """The golden trace as another source's, with these bits flipped: layer, sample, neuron."""
    codes = dict(WHOLE.codes)
    for layer, sample, neuron in flips:
        bits = codes[layer].bits()
        bits[sample, neuron] ^= True
        codes[layer] = Codes.pack(bits)
    return replace(WHOLE, source=source, codes=codes)


def part(trace: Trace, rows: slice) -> Trace:
    codes = {name: codes[rows] for name, codes in trace.codes.items()}
    return replace(trace, codes=codes, scores=trace.scores[rows])


CLASSES_OUT = WHOLE.predictions()
WRONG_CLASS = np.where(np.arange(len(X)) >= 29, CLASSES_OUT ^ 1, CLASSES_OUT)
FLIPS = {
    "none": (),
    "a later layer first": (("dense2", 3, 1), ("dense1", 35, 4)),
    "two in one layer": (("dense1", 33, 4), ("dense1", 12, 7), ("dense1", 12, 2)),
}


@pytest.mark.parametrize("flips", FLIPS.values(), ids=FLIPS)
@pytest.mark.parametrize("classes", [CLASSES_OUT, WRONG_CLASS], ids=["classes right", "classes wrong"])
def test_shares_are_digested_and_compared_as_the_whole_is(flips, classes):
    traces = [by("torch"), by("qonnx", ("binarize", 20, 0)), WHOLE, by("rtl", *flips)]
    tally = Tally(GRAPH, len(X))
    for rows in SHARES:
        tally.add(X[rows], [part(trace, rows) for trace in traces], classes[rows])
    assert tally.digests() == digests(traces)
    assert tally.differences() == differences(GRAPH, traces, classes, X)


def test_trace_file_of_shares_is_that_of_the_whole_to_the_byte(tmp_path):
    write_arrays(tmp_path / "whole.npz", WHOLE.arrays() | {CLASSES: CLASSES_OUT})
    with closing(TraceWriter(tmp_path)) as writer:
        for rows in SHARES:
            writer.add(part(WHOLE, rows), CLASSES_OUT[rows])
        writer.write(tmp_path / "shares.npz")
    assert (tmp_path / "shares.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shares.npz", "whole.npz"]
    with trace_reader(tmp_path / "shares.npz", len(X)) as reader:
        read = [reader.next(rows.stop - rows.start) for rows in SHARES]
    again, _ = read_simulated(tmp_path / "shares.npz")
    assert [one.layers() for one in read] == [part(again, rows).layers() for rows in SHARES]


def test_damaged_trace_file_is_one_line_wherever_the_damage_is(tmp_path):
    path = tmp_path / "trace.npz"
    write_arrays(path, WHOLE.arrays())
    whole = path.read_bytes()
    rng, said = np.random.default_rng(0), []
    for at in rng.integers(len(whole), size=150):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1 :])
        try:
            with trace_reader(path, len(X)) as reader:
                trace = reader.next(len(X))
        except RunError as error:
            said.append(str(error))
        else:
            assert trace.layers() == WHOLE.layers()
    assert len(said) > 100
    assert {line.startswith(f"{path} is damaged (") for line in said} == {True}
    path.write_bytes(whole)
    with pytest.raises(RunError, match="37 samples, 36 are analysed"), trace_reader(path, 36):
        pass
