"""Labelled samples as somebody keeps them: arrays of any numbers, labels of any kind, checked once and here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .idx import DataError

SPLIT_SEED = 0
PARTS = ("train_x", "train_y", "test_x", "test_y")
WHOLE = ("x", "y")
COLOURS = (1, 3)


@dataclass(frozen=True, eq=False)
class Samples:
    """What a file or an array says, before anything is made of its numbers.

    place             what errors name
    train_x, test_x   (n, features) numbers, all finite
    train_y, test_y   (n,) int64, 0 .. classes - 1
    classes           names, in the order of their numbers
    features          names of the columns; empty where they have none
    shape             of one sample as it was kept; of more than one dimension it is an image
    split             whether the test samples were drawn out here
    """

    place: str
    train_x: NDArray
    train_y: NDArray[np.int64]
    test_x: NDArray
    test_y: NDArray[np.int64]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    shape: tuple[int, ...]
    split: bool

    @property
    def image(self) -> bool:
        return len(self.shape) > 1


def samples_of(
    place: str, arrays: Mapping[str, NDArray], features: Sequence[str] = (), classes: Sequence[str] = ()
) -> Samples:
    """Of four arrays, PARTS; or of two, WHOLE, of which a fifth of each class becomes the test set.

    x         (n, features), or images (n, height, width) or (n, height, width, colours), which are taken row by row,
              the colours of a pixel together; (n, 1 or 3, height, width), as torch has them, are turned so
    y         (n,) whole numbers or text; the classes are what occurs, in sorted order
    classes   names of the numbers 0, 1, …, where they have some

    Raises DataError with the place, shape, dtype and the way out.
    """
    known = {name: array for name, array in arrays.items() if name in (*PARTS, *WHOLE)}
    whole = known.keys() == set(WHOLE)
    if not whole and known.keys() != set(PARTS):
        held = ", ".join(arrays) or "nothing"
        raise DataError(f"{place} holds {held}; {', '.join(PARTS)} belong there, or x and y to be split 80/20 by class")
    inputs = {name: _inputs(f"{place}, {name}", array, features) for name, array in known.items() if name[-1] == "x"}
    labels = {name: _labels(f"{place}, {name}", array) for name, array in known.items() if name[-1] == "y"}
    for name, x in inputs.items():
        y = labels[f"{name[:-1]}y"]
        if len(x) != len(y):
            raise DataError(
                f"{place}: {name} holds {len(x):,} samples but {name[:-1]}y {len(y):,}; give each its label"
            )
    if whole:
        x, y = inputs["x"], labels["y"]
        train, test = split(place, y)
        inputs = {"train_x": x[train], "test_x": x[test]}
        labels = {"train_y": y[train], "test_y": y[test]}
    train_x, test_x = inputs["train_x"], inputs["test_x"]
    if train_x.shape[1:] != test_x.shape[1:]:
        one, other = ("x".join(map(str, x.shape[1:])) for x in (train_x, test_x))
        raise DataError(f"{place}: a sample of train_x is {one}, one of test_x {other}; they must be of one shape")
    names, train_y, test_y = _classes(place, labels["train_y"], labels["test_y"])
    if classes:
        names = tuple(classes[int(name)] for name in names)
    flat = [x.reshape(len(x), -1) for x in (train_x, test_x)]
    return Samples(place, flat[0], train_y, flat[1], test_y, names, tuple(features), train_x.shape[1:], whole)


def split(place: str, y: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the samples to train and to test with, 80/20 by class, both rising; always the same."""
    from sklearn.model_selection import train_test_split  # half a second that no other set should cost

    different, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        raise DataError(
            f"{place}: class {different[counts.argmin()]!s} has 1 of {len(y):,} samples, and none would be left to "
            "test with; leave it out, or give train and test samples yourself"
        )
    try:
        train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=SPLIT_SEED, stratify=y)
    except ValueError as error:
        raise DataError(
            f"{place}: {len(y):,} samples of {len(different)} classes cannot be split 80/20 by class ({error}); give "
            "train and test samples yourself"
        ) from None
    train.sort(), test.sort()
    return train, test


def _inputs(place: str, x: NDArray, features: Sequence[str]) -> NDArray:
    said = f"{place} is {_shape(x)} {x.dtype}"
    if x.dtype.kind not in "biuf":
        raise DataError(f"{said}; numbers belong there: write text as numbers, fill what is missing")
    if x.ndim < 2:
        raise DataError(f"{said}; (samples, features) belongs there: one feature is reshape(-1, 1)")
    if not x.size:
        raise DataError(f"{said}, no number in it; put samples there")
    if x.dtype.kind == "f" and not (fine := np.isfinite(x)).all():
        at = np.argwhere(~fine)
        sample, *where = at[0].tolist()
        named = features[where[0]] if features else ", ".join(map(str, where))
        raise DataError(
            f"{said} with {len(at):,} values missing or infinite, the first {x[tuple(at[0])]} in sample {sample}, "
            f"feature {named}; fill them, or leave these samples out"
        )
    if x.ndim == 4 and x.shape[1] in COLOURS and x.shape[3] not in (*COLOURS, 4):
        x = np.moveaxis(x, 1, 3)
    return x.astype(np.uint8) if x.dtype == np.bool_ else x


def _labels(place: str, y: NDArray) -> NDArray:
    said = f"{place} is {_shape(y)} {y.dtype}"
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "biuf" and ((y == 0) | (y == 1)).all():
        if (y.sum(axis=1) == 1).all():
            raise DataError(f"{said}, one-hot; one class a sample belongs there: argmax(axis=1) gives it")
        raise DataError(f"{said}, several labels a sample; a net here answers one class: choose one label")
    if y.ndim != 1:
        raise DataError(
            f"{said}; (samples,) belongs there" + ": ravel() gives it" * (y.size == len(y) if y.ndim else 0)
        )
    if not y.size:
        raise DataError(f"{said}, no label in it; put samples there")
    if y.dtype.kind == "O" and all(isinstance(each, str) for each in y):
        return y.astype(np.str_)
    if y.dtype.kind not in "biuU":
        way = (
            "astype(int) where they are classes; a net here answers no quantity" if y.dtype.kind == "f" else "use them"
        )
        raise DataError(f"{said}; classes are whole numbers or text: {way}")
    return y.astype(np.int64) if y.dtype == np.bool_ else y


def _classes(place: str, train: NDArray, test: NDArray) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Names, and both sets of labels as numbers of them."""
    if (train.dtype.kind == "U") != (test.dtype.kind == "U"):
        raise DataError(f"{place}: train_y is {train.dtype}, test_y {test.dtype}; both must name classes alike")
    names = np.unique(train)
    if unknown := sorted(set(test.tolist()) - set(names.tolist())):
        count = int(np.isin(test, unknown).sum())
        raise DataError(
            f"{place}: {_listed(unknown)} occurs in the test set alone ({count:,} of {len(test):,} samples), and "
            "nothing could learn it; put samples of it into the training set, or leave these out"
        )
    if len(names) < 2:
        raise DataError(
            f"{place}: every one of the {len(train):,} training labels is {names[0]!s}; two classes at least"
        )
    found = (np.searchsorted(names, labels).astype(np.int64) for labels in (train, test))
    return (tuple(map(str, names)), *found)  # type: ignore[return-value]


def _listed(values: Sequence[object]) -> str:
    more = f" and {len(values) - 5} more" if len(values) > 5 else ""
    return f"class{'es' * (len(values) > 1)} {', '.join(map(str, values[:5]))}{more}"


def _shape(x: NDArray) -> str:
    return "x".join(map(str, x.shape)) or "a single value"
