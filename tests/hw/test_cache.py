"""What was compiled is used only where it is byte for byte what was kept; whatever the cache is like, work goes on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bitneck.hw import cache

CONTENT = bytes(range(256)) * 1000
NAME = "digits-0123.so"


@pytest.fixture
def place(monkeypatch, tmp_path) -> Path:
    """A cache of its own, with one entry."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.keep(NAME, CONTENT)
    return tmp_path / "bitneck"


def entry(place: Path) -> Path:
    (path,) = place.iterdir()
    return path


def replaced(path: Path, put) -> None:
    path.unlink()
    put(path)


def folder_with_a_file(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()


DAMAGES = {
    **{f"cut to {size} bytes": lambda path, size=size: os.truncate(path, size) for size in (0, 63, 1000, 200_000)},
    "a byte more": lambda path: path.write_bytes(CONTENT + b"\0"),
    "zeros at the end, as a crash leaves": lambda path: path.write_bytes(CONTENT[:-4096] + bytes(4096)),
    "another's": lambda path: path.write_bytes(b"\x7fELF of another machine"),
    "a folder": lambda path: replaced(path, Path.mkdir),
    "a folder with a file": lambda path: replaced(path, folder_with_a_file),
    "a link to nothing": lambda path: replaced(path, lambda p: p.symlink_to("nothing")),
    "a pipe": lambda path: replaced(path, os.mkfifo),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_none_and_the_next_one_takes_its_place(place, damage):
    assert cache.take(NAME) == CONTENT
    damage(entry(place))
    assert cache.take(NAME) is None
    cache.keep(NAME, CONTENT)
    assert cache.take(NAME) == CONTENT
    assert entry(place).is_file()


def test_a_flipped_bit_is_seen_wherever_it_is(place):
    path, rng = entry(place), random.Random(1)
    for _ in range(100):
        changed = bytearray(CONTENT)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        assert cache.take(NAME) is None
        assert cache.find(NAME) is None


def test_an_unreadable_entry_is_none(monkeypatch, place):
    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)  # root reads whatever its rights are
    assert cache.take(NAME) is None


def test_entries_that_changed_places_or_names_are_none(place):
    first = entry(place)
    cache.keep("twelve-4567.so", b"twelve")
    (second,) = set(place.iterdir()) - {first}
    first.rename(place / "aside")
    second.rename(first)
    (place / "aside").rename(second)
    assert cache.take(NAME) is None
    assert cache.take("twelve-4567.so") is None
    cache.keep(NAME, CONTENT)
    first.rename(first.with_name(first.name.replace(NAME, "twelve-4567.so")))
    assert cache.take("twelve-4567.so") is None


@pytest.mark.parametrize("where", ["file", "below a file", "/proc/nothing", "~nobody-of-this-name/cache"])
def test_without_a_cache_folder_nothing_is_kept_and_nobody_complains(monkeypatch, tmp_path, where):
    (tmp_path / "file").touch()
    place = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "cache"}.get(where, where)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    cache.keep(NAME, CONTENT)
    assert cache.take(NAME) is None
    assert cache.names("") == []


def test_on_a_full_disk_nothing_is_kept_and_nothing_lies_about(monkeypatch, place):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    cache.keep("twelve-4567.so", b"twelve")
    assert cache.take("twelve-4567.so") is None
    assert cache.take(NAME) == CONTENT
    assert len(list(place.iterdir())) == 1


def test_what_was_not_used_for_long_goes_and_what_is_used_stays(place):
    old = time.time() - cache.KEEP_SECONDS - 60
    cache.keep("used.so", b"used")
    for path in place.iterdir():
        os.utime(path, (old, old))
    assert cache.take("used.so") == b"used"
    cache.prune(place)
    assert cache.names("") == ["used.so"]


def test_the_longest_unused_goes_where_there_is_too_much(place):
    for index in range(4):
        cache.keep(f"{index}.so", bytes([index]) * 1000)
        (path,) = place.glob(f"*.{index}.so")
        os.utime(path, (time.time() - 100 + index,) * 2)
    assert cache.take("0.so") is not None
    cache.prune(place, most=len(CONTENT) + 2000, seconds=float("inf"))
    assert cache.names("") == ["0.so", "3.so", NAME]


def test_a_copy_that_was_killed_goes_after_an_hour_and_one_in_progress_stays(place):
    left, growing = place / ".left.unfinished", place / ".growing.unfinished"
    left.touch()
    growing.touch()
    before = time.time() - cache.UNFINISHED_SECONDS - 60
    os.utime(left, (before, before))
    cache.keep("next.so", b"next")
    assert not left.exists()
    assert growing.exists()


BUSY = """
import sys, random
from bitneck.hw import cache
rng = random.Random(sys.argv[1])
for _ in range(150):
    name = f"{rng.randrange(3)}.so"
    found = cache.take(name)
    assert found in (None, name.encode() * 2000), "a wrong answer"
    if found is None or rng.random() < 0.3:
        cache.keep(name, name.encode() * 2000)
    if rng.random() < 0.3:
        cache.prune(cache.folder(), most=rng.randrange(20_000))
    if rng.random() < 0.2:
        for path in cache.folder().glob("*.so"):
            try:
                path.write_bytes(b"harm")
            except OSError:
                pass
"""


def test_several_processes_that_use_prune_and_harm_it_at_once_never_get_a_wrong_answer(place):
    users = [subprocess.Popen([sys.executable, "-c", BUSY, seed], stderr=subprocess.PIPE) for seed in "abc"]
    said = [user.communicate(timeout=60)[1].decode() for user in users]
    assert [user.returncode for user in users] == [0, 0, 0], said


def test_each_library_that_is_loaded_answers_for_itself_and_needs_no_file(tmp_path):
    libraries = []
    for answer in (1, 2, 3):
        source, made = tmp_path / "answer.c", tmp_path / "answer.so"
        source.write_text(f"int answer(void) {{ return {answer}; }}\n")
        subprocess.run(["g++", "-shared", "-fPIC", "-x", "c", source, "-o", made], check=True)
        libraries.append(cache.loaded(made.read_bytes()))
        made.write_bytes(b"")
    assert [library.answer() for library in libraries] == [1, 2, 3]
