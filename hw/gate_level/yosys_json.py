"""A netlist as yosys writes it, `write_json`: what a placer is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from ..parts import Family
from . import ecp5, gowin, ice40, xilinx
from .cell import Cell
from .circuit import FALSE, TRUE, Circuit, FlipFlop, Lut, Memory, NetlistError, Part

FAMILIES: Mapping[Family, Callable[[Cell], Iterator[Part]]] = {
    "ice40": ice40.parts,
    "ecp5": ecp5.parts,
    "gowin": gowin.parts,
    "xc7": xilinx.parts,
}
CONSTANTS: Mapping[int | str, int] = MappingProxyType({"0": FALSE, "1": TRUE, "x": FALSE, "z": FALSE})
TIED = {"GND": ("G", FALSE), "VCC": ("V", TRUE)}  # Gowin's cells that drive constants: their output, and what it is


def circuit(netlist: Mapping[str, Any], top: str, family: Family) -> Circuit:
    """Of the module `top`, which is flat.

    netlist   what the file holds

    Raises NetlistError for a cell that is not modelled, clocks in the plural, loops.
    """
    if family not in FAMILIES:
        raise NetlistError(f"netlists of {family} are not simulated here; of {', '.join(FAMILIES)} they are")
    module = netlist["modules"][top]
    constants = dict(CONSTANTS)
    for cell in module["cells"].values():
        if cell["type"] in TIED:
            port, truth = TIED[cell["type"]]
            constants |= dict.fromkeys(cell["connections"][port], truth)

    def nets(bits: Iterable[int | str]) -> tuple[int, ...]:
        return tuple(constants[bit] if bit in constants else int(bit) for bit in bits)

    names = {name: nets(net["bits"]) for name, net in module["netnames"].items()}
    spare = count(1 + max(net for each in names.values() for net in each))
    cells = (
        Cell(
            name,
            cell["type"],
            cell["parameters"],
            {port: nets(bits) for port, bits in cell["connections"].items()},
            spare,
        )
        for name, cell in module["cells"].items()
        if cell["type"] not in TIED
    )
    ports = {name: port["direction"] for name, port in module["ports"].items()}
    return of_parts(
        top,
        (part for cell in cells for part in FAMILIES[family](cell)),
        names | {name: nets(port["bits"]) for name, port in module["ports"].items()},
        ports,
    )


def of_parts(
    name: str, parts: Iterable[Part], names: Mapping[str, tuple[int, ...]], ports: Mapping[str, str]
) -> Circuit:
    """A circuit, checked: one driver a net, one clock.

    ports   direction by name: input or output
    """
    kinds: dict[type, list] = {Lut: [], FlipFlop: [], Memory: []}
    for part in parts:
        kinds[type(part)].append(part)
    clocks = {part.clock for part in (*kinds[FlipFlop], *kinds[Memory])}
    if len(clocks) > 1:
        raise NetlistError(f"{name}: {len(clocks)} clocks, where one is simulated")
    found = Circuit(
        name,
        tuple(kinds[Lut]),
        tuple(kinds[FlipFlop]),
        tuple(kinds[Memory]),
        names,
        tuple(port for port, direction in ports.items() if direction == "input"),
        tuple(port for port, direction in ports.items() if direction == "output"),
    )
    found.driven()
    return found
