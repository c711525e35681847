"""Traces that come share after share, compared and digested as if they lay there whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..export.judges.compare import CompareError, Mismatch, first_mismatch
from ..ib_analysis.codes import Source, Trace, begun_digest


class Tally:
    """What `digests` and `record.differences` say of the whole traces.

    samples   how many there will be
    """

    def __init__(self, graph: Graph, samples: int) -> None:
        self.samples, self.seen = samples, 0
        self._graph = graph
        self._order = [*graph.coded, graph.layers[-1].name]
        self._digests: dict[str, dict[Source, hashlib._Hash]] = {}
        self._first: dict[Source, Mismatch | None] = {}
        self._class: str | None = None

    def add(self, x: NDArray[np.uint8], traces: Sequence[Trace], classes: NDArray[np.int64]) -> None:
        """The next share.

        traces    of every source, the same each time and in the same order; all are held against the first. Among them
                  is the graph's
        classes   (n,) what left the chip
        """
        if len({trace.source for trace in traces}) < len(traces):
            raise CompareError(f"two traces of one source: {[trace.source for trace in traces]}")
        reference, *others = traces
        for other in others:
            found = first_mismatch(self._graph, reference, other, x)
            moved = None if found is None else replace(found, sample=found.sample + self.seen)
            self._first[other.source] = self._earlier(self._first.get(other.source), moved)
        for trace in traces:
            for name, codes in trace.layers().items():
                row = self._digests.setdefault(name, {})
                if trace.source not in row:
                    row[trace.source] = begun_digest(codes.width, self.samples)
                row[trace.source].update(np.ascontiguousarray(codes.packed).data)
        due = next(trace for trace in traces if trace.source == "graph").predictions()
        wrong = np.flatnonzero(classes != due)
        if len(wrong) and self._class is None:
            at = int(wrong[0])
            self._class = f"class: sample {at + self.seen}: graph says {int(due[at])}, rtl says {int(classes[at])}"
        self.seen += len(x)

    def _earlier(self, one: Mismatch | None, later: Mismatch | None) -> Mismatch | None:
        """In layer order; of one layer that of the earlier share."""
        if one is None or later is None:
            return one or later
        return later if self._order.index(later.layer) < self._order.index(one.layer) else one

    def digests(self) -> dict[str, dict[Source, str]]:
        return {
            name: {source: digest.hexdigest() for source, digest in row.items()} for name, row in self._digests.items()
        }

    def differences(self) -> list[str]:
        lines = [str(mismatch) for mismatch in self._first.values() if mismatch is not None]
        return lines if self._class is None else [*lines, self._class]
