"""Trace files of many samples, share after share: read, and written byte for byte as `write_arrays` would."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import CodesError, Trace
from .files import CLASSES, NO_ARRAYS, damaged, write_through


class TraceReader:
    """The samples of a trace file in order, as many at a time as are asked for."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, stack: ExitStack) -> None:
        self._path = path
        self._rows: dict[str, _Rows] = {}
        self._heads: dict[str, NDArray] = {}
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            stream = stack.enter_context(archive.open(entry))
            if name == entry.filename or name in self._rows or name in self._heads:
                raise ValueError(f"{entry.filename!r} in it is no array, or there twice")
            if name == "scores" or name.startswith("codes/"):
                self._rows[name] = _Rows(stream)
            else:
                self._heads[name] = np.lib.format.read_array(stream, allow_pickle=False)
        self._heads.pop(CLASSES, None)
        counts = {rows.left for rows in self._rows.values()}
        if len(counts) != 1:
            raise ValueError(f"arrays of {sorted(counts)} samples")
        self.samples = counts.pop()

    def next(self, samples: int) -> Trace:
        """Raises RunError where the file is damaged, or holds no more."""
        try:
            return Trace.from_arrays(self._heads | {name: rows.next(samples) for name, rows in self._rows.items()})
        except (CodesError, *NO_ARRAYS) as error:
            raise damaged(self._path, error) from None


class _Rows:
    """Of one array in an .npz, which lies there row after row."""

    def __init__(self, stream: IO[bytes]) -> None:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, self._dtype = read(stream)
        if len(shape) != 2 or fortran or self._dtype.kind not in "biu":
            raise ValueError(f"an array of {self._dtype} and shape {shape}")
        (self.left, self._width), self._stream = shape, stream

    def next(self, samples: int) -> NDArray:
        size = samples * self._width * self._dtype.itemsize
        content = self._stream.read(size)
        self.left -= samples
        if len(content) != size or self.left < 0 or (not self.left and self._stream.read(1)):
            raise ValueError("not as many bytes as its head says")
        return np.frombuffer(content, self._dtype).reshape(samples, self._width)


@contextmanager
def trace_reader(path: Path, samples: int) -> Iterator[TraceReader]:
    """Raises RunError where the file is damaged, or is not of so many samples."""
    with ExitStack() as stack:
        try:
            reader = TraceReader(path, stack.enter_context(zipfile.ZipFile(path)), stack)
        except NO_ARRAYS as error:
            raise damaged(path, f"no .npz: {error}") from None
        if reader.samples != samples:
            raise damaged(path, f"{reader.samples} samples, {samples} are analysed")
        yield reader


class TraceWriter:
    """A trace, and the classes that left the chip, of which the codes wait on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._open = folder, ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._scores: list[NDArray] = []
        self._classes: list[NDArray[np.int64]] = []
        self._last: Trace | None = None

    def add(self, trace: Trace, classes: NDArray[np.int64]) -> None:
        for name, codes in trace.codes.items():
            if name not in self._files:
                # Without a name: it is gone with this process.
                waits = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  the stack ends it
                self._files[name] = self._open.enter_context(waits)
            self._files[name].write(np.ascontiguousarray(codes.packed).data)
        self._scores.append(trace.scores)
        self._classes.append(classes)
        self._last = trace

    def write(self, path: Path) -> None:
        assert self._last is not None
        scores, classes = np.concatenate(self._scores), np.concatenate(self._classes)
        whole = self._last.arrays() | {"scores": scores, CLASSES: classes}

        def fill(file: IO[bytes]) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                for name, array in whole.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        self._fill(entry, name, array, len(scores))

        write_through(path, fill)

    def _fill(self, entry: IO[bytes], name: str, array: NDArray, samples: int) -> None:
        waiting = self._files.get(name.removeprefix("codes/")) if name.startswith("codes/") else None
        if waiting is None:
            np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
            return
        head: dict[str, Any] = np.lib.format.header_data_from_array_1_0(array) | {"shape": (samples, array.shape[1])}
        np.lib.format.write_array_header_1_0(entry, head)
        waiting.seek(0)
        shutil.copyfileobj(waiting, entry, 1 << 20)

    def close(self) -> None:
        self._open.close()
