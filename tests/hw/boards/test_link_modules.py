"""The modules of links by themselves, on Icarus: what goes in and what is due out, as `make mutants` has it too."""

from __future__ import annotations

import shutil

import pytest
from bitneck.hw.verilog import library
from link_benches import UNBUILT, cases


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_what_comes_out_is_what_is_due(case, tmp_path):
    assert case.complaint(library(), tmp_path) is None


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
def test_a_bench_complains_of_a_fault_and_of_what_does_not_compile(tmp_path):
    case = next(case for case in cases() if case.name == "uart_4")
    texts = library()
    harmed = texts["link_up.sv"].replace("answered <= answered + 1'b1", "answered <= answered")
    assert "byte" in case.complaint({**texts, "link_up.sv": harmed}, tmp_path)
    assert case.complaint({**texts, "link_up.sv": "module"}, tmp_path).startswith(UNBUILT)
