"""Which port of a top lies on which pin, in the words of each family's placer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..parts import Family


@dataclass(frozen=True)
class Pin:
    """A port of one bit, or one bit of a port, on a pin of the package.

    site       as the family names its pins: 35, J3, IO_SB_A8
    standard   of the voltage; the families without one in their file leave it out
    """

    port: str
    site: str
    direction: Literal["in", "out"]
    standard: str = "LVCMOS33"


def _pcf(pin: Pin) -> list[str]:
    return [f"set_io {pin.port} {pin.site}"]


def _lpf(pin: Pin) -> list[str]:
    return [f'LOCATE COMP "{pin.port}" SITE "{pin.site}";', f'IOBUF PORT "{pin.port}" IO_TYPE={pin.standard};']


def _cst(pin: Pin) -> list[str]:
    return [f'IO_LOC "{pin.port}" {pin.site};', f'IO_PORT "{pin.port}" IO_TYPE={pin.standard};']


def _ccf(pin: Pin) -> list[str]:
    return [f'Pin_{pin.direction} "{pin.port}" Loc = "{pin.site}";']


def _pdc(pin: Pin) -> list[str]:
    port = f"[get_ports {{{pin.port}}}]"
    return [f"ldc_set_location -site {{{pin.site}}} {port}", f"ldc_set_port -iobuf {{IO_TYPE={pin.standard}}} {port}"]


WRITERS: Mapping[Family, Callable[[Pin], list[str]]] = {
    "ice40": _pcf,
    "ecp5": _lpf,
    "gowin": _cst,
    "gatemate": _ccf,
    "nexus": _pdc,
}
"""The lines for one pin: .pcf, .lpf, .cst, .ccf, .pdc."""


def constraints(pins: Iterable[Pin], family: Family) -> str:
    """The text of the family's file; of `family` is one of WRITERS."""
    return "".join(f"{line}\n" for pin in pins for line in WRITERS[family](pin))
