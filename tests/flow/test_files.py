"""Files of a run are there whole or not at all, whoever else writes, and what is no such file is said in a line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from bitneck.flow.config import RunError
from bitneck.flow.files import read_arrays, read_json, read_record, replace_folder, write_folder, write_record

WRITER = """
import sys
from pathlib import Path
from bitneck.flow.files import write_folder
for _ in range(200):
    write_folder(Path(sys.argv[1]), {"one": sys.argv[2], "two": sys.argv[2]})
"""


def test_of_two_who_replace_a_folder_at_a_time_none_fails_and_one_is_last(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "rtl")]
    writers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "ab"]
    said = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], said
    one, two = ((tmp_path / "rtl" / name).read_text() for name in ("one", "two"))
    assert one == two
    assert one in ("a", "b")
    assert [path.name for path in tmp_path.iterdir()] == ["rtl"]


def test_a_folder_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    write_folder(tmp_path / "rtl", {"top.sv": "old"})
    (tmp_path / "fresh").mkdir()
    rename = Path.rename

    def refuse_the_fresh(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_fresh)
    with pytest.raises(OSError, match="Input/output"):
        replace_folder(tmp_path / "rtl", tmp_path / "fresh")
    assert (tmp_path / "rtl" / "top.sv").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"rtl", "fresh"}


def test_what_is_no_npz_is_damaged_and_nobody_is_told_to_unpickle_it(tmp_path):
    (tmp_path / "graph.npz").write_bytes(bytes(range(256)))
    with pytest.raises(RunError, match=r"graph\.npz is damaged \(no \.npz: "):
        read_arrays(tmp_path / "graph.npz")


@dataclass(frozen=True)
class Cycles:
    promised: int


@pytest.mark.parametrize("value", ["32", 32.0, True, None])
def test_a_value_of_another_type_is_not_converted(tmp_path, value):
    path = tmp_path / "cycles.json"
    write_record(path, {"promised": 32})
    assert read_record(path, Cycles) == Cycles(32)
    write_record(path, {"promised": value})
    with pytest.raises(RunError, match=r"cycles\.json is damaged \(promised: Input should be a valid integer"):
        read_record(path, Cycles)
    path.write_text(json.dumps({"promised": value}))
    with pytest.raises(RunError, match=r"cycles\.json is damaged \(promised: Input should be a valid integer"):
        read_json(path, Cycles)


def test_a_file_in_the_place_of_a_run_is_said(bitneck, tmp_path):
    (tmp_path / "digits").touch()
    for verb in ("report", "train"):
        result = bitneck(verb, tmp_path / "digits")
        assert result.exit_code == 2
        assert "digits is a file; a run is a folder" in result.output
