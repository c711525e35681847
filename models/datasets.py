"""Labelled samples as unsigned integers: embedded sets, and whatever lies in files of a user."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..plugins import Plugins
from . import cifar, label_rules
from .config import DataConfig, Rule, nearest
from .idx import DataError, read_idx
from .modulation import CONSTELLATIONS, TESTED, TRAINED, bursts
from .own_data import arrays_of, has_npy, read_npy, read_npz
from .quantisation import Loss, Quantiser, fitted, loss
from .samples import Samples, samples_of, split
from .tables import SKLEARN, read_csv, read_csv_pair, sklearn_table

ENVIRONMENT = "BITNECK_DATA"
FLOAT_BITS = 5  # that floats are cut to where nobody says how many bits a net takes
TWELVE_SHA256 = "77732f16f85e91b49d3997196b56163b3bd362d8cf631468a8de3f986e88359f"


@dataclass(frozen=True)
class Taken:
    """How samples of a user's own became a data set.

    classes   their names, in the order of their numbers
    shape     of one sample as it was kept
    split     whether the test samples were drawn here, a fifth of each class
    loss      what cuts made equal; None where whole numbers were taken as they are
    """

    dataset: str
    train: int
    test: int
    shape: tuple[int, ...]
    bits: int
    copies: int
    classes: tuple[str, ...]
    split: bool
    loss: Loss | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples with integer inputs.

    train_x, test_x   (n, features) uint8, 0 .. 2^input_bits - 1
    train_y, test_y   (n,) int64, 0 .. classes - 1
    copies            how often each pixel is shown: x is that many equal blocks side by side, so that a net, which cuts
                      every input once, may cut a pixel at several levels
    inputs, whole     where some inputs were left out: numbers of those that stayed, and (n, pixels) the training
                      samples before, for whoever moves them
    """

    name: str
    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]
    classes: int
    input_bits: int
    copies: int = 1
    taken: Taken | None = None
    quantiser: Quantiser | None = None
    inputs: tuple[int, ...] | None = None
    whole: NDArray[np.uint8] | None = None

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

    @property
    def square(self) -> bool:
        """Whether a sample is (or was) a grey image as high as wide; where its shape is not known, by its length."""
        if self.taken is None:
            pixels = self.pixels if self.whole is None else self.whole.shape[1]
            return math.isqrt(pixels) ** 2 == pixels
        height, *width = self.taken.shape
        return width in ([height], [height, 1])

    def learning(self, rows: NDArray) -> Dataset:
        """Of its training samples these alone."""
        whole = None if self.whole is None else self.whole[rows]
        return replace(self, train_x=self.train_x[rows], train_y=self.train_y[rows], whole=whole)

    def columns(self, pixels: ArrayLike) -> NDArray[np.int64]:
        """Where all copies of these pixels stand among the features, copy by copy."""
        return (np.arange(self.copies)[:, None] * self.pixels + np.asarray(pixels)).ravel()

    def of_inputs(self, inputs: Sequence[int] | None) -> Dataset:
        """With these pixels alone, by number, rising; of None as it is. Raises DataError of one that there is not."""
        if inputs is None:
            return self
        if max(inputs) >= self.pixels:
            raise DataError(
                f"{self.name}: input {max(inputs)} is asked for, and there are {self.pixels}, from 0 on; leave out of "
                "[data] inputs what is not there"
            )
        columns = self.columns(inputs)
        train_x, test_x = (np.ascontiguousarray(x[:, columns]) for x in (self.train_x, self.test_x))
        whole = self.train_x[:, : self.pixels]
        return replace(self, train_x=train_x, test_x=test_x, inputs=tuple(inputs), whole=whole)

    def all(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Every sample and its label: the training set, then the test set."""
        return np.concatenate([self.train_x, self.test_x]), np.concatenate([self.train_y, self.test_y])

    @cached_property
    def sha256(self) -> str:
        """Over the decoded arrays, not the files, so that gzip and plain files of the same data agree.

        In the order train_x, train_y, test_x, test_y, and `whole` where there is one: a line "shape dtype", then the
        little-endian bytes in C order.
        """
        digest = hashlib.sha256()
        arrays: list[NDArray] = [self.train_x, self.train_y, self.test_x, self.test_y]
        for array in arrays if self.whole is None else [*arrays, self.whole]:
            digest.update(f"{'x'.join(map(str, array.shape))} {array.dtype.name}\n".encode())
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def load(
    name: str,
    data_dir: Path | str | None = None,
    options: DataConfig = DataConfig(),  # noqa: B008  frozen
    bits: int | None = None,
) -> Dataset:
    """The data set of this name; the same name, files and options give the same arrays in the same order.

    name       `digits`, `digits-twice`, `modulation`, `twelve`, scikit-learn's `breast_cancer`, `wine` and `iris`, and
               what was added to DATASETS need no files. Any other is a folder data_dir/name, a file data_dir/name.npz
               or .csv, or a path; or, where there is none of these, data_dir itself. In a folder lie four IDX files,
               plain or .gz; CIFAR-10's six batches, binary or of Python; train_x.npy and its three like; or train.csv
               and test.csv
    data_dir   falls back to the environment variable BITNECK_DATA
    options    which columns are what, and by which rule numbers are cut; see `DataConfig`
    bits       that a net takes of each input; by default what whole numbers need (8 where images are bytes), and
               FLOAT_BITS for floats

    Raises DataError with the path, the numbers and the way out.
    """
    if name in EMBEDDED:
        if options.model_copy(update={"inputs": None}) != DataConfig():
            raise DataError(
                f"{name} is embedded and taken as it is; leave its options ([data] in a run.toml) out, but for inputs"
            )
        return EMBEDDED[name]().of_inputs(options.inputs)
    if name in DATASETS:
        samples = samples_of(f"data set {name!r} of {DATASETS.origin(name)}", arrays_of(DATASETS[name]()))
    else:
        samples = sklearn_table(name) if name in SKLEARN else _samples(_place(name, data_dir), options)
    return dataset(name, samples, options, bits)


def dataset(
    name: str,
    samples: Samples,
    options: DataConfig = DataConfig(),  # noqa: B008  frozen
    bits: int | None = None,
) -> Dataset:
    """Samples as levels, by the rule of `DataConfig`; `bits` as for `load`. Raises DataError where they do not fit."""
    parts, quantiser, lost = (samples.train_x, samples.test_x), None, None
    most = _most(parts)
    if most is not None and not most >> (bits or 8):
        image_bytes = samples.image and samples.train_x.dtype == np.uint8
        bits = bits or (8 if image_bytes else max(1, most.bit_length()))
        train_x, test_x = (part.astype(np.uint8, copy=False) for part in parts)
    else:
        rule, bits = _rule(samples, options, bits), bits or FLOAT_BITS
        quantiser = fitted(samples.train_x, bits, rule, samples.image, samples.features, samples.place)
        train_x, test_x = (quantiser(part) for part in parts)
        labels = np.concatenate([samples.train_y, samples.test_y])
        lost = loss(quantiser, parts, (train_x, test_x), labels, samples.features)
    taken = Taken(
        dataset=name,
        train=len(train_x),
        test=len(test_x),
        shape=samples.shape,
        bits=bits,
        copies=options.copies,
        classes=samples.classes,
        split=samples.split,
        loss=lost,
    )
    if options.copies > 1:
        train_x, test_x = np.tile(train_x, options.copies), np.tile(test_x, options.copies)
    whole = Dataset(
        name,
        train_x,
        samples.train_y,
        test_x,
        samples.test_y,
        len(samples.classes),
        bits,
        options.copies,
        taken,
        quantiser,
    )
    return whole.of_inputs(options.inputs)


def _most(parts: tuple[NDArray, NDArray]) -> int | None:
    """The greatest number, where all are whole and none is below 0."""
    if any(part.min() < 0 or (part.dtype.kind == "f" and not np.array_equal(part, np.trunc(part))) for part in parts):
        return None
    return int(max(part.max() for part in parts))


def _rule(samples: Samples, options: DataConfig, bits: int | None) -> Rule:
    """By which to cut. Raises DataError where whole numbers would be cut, and nobody has asked for it."""
    if options.rule is not None:
        return options.rule
    if samples.train_x.dtype.kind in "iu" and samples.test_x.dtype.kind in "iu":
        x, parts = samples.train_x, (samples.train_x, samples.test_x)
        low, high = min(part.min() for part in parts), max(part.max() for part in parts)
        wider = "" if low < 0 or high > 255 or bits is None else f"take input_bits = {int(high).bit_length()}, or "
        raise DataError(
            f"{samples.place}: {x.shape[1]} inputs of whole numbers {low} .. {high} ({x.dtype}) do not fit in "
            f"{bits or 8} bits, 0 .. {(1 << (bits or 8)) - 1}; {wider}say by which rule to cut them, "
            '`rule = "quantiles"` or "range" in [data]'
        )
    return "range" if samples.image else "quantiles"


def _place(name: str, data_dir: Path | str | None) -> Path:
    """The file or folder of a data set that is not embedded."""
    given = data_dir or os.environ.get(ENVIRONMENT)
    if given:
        root = Path(given)
        if not root.is_dir():
            raise DataError(f"{root}: no such folder; give --data-dir or {ENVIRONMENT} a folder that holds {name}/")
        for place in (root / name, root / f"{name}.npz", root / f"{name}.csv"):
            if place.exists():
                return place
    path = Path(name)
    if path.exists():
        return path
    if path.suffix or len(path.parts) > 1:
        raise DataError(
            f"{path}: no such file or folder, " + (f"nor is it in {given}" if given else f"seen from {Path.cwd()}")
        )
    if not given:
        raise DataError(
            f"{name} is no embedded data set ({nearest(name, without_files())}), and no file or folder "
            f"here; give its path, or say with --data-dir or {ENVIRONMENT} where {name}/, {name}.npz or {name}.csv lies"
        )
    return root


def _samples(place: Path, options: DataConfig) -> Samples:
    """Whatever lies there, by its name."""
    if place.is_file():
        if place.suffix not in FILES:
            raise DataError(f"{place}: no kind of file that is read; {' or '.join(FILES)}, or a folder, belong there")
        return FILES[place.suffix](place, options)
    place = next((place / name for name in cifar.ARCHIVED if (place / name).is_dir()), place)
    if (place / cifar.BINARY_TEST).exists() or (place / cifar.PYTHON_TEST).exists():
        (train_x, train_y), (test_x, test_y) = cifar.read_cifar(place)
        return Samples(str(place), train_x, train_y, test_x, test_y, CIFAR_NAMES, (), (32, 32, 3), False)
    if has_npy(place):
        return read_npy(place)
    if (place / "train.csv").exists():
        return read_csv_pair(place, options)
    return _idx_set(place)


FILES = {
    ".npz": lambda path, options: read_npz(path),
    ".csv": read_csv,
}


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

    Input i counts to i in binary, the most significant bit first; its label is that of `label_rules.twelve`.
    """
    x = (np.arange(4096)[:, None] >> np.arange(11, -1, -1) & 1).astype(np.uint8)
    y = label_rules.twelve(x)
    if hashlib.sha256(y.astype(np.uint8).tobytes()).hexdigest() != TWELVE_SHA256:
        raise AssertionError("the rule of the 12-bit set gives labels other than the published ones")
    return _split("twelve", x, y, classes=2, input_bits=1)


def modulation() -> Dataset:
    """Which of four modulations a burst of 64 signs of I and of Q is of: see `models.modulation`."""
    (train_x, train_y, _), (test_x, test_y, _) = (
        bursts(count, np.random.default_rng(seed)) for seed, count in enumerate((TRAINED, TESTED))
    )
    return Dataset("modulation", train_x, train_y, test_x, test_y, len(CONSTELLATIONS), 1)


CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
EMBEDDED = {"digits": digits, "digits-twice": digits_twice, "modulation": modulation, "twelve": twelve}
DATASETS = Plugins("data set", (*EMBEDDED, *SKLEARN))
"""Sets of others: functions that give what `arrays_of` takes, the same at every call."""


def without_files() -> tuple[str, ...]:
    """Names of the sets that lie in no folder."""
    return (*EMBEDDED, *SKLEARN, *DATASETS.names())


def _split(name: str, x: NDArray[np.uint8], y: NDArray[np.int64], classes: int, input_bits: int) -> Dataset:
    train, test = split(name, y)
    return Dataset(name, x[train], y[train], x[test], y[test], classes, input_bits)


def _idx_set(folder: Path) -> Samples:
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
    return Samples(
        str(folder),
        train_x.reshape(len(train_x), -1),
        train_y.astype(np.int64),
        test_x.reshape(len(test_x), -1),
        test_y.astype(np.int64),
        tuple(map(str, range(classes))),
        features=(),
        shape=train_x.shape[1:],
        split=False,
    )
