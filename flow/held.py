"""Of several who would write one folder at a time, one does: the others are told who holds it, in a line.

The lock is on the file `.lock` of the folder and ends with its holder, however that ends; what killed holders left
behind goes when the next one comes. A verb within a verb, of the same thread, goes on. Verbs that only read need no
lock: every file is whole whenever it is looked at. Where a file system has no locks, nobody is told.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from .config import RunError
from .files import locked, remove_all_leftovers
from .folder import AnyFolder, RunFolder, run_folder

LOCK = ".lock"
FAILED = "failed.txt"  # in synth/TARGET.unfinished: why it ended; without it nobody lived to say
P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class _Holder:
    """Of a folder, in this process: which thread, and how many of its verbs are within each other."""

    process: int
    thread: int
    depth: int = 1


_holders: dict[Path, _Holder] = {}


@contextmanager
def held(folder: Path, verb: str, make: bool = False) -> Iterator[None]:
    """Nobody else writes in `folder` meanwhile.

    make   the folder where it does not exist; gone afterwards where nothing has come into it. Without it, a folder
           that does not exist is nobody's

    Raises RunError where another process, or another thread of this one, holds it.
    """
    place = folder.resolve()
    holder = _holders.get(place)
    if holder is not None and (holder.process, holder.thread) == (os.getpid(), threading.get_ident()):
        holder.depth += 1
        try:
            yield
        finally:
            holder.depth -= 1
        return
    made = [path for path in (place, *place.parents) if not path.exists()]
    if made and not make:
        yield
        return
    place.mkdir(parents=True, exist_ok=True)
    handle, alone = _lock(folder, place, verb)
    _holders[place] = _Holder(os.getpid(), threading.get_ident())
    try:
        if alone:
            remove_all_leftovers(place)
            for left in (path for path in place.glob("synth/*.unfinished") if not (path / FAILED).exists()):
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        del _holders[place]
        (place / LOCK).unlink(missing_ok=True)  # before it is free: who opened it meanwhile sees that it is gone
        os.close(handle)
        for path in made:
            with suppress(OSError):  # something has come into it
                path.rmdir()


def _lock(folder: Path, place: Path, verb: str) -> tuple[int, bool]:
    """The open lock file, locked; and whether it is, for not every file system has locks."""
    while True:
        handle = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            alone = locked(handle, wait=False)
        except BlockingIOError:
            who = _holder(os.read(handle, 1000))
            os.close(handle)
            raise RunError(f"{folder} is held by {who}; wait until that ends, or choose another folder") from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(place / LOCK)):
                break
        os.close(handle)  # its last holder has removed it between our opening and our locking
    note = {"process": os.getpid(), "verb": verb, "since": datetime.now().strftime("%Y-%m-%d %H:%M:%S")}
    with suppress(OSError):  # a full disk: the lock holds without a note
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps(note).encode())
    return handle, alone


def _holder(note: bytes) -> str:
    try:
        said = json.loads(note)
        return f"`bitneck {said['verb']}` (process {said['process']}, since {said['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"


def writing(verb: Callable[Concatenate[RunFolder, P], R]) -> Callable[Concatenate[AnyFolder, P], R]:
    """A verb that writes, alone in its run folder, however that is named."""

    @functools.wraps(verb)
    def wrapped(folder: AnyFolder, *arguments: P.args, **options: P.kwargs) -> R:
        place = run_folder(folder)
        with held(place.path, verb.__name__):
            return verb(place, *arguments, **options)

    return wrapped


def reading(verb: Callable[Concatenate[RunFolder, P], R]) -> Callable[Concatenate[AnyFolder, P], R]:
    """A verb that reads its run folder, however that is named, or that says itself when it writes."""

    @functools.wraps(verb)
    def wrapped(folder: AnyFolder, *arguments: P.args, **options: P.kwargs) -> R:
        return verb(run_folder(folder), *arguments, **options)

    return wrapped
