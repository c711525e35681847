"""Compiled things between runs: nothing is used that is not byte for byte what was kept, and nothing stays for ever.

The folder is `bitneck` in the user's cache folder (XDG_CACHE_HOME). An entry's file name begins with the digest of its
name and its bytes, so a file that is cut, changed, foreign or another entry's is known when it is read, and removed.
Whatever is wrong with the folder itself, work goes on without it. Several processes may use it at once: an entry
appears whole, and who has taken one needs its file no more.
"""

from __future__ import annotations

import ctypes
import glob
import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

KEEP_BYTES = 1_000_000_000  # of all entries: yosys' machine code alone is 220 MB, a design's 0.3 to 5 MB
KEEP_SECONDS = 90 * 24 * 3600  # since an entry was last used
UNFINISHED_SECONDS = 3600  # older is no copy in progress but a dead process's
_DIGITS = 32  # of the digest: against accidents


def folder() -> Path | None:
    """Where entries lie; None where there can be no such folder."""
    try:
        found = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bitneck"
        found.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a file in its place, a disk that is read only or full; no home
        return None
    return found


def take(name: str) -> bytes | None:
    """What was kept under this name; None where nothing was, or where it is damaged."""
    path = find(name)
    if path is None:
        return None
    with suppress(OSError):
        content = path.read_bytes()
        if _file_name(name, content) == path.name:  # once more: these are the bytes that will be used
            return content
    return None


def find(name: str) -> Path | None:
    """The file of what was kept under this name, for tools that read it themselves; None as for `take`."""
    place = folder()
    for path in [] if place is None else sorted(place.glob(f"*.{glob.escape(name)}")):
        if path.name[_DIGITS + 1 :] != name:
            continue
        with suppress(OSError):
            if path.is_file() and _file_name(name, path) == path.name:
                with suppress(OSError):
                    os.utime(path)  # used now
                return path
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return None


def names(beginning: str) -> list[str]:
    """Of the entries whose names begin so."""
    place = folder()
    found = [] if place is None else place.glob(f"*.{glob.escape(beginning)}*")
    return sorted({name for path in found if (name := path.name[_DIGITS + 1 :]).startswith(beginning)})


def keep(name: str, content: bytes | Path) -> None:
    """For the next run, where that is possible; then makes room."""
    place = folder()
    if place is None:
        return
    with suppress(OSError):
        handle, copy = tempfile.mkstemp(dir=place, prefix=".", suffix=".unfinished")
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with content.open("rb") as made:
                        shutil.copyfileobj(made, file)
                file.flush()
                os.fsync(handle)  # after a power cut the name never stands for fewer bytes
            os.replace(copy, place / _file_name(name, Path(copy)))
        except BaseException:
            Path(copy).unlink(missing_ok=True)
            raise
    prune(place)


def prune(place: Path, most: int = KEEP_BYTES, seconds: float = KEEP_SECONDS) -> None:
    """Removes what was not used for so long, and the longest unused until the rest is no larger."""
    now, rows = time.time(), []
    for path in place.rglob("*"):
        with suppress(OSError):
            if path.is_file() and not path.is_symlink():
                about = path.stat()
                rows.append((about.st_mtime, about.st_size, path))
    left = sum(size for _, size, _ in rows)
    for used, size, path in sorted(rows):
        unfinished = path.suffix == ".unfinished"
        if left > most or now - used > (UNFINISHED_SECONDS if unfinished else seconds):
            left -= size
            with suppress(OSError):
                path.unlink()


def loaded(content: bytes) -> ctypes.CDLL:
    """A shared library of these bytes: they lie in memory, where no file can change under it.

    dlopen takes a path that it has seen for the library it has, so that each gets a new one, through a link.
    """
    handle = os.memfd_create("bitneck")
    try:
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(content)
        with tempfile.TemporaryDirectory(prefix="bitneck-") as work:
            link = Path(work, "model.so")
            link.symlink_to(f"/proc/self/fd/{handle}")
            return ctypes.CDLL(str(link))
    finally:
        os.close(handle)


def _file_name(name: str, content: bytes | Path) -> str:
    digest = hashlib.sha256(f"{name}\n".encode())
    if isinstance(content, bytes):
        digest.update(content)
    else:
        with content.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return f"{digest.hexdigest()[:_DIGITS]}.{name}"
