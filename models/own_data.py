"""Samples of a user's own: an .npz, a folder of .npy, and what Python hands over."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .idx import DataError
from .samples import PARTS, WHOLE, Samples, samples_of

NO_ARRAY = (ValueError, OSError, EOFError, KeyError, MemoryError, SyntaxError, zipfile.BadZipFile, zlib.error)


def read_npz(path: Path) -> Samples:
    """An archive of train_x, train_y, test_x, test_y, or of x, y; see `samples_of`."""
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: {path.stat().st_size:,} bytes that are no .npz; write it with numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = list(archive.files)
            arrays = {name: _loaded(f"{path}, {name}", archive, name) for name in names if name in (*PARTS, *WHOLE)}
    except NO_ARRAY as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: damaged ({_first_line(error)}); write it anew with numpy.savez") from None
    return samples_of(str(path), arrays or dict.fromkeys(names, np.zeros(0)))


def _loaded(place: str, archive: Any, name: str) -> NDArray:
    try:
        return archive[name]
    except NO_ARRAY as error:
        raise DataError(_unread(place, error)) from None


def has_npy(folder: Path) -> bool:
    return any((folder / f"{name}.npy").exists() for name in (*PARTS, *WHOLE))


def read_npy(folder: Path) -> Samples:
    """The same in files train_x.npy, …"""
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        if path.stem in (*PARTS, *WHOLE):
            try:
                arrays[path.stem] = np.load(path, allow_pickle=False)
            except NO_ARRAY as error:
                raise DataError(_unread(str(path), error)) from None
    return samples_of(str(folder), arrays)


def _unread(place: str, error: Exception) -> str:
    if "Object arrays" in str(error):
        return (
            f"{place}: an array of objects, not opened, for that could run what it holds; save numbers, and labels as "
            "whole numbers or text: astype(float), astype(int), astype(str)"
        )
    return f"{place}: damaged, or no array ({_first_line(error)}); write it anew with numpy.save"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def arrays_of(data: Any) -> dict[str, NDArray]:
    """What `samples_of` takes, of what Python hands over.

    data   (train_x, train_y, test_x, test_y), or (x, y); a mapping or an object of these names; a torch `Dataset` of
           (sample, label), or two of them, to train and to test with. Arrays may be numpy's, torch's, pandas', or lists

    Raises DataError for anything else.
    """
    match data:
        case Mapping():
            return {str(name): _array(each, str(name)) for name, each in data.items() if name in (*PARTS, *WHOLE)}
        case _ if all(hasattr(data, name) for name in PARTS):
            return {name: _array(getattr(data, name), name) for name in PARTS}
        case (train, test) if _indexed(train) and _indexed(test):
            return {**_stacked(train, "train_"), **_stacked(test, "test_")}
        case tuple() if len(data) in (2, 4):
            names = PARTS if len(data) == 4 else WHOLE
            return {name: _array(each, name) for name, each in zip(names, data, strict=True)}
        case _ if _indexed(data):
            return _stacked(data, "")
    raise DataError(
        f"data is a {type(data).__name__}; give (train_x, train_y, test_x, test_y), (x, y), a mapping of these names, "
        "a torch Dataset, or two of them"
    )


def _indexed(data: Any) -> bool:
    """What gives (sample, label) by number, and is no array and no list."""
    return hasattr(data, "__getitem__") and hasattr(data, "__len__") and not _arrayed(data)


def _arrayed(data: Any) -> bool:
    return isinstance(data, list | tuple | str | bytes | Mapping) or hasattr(data, "__array__")


def _stacked(data: Any, part: str) -> dict[str, NDArray]:
    pairs = list(_pairs(data))
    if not pairs:
        raise DataError(f"data: a {type(data).__name__} of no samples; put samples there")
    x, y = zip(*pairs, strict=True)
    shapes = {np.shape(each) for each in x}
    if len(shapes) > 1:
        raise DataError(f"data: samples of a {type(data).__name__} have shapes {sorted(shapes)}; give all of them one")
    return {f"{part}x": np.stack(x), f"{part}y": _array(np.stack(y), f"{part}y")}


def _pairs(data: Any) -> Iterator[tuple[NDArray, NDArray]]:
    for index in range(len(data)):
        item = data[index]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(
                f"data: item {index} of a {type(data).__name__} is a {type(item).__name__}; (sample, label) is due"
            )
        yield np.asarray(item[0]), np.asarray(item[1])


def _array(values: Any, name: str) -> NDArray:
    """Labels that are objects, as pandas keeps text, become text."""
    try:
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{name} is no array ({_first_line(error)}); give all samples one shape") from None
    if array.dtype.kind == "O" and all(isinstance(each, str) for each in array.flat):
        return array.astype(np.str_)
    if array.dtype.kind not in "biufU":
        raise DataError(
            f"{name} is {array.shape} {array.dtype}; numbers belong there, and as labels whole numbers or text"
        )
    return array
