"""Files: written whole or not at all, and read with one line where they are damaged."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ..ib_analysis.codes import Trace
from .config import RunError

UNFINISHED = ".unfinished"  # ends the hidden name of what is being written
REPLACED = ".replaced"  # ends the hidden name of a folder that another is about to replace


def write(path: Path, content: str | bytes) -> None:
    """Whole or not at all: under a hidden name beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    with _alone_in(path.parent) as alone:
        if alone:
            remove_leftovers(path.parent, path.name)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException as error:
            Path(name).unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename is None:  # a full disk does not say which
                raise OSError(error.errno, error.strerror, str(path)) from None
            raise


def write_folder(path: Path, files: Mapping[str, str]) -> None:
    """Replaces a folder by one of these files, whole or not at all: under a hidden name beside it, then renamed."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(path.parent) as alone:
        if alone:
            remove_leftovers(path.parent, path.name)
        fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED))
        try:
            fresh.chmod(0o755)
            for name, text in files.items():
                write(fresh / name, text)
            _replace(path, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def replace_folder(path: Path, fresh: Path) -> None:
    """Puts the folder `fresh` where `path` is, or leaves all as it was. Of several who do so at a time one is last."""
    with _alone_in(path.parent) as alone:
        if alone:
            remove_leftovers(path.parent, path.name)
        _replace(path, fresh)


def _replace(path: Path, fresh: Path) -> None:
    aside = path.with_name(f".{path.name}{REPLACED}")
    had = path.exists()
    if had:
        path.rename(aside)
    try:
        fresh.rename(path)
    except BaseException:
        if had:
            aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def remove_leftovers(folder: Path, of: str = "") -> None:
    """What those who were killed left in `folder` when they wrote; what they were about to replace comes back.

    of   only what was to have this name

    To be called by who is alone there: whoever writes, is (`_alone_in`).
    """
    for path in list(folder.glob(f".{glob.escape(of)}*")):
        named = re.fullmatch(rf"\.(.+)(\.[a-z0-9_]{{8}}{re.escape(UNFINISHED)}|{re.escape(REPLACED)})", path.name)
        if named is None or (of and named[1] != of):
            continue
        if named[2] == REPLACED and not (final := path.with_name(named[1])).exists():
            path.rename(final)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif named[2] != REPLACED:
            path.unlink(missing_ok=True)


def remove_all_leftovers(folder: Path) -> None:
    """The same in `folder` and two floors below, as deep as a run is, while others may write there."""
    for place in [folder, *folder.glob("*/"), *folder.glob("*/*/")]:
        if place.is_dir() and not place.is_symlink():  # no more, where it lay within a leftover
            with _alone_in(place) as alone:
                if alone:
                    remove_leftovers(place)


@contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """No other thread or process of ours writes here meanwhile. The lock ends with whoever holds it.

    False where the file system or its rights do not let anybody know: work goes on, and leftovers stay.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        yield False
        return
    try:
        yield locked(handle, wait=True)
    finally:
        os.close(handle)


def locked(handle: int, wait: bool) -> bool:
    """Locks an open file until it is closed, by this process or its end. False where its file system has no locks.

    Raises BlockingIOError where another holds it and `wait` is not asked for.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
            raise
        return False
    return True


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """One .npz; same arrays, same bytes."""
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    write(path, out.getvalue())


def damaged(path: Path, why: object) -> RunError:
    return RunError(f"{path} is damaged ({why}); remove it and make it anew")


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray]:
    """All of the file, or those of these names that it holds. Raises RunError where the file is damaged."""
    try:
        if not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and propose to load it unsafely
            raise ValueError("no .npz")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays if names is None or name in names}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, error) from None


def read_text(path: Path) -> str:
    """Raises RunError where the file is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); write it anew") from None


def read_json(path: Path) -> Any:
    """Raises RunError where the file is damaged."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise damaged(path, error) from None


def read_model(path: Path) -> onnx.ModelProto:
    """Raises RunError where the file is damaged."""
    try:
        model = onnx.load(str(path))
    except DecodeError:
        raise damaged(path, "no ONNX file") from None
    if not model.graph.node:  # an empty file is a valid message
        raise damaged(path, "a net without nodes")
    return model


def read_trace(path: Path) -> Trace:
    return Trace.from_arrays(read_arrays(path))
