"""Files: written whole or not at all, and read with one line where they are damaged."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import io
import json
import lzma
import os
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from ..export.annotations import QonnxError
from ..export.soundness import sound
from ..ib_analysis.codes import CodesError, Trace, array_of
from ..ib_analysis.symbols import input_symbols
from ..models.config import describe
from .config import RunError
from .large_arrays import large_in, large_of

UNFINISHED = ".unfinished"  # ends the hidden name of what is being written
CLASSES = "classes"  # in trace.npz beside the trace: what left the chip
REPLACED = ".replaced"  # ends the hidden name of a folder that another is about to replace
Record = TypeVar("Record")
NO_ARRAYS = (  # what zipfile, its decompressors and numpy raise over bytes that hold no arrays
    *(ValueError, TypeError, KeyError, OverflowError, MemoryError, EOFError, OSError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)


def write(path: Path, content: str | bytes) -> None:
    """Whole or not at all: under a hidden name beside it, then renamed."""
    data = content.encode() if isinstance(content, str) else content
    write_through(path, lambda file: file.write(data))


def write_through(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """The same of what `fill` puts into the file that it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(path.parent) as alone:
        if alone:
            remove_leftovers(path.parent, path.name)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                fill(file)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException as error:
            Path(name).unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename is None:  # a full disk does not say which
                raise OSError(error.errno, error.strerror, str(path)) from None
            raise


def write_folder(path: Path, files: Mapping[str, str]) -> None:
    """Replaces a folder by one of these files, whole or not at all: under a hidden name beside it, then renamed."""
    path = Path(os.path.realpath(path))  # unlike resolve, of a link to itself too
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


def read_arrays(path: Path) -> dict[str, NDArray]:
    """The arrays of an .npz by name, large ones mapped. Raises RunError where the file is damaged or holds anything
    else.
    """
    arrays = {}
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name == entry.filename or name in arrays:
                    raise ValueError(f"{entry.filename!r} in it is no array, or there twice")
                large = large_in(archive, entry, path)
                arrays[name] = _array(archive.read(entry)) if large is None else large
        except NO_ARRAYS as error:
            raise damaged(path, f"no .npz: {_first_line(error)}") from None
    return arrays


def read_array(path: Path) -> NDArray:
    """Of an .npy; a large one is mapped. Raises RunError where the file is damaged or holds anything else."""
    with path.open("rb") as file:
        try:
            large = large_of(path)
            return _array(file.read()) if large is None else large
        except NO_ARRAYS as error:
            raise damaged(path, f"no .npy: {_first_line(error)}") from None


def _array(content: bytes) -> NDArray:
    """Numbers, truth values or text; nothing is unpickled."""
    stream = io.BytesIO(content)
    array = np.lib.format.read_array(stream, allow_pickle=False)
    if stream.read(1):
        raise ValueError(f"more bytes than the {array.size} numbers of its head")
    if array.dtype.kind not in "biufU":
        raise ValueError(f"an array of {array.dtype}")
    return array


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def read_text(path: Path) -> str:
    """Raises RunError where the file is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); write it anew") from None


def write_record(path: Path, row: Mapping[str, Any]) -> None:
    """JSON with a digest of itself: an edit, or a bit that flips where a number stays a number, is noticed later."""
    write(path, json.dumps({**row, "sha256": _seal(row)}, indent=1))


def _seal(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, indent=1).encode()).hexdigest()


def read_record(path: Path, kind: type[Record], sealed: bool = True, derived: Sequence[str] = ()) -> Record:
    """A file of `write_record` as the value that it was: types and ranges are those of the fields of `kind`.

    derived   names in the file that the value answers by itself

    Raises RunError where anything is missing, unknown or of another type or range; and, but for `sealed=False`, where
    the file is not as it was written.
    """
    row = read_row(path)
    seal = row.pop("sha256", None)
    value = _value(path, kind, {key: value for key, value in row.items() if key not in derived})
    if sealed and seal != _seal(row):
        raise damaged(path, "it was changed after it was written")
    return value


def read_json(path: Path, kind: type[Record]) -> Record:
    """The same of a file that says nothing of itself."""
    return _value(path, kind, read_row(path))


def _value(path: Path, kind: type[Record], row: Mapping[str, Any]) -> Record:
    try:
        checked = _adapter(kind)  # type: ignore[arg-type]
        return checked.validate_json(json.dumps(row), strict=True, extra="forbid")
    except ValidationError as error:
        raise damaged(path, describe(error)) from None


def is_as_written(path: Path) -> bool:
    """Of a file of `write_record` that can be read."""
    row = read_row(path)
    return row.pop("sha256", None) == _seal(row)


@cache  # what a dataclass says of its fields takes ten times as long to find out as to hold a file against it
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read_row(path: Path) -> dict[str, Any]:
    """Names and values as the file has them. Raises RunError where it is no such JSON."""
    try:
        row = from_json(path.read_bytes(), allow_inf_nan=False)
    except ValueError as error:
        raise damaged(path, error) from None
    if not isinstance(row, dict):
        raise damaged(path, f"a {type(row).__name__} where names and values belong")
    return row


def read_model(path: Path) -> onnx.ModelProto:
    """Raises RunError where the file is damaged."""
    try:
        return sound(path.read_bytes())
    except QonnxError as error:
        raise damaged(path, error) from None


def read_trace(path: Path) -> Trace:
    """Raises RunError where the file is damaged."""
    return read_simulated(path)[0]


def read_simulated(path: Path) -> tuple[Trace, NDArray[np.int64]]:
    """A trace, and (n,) the classes that left the chip, where hardware said it; else what follows from the scores.

    Raises RunError where the file is damaged.
    """
    arrays = read_arrays(path)
    try:
        classes = array_of(arrays, CLASSES, "i", 1) if CLASSES in arrays else None
        trace = Trace.from_arrays({name: array for name, array in arrays.items() if name != CLASSES})
    except CodesError as error:
        raise damaged(path, error) from None
    if classes is not None and len(classes) != len(trace):
        raise damaged(path, f"{len(classes)} classes of {len(trace)} samples")
    return trace, trace.predictions() if classes is None else classes.astype(np.int64)


INPUTS = "inputs"


def sample_arrays(x: NDArray, y: NDArray[np.int64]) -> dict[str, NDArray]:
    """What labels.npz holds: the labels and, where some inputs are the same, which: (n,) their numbers."""
    alike = input_symbols(x)
    return {"labels": y} | ({INPUTS: alike.ids} if len(alike) < len(x) else {})


def read_labels(path: Path) -> NDArray[np.int64]:
    """(n,) of labels.npz. Raises RunError where the file is damaged or holds anything else."""
    return _samples(path, "labels")


def read_inputs(path: Path) -> NDArray[np.int64] | None:
    """(n,) of labels.npz: equal inputs have one number. None where all differ."""
    return _samples(path, INPUTS) if INPUTS in read_arrays(path) else None


def _samples(path: Path, wanted: str) -> NDArray[np.int64]:
    arrays = read_arrays(path)
    try:
        columns = {name: array_of(arrays, name, "iu", 1) for name in ("labels", *arrays)}
    except CodesError as error:
        raise damaged(path, error) from None
    if len({len(column) for column in columns.values()}) > 1 or columns.keys() - {"labels", INPUTS}:
        raise damaged(path, "labels belong there, one a sample, and numbers of inputs, nothing else")
    if not len(columns[wanted]) or min(column.min() for column in columns.values()) < 0:
        raise damaged(path, "labels belong there, one a sample and from 0 on")
    return columns[wanted].astype(np.int64)


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(arrays: Mapping[str, NDArray]) -> str:
    """sha256 over the names, types, shapes and numbers of arrays, whatever file holds them."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
