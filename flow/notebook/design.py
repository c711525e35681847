"""What `export`, `build`, `synth` and `report` made, as Python shows it: layers, stages, cells of a part, pages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...export.graph import Graph
from ...hw.accelerator import Accelerator
from ...hw.costs.table import stage_rows
from ...hw.synthesis.bitstream import Synthesis, summary
from ...ib_analysis.data_frame import data_frame

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, repr=False)
class Exported:
    """The integer net, and the files that hold it.

    refused   why a spelling of it is not among the files, a line each
    """

    graph: Graph
    files: tuple[Path, ...]
    refused: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """A layer each: its kind, what a sample is behind it, the inputs that a neuron looks at, and its outputs."""
        return [
            {
                "layer": layer.name,
                "kind": type(layer).__name__,
                "shape": " x ".join(map(str, layer.out_shape)),
                "fan_in": layer.fan_in,
                "outputs": layer.outputs,
            }
            for layer in self.graph.layers
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __repr__(self) -> str:
        return f"Exported({self.graph.name}, {len(self.graph.layers)} layers: {_names(self.files)})"

    def _repr_html_(self) -> str:
        return _shown(self.rows(), repr(self), self.refused)


@dataclass(frozen=True, repr=False)
class Built:
    """The accelerator, and the folder of its RTL."""

    accelerator: Accelerator
    folder: Path

    def rows(self) -> list[dict[str, Any]]:
        """A stage each: its module, PE and SIMD where it has them, and clock cycles a frame."""
        return stage_rows(self.accelerator)

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __repr__(self) -> str:
        of = self.accelerator
        return f"Built({of.name}, {len(of.stages)} stages, {of.cycles:,} cycles a frame: {self.folder})"

    def _repr_html_(self) -> str:
        return _shown(self.rows(), repr(self))


@dataclass(frozen=True, repr=False)
class Synthesised:
    """What open tools made of the design for a part.

    complaint   by how much it exceeds the part, and what would fit; None where it fits
    """

    synthesis: Synthesis
    complaint: str | None

    @property
    def fits(self) -> bool:
        return self.synthesis.fits

    def rows(self) -> list[dict[str, Any]]:
        """A resource of the part each: how many the design takes, and how many there are."""
        return [
            {"resource": each.name, "used": each.used, "available": each.available} for each in self.synthesis.resources
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a DataFrame. Raises DataFrameError where pandas is not installed."""
        return data_frame(self.rows())

    def __repr__(self) -> str:
        return f"Synthesised({summary(self.synthesis)}{'' if self.fits else '; TOO BIG'})"

    def _repr_html_(self) -> str:
        return _shown(self.rows(), repr(self), [self.complaint] if self.complaint else [])


@dataclass(frozen=True, repr=False)
class Pages:
    """The report of a run, and the information plane with its epoch slider: HTML files that need no other."""

    report: Path
    plane: Path

    def __fspath__(self) -> str:
        """The report's, for `open` and the like."""
        return os.fspath(self.report)

    def __repr__(self) -> str:
        return f"Pages({self.report}, {self.plane.name})"

    def _repr_html_(self) -> str:
        from ...ib_analysis.pictures.in_notebook import link

        return "<br>".join(link(os.path.relpath(path), str(path)) for path in (self.report, self.plane))


def _names(files: tuple[Path, ...]) -> str:
    return ", ".join(path.name for path in files)


def _shown(rows: list[dict[str, Any]], said: str, notes: Any = ()) -> str:
    from ...ib_analysis.pictures.in_notebook import table

    head = tuple(rows[0]) if rows else ()
    cells = [[_cell(row[name]) for name in head] for row in rows]
    return table(head, cells, said.partition("(")[2].removesuffix(")"), notes)


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int | float) else str(value)
