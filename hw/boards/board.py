"""A board: its part, clock, PLL, UART or Ethernet, LEDs, and where each of these facts is from: `hw/boards/*.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from ..parts import PartError, part_names
from ..synthesis.constraints import WRITERS, Pin, constraints
from ..synthesis.targets import SEEDS, Target, target_of
from . import pll
from .ethernet import RGMII_MHZ, Ethernet, Site

Line = Annotated[str, Field(min_length=1)]
Mhz = Annotated[float, Field(gt=0, le=1000)]
_STRICT = ConfigDict(extra="forbid", frozen=True)


class BoardFileError(ValueError):
    """A file that describes no board, or a name that no board has."""


@checked(config=_STRICT)
class Clock:
    """pin   of the oscillator
    mhz   there
    """

    pin: Site
    mhz: Mhz


@checked(config=_STRICT)
class Pll:
    """cell   of the family, by its name in `pll.CELLS`
    mhz    of the core, the link and everything else behind it
    """

    cell: Line
    mhz: Mhz


@checked(config=_STRICT)
class Uart:
    """rx, tx      pins, seen from the FPGA
    bridge      what is at their other end
    baud        of this board's designs
    limit_baud  of the bridge; None where its maker names none
    """

    rx: Site
    tx: Site
    bridge: Line
    baud: Annotated[int, Field(ge=1200)]
    limit_baud: int | None = None


@checked(config=_STRICT)
class Leds:
    """low   whether one shines where its pin is low
    standard   of their pins' voltage, where it is another than the board's
    """

    pins: tuple[Site, ...] = ()
    low: bool = False
    standard: Line | None = None


@checked(config=_STRICT)
class Board:
    """What a design needs to know of a board.

    name      as `--board` says it: letters, digits, underscores
    part      a target of `bitneck synth`
    package   the placer's name of it, where it is another than the part's
    standard  of its pins' voltage
    program   the command that puts a bitstream there; {bitstream} is its file
    uart      or
    ethernet  what leads to a host
    sources   where these facts are from, each as `what: where`
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Line
    part: Line
    clock: Clock
    program: Line
    sources: Annotated[tuple[Line, ...], Field(min_length=1)]
    uart: Uart | None = None
    ethernet: Ethernet | None = None
    pll: Pll | None = None
    leds: Leds = Leds()
    package: Line | None = None
    standard: Line = "LVCMOS33"

    def __post_init__(self) -> None:
        if self.name in part_names():  # whose bitstreams lie in a folder of that name
            raise BoardFileError(f"name: {self.name} is a part's; give the board another")
        try:
            target = target_of(self.part)
        except PartError as error:
            raise BoardFileError(f"part: {error}") from error
        if target.part.family not in WRITERS:
            raise BoardFileError(f"part: nothing is placed on {target.part.title}; choose another")
        if self.pll is not None and self.pll.cell not in pll.CELLS:
            raise BoardFileError(f"pll.cell: no cell {self.pll.cell!r}; choose one of {', '.join(pll.CELLS)}")
        if self.pll is not None:
            pll.CELLS[self.pll.cell].settings(self.clock.mhz, self.pll.mhz)
        if (self.uart is None) == (self.ethernet is None):
            raise BoardFileError("uart, ethernet: one of the two leads to a host; give that one alone")
        if self.ethernet is not None and target.part.family != "ecp5":
            raise BoardFileError(f"ethernet: there is no core for {target.part.title}; take a board with a UART")
        if self.uart is not None and self.uart.limit_baud is not None and self.uart.baud > self.uart.limit_baud:
            raise BoardFileError(f"uart.baud: {self.uart.baud:,} is more than the bridge's {self.uart.limit_baud:,}")
        if "{bitstream}" not in self.program:
            raise BoardFileError("program: the command says nowhere {bitstream}, the file that it is to program")
        if self.uart is not None:
            self._divider(self.uart)

    @property
    def clock_mhz(self) -> float:
        """Of the core."""
        return self.clock.mhz if self.pll is None else self.pll.mhz

    @property
    def divider(self) -> int:
        """Cycles of the core's clock in a bit of the UART, exactly. Raises BoardFileError where there is none."""
        if self.uart is None:
            raise BoardFileError(f"{self.name}: {self.title} has no UART here; its link is Ethernet")
        return self._divider(self.uart)

    def _divider(self, uart: Uart) -> int:
        ratio = Fraction(self.clock_mhz).limit_denominator(10**6) * 10**6 / uart.baud
        if ratio.denominator != 1 or ratio < 4:
            raise BoardFileError(
                f"uart.baud: {self.clock_mhz:g} MHz are {float(ratio):.2f} cycles a bit at {uart.baud:,} baud; "
                "a whole number of at least 4 is due: choose another baud, or another pll.mhz"
            )
        return int(ratio)

    @property
    def reached(self) -> str:
        """The option with which `bitneck board` reaches it."""
        if self.ethernet is not None:
            return f"--port udp://{self.ethernet.ip}"
        assert self.uart is not None
        return f"--baud {self.uart.baud}"

    @property
    def target(self) -> Target:
        """The tools, told the board's package and clock, and with several seeds, for here a clock can be missed."""
        found = target_of(self.part)
        assert found.place is not None
        place = found.place.told("--freq", f"{self.clock_mhz:g}")
        if self.package is not None:
            place = place.told("--package", self.package)
        return replace(found, place=place, seeds=SEEDS)

    def pins(self) -> str:
        """The constraints of `Top`'s ports, in the family's words."""
        ports = [Pin("clk", self.clock.pin, "in", self.standard)]
        if self.uart is not None:
            ports += [Pin("rx", self.uart.rx, "in", self.standard), Pin("tx", self.uart.tx, "out", self.standard)]
        more = ""
        if self.ethernet is not None:
            ports += self.ethernet.pins(self.standard)
            more = f'FREQUENCY PORT "rx_clk" {RGMII_MHZ} MHZ;\n'
        ports += [
            Pin(f"led{index}", site, "out", self.leds.standard or self.standard)
            for index, site in enumerate(self.leds.pins)
        ]
        return constraints(ports, target_of(self.part).part.family) + more


_READER = TypeAdapter(Board)


def board_names() -> tuple[str, ...]:
    """Of the boards that come with the package."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def board(name: str) -> Board:
    """One that comes with the package, by its name, or anybody's, by the path of its .toml.

    Raises BoardFileError where there is none, or the file describes no board: the place, the fault, the way out.
    """
    if name.endswith(".toml"):
        return read_board(name, Path(name).read_text())
    if name not in board_names():
        raise BoardFileError(
            f"no board {name!r}; choose one of {', '.join(board_names())}, or give a .toml of your own"
        )
    return read_board(f"{name}.toml", (resources.files(__package__) / f"{name}.toml").read_text())


def read_board(file: str, text: str) -> Board:
    """file   its name, for what is said of a mistake"""
    try:
        return _READER.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BoardFileError(f"{file}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise BoardFileError(f"{file}: {where}{': ' if where else ''}{said}") from error
