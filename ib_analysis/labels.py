"""What anybody's labels may look like: whole numbers, truth values, words, or one column for each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .codes import CodesError, numbers

NEEDED = "labels need (n,) integers, or (n,) strings, or one-hot (n, classes)"


def label_numbers(labels: ArrayLike) -> NDArray[np.int64]:
    """(n,) a number for each sample; equal labels, and only they, have equal numbers.

    labels   (n,) integers, booleans, strings, or floats that are whole numbers; or one-hot: (n, classes ≥ 2) of 0 and 1
             with exactly one 1 in each row, whose column is the label

    Raises CodesError, with the way out, for anything else: floats between whole numbers (bins of them are no labels
    until somebody says which), NaN, several 1s in a row.
    """
    array = _asked(labels)
    if array.ndim == 2:
        return _of_one_hot(array)
    if array.ndim != 1:
        raise CodesError(f"{NEEDED}, got {array.shape} {array.dtype}; flatten them to one label a sample")
    if array.dtype.kind in "US":
        return np.unique(array, return_inverse=True)[1].astype(np.int64)
    if array.dtype.kind == "f":
        return _of_floats(array)
    return np.ascontiguousarray(array.astype(np.int64, copy=False))  # uint64 beyond 2^63 wraps, one to one


def _asked(labels: ArrayLike) -> NDArray:
    array = numbers(labels, NEEDED, "biufUSO")
    if array.dtype.kind != "O":
        return array
    if array.size and all(isinstance(each, str) for each in array.flat):  # as pandas keeps words
        return array.astype(np.str_)
    strange = next((each for each in array.flat if not isinstance(each, str)), None)
    raise CodesError(f"{NEEDED}, got objects such as {_short(strange)}; give all labels one type, without gaps")


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _of_floats(values: NDArray) -> NDArray[np.int64]:
    wrong = ~(np.isfinite(values) & (values == np.floor(values)))
    if wrong.any():
        sample = int(wrong.argmax())
        raise CodesError(
            f"{NEEDED}, got {values[sample]:g} in sample {sample}; a real number is no label: round it, or say which "
            "bin it falls into with numpy.digitize"
        )
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _of_one_hot(array: NDArray) -> NDArray[np.int64]:
    classes = array.shape[1]
    if array.dtype.kind not in "biuf" or classes < 2:
        way = "take its one column, labels[:, 0]" if classes == 1 else "give one label a sample"
        raise CodesError(f"{NEEDED}, got {array.shape} {array.dtype}; {way}")
    on, off = array == 1, array == 0
    if not (on | off).all():
        sample, column = np.argwhere(~(on | off))[0].tolist()
        raise CodesError(
            f"{NEEDED} of 0 and 1, got {array[sample, column]:g} in sample {sample}, column {column}; of scores take "
            "scores.argmax(axis=1)"
        )
    ones = on.sum(axis=1)
    if (ones != 1).any():
        sample = int((ones != 1).argmax())
        raise CodesError(
            f"{NEEDED} with exactly one 1 a row, got {ones[sample]} in sample {sample}; of several labels a sample "
            "measure one column at a time, labels[:, j]"
        )
    return on.argmax(axis=1).astype(np.int64)
