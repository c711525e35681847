"""Labelled samples as unsigned integers: embedded digits, the 12-bit set of the IB papers, and any IDX folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .config import nearest
from .idx import DataError, read_idx

ENVIRONMENT = "BITNECK_DATA"
SPLIT_SEED = 0
CIFAR_TEST = "test_batch.bin"
CIFAR_RECORD = 1 + 3 * 32 * 32  # bytes
TWELVE_SHA256 = "77732f16f85e91b49d3997196b56163b3bd362d8cf631468a8de3f986e88359f"
# Vertices of an icosahedron that share an edge, and those that lie opposite each other.
ADJACENT = (
    *((0, 1), (0, 3), (0, 5), (0, 10), (0, 11), (1, 2), (1, 3), (1, 4), (1, 11), (2, 3), (2, 4), (2, 8), (2, 9)),
    *((3, 8), (3, 10), (4, 6), (4, 9), (4, 11), (5, 6), (5, 7), (5, 10), (5, 11), (6, 7), (6, 9), (6, 11)),
    *((7, 8), (7, 9), (7, 10), (8, 9), (8, 10)),
)
ANTIPODAL = ((0, 9), (1, 7), (2, 5), (3, 6), (4, 10), (8, 11))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples with integer inputs.

    train_x, test_x   (n, features) uint8, 0 .. 2^input_bits - 1
    train_y, test_y   (n,) int64, 0 .. classes - 1
    copies            how often each pixel is shown: x is that many equal blocks side by side, so that a net, which cuts
                      every input once, may cut a pixel at several levels
    """

    name: str
    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]
    classes: int
    input_bits: int
    copies: int = 1

    def __post_init__(self) -> None:
        for part, x, y in (("training", self.train_x, self.train_y), ("test", self.test_x, self.test_y)):
            place = f"{self.name}, {part} set"
            if x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != self.features or not x.size:
                raise DataError(f"{place}: inputs must be (n, {self.features}) uint8, got {x.shape} {x.dtype}")
            if y.dtype != np.int64 or y.shape != (len(x),):
                raise DataError(f"{place}: {len(x)} samples need as many int64 labels, got {y.shape} {y.dtype}")
            if x.max() >> self.input_bits:
                raise DataError(f"{place}: input {x.max()} does not fit in {self.input_bits} bits")
            if y.min() < 0 or y.max() >= self.classes:
                raise DataError(f"{place}: labels {y.min()} .. {y.max()}, but classes are 0 .. {self.classes - 1}")

    @property
    def features(self) -> int:
        return self.train_x.shape[1]

    @property
    def pixels(self) -> int:
        """Different ones: features / copies."""
        return self.features // self.copies

    def all(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Every sample and its label: the training set, then the test set."""
        return np.concatenate([self.train_x, self.test_x]), np.concatenate([self.train_y, self.test_y])

    @cached_property
    def sha256(self) -> str:
        """Over the decoded arrays, not the files, so that gzip and plain files of the same data agree.

        In the order train_x, train_y, test_x, test_y: a line "shape dtype", then the little-endian bytes in C order.
        """
        digest = hashlib.sha256()
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            digest.update(f"{'x'.join(map(str, array.shape))} {array.dtype.name}\n".encode())
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def load(name: str, data_dir: Path | str | None = None) -> Dataset:
    """The data set of this name; the same name and files give the same arrays in the same order.

    name       `digits`, `digits-twice` and `twelve` need no files; any other name is a folder data_dir/name or, where
               there is none, data_dir itself. In it lie four IDX files, plain or .gz, or CIFAR-10's six binary batches
    data_dir   falls back to the environment variable BITNECK_DATA

    Raises DataError with the path, the numbers and the way out.
    """
    if name in EMBEDDED:
        return EMBEDDED[name]()
    data_dir = data_dir or os.environ.get(ENVIRONMENT)
    if not data_dir:
        raise DataError(
            f"{name} is no embedded data set ({nearest(name, EMBEDDED)}); for one made of IDX files, say where they "
            f"lie with --data-dir or {ENVIRONMENT}"
        )
    root = Path(data_dir)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give --data-dir or {ENVIRONMENT} a folder that holds {name}/")
    folder = root / name if (root / name).is_dir() else root
    return _cifar(name, folder) if (folder / CIFAR_TEST).exists() else _idx_set(name, folder)


def digits() -> Dataset:
    """scikit-learn's 1,797 images of 8 × 8 pixels in 17 grey levels, 0 .. 16, hence 5 bits; 80/20 by class."""
    from sklearn.datasets import load_digits  # half a second that only this set should cost

    x, y = load_digits(return_X_y=True)
    return _split("digits", x.astype(np.uint8), y.astype(np.int64), classes=10, input_bits=5)


def digits_twice() -> Dataset:
    """`digits` with every pixel shown twice: 128 inputs, each pixel at two thresholds, hence three levels of grey."""
    once = digits()
    train_x, test_x = np.tile(once.train_x, 2), np.tile(once.test_x, 2)
    return replace(once, name="digits-twice", copies=2, train_x=train_x, test_x=test_x)


def twelve() -> Dataset:
    """The 12-bit set of Shwartz-Ziv and Tishby 2017, from its rule; X is all 4,096 inputs; 80/20 by class.

    Bits are the vertices of an icosahedron, most significant first; h counts ones, e edges with both ends on, a
    opposite pairs with both ends on. The label is invariant under the rotations of the solid.
    """
    x = (np.arange(4096)[:, None] >> np.arange(11, -1, -1) & 1).astype(np.uint8)
    h = x.sum(axis=1)
    e, a = (sum(x[:, i] & x[:, j] for i, j in pairs) for pairs in (ADJACENT, ANTIPODAL))
    five, six, seven = (e == 7) & (a == 0), (e >= 7) | ((e == 6) & (a == 0)), ~((e == 8) & (a == 2))
    y = np.select([h <= 4, h == 5, h == 6, h == 7], [False, five, six, seven], True)
    if hashlib.sha256(y.astype(np.uint8).tobytes()).hexdigest() != TWELVE_SHA256:
        raise AssertionError("the rule of the 12-bit set gives labels other than the published ones")
    return _split("twelve", x, y.astype(np.int64), classes=2, input_bits=1)


EMBEDDED = {"digits": digits, "digits-twice": digits_twice, "twelve": twelve}


def _split(name: str, x: NDArray[np.uint8], y: NDArray[np.int64], classes: int, input_bits: int) -> Dataset:
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=SPLIT_SEED, stratify=y)
    train.sort(), test.sort()
    return Dataset(name, x[train], y[train], x[test], y[test], classes, input_bits)


def _cifar(name: str, folder: Path) -> Dataset:
    """CIFAR-10's binary version: records of a label and 32 × 32 pixels, first all red, then green, then blue ones.

    Here a sample is row by row, column by column, the three colours of a pixel together.
    """
    parts = [*(f"data_batch_{number}.bin" for number in range(1, 6)), CIFAR_TEST]
    read = []
    for part in parts:
        content = np.fromfile(folder / part, dtype=np.uint8)
        if not len(content) or len(content) % CIFAR_RECORD:
            raise DataError(
                f"{folder / part}: {len(content)} bytes, records of {CIFAR_RECORD} belong there; fetch it again"
            )
        read.append(content.reshape(-1, CIFAR_RECORD))
    x, y = zip(*((_stream(each[:, 1:]), each[:, 0].astype(np.int64)) for each in read), strict=True)
    train_x, train_y = np.concatenate(x[:-1]), np.concatenate(y[:-1])
    return Dataset(name, train_x, train_y, x[-1], y[-1], classes=10, input_bits=8)


def _stream(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    maps = planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(maps).reshape(len(planes), -1)


def _idx_set(name: str, folder: Path) -> Dataset:
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder, f"{part}-images-idx3-ubyte", dimensions=3)
        labels = read_idx(folder, f"{part}-labels-idx1-ubyte", dimensions=1)
        if len(images) != len(labels):
            raise DataError(
                f"{folder}: {len(images)} {part} images but {len(labels)} labels; the four files must match"
            )
        parts += [images, labels]
    train_x, train_y, test_x, test_y = parts
    if train_x.shape[1:] != test_x.shape[1:]:
        sizes = " against ".join("x".join(map(str, x.shape[1:])) for x in (train_x, test_x))
        raise DataError(f"{folder}: training and test images differ in size, {sizes}; the four files must match")
    classes = int(train_y.max()) + 1
    missing = np.setdiff1d(np.arange(classes), train_y)
    if len(missing) or test_y.max() >= classes:
        raise DataError(
            f"{folder}: training labels reach {classes - 1} and leave out {missing.tolist()}, test labels reach "
            f"{test_y.max()}; labels must be 0 .. classes - 1 and all occur in the training set"
        )
    return Dataset(
        name,
        train_x.reshape(len(train_x), -1),
        train_y.astype(np.int64),
        test_x.reshape(len(test_x), -1),
        test_y.astype(np.int64),
        classes,
        input_bits=8,
    )
