"""H(T) + I(T;Y) of 60,000 samples in 10 classes: ours on packed codes, against what people do, and against memory;
then what second opinions on those numbers cost, codes that do not fit memory, and brackets.

Clustered codes: 600 patterns, Zipf-distributed, as a trained layer has them. Ours starts from packed codes, the others
from the unpacked bits they were written for; packing or unpacking is not timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from bitneck.ib_analysis.brackets import entropy_bracket
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.entropy import chao_wang_jost, plug_in
from bitneck.ib_analysis.information import i_ty, i_xt
from bitneck.ib_analysis.nsb import nsb
from bitneck.ib_analysis.nulls import null_bits, null_mean_bits, p_value
from bitneck.ib_analysis.streamed import streamed, verified
from bitneck.ib_analysis.symbols import Symbols, label_symbols, symbols
from numpy.typing import NDArray
from sklearn.metrics import mutual_info_score
from threadpoolctl import threadpool_limits
from timing import Row, Timing, measure, measure_in_turns, timing

SAMPLES, CLASSES, NEURONS = 60_000, 10, 256


def rows() -> Iterator[Row]:
    """For each shape ours, the floor, the others; every method's answer is checked against ours."""
    for width, kind in ((64, "clustered"), (1024, "clustered"), (1024, "all distinct")):
        codes, labels = _codes(width, kind), np.random.default_rng(1).integers(0, CLASSES, SAMPLES)
        bits = codes.bits()
        expected = ours(codes, labels)
        shape = f"{SAMPLES:,} x {width} {kind}"
        words = codes.packed.view(np.uint64)
        group = f"H(T) + I(T;Y), {shape}"
        counted, read = measure_in_turns(
            [
                lambda codes=codes, labels=labels: ours(codes, labels),
                lambda words=words: np.bitwise_xor.reduce(words, axis=None),
            ]
        )
        yield _row(group, "ours, with verdicts", counted)
        yield _row(group, "floor: read the packed words once (xor)", read)
        peers: list[tuple[str, Callable[[NDArray, NDArray], float]]] = [("int64 per bit, void view", int64_per_bit)]
        if kind == "clustered":
            peers.append(("np.unique(axis=0)", unique_rows))
        for name, peer in peers:
            timed, answer = _few_runs(
                lambda peer=peer, bits=bits, labels=labels: peer(bits, labels), 1 if width > 64 else 3
            )
            assert abs(answer - expected) < 1e-9, f"{name}: {answer} bits, ours {expected}"
            yield _row(group, name, timed)
        ids = symbols(codes).ids
        timed, answer = _few_runs(lambda ids=ids, labels=labels: _scikit_learn(ids, labels), 3)
        assert abs(answer - expected) < 1e-6, f"scikit-learn: {answer} bits, ours {expected}"
        yield _row(group, "scikit-learn, I(T;Y) alone, from our ids", timed)
        if width > 64:
            yield from _second_opinions(symbols(codes), label_symbols(labels), shape)
    yield from _larger_than_memory()
    yield from _brackets()


def _larger_than_memory() -> Iterator[Row]:
    """CNV's first map, a quarter of the samples: 108 MB, larger than the caches all the same."""
    samples, width, each = SAMPLES // 4, 57_600, 256
    for kind in ("clustered", "all distinct"):
        codes = _codes(width, kind, samples)
        blocks = lambda codes=codes: (codes[start : start + each] for start in range(0, samples, each))  # noqa: E731
        labels = label_symbols(np.random.default_rng(1).integers(0, CLASSES, samples))
        words = codes.packed.view(np.uint64)

        def both(t: Symbols, y: Symbols = labels) -> float:
            return i_xt(t, width, "dataset").bits + i_ty(t, y, width, "dataset").bits

        calls = {
            "ours, streamed once": lambda b=blocks: both(streamed(b()).symbols),
            "ours, streamed until all is verified": lambda b=blocks: both(verified(streamed(b()), b).symbols),
            "ours, of a mapped file, verified at once": lambda codes=codes: both(symbols(codes)),
            "floor: read the packed words once (xor)": lambda words=words: np.bitwise_xor.reduce(words, axis=None),
        }
        assert len({call() for call in list(calls.values())[:3]}) == 1
        for what, timed in zip(calls, measure_in_turns(list(calls.values()), 5), strict=True):
            yield Row(f"H(T) + I(T;Y), {samples:,} x {width:,} {kind}", what, timed, samples, "codes")


def _brackets() -> Iterator[Row]:
    """Of codes that prototypes make, one bit in twenty flipped. The peer is what no fit of a net can do with less: one
    pass over the samples that teach.
    """
    for width in (64, 784):
        rng = np.random.default_rng(0)
        bits = (rng.random((CLASSES, width)) < 0.5)[rng.integers(0, CLASSES, SAMPLES)] ^ (
            rng.random((SAMPLES, width)) < 0.05
        )
        codes, group = Codes.pack(bits), f"I(X;T)'s bracket, {SAMPLES:,} x {width}"
        timed, _ = _few_runs(lambda codes=codes: entropy_bracket(codes, np.random.default_rng(0)).high_bits, 1)
        yield _row(group, "ours, both ends", timed)
        yield _row(group, f"one epoch of a net of {NEURONS} neurons, numpy", _few_runs(lambda b=bits: _epoch(b), 1)[0])


@threadpool_limits.wrap(limits=1)
def _epoch(bits: NDArray[np.bool_], batch: int = 512) -> float:
    """Forward and backward through one hidden layer: five products a batch, and nothing else."""
    rows = bits[: round(0.65 * len(bits))].astype(np.float32)
    width = rows.shape[1]
    into, out = np.full((width, NEURONS), 0.01, np.float32), np.full((NEURONS, width), 0.01, np.float32)
    total = 0.0
    for start in range(0, len(rows), batch):
        x = rows[start : start + batch]
        active = x @ into
        wrong = active @ out - x
        back = wrong @ out.T
        total += float((x.T @ back)[0, 0] + (active.T @ wrong)[0, 0])
    return total


def _second_opinions(t: Symbols, y: Symbols, shape: str) -> Iterator[Row]:
    """From symbols that are there already: NSB, the exact null mean, and the permutations of a p-value."""
    rng = np.random.default_rng(2)
    group = f"NSB entropy of the counts, {shape}"
    yield _row(group, "ours, K = 2^256", measure(lambda: nsb(t.counts, 2**256)))
    yield _row(group, "ours, Chao-Wang-Jost", measure(lambda: chao_wang_jost(t.counts)))
    group = f"I(T;Y) of labels dealt at random, {shape}"
    yield _row(group, "ours, exact mean over all dealings", measure(lambda: null_mean_bits(t, y)))
    yield _row(group, "ours, mean of 99 dealings", measure(lambda: null_bits(t, y, rng, 99)))
    group = f"p-value of I(T;Y), {shape}"
    timed = measure(lambda: p_value(t, y, rng, 99))
    yield Row(group, "ours, 99 permutations", timed, 99, "permutations")
    timed, _ = _few_runs(lambda: float(mutual_info_score(rng.permutation(y.ids), t.ids)), 3)
    yield Row(group, "scikit-learn, shuffle and mutual_info_score", timed, 1, "permutations")


def ours(codes: Codes, labels: NDArray) -> float:
    """All of it: symbols, pairs, both estimates with coverage, saturation and verdict."""
    t = symbols(codes)
    return i_xt(t, codes.width, "dataset").bits + i_ty(t, label_symbols(labels), codes.width, "dataset").bits


def unique_rows(bits: NDArray[np.bool_], labels: NDArray) -> float:
    """`np.unique(axis=0)` on bits, and on bits with the label as one more column."""
    both = np.column_stack((bits, labels))
    h_t, h_ty = (plug_in(np.unique(x, axis=0, return_counts=True)[1]) for x in (bits, both))
    return 2 * h_t + plug_in(np.unique(labels, return_counts=True)[1]) - h_ty


def int64_per_bit(bits: NDArray[np.bool_], labels: NDArray) -> float:
    """The idiom of the IB codebases: an int64 for each bit, rows as opaque bytes, `np.unique`; then H(T|Y) by class."""
    wide = np.ascontiguousarray(bits.astype(np.int64))
    rows = wide.view(np.dtype((np.void, wide.dtype.itemsize * wide.shape[1]))).ravel()
    h_t = plug_in(np.unique(rows, return_counts=True)[1])
    h_t_given_y = 0.0
    for label in np.unique(labels):
        chosen = rows[labels == label]
        h_t_given_y += len(chosen) / len(rows) * plug_in(np.unique(chosen, return_counts=True)[1])
    return 2 * h_t - h_t_given_y


def _scikit_learn(ids: NDArray, labels: NDArray) -> float:
    """H(T) added from ours, so that the answer can be compared; its time is I(T;Y) alone."""
    h_t = plug_in(np.bincount(ids))
    return h_t + float(mutual_info_score(labels, ids)) / np.log(2)


def _codes(width: int, kind: str, samples: int = SAMPLES) -> Codes:
    rng = np.random.default_rng(0)
    if kind == "all distinct":
        return Codes(rng.integers(0, 256, (samples, width // 8), dtype=np.uint8), width)
    patterns = rng.integers(0, 256, (600, width // 8), dtype=np.uint8)
    return Codes(patterns[(rng.zipf(1.3, samples) - 1) % 600], width)


def _few_runs(call: Callable[[], float], runs: int) -> tuple[Timing, float]:
    """For peers too slow to warm up and repeat for a second."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        answer = call()
        seconds.append(time.perf_counter() - start)
    return timing(seconds), answer


def _row(group: str, what: str, timed: Timing) -> Row:
    return Row(group, what, timed, SAMPLES, "codes")
