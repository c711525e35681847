"""A PLL for an exact clock: its settings, by trying all that the cell's formula and limits allow, and its instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction


class PllError(ValueError):
    """A clock that a PLL cannot make."""


Settings = Mapping[str, int]
_Found = Iterator[tuple[Fraction, Settings]]  # MHz at the phase detector, and the settings


@dataclass(frozen=True)
class _Limits:
    """In MHz, each the least and the most: at the phase detector, of the oscillator, of the output."""

    detector: tuple[float, float]
    oscillator: tuple[float, float]
    output: tuple[float, float]

    def allow(self, detector: Fraction, oscillator: Fraction, output: Fraction) -> bool:
        pairs = (self.detector, detector), (self.oscillator, oscillator), (self.output, output)
        return all(low <= value <= high for (low, high), value in pairs)


def _ice40(given: Fraction, wanted: Fraction) -> _Found:
    """wanted = given (DIVF + 1) / (DIVR + 1) / 2^DIVQ, the feedback SIMPLE. Limits: Lattice FPGA-TN-02052."""
    limits = _Limits((10, 133), (533, 1066), (16, 275))
    filters = (17, 26, 44, 66, 101)  # MHz at the detector where the next filter begins
    for divr in range(16):
        detector = given / (divr + 1)
        for divq in range(1, 7):
            oscillator = wanted * 2**divq
            divf = oscillator / detector - 1
            if divf.denominator == 1 and 0 <= divf < 128 and limits.allow(detector, oscillator, wanted):
                chosen = 1 + sum(detector >= edge for edge in filters)
                yield detector, {"DIVR": divr, "DIVF": int(divf), "DIVQ": divq, "FILTER_RANGE": chosen}


def _nearest(values: Iterable[int], to: Fraction) -> list[int]:
    return sorted(values, key=lambda value: abs(value - to))


def _ecp5(given: Fraction, wanted: Fraction) -> _Found:
    """wanted = given CLKFB_DIV / CLKI_DIV, fed back from CLKOP; the oscillator is CLKOP_DIV times that. Limits: Lattice
    FPGA-DS-02012.
    """
    limits = _Limits((3.125, 400), (400, 800), (3.125, 400))
    outputs = _nearest(range(1, 129), 600 / wanted)  # the middle of the oscillator's range first
    for divider in range(1, 129):
        detector = given / divider
        feedback = wanted / detector
        if feedback.denominator == 1 and feedback <= 80:
            for output in outputs:
                if limits.allow(detector, wanted * output, wanted):
                    phase = max(0, output // 2 - 1)
                    found = {
                        "CLKI_DIV": divider,
                        "CLKFB_DIV": int(feedback),
                        "CLKOP_DIV": output,
                        "CLKOP_CPHASE": phase,
                    }
                    yield detector, found


def _gowin(limits: _Limits) -> Callable[[Fraction, Fraction], _Found]:
    """wanted = given (FBDIV_SEL + 1) / (IDIV_SEL + 1); the oscillator is ODIV_SEL times that."""

    def search(given: Fraction, wanted: Fraction) -> _Found:
        for idiv in range(64):
            detector = given / (idiv + 1)
            fbdiv = wanted / detector - 1
            for odiv in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
                if fbdiv.denominator == 1 and 0 <= fbdiv < 64 and limits.allow(detector, wanted * odiv, wanted):
                    yield detector, {"IDIV_SEL": idiv, "FBDIV_SEL": int(fbdiv), "ODIV_SEL": odiv}

    return search


def _gatemate(given: Fraction, wanted: Fraction) -> _Found:
    """The placer finds the settings itself. Limits: Cologne Chip DS1001, of the economy mode."""
    if 5 <= given <= 50 and wanted <= 312.5:
        yield given, {}


@dataclass(frozen=True)
class Cell:
    """A family's PLL.

    module   what it is called in a netlist
    search   all settings that make an exact clock
    fixed    texts as parameters that do not hang on the settings; {given} and {wanted} stand for the two clocks in MHz
    ports    from `clk` to `system_clk` and `locked`
    analog   attributes that set currents and filters
    """

    module: str
    search: Callable[[Fraction, Fraction], _Found]
    fixed: Mapping[str, str]
    ports: tuple[str, ...]
    analog: Mapping[str, int] = field(default_factory=dict)

    def settings(self, given_mhz: float, wanted_mhz: float) -> Settings:
        """Those of the fastest phase detector, which leaves the least jitter. Raises PllError where there are none."""
        given, wanted = (Fraction(mhz).limit_denominator(10**6) for mhz in (given_mhz, wanted_mhz))
        found = list(self.search(given, wanted))
        if not found:
            raise PllError(
                f"{self.module} makes no {wanted_mhz:g} MHz of {given_mhz:g} MHz exactly; ask for another clock"
            )
        return max(found, key=lambda pair: pair[0])[1]

    def instance(self, given_mhz: float, wanted_mhz: float) -> list[str]:
        """Verilog, from `clk` to `system_clk` and `locked`."""
        settings = self.settings(given_mhz, wanted_mhz)
        fixed = {name: f'"{text.format(given=given_mhz, wanted=wanted_mhz)}"' for name, text in self.fixed.items()}
        values = ", ".join(f".{name}({value})" for name, value in {**fixed, **settings}.items())
        attributes = ", ".join(f'{name} = "{value}"' for name, value in self.analog.items())
        marked = [f"(* {attributes} *)"] if attributes else []
        return [*marked, f"{self.module} #(", f"  {values}", ") pll (", *(f"  {line}" for line in self.ports), ");"]


_ICE40 = {"FEEDBACK_PATH": "SIMPLE", "PLLOUT_SELECT": "GENCLK"}
_ICE40_PORTS = (".RESETB(1'b1), .BYPASS(1'b0), .LOCK(locked), .PLLOUTGLOBAL(system_clk)",)
_RPLL_PORTS = (
    ".CLKIN(clk), .CLKOUT(system_clk), .LOCK(locked), .CLKOUTP(), .CLKOUTD(), .CLKOUTD3(),",
    ".RESET(1'b0), .RESET_P(1'b0), .CLKFB(1'b0), .FBDSEL(6'b0), .IDSEL(6'b0), .ODSEL(6'b0),",
    ".PSDA(4'b0), .DUTYDA(4'b0), .FDLY(4'b0)",
)
_EHXPLLL_PORTS = (
    ".CLKI(clk), .CLKOP(system_clk), .CLKFB(system_clk), .LOCK(locked), .RST(1'b0), .STDBY(1'b0), .PLLWAKESYNC(1'b0),",
    ".PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b0), .PHASESTEP(1'b0), .PHASELOADREG(1'b0), .ENCLKOP(1'b0)",
)
_CC_PLL_PORTS = (
    ".CLK_REF(clk), .CLK0(system_clk), .USR_PLL_LOCKED(locked), .USR_CLK_REF(1'b0), .CLK_FEEDBACK(1'b0),",
    ".USR_LOCKED_STDY_RST(1'b0), .USR_PLL_LOCKED_STDY(), .CLK90(), .CLK180(), .CLK270(), .CLK_REF_OUT()",
)


def _rpll(device: str, limits: _Limits) -> Cell:
    return Cell("rPLL", _gowin(limits), {"FCLKIN": "{given}", "DEVICE": device}, _RPLL_PORTS)


CELLS: Mapping[str, Cell] = {
    # The clock's pin is the PLL's own on the UP5K, which takes it there; elsewhere the clock comes over the fabric.
    "SB_PLL40_PAD": Cell("SB_PLL40_PAD", _ice40, _ICE40, (".PACKAGEPIN(clk),", *_ICE40_PORTS)),
    "SB_PLL40_CORE": Cell("SB_PLL40_CORE", _ice40, _ICE40, (".REFERENCECLK(clk),", *_ICE40_PORTS)),
    "EHXPLLL": Cell(
        "EHXPLLL",
        _ecp5,
        {"FEEDBK_PATH": "CLKOP", "CLKOP_ENABLE": "ENABLED"},
        _EHXPLLL_PORTS,
        {"ICP_CURRENT": 12, "LPF_RESISTOR": 8, "MFG_ENABLE_FILTEROPAMP": 1, "MFG_GMCREF_SEL": 2},  # as ecppll writes
    ),
    # Gowin DS117 and DS226
    "rPLL GW1NR-9C": _rpll("GW1NR-9C", _Limits((3, 400), (400, 1200), (3.125, 600))),
    "rPLL GW2AR-18C": _rpll("GW2AR-18C", _Limits((3, 500), (500, 1250), (3.90625, 625))),
    "CC_PLL": Cell(
        "CC_PLL", _gatemate, {"REF_CLK": "{given}", "OUT_CLK": "{wanted}", "PERF_MD": "ECONOMY"}, _CC_PLL_PORTS
    ),
}
"""By the name that a board's file says."""
