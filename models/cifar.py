"""CIFAR-10's six batches, binary or of Python: the arrays in them, and nothing else that a pickle could hold."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .idx import AGAIN, DataError

BINARY_TEST, PYTHON_TEST = "test_batch.bin", "test_batch"
ARCHIVED = "cifar-10-batches-bin", "cifar-10-batches-py"  # the folder that each archive unpacks to
PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS  # bytes
CLASSES = 10
Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_cifar(folder: Path) -> tuple[Batch, Batch]:
    """Training and test set, of the binary version where both lie there.

    In the files are first all red pixels, then green, then blue ones. Here a sample is row by row, column by column,
    the three colours of a pixel together.
    """
    binary = (folder / BINARY_TEST).exists()
    suffix, read = (".bin", _binary) if binary else ("", _python)
    *train, test = [folder / f"{name}{suffix}" for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")]
    if missing := [path.name for path in train if not path.is_file()]:
        raise DataError(f"{folder}: {', '.join(missing)} of CIFAR-10's six batches not here; put all of them there")
    batches = [read(path) for path in train]
    return (np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])), read(test)


def _binary(path: Path) -> Batch:
    content = np.fromfile(path, dtype=np.uint8)
    if not len(content) or len(content) % RECORD:
        raise DataError(f"{path}: {len(content)} bytes, records of {RECORD} belong there; {AGAIN}")
    records = content.reshape(-1, RECORD)
    return _checked(path, records[:, 1:], records[:, 0].astype(np.int64))


def _python(path: Path) -> Batch:
    try:
        batch = _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        x, y = batch[b"data"], np.array(batch[b"labels"])
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (pickle.UnpicklingError, *MALFORMED) as error:
        said = (str(error).splitlines() or [""])[0]
        raise DataError(f"{path}: no batch of CIFAR-10 ({type(error).__name__}: {said}); {AGAIN}") from None
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != PIXELS or not len(x):
        found = f"{x.shape} {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
        raise DataError(f"{path}: data must be (n, {PIXELS}) uint8, got {found}")
    if y.shape != (len(x),) or y.dtype.kind not in "iu":
        raise DataError(f"{path}: {len(x)} images need as many whole labels, got {y.shape} {y.dtype}")
    return _checked(path, x, y.astype(np.int64))


def _checked(path: Path, planes: NDArray[np.uint8], y: NDArray[np.int64]) -> Batch:
    if y.min() < 0 or y.max() >= CLASSES:
        raise DataError(f"{path}: labels {y.min()} .. {y.max()}, those of CIFAR-10 are 0 .. {CLASSES - 1}")
    maps = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(maps).reshape(len(planes), -1), y


MALFORMED = (  # what pickle and numpy raise over bytes that are no batch
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError, MemoryError),
    *(UnicodeError, ImportError, RecursionError),
)


def _as_bytes(text: str, encoding: str) -> bytes:
    """What protocol 2 spells bytes with; no other codec is let in."""
    if encoding != "latin1":
        raise DataError(f"it asks for the codec {encoding!r}; an array needs latin1 alone")
    return text.encode("latin1")


def _empty(kind: type, shape: tuple[int, ...], code: bytes) -> NDArray:
    """numpy's `_reconstruct` of plain arrays alone."""
    if kind is not np.ndarray:
        raise DataError("it asks for an array that is no plain one")
    return np.ndarray.__new__(np.ndarray, shape, code.decode() if isinstance(code, bytes) else code)


class _ArraysOnly(pickle.Unpickler):
    """Dictionaries, lists, numbers, bytes, and plain arrays of numpy. No other name is looked up, so no code runs."""

    KNOWN: dict[tuple[str, str], Any] = {  # noqa: RUF012
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _as_bytes,
        ("numpy.core.multiarray", "_reconstruct"): _empty,
        ("numpy._core.multiarray", "_reconstruct"): _empty,
    }

    def find_class(self, module_name: str, global_name: str) -> Any:
        known = self.KNOWN.get((module_name, global_name))
        if known is None:
            raise DataError(
                f"it asks for {module_name}.{global_name}, which no batch of CIFAR-10 needs; it was not opened, for "
                "that could run what it holds"
            )
        return known
