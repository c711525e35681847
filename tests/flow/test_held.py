"""One writer a folder; the others are told who; and nothing that a killed one left stays, or is missed."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from bitneck.flow import RunFolder, build
from bitneck.flow.config import RunError
from bitneck.flow.files import locked, remove_all_leftovers, write, write_folder
from bitneck.flow.held import held

Say = Callable[[str], None]


def started(job: Callable[..., None], *words: object) -> BaseProcess:
    """A process that does `job` and has said something. A fork: an interpreter of its own would need seconds."""
    context = multiprocessing.get_context("fork")
    heard, say = context.Pipe(duplex=False)
    process = context.Process(target=job, args=(say.send, *words), daemon=True)
    process.start()
    assert heard.poll(60)
    return process


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join()


def hold(say: Say, folder: Path) -> None:
    with held(folder, "train", make=True):
        say("held")
        time.sleep(600)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.fixture
def run(finished_run, tmp_path) -> RunFolder:
    shutil.copytree(finished_run, tmp_path / "digits")
    return RunFolder(tmp_path / "digits")


def test_whoever_comes_second_is_told_in_a_line_who_holds_the_folder_until_that_one_ends(bitneck, run):
    holder = started(hold, run.path)
    try:
        before = names(run.path)
        for words in (["run"], ["train"], ["export"], ["build"], ["simulate"], ["analyze"], ["report"]):
            result = bitneck(*words, run.path)
            assert result.exit_code == 2, words
            said = " ".join(result.output.split())
            assert f"digits is held by `bitneck train` (process {holder.pid}, since 20" in said
            assert "Traceback" not in said
        with pytest.raises(RunError, match="is held by"):
            build(run)
        assert bitneck("verify", run.path).exit_code == 0  # reads only
        assert names(run.path) == before
    finally:
        kill(holder)
    assert bitneck("build", run.path).exit_code == 0
    assert ".lock" not in names(run.path)


def test_verbs_within_a_verb_go_on_and_other_threads_are_told(tmp_path):
    said = []

    def other() -> None:
        try:
            with held(tmp_path, "build"):
                said.append("held")
        except RunError as error:
            said.append(str(error))

    def ask() -> str:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return said.pop()

    with held(tmp_path, "run"):
        with held(tmp_path / "." / ".." / tmp_path.name, "export"):
            assert f"held by `bitneck run` (process {os.getpid()}, " in ask()
        assert "held by `bitneck run`" in ask()
    assert ask() == "held"
    assert names(tmp_path) == []


def test_a_folder_of_which_nothing_came_is_gone_and_a_verb_that_needs_one_makes_none(bitneck, tmp_path):
    with held(tmp_path / "runs" / "new", "train", make=True):
        assert (tmp_path / "runs" / "new").is_dir()
    assert names(tmp_path) == []
    assert bitneck("build", tmp_path / "runs" / "none").exit_code == 2
    assert names(tmp_path) == []


def hold_often(say: Say, folder: Path) -> None:
    say("ready")
    had, end = 0, time.monotonic() + 60
    while had < 60 and time.monotonic() < end:
        with suppress(RunError), held(folder, "build"):
            (folder / "mine").mkdir()  # FileExistsError where two are here
            (folder / "mine").rmdir()
            had += 1
    assert had == 60


def test_however_fast_it_changes_hands_two_never_hold_a_folder(tmp_path):
    both = [started(hold_often, tmp_path) for _ in range(2)]
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert names(tmp_path) == []


def test_a_lock_that_another_removed_and_a_third_made_anew_holds_nothing(monkeypatch, tmp_path):
    third: list[BaseProcess] = []

    def late(handle: int, wait: bool) -> bool:
        monkeypatch.setattr("bitneck.flow.held.locked", locked)
        (tmp_path / ".lock").unlink()  # as its holder does at the end
        third.append(started(hold, tmp_path))
        return locked(handle, wait)

    monkeypatch.setattr("bitneck.flow.held.locked", late)
    with pytest.raises(RunError, match="is held by `bitneck train`"), held(tmp_path, "build"):
        pass
    kill(third.pop())


def test_where_the_file_system_has_no_locks_work_goes_on(monkeypatch, tmp_path):
    def refuse(*_: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with held(tmp_path, "build"):
        write(tmp_path / "file", "text")
        write_folder(tmp_path / "rtl", {"top.sv": "text"})
    assert names(tmp_path) == ["file", "rtl", "top.sv"]


def write_all_the_time(say: Say, folder: Path) -> None:
    with held(folder, "build", make=True):
        for turn in itertools.count():
            write(folder / "verify.json", f"{turn}\n" * 200_000)
            write(folder / "codes" / "epoch.npz", f"{turn}\n" * 200_000)
            write_folder(folder / "rtl", {f"{name}.sv": f"{turn}\n" for name in range(30)})
            if not turn:
                say("everything is there once")


def test_killed_at_any_moment_every_file_is_whole_and_the_next_verb_clears_up(tmp_path):
    place, left = tmp_path / "run", 0
    for moment in range(30):
        process = started(write_all_the_time, place)
        time.sleep(0.0037 * moment)
        kill(process)
        left += sum(path.name.startswith(".") and path.name != ".lock" for path in place.rglob("*"))
        with held(place, "build"):
            there = [name for name in names(place) if name.startswith(".")]
            assert there == [".lock"]
        assert not [name for name in names(place) if name.startswith(".")]
        for path in place.rglob("*.*"):
            assert len(set(path.read_text().split())) == 1
        rtl = sorted((place / "rtl").iterdir())
        assert len(rtl) == 30
        assert len({path.read_text() for path in rtl}) == 1
    assert left  # else nobody was killed in the middle of anything


def replace_half(say: Say, folder: Path) -> None:
    rename = Path.rename

    def and_die(self: Path, target: Path) -> None:
        rename(self, target)
        say("renamed")
        os.kill(os.getpid(), signal.SIGKILL)

    Path.rename = and_die  # type: ignore[method-assign,assignment]
    write_folder(folder, {"top.sv": "new"})


def test_a_folder_whose_replacement_was_killed_between_its_two_renames_comes_back(tmp_path):
    write_folder(tmp_path / "rtl", {"top.sv": "old"})
    process = started(replace_half, tmp_path / "rtl")
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "rtl").exists()
    with held(tmp_path, "build"):
        assert (tmp_path / "rtl" / "top.sv").read_text() == "old"
    assert names(tmp_path) == ["rtl", "top.sv"]


def write_slowly(say: Say, path: Path) -> None:
    replace = os.replace

    def slow(*paths: str) -> None:
        say("all but renamed")
        time.sleep(1)
        replace(*paths)

    os.replace = slow  # type: ignore[assignment]
    write(path, "whole")


def test_what_a_live_process_is_writing_stays(tmp_path):
    writer = started(write_slowly, tmp_path / "page.html")
    remove_all_leftovers(tmp_path)
    write(tmp_path / "other.html", "other")
    writer.join(60)
    assert writer.exitcode == 0
    assert (tmp_path / "page.html").read_text() == "whole"
    assert names(tmp_path) == ["other.html", "page.html"]


def test_files_of_others_stay_whatever_they_are_called(tmp_path):
    others = [".run.toml.swp", ".report.html.k3j2x9ab", ".gitignore", "notes.unfinished", ".lockfile", "x.replaced"]
    for name in others:
        (tmp_path / name).touch()
    remove_all_leftovers(tmp_path)
    assert names(tmp_path) == sorted(others)


def test_a_synthesis_that_was_killed_leaves_nothing_and_one_that_failed_its_logs(tmp_path):
    for target in ("up5k", "hx8k"):
        write(tmp_path / "synth" / f"{target}.unfinished" / "yosys.log", "log")
    write(tmp_path / "synth" / "hx8k.unfinished" / "failed.txt", "yosys failed")
    with held(tmp_path, "report"):
        pass
    assert names(tmp_path / "synth") == ["failed.txt", "hx8k.unfinished", "yosys.log"]
