"""The parts that designs are made for: how large they are, how yosys maps to them, what its cells count as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ..plugins import PluginError, Plugins

Family = Literal["ice40", "ecp5", "gowin", "gatemate", "nexus", "xc7", "xcup"]
Kind = Literal["luts", "carries", "ffs", "brams"]
KINDS: tuple[Kind, ...] = ("luts", "carries", "ffs", "brams")

FLOWS: Mapping[Family, str] = {
    "ice40": "synth_ice40",
    "ecp5": "synth_ecp5 -nowidelut",  # with wide multiplexers yosys takes nearly twice the LUTs
    "gowin": "synth_gowin -nowidelut -nodsp -noiopads",
    # nextpnr places trees of LUTs of two inputs
    "gatemate": "synth_gatemate -luttree -nomx8 -nomult -noiopad -noclkbuf",
    "nexus": "synth_nexus -noccu2 -nodsp -noiopad",
    "xc7": "synth_xilinx -flatten -family xc7 -nodsp -noiopad -noclkbuf",
    "xcup": "synth_xilinx -flatten -family xcup -nodsp -noiopad -noclkbuf",
}
"""The yosys command."""


class PartError(ValueError):
    """A part that is not known."""


@dataclass(frozen=True)
class Part:
    """What there is of it.

    cells   logic cells (iCE40), LUT trees of four inputs, two a CPE (GateMate), or LUTs (the others)
    brams   memory blocks of 4 kbit (iCE40), 20 kbit (GateMate) or 18 kbit (the others)
    ffs     flip-flops, where a cell does not have exactly one
    """

    name: str
    title: str
    family: Family
    cells: int
    brams: int
    ffs: int | None = None


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        part.name: part
        for part in (
            Part("up5k", "iCE40 UP5K, SG48", "ice40", 5_280, 30),
            Part("hx8k", "iCE40 HX8K, CT256", "ice40", 7_680, 32),
            Part("ecp5-12k", "ECP5 LFE5U-12F, CABGA381", "ecp5", 24_288, 56),  # the die of the 25F, and used as that
            Part("ecp5-25k", "ECP5 LFE5U-25F, CABGA381", "ecp5", 24_288, 56),
            Part("ecp5-45k", "ECP5 LFE5U-45F, CABGA381", "ecp5", 43_848, 108),
            Part("ecp5-85k", "ECP5 LFE5U-85F, CABGA756", "ecp5", 83_640, 208),
            # Gowin DS117 and DS226, Cologne Chip DS1001, Lattice FPGA-DS-02049.
            Part("gw1nr-9c", "Gowin GW1NR-9C, QN88", "gowin", 8_640, 26, 6_480),
            Part("gw2ar-18", "Gowin GW2AR-18C, QN88", "gowin", 20_736, 46, 15_552),
            Part("ccgm1a1", "GateMate CCGM1A1", "gatemate", 40_960, 64, 40_960),
            Part("lifcl-40", "CrossLink-NX LIFCL-40, CABGA400, experimental", "nexus", 32_256, 84, 32_256),
            # Xilinx DS190 and DS891: the parts of the PYNQ-Z1 and of the Ultra96.
            Part("xc7", "Zynq XC7Z020, cells only", "xc7", 53_200, 280, 106_400),
            Part("xcup", "Zynq UltraScale+ ZU3EG, cells only", "xcup", 70_560, 432, 141_120),
        )
    }
)


TARGETS = Plugins("target", PARTS)
"""Parts of others: functions that give a `Target` of `synthesis.targets`."""


def part_names() -> tuple[str, ...]:
    return (*PARTS, *TARGETS.names())


def part(name: str) -> Part:
    """Raises PartError where there is none of this name."""
    if name in PARTS:
        return PARTS[name]
    if name not in TARGETS:
        raise PartError(f"no target {name!r}; choose one of {', '.join(part_names())}")
    found = getattr(TARGETS[name](), "part", None)
    if not isinstance(found, Part) or found.name != name or found.family not in FLOWS:
        raise PluginError(
            f"target {name!r} of {TARGETS.origin(name)} gave {found!r}; a Target of the part {name!r} is due, "
            f"its family one of {', '.join(FLOWS)}"
        )
    return found


def _each(number: int, kind: Kind, *names: str) -> dict[str, dict[Kind, int]]:
    return {name: {kind: number} for name in names}


_ICE40 = (
    _each(1, "luts", "SB_LUT4")
    | _each(1, "carries", "SB_CARRY")
    | _each(1, "ffs", *(f"SB_DFF{edge}{enable}{reset}" for edge in ("", "N") for enable in ("", "E")
                        for reset in ("", "SR", "R", "SS", "S")))
    | _each(1, "brams", "SB_RAM40_4K", "SB_RAM40_4KNR", "SB_RAM40_4KNW", "SB_RAM40_4KNRNW")
)  # fmt: skip
_ECP5 = (
    _each(1, "luts", "LUT4")
    | {"CCU2C": {"luts": 2, "carries": 1}}  # it takes LUT sites
    | _each(4, "luts", "TRELLIS_DPR16X4")
    | _each(1, "ffs", "TRELLIS_FF")
    | _each(1, "brams", "DP16KD", "PDPW16KD")
)
_GOWIN = (
    _each(1, "luts", *(f"LUT{inputs}" for inputs in range(1, 5)), "INV")
    | {"ALU": {"luts": 1, "carries": 1}}  # it takes a LUT's site; MUX2_LUT5 and wider have sites of their own
    | _each(4, "luts", "RAM16SDP1", "RAM16SDP2", "RAM16SDP4")
    | _each(1, "ffs", *(f"DFF{edge}{more}" for edge in ("", "N")
                        for more in ("", "E", "S", "SE", "R", "RE", "P", "PE", "C", "CE")))
    | _each(1, "brams", "SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9")
)  # fmt: skip
_GATEMATE = (
    _each(1, "luts", "CC_LUT1", "CC_LUT2", "CC_L2T4", "CC_MX2")
    | _each(2, "luts", "CC_L2T5", "CC_MX4")  # a whole CPE
    | {"CC_ADDF": {"luts": 1, "carries": 1}}
    | _each(1, "ffs", "CC_DFF")
    | _each(1, "brams", "CC_BRAM_20K")
    | _each(2, "brams", "CC_BRAM_40K")
)
_NEXUS = (
    _each(1, "luts", "LUT4", "INV")
    | {"CCU2": {"luts": 2, "carries": 1}}
    | _each(2, "luts", "WIDEFN9")
    | _each(4, "luts", "DPR16X4")
    | _each(1, "ffs", "FD1P3BX", "FD1P3DX", "FD1P3IX", "FD1P3JX")
    | _each(1, "brams", "DP16K", "PDP16K", "PDPSC16K", "SP16K")
)
_XILINX = (
    _each(1, "luts", *(f"LUT{inputs}" for inputs in range(1, 7)), "SRL16E", "SRLC32E", "INV")
    | _each(2, "luts", "RAM32X1D", "RAM64X1D")
    | _each(4, "luts", "RAM32M", "RAM64M", "RAM128X1D")
    | _each(8, "luts", "RAM32M16", "RAM64M8")
    | _each(1, "carries", "CARRY4", "CARRY8")
    | _each(1, "ffs", "FDRE", "FDSE", "FDCE", "FDPE")
    | _each(1, "brams", "RAMB18E1", "RAMB18E2")
    | _each(2, "brams", "RAMB36E1", "RAMB36E2")
)
CELLS: Mapping[Family, Mapping[str, Mapping[Kind, int]]] = {
    "ice40": _ICE40,
    "ecp5": _ECP5,
    "gowin": _GOWIN,
    "gatemate": _GATEMATE,
    "nexus": _NEXUS,
    "xc7": _XILINX,
    "xcup": _XILINX,
}
"""What one cell of yosys' netlist counts as, by its type."""


def counted(types: Iterable[str], family: Family) -> dict[Kind, int]:
    """What cells of these types take together; a type that is not in CELLS takes nothing."""
    total = dict.fromkeys(KINDS, 0)
    for name, number in Counter(types).items():
        for kind, each in CELLS[family].get(name, {}).items():
            total[kind] += number * each
    return total
