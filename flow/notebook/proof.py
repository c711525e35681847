"""What `simulate` and `verify` found, as Python shows it: every layer's codes by their sources, equal or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...ib_analysis.data_frame import data_frame
from ..folder import Agreement, Verification

if TYPE_CHECKING:
    import pandas

SHOWN_DIGITS = 12  # of a sha256
EQUAL, DIFFERENT = "equal", "DIFFERENT"


@dataclass(frozen=True, repr=False)
class Proof:
    """verification   the record: accuracy, cycles and all
    stale          where the record is not of what lies in the run's folder, as lines; only `verify` looks
    """

    verification: Agreement
    stale: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Every bit of every layer is the same in all sources and judges, and the record is of what lies there."""
        return self.verification.equal and not self.stale

    @property
    def sources(self) -> tuple[str, ...]:
        """Who computed the codes: torch, qonnx, graph, rtl, as far as they were asked."""
        return tuple(dict.fromkeys(source for row in self.verification.digests.values() for source in row))

    @property
    def differences(self) -> tuple[str, ...]:
        """Layer, neuron, sample and values of what differs, a line each; none where all is equal."""
        judged = (judge.mismatch for judge in self.verification.judges)
        return (*self.stale, *self.verification.mismatches, *(line for line in judged if line))

    def rows(self) -> list[dict[str, Any]]:
        """For each layer the sha256 of its codes by source, None where a source does not emit it, and whether all that
        do are equal.
        """
        return [
            {"layer": layer, **{source: row.get(source) for source in self.sources}, "equal": len({*row.values()}) == 1}
            for layer, row in self.verification.digests.items()
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __bool__(self) -> bool:
        """So that `assert run.simulate()` is the proof."""
        return self.equal

    def __repr__(self) -> str:
        of = self.verification
        counted = f"{of.samples:,} samples, {of.layers} layers"
        if self.equal:
            return f"Proof({counted}: {' = '.join(self.sources)}{self._measured()})"
        found = self.differences
        first = f", first {found[0]}" if found else ""
        return f"Proof({counted}: {DIFFERENT} in {max(1, len(found))} places{first})"

    def _repr_html_(self) -> str:
        from ...ib_analysis.pictures.in_notebook import table

        head = ("layer", *self.sources, "codes")
        cells = [
            (
                row["layer"],
                *((row[source] or "-")[:SHOWN_DIGITS] for source in self.sources),
                EQUAL if row["equal"] else DIFFERENT,
            )
            for row in self.rows()
        ]
        judges = [f"{judge.tool} on {judge.reads}: {judge.said}" for judge in self.verification.judges]
        absent = [f"{what} is absent: {why}" for what, why in self.verification.absent.items()]
        notes = [*self.differences, *judges, *absent, "Cells: sha256 of all codes of a layer, its first digits."]
        return table(head, cells, repr(self).removeprefix("Proof(").removesuffix(")"), notes)

    def _measured(self) -> str:
        of = self.verification
        if not isinstance(of, Verification):
            return ""
        return f"; {of.accuracy:.2%} right, {of.cycles_per_frame:g} cycles a frame"
