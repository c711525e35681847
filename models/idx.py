"""IDX files, the format of MNIST and its relatives: big-endian head (magic, sizes), then bytes; plain or gzip."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC = b"\x1f\x8b"
UBYTE = 0x08  # the element type in the magic number; the only one that image sets use


class DataError(ValueError):
    """A data set that is missing, damaged or not what it says."""


def read_idx(folder: Path, stem: str, dimensions: int) -> NDArray[np.uint8]:
    """The array in folder/stem or folder/stem.gz; a file is judged by its bytes, not by its name.

    dimensions   that the file must have: 3 for images, 1 for labels

    Raises DataError where there is no such file, or its head and its length do not agree.
    """
    path = _find(folder, stem)
    content = _content(path)
    head = 4 * (1 + dimensions)
    magic = UBYTE << 8 | dimensions
    if len(content) < head:
        raise DataError(f"{path}: {len(content)} bytes, too short for the {head} bytes of an IDX head; {AGAIN}")
    found, *shape = struct.unpack(f">{1 + dimensions}I", content[:head])
    if found != magic:
        raise DataError(
            f"{path}: magic number {found:#010x} where {dimensions}-dimensional bytes have {magic:#010x}; "
            f"is this another file under that name? {AGAIN}"
        )
    expected, actual = math.prod(shape), len(content) - head
    sizes = " x ".join(map(str, shape))
    if not expected:
        raise DataError(f"{path}: {sizes} elements, an empty data set; {AGAIN}")
    if actual != expected:
        verdict = "cut short" if actual < expected else "too long"
        raise DataError(f"{path}: {verdict}, {sizes} = {expected} bytes announced but {actual} follow; {AGAIN}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


AGAIN = "fetch the file again"


def _find(folder: Path, stem: str) -> Path:
    for path in (folder / stem, folder / f"{stem}.gz"):
        if path.is_file():
            return path
    raise DataError(f"{folder}: neither {stem} nor {stem}.gz is here; put the four IDX files into this folder")


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged gzip of {len(content)} bytes ({error}); {AGAIN}") from None
