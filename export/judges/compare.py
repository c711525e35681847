"""Traces of one net from different sources, compared with zero tolerance: the keystone's own sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ib_analysis.codes import Source, Trace
from ..graph import Graph, Layer
from ..graph.net import SPREAD


class CompareError(ValueError):
    """Traces that are not of one net over one set of samples."""


@dataclass(frozen=True)
class Mismatch:
    """The first difference between two traces, in layer order, then sample, then neuron.

    neuron          the element in stream order, the class for `scores`
    place           row, column and channel of that element where the layer emits a map
    expected, got   the level that the reference and the other source say, the bit where there are two; for `scores` the
                    two scores
    accumulator     what the neuron sums up there: agreeing bits, the pixel for a Binarize. It is recomputed from the
                    reference's codes that enter the layer, and the other source agrees on those.
    threshold       the accumulator that decides between the two levels; None where the sum itself leaves
    """

    layer: str
    neuron: int
    sample: int
    expected: int
    got: int
    accumulator: int
    threshold: int | None
    reference: Source
    other: Source
    unit: str = "agreeing bits"
    place: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        said = f"{self.reference} says {self.expected}, {self.other} says {self.got}"
        neuron = "class" if self.layer == "scores" else "neuron"
        place = f"{self.layer}: {neuron} {self.neuron}, sample {self.sample}"
        if self.place is not None:
            row, column, channel = self.place
            place = f"{self.layer}: row {row}, column {column}, channel {channel}, sample {self.sample}"
        if self.threshold is None:
            return f"{place}: {said}; accumulator {self.accumulator} {self.unit}"
        relation = ">=" if self.accumulator >= self.threshold else "<"
        return f"{place}: {said}; accumulator {self.accumulator} {relation} threshold {self.threshold} {self.unit}"


def first_mismatch(graph: Graph, reference: Trace, other: Trace, x: NDArray[np.uint8]) -> Mismatch | None:
    """The first bit or score in which `other` differs from `reference`; None where every one is equal.

    x   (n, inputs) uint8, what the net was given, as for `Graph.__call__`

    Raises CompareError where the two are not traces of this graph over these samples.
    """
    for trace in (reference, other):
        _check(graph, trace, x)
    values: NDArray = x
    for layer in graph.layers[:-1]:
        expected, got = reference.codes[layer.name], other.codes[layer.name]
        found = expected.first_difference(got)
        if found is not None:
            sample, neuron = found[0], found[1] // layer.emits.bits
            said = [int(codes[sample : sample + 1].levels(layer.emits.bits)[0, neuron]) for codes in (expected, got)]
            return _mismatch(layer, neuron, values[sample : sample + 1], sample, said, (reference.source, other.source))
        values = expected.levels(layer.emits.bits)
    wrong = np.argwhere(reference.scores != other.scores)
    if not len(wrong):
        return _first_spread(graph, reference, other) if SPREAD in graph.coded else None
    sample, row = (int(index) for index in wrong[0])
    scores = [int(trace.scores[sample, row]) for trace in (reference, other)]
    return _mismatch(
        graph.layers[-1], row, values[sample : sample + 1], sample, scores, (reference.source, other.source)
    )


def _first_spread(graph: Graph, reference: Trace, other: Trace) -> Mismatch | None:
    """Where all scores are equal: the first difference of what is said beside them."""
    expected, got = reference.codes[SPREAD], other.codes[SPREAD]
    if (found := expected.first_difference(got)) is None:
        return None
    sample = found[0]
    due, said = (int(codes[sample : sample + 1].levels(graph.coded[SPREAD])[0, 0]) for codes in (expected, got))
    unit = "between passes, over all classes"
    return Mismatch(SPREAD, 0, sample, due, said, due, None, reference.source, other.source, unit)


def _mismatch(
    layer: Layer,
    neuron: int,
    values: NDArray,
    sample: int,
    said: Sequence[int],
    sources: tuple[Source, Source],
) -> Mismatch:
    """values   what enters the layer, of this sample alone"""
    thresholds = layer.thresholds_of(neuron)
    height, width, channels = layer.out_shape if len(layer.out_shape) == 3 else (0, 0, 0)
    row, column, channel = np.unravel_index(neuron, (height, width, channels)) if channels else (0, 0, 0)
    return Mismatch(
        layer=layer.name,
        neuron=neuron,
        sample=sample,
        expected=said[0],
        got=said[1],
        accumulator=int(layer.accumulated(values, neuron)[0]),
        threshold=None if thresholds is None else int(thresholds[min(*said, len(thresholds) - 1)]),
        reference=sources[0],
        other=sources[1],
        unit=layer.unit,
        place=(int(row), int(column), int(channel)) if channels else None,
    )


def digests(traces: Iterable[Trace]) -> dict[str, dict[str, str]]:
    """sha256 by layer, then by source, `scores` last: every row of one layer is equal where the keystone holds."""
    table: dict[str, dict[str, str]] = {}
    for trace in traces:
        for name, codes in trace.layers().items():
            row = table.setdefault(name, {})
            if trace.source in row:
                raise CompareError(f"two traces of one source: {trace.source}")
            row[trace.source] = codes.digest()
    return table


def _check(graph: Graph, trace: Trace, x: NDArray[np.uint8]) -> None:
    who = f"{graph.name}: the {trace.source} trace"
    if x.shape[1:] != (graph.inputs,):
        raise CompareError(f"{graph.name} takes {graph.inputs} inputs, got samples of shape {x.shape}")
    if len(trace) != len(x):
        raise CompareError(f"{who} has {len(trace)} samples, the set has {len(x)}")
    if list(trace.codes) != list(graph.coded):
        raise CompareError(f"{who} has the layers {list(trace.codes)}, the graph has {list(graph.coded)}")
    for name, due in graph.coded.items():
        if trace.codes[name].width != due:
            raise CompareError(f"{who} has {trace.codes[name].width} bits in {name}, the graph has {due}")
    if trace.scores.shape[1:] != (graph.classes,):
        raise CompareError(f"{who} has scores of shape {trace.scores.shape}, the graph has {graph.classes} classes")
