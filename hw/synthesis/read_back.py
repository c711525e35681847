"""A packed iCE40 bitstream as Verilog again: what the chip will be, whatever was meant.

A bitstream knows no names. Cells, connections and memories are all its own, by iceunpack and icebox_vlog; which wire of
the chip carries which bit of a stream, and which leaves which LUT, is what the placer says (`.sym` in its text), and
nothing else is taken of it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .shell import Shell
from .targets import NETLIST, SynthesisError, Target
from .yowasp import run

VLOG = "icebox_vlog"
PARTS = ("tdata", "tvalid", "tready")
SYMBOL = re.compile(r"^\.sym (\d+) (\S+)$", re.MULTILINE)
CELL = "cell:"  # before the name of a LUT of the netlist, as the name of the wire that leaves it


def read_back(shell: Shell, target: Target, synthesised: Path, folder: Path) -> str:
    """The bitstream in `synthesised`, whose pins were given, as a module of the shell's name and ports, in which the
    core's streams have their names: `core.LAYER_tdata`, …, and what leaves a LUT that of its cell; see `chip`.
    """
    return chip(shell.name, shell.core.layers, target, synthesised, folder)


def chip(top: str, layers: Sequence[str], target: Target, synthesised: Path, folder: Path) -> str:
    """The bitstream in `synthesised` as a module `top`, whose ports are the pins.

    layers   of the shell's core, whose streams are to have their names

    folder   where the tools work, made where it is not there

    Raises SynthesisError where it is none of an iCE40, its pins were not given, icebox_vlog is missing, or a bit of a
    stream is no wire of the chip, or more than one.
    """
    if target.part.family != "ice40" or target.place is None or target.pins is None or target.unpack is None:
        raise SynthesisError(f"{target.part.title}: only bitstreams of iCE40 can be read back")
    pins = synthesised / target.pins.file
    if not pins.exists():
        raise SynthesisError(f"{synthesised} has no {pins.name}: which pin is which nobody knows; give --pins to synth")
    if shutil.which(VLOG) is None:
        raise SynthesisError(f"no {VLOG} here, which reads bitstreams of iCE40; install the package fpga-icestorm")
    folder.mkdir(parents=True, exist_ok=True)
    for path in (synthesised / target.bitstream, pins):
        shutil.copy(path, folder)
    run(target.unpack, folder)
    module = json.loads((synthesised / NETLIST).read_text())["modules"][top]
    netlist = module["netnames"]
    streams = {f"core.{layer}_{part}": netlist[f"core.{layer}_{part}"] for layer in layers for part in PARTS}
    placed = (synthesised / "design.asc").read_text()
    symbols = "".join([*_symbols(streams, netlist, placed), *_cells(module["cells"], netlist, placed)])
    with (folder / "chip.asc").open("a") as chip:
        chip.write(symbols)
    package = target.place.arguments[target.place.arguments.index("--package") + 1]
    command = [VLOG, "-s", "-c", "-L", "-n", top, "-p", pins.name, "-d", package, "chip.asc"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SynthesisError(f"{VLOG} failed ({done.returncode}): {done.stderr.strip().splitlines()[-1]}")
    text = _standard(done.stdout)
    return text.replace("endmodule", "\n".join([*_vectors(streams, text), "endmodule"]))


def _names(name: str, net: Mapping[str, Any]) -> Iterator[tuple[int | str, str]]:
    """Of the netlist's bits of a name: which bit, and what a tool calls it."""
    offset = net.get("offset", 0)
    for index, bit in enumerate(net["bits"], offset):
        yield bit, f"{name}[{index}]"
    if len(net["bits"]) == 1:
        yield net["bits"][0], name


def _symbols(streams: Mapping[str, Any], netlist: Mapping[str, Any], placed: str) -> Iterator[str]:
    """What the placer says of the wires of the chip that carry a stream, each under the name of the stream's bit.

    One net has many names, and the placer says one of them.
    """
    wanted = defaultdict(set)
    for name, stream in streams.items():
        for index, bit in enumerate(stream["bits"]):
            wanted[bit].add(_bit(name, index))
    called = {said: bit for name, net in netlist.items() for bit, said in _names(name, net) if bit in wanted}
    for wire, name in SYMBOL.findall(placed):
        for stream in sorted(wanted[called[name]]) if name in called else ():
            yield f".sym {wire} {stream}\n"


def _cells(cells: Mapping[str, Any], netlist: Mapping[str, Any], placed: str) -> Iterator[str]:
    """What the placer says of the wires that leave LUTs, each under the LUT's name; of one that a flip-flop alone reads
    that is the flip-flop's wire.
    """
    luts = {cell["connections"]["O"][0]: name for name, cell in cells.items() if cell["type"] == "SB_LUT4"}
    behind = {
        cell["connections"]["Q"][0]: cell["connections"]["D"][0]
        for cell in cells.values()
        if cell["type"].startswith("SB_DFF") and cell["connections"]["D"][0] in luts
    }
    called = {
        said: bit for name, net in netlist.items() for bit, said in _names(name, net) if bit in luts or bit in behind
    }
    said = [(wire, called[name]) for wire, name in SYMBOL.findall(placed) if name in called]
    leaving = {bit for _, bit in said}
    for wire, bit in said:
        if bit in luts:
            yield f".sym {wire} {CELL}{luts[bit]}\n"
        elif behind[bit] not in leaving:
            yield f".sym {wire} {CELL}{luts[behind[bit]]}\n"


def _standard(text: str) -> str:
    """What icebox_vlog writes in a form that simulators agree about: no comma behind the last parameter, and ports that
    are declared as nets again are first only named and given a direction.
    """
    head = re.search(r"^module (\S+) \((.*)\);$", text, re.MULTILINE)
    assert head is not None
    ports = head[2].split(", ")
    names = (f"{port.split()[-1]} " for port in ports)
    header = "\n".join([f"module {head[1]} ({', '.join(names)});", *(f"{port} ;" for port in ports)])
    return text.replace(head[0], header).replace(",\n) ram40", "\n) ram40")


def _bit(stream: str, index: int) -> str:
    return f"{stream}[{index}]"


def _vectors(streams: Mapping[str, Any], text: str) -> Iterator[str]:
    """The streams, of the wires that icebox_vlog has named. It adds an underscore to what has a name already."""
    named = set(re.findall(r"^wire \\_(\S+) =", text, re.MULTILINE))
    for name, stream in streams.items():
        bits = []
        for index, bit in enumerate(stream["bits"]):
            of = _bit(name, index)
            if isinstance(bit, str):  # a constant
                bits.append(f"1'b{bit}")
                continue
            if of not in named or f"{of}_" in named:
                raise SynthesisError(f"the bitstream has {'two wires' if of in named else 'no wire'} for {of}")
            bits.append(f"\\_{of} ")
        yield f"wire [{len(bits) - 1}:0] \\{name} = {{{', '.join(reversed(bits))}}};"
