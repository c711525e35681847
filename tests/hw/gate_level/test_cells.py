"""Cells behave as yosys' own models of them say, in Icarus, cycle by cycle under random inputs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from bitneck.hw.gate_level.cell import Cell
from bitneck.hw.gate_level.machine import Machine
from bitneck.hw.gate_level.yosys_json import FAMILIES, of_parts
from bitneck.hw.synthesis.gates import cell_models
from bitneck.hw.synthesis.targets import target_of
from cells_in_icarus import UNKNOWN, in_icarus

CYCLES, COPIES, CLOCK = 200, 3, 2


@dataclass(frozen=True)
class Kind:
    """inputs, outputs   width by port; parameters   bits of random ones by name, or a word"""

    type: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    clocks: tuple[str, ...] = ()
    parameters: dict[str, int | str] = field(default_factory=dict)


def bits(*names: str) -> dict[str, int]:
    return dict.fromkeys(names, 1)


def ice40() -> Iterator[Kind]:
    yield Kind("SB_LUT4", bits("I0", "I1", "I2", "I3"), bits("O"), parameters={"LUT_INIT": 16})
    yield Kind("SB_CARRY", bits("I0", "I1", "CI"), bits("CO"))
    for enable in ("", "E"):
        for reset, pin in (("", ""), ("SR", "R"), ("SS", "S")):
            yield Kind(f"SB_DFF{enable}{reset}", bits("D", *enable, *pin), bits("Q"), ("C",))
    memory = {"RADDR": 11, "WADDR": 11, "MASK": 16, "WDATA": 16} | bits("RE", "WE", "RCLKE", "WCLKE")
    for mode in "0123":
        parameters = {"READ_MODE": mode, "WRITE_MODE": mode} | {f"INIT_{row:X}": 256 for row in range(16)}
        yield Kind("SB_RAM40_4K", memory, {"RDATA": 16}, ("RCLK", "WCLK"), parameters)


def ecp5() -> Iterator[Kind]:
    yield Kind("LUT4", bits(*"ABCD"), bits("Z"), parameters={"INIT": 16})
    for inject in ('"YES"', '"NO"'):
        carry = {"INIT0": 16, "INIT1": 16, "INJECT1_0": inject, "INJECT1_1": inject}
        yield Kind(
            "CCU2C", bits("CIN", *(f"{p}{i}" for p in "ABCD" for i in "01")), bits("S0", "S1", "COUT"), (), carry
        )
    for value in ('"SET"', '"RESET"'):
        parameters = {"REGSET": value, "CEMUX": '"CE"', "GSR": '"DISABLED"'}
        yield Kind("TRELLIS_FF", bits("LSR", "CE", "DI"), bits("Q"), ("CLK",), parameters)
    ram = {"DI": 4, "WAD": 4, "RAD": 4, "WRE": 1}
    yield Kind("TRELLIS_DPR16X4", ram, {"DO": 4}, ("WCK",), {"INITVAL": 64})


def gowin() -> Iterator[Kind]:
    for inputs in range(1, 5):
        yield Kind(f"LUT{inputs}", bits(*(f"I{i}" for i in range(inputs))), bits("F"), (), {"INIT": 1 << inputs})
    yield Kind("MUX2_LUT5", bits("I0", "I1", "S0"), bits("O"))
    for mode in range(10):
        yield Kind("ALU", bits("I0", "I1", "I3", "CIN"), bits("SUM", "COUT"), (), {"ALU_MODE": str(mode)})
    for enable in ("", "E"):
        for reset, pin in (("", ()), ("S", ("SET",)), ("R", ("RESET",))):
            yield Kind(f"DFF{reset}{enable}", bits("D", *pin, *(["CE"] if enable else [])), bits("Q"), ("CLK",))
    ram = {"DI": 4, "WAD": 4, "RAD": 4, "WRE": 1}
    yield Kind("RAM16SDP4", ram, {"DO": 4}, ("CLK",), {f"INIT_{i}": 16 for i in range(4)})


def xc7() -> Iterator[Kind]:
    for inputs in range(1, 7):
        yield Kind(f"LUT{inputs}", bits(*(f"I{i}" for i in range(inputs))), bits("O"), (), {"INIT": 1 << inputs})
    yield Kind("MUXF7", bits("I0", "I1", "S"), bits("O"))
    yield Kind("CARRY4", {"CI": 1, "CYINIT": 1, "DI": 4, "S": 4}, {"CO": 4, "O": 4})
    for kind, pin in (("FDRE", "R"), ("FDSE", "S")):
        yield Kind(kind, bits("D", "CE", pin), bits("Q"), ("C",), {"INIT": 1})
    yield Kind("SRL16E", bits("A0", "A1", "A2", "A3", "CE", "D"), bits("Q"), ("CLK",), {"INIT": 16})
    for kind, width, address in (("RAM32M", 2, 5), ("RAM64M", 1, 6)):
        ins = {f"DI{port}": width for port in "ABCD"} | {f"ADDR{port}": address for port in "ABCD"} | {"WE": 1}
        yield Kind(kind, ins, {f"DO{port}": width for port in "ABCD"}, ("WCLK",), {f"INIT_{p}": 64 for p in "ABCD"})


CELLS = {"up5k": ice40, "ecp5-25k": ecp5, "gw1nr-9c": gowin, "xc7": xc7}


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
@pytest.mark.parametrize("part", CELLS)
def test_every_cell_is_what_yosys_says_of_it(part, tmp_path):
    kinds = CELLS[part]
    rng, numbers = np.random.default_rng(3), count(CLOCK + 1)
    cells, text, ins, outs = [], [], [], []
    for index, kind in enumerate(kind for kind in kinds() for _ in range(COPIES)):
        parameters = {
            name: "".join(rng.choice(["0", "1"], size)) if isinstance(size, int) else size.strip('"')
            for name, size in kind.parameters.items()
        }
        said = {
            name: f"{len(parameters[name])}'b{parameters[name]}" if isinstance(size, int) else size
            for name, size in kind.parameters.items()
        }
        for name in {"ALU_MODE", "READ_MODE", "WRITE_MODE"} & {*parameters}:
            parameters[name] = f"{int(parameters[name]):b}"
        connections, wires = dict.fromkeys(kind.clocks, (CLOCK,)), [f".{clock}(clk)" for clock in kind.clocks]
        for ports, nets, vector in ((kind.inputs, ins, "in"), (kind.outputs, outs, "out")):
            for port, width in ports.items():
                wires.append(f".{port}({vector}[{len(nets)} +: {width}])")
                connections[port] = tuple(next(numbers) for _ in range(width))
                nets += connections[port]
        cells.append(Cell(f"c{index}", kind.type, parameters, connections, count(100_000 * (index + 1))))
        given = ", ".join(f".{name}({value})" for name, value in said.items())
        text.append(
            f"{kind.type} #({given}) c{index} ({', '.join(wires)});"
            if given
            else f"{kind.type} c{index} ({', '.join(wires)});"
        )
    target = target_of(part)
    circuit = of_parts(
        "cells",
        (p for cell in cells for p in FAMILIES[target.part.family](cell)),
        {"in": tuple(ins), "out": tuple(outs)},
        {},
    )
    stimulus = rng.random((CYCLES, len(ins))) < 0.5
    found = in_icarus(cell_models(target), text, stimulus, len(outs), tmp_path)
    machine = Machine(circuit, 64)
    for cycle, inputs in enumerate(stimulus):
        machine.put(ins, inputs)
        machine.settle()
        known = found[cycle] != UNKNOWN
        wrong = {outs[at] for at in np.flatnonzero(known & (machine.truths(outs)[0] != found[cycle]))}
        assert not wrong, f"cycle {cycle}: {[cell for cell in cells if wrong & {*sum(cell.connections.values(), ())}]}"
        machine.clock()
    assert (found != UNKNOWN).mean(axis=0).min() > 0.4
