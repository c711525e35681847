"""Files: written whole or not at all, and read with one line where they are damaged."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
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


def write(path: Path, content: str | bytes) -> None:
    """Whole or not at all: under a temporary name beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        for name, text in files.items():
            write(fresh / name, text)
        replace_folder(path, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def replace_folder(path: Path, fresh: Path) -> None:
    """Puts the folder `fresh` where `path` is, or leaves all as it was. Of several who do so at a time one is last."""
    aside = fresh.with_name(f"{fresh.name}.replaced")
    with _alone_in(path.parent):
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


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other process of ours is here meanwhile. The lock ends with whoever holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
