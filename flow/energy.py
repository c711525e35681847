"""What somebody has measured of a board's power, and the frames a joule that follow. Nothing here is estimated."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from .config import RunError
from .files import read_record, write_record
from .folder import RunFolder, is_there
from .held import writing

At = Literal["rail", "USB", "wall"]


@dataclass(frozen=True)
class Measured:
    """One measurement.

    board              what was measured
    at                 where: at a rail of the FPGA, at its USB cable, or at the wall
    instrument         with what
    idle_watts         with the bitstream loaded and no frame on its way
    busy_watts         while frames came and went without a pause
    frames_per_second  meanwhile
    """

    board: Annotated[str, Field(min_length=1)]
    at: At
    instrument: Annotated[str, Field(min_length=1)]
    idle_watts: Annotated[FiniteFloat, Field(ge=0)]
    busy_watts: Annotated[FiniteFloat, Field(gt=0)]
    frames_per_second: Annotated[FiniteFloat, Field(gt=0)]

    @property
    def frames_per_joule(self) -> float:
        """Of all that was drawn."""
        return self.frames_per_second / self.busy_watts

    @property
    def frames_per_joule_more(self) -> float | None:
        """Of what was drawn more than idle; None where that was nothing."""
        more = self.busy_watts - self.idle_watts
        return self.frames_per_second / more if more > 0 else None


@dataclass(frozen=True)
class Energy:
    """All measurements of a run, in the order in which they were noted."""

    measured: tuple[Measured, ...]


def energy_of(folder: RunFolder) -> tuple[Measured, ...]:
    """Raises RunError where energy.json is damaged."""
    return read_record(folder.energy, Energy).measured if is_there(folder.energy) else ()


@writing
def energy(folder: RunFolder, measured: Measured) -> tuple[Measured, ...]:
    """Adds a measurement to energy.json, and gives all. Raises RunError for one that cannot be."""
    if measured.busy_watts < measured.idle_watts:
        raise RunError(
            f"{measured.busy_watts:g} W busy are less than {measured.idle_watts:g} W idle; --watts takes IDLE,BUSY"
        )
    every = (*energy_of(folder), measured)
    write_record(folder.energy, asdict(Energy(every)))
    return every
