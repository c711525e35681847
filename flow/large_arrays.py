"""Arrays too large for memory stay on the disk: in the file that they are in, or in one without a name."""

from __future__ import annotations

import math
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

LARGE_BYTES = 1 << 28


def large_in(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> NDArray | None:
    """An array of an .npz, read once for its checksum and then mapped; None where it is small, or compressed.

    Raises ValueError or zipfile.BadZipFile where it is damaged.
    """
    if entry.file_size < LARGE_BYTES or entry.compress_type != zipfile.ZIP_STORED:
        return None
    with archive.open(entry) as stream:
        while stream.read(1 << 20):  # to its end, where the checksum is compared
            pass
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)  # of the name and of what follows it, the lengths
        start = entry.header_offset + 30 + sum(struct.unpack("<HH", file.read(4)))
        file.seek(start)
        return _mapped(path, file, start + entry.file_size)


def large_of(path: Path) -> NDArray | None:
    """Of an .npy, mapped; None where it is small. Raises ValueError where it is damaged."""
    size = path.stat().st_size
    if size < LARGE_BYTES:
        return None
    with path.open("rb") as file:
        return _mapped(path, file, size)


def waiting(samples: int, row_bytes: int) -> NDArray[np.uint8]:
    """(samples, row_bytes) to write to: in memory where it is small, else on the disk until nobody needs it."""
    if samples * row_bytes < LARGE_BYTES:
        return np.empty((samples, row_bytes), np.uint8)
    with tempfile.TemporaryFile() as file:  # without a name: it is gone with the array
        return np.memmap(file, np.uint8, "w+", 0, (samples, row_bytes))


def _mapped(path: Path, file: IO[bytes], end: int) -> NDArray:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.kind not in "biufU":
        raise ValueError(f"an array of {dtype}")
    if file.tell() + math.prod(shape) * dtype.itemsize != end:
        raise ValueError(f"not as many bytes as the {math.prod(shape)} numbers of its head need")
    return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
