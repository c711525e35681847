import gzip
import hashlib
import os
import struct
from dataclasses import replace

import numpy as np
import pytest
from bitneck.models.config import DataConfig
from bitneck.models.datasets import TWELVE_SHA256, DataError, Dataset, load
from pydantic import ValidationError

RNG = np.random.default_rng(5)
IMAGES = {"train": RNG.integers(0, 256, (30, 4, 4), np.uint8), "t10k": RNG.integers(0, 256, (9, 4, 4), np.uint8)}
LABELS = {"train": np.arange(30, dtype=np.uint8) % 3, "t10k": np.arange(9, dtype=np.uint8) % 3}
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(array, magic=None):
    return struct.pack(f">{1 + array.ndim}I", magic or 0x0800 | array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """A folder that holds a small but whole IDX set under the name `tiny`, uncompressed."""
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    for part in IMAGES:
        (tiny / f"{part}-images-idx3-ubyte").write_bytes(idx(IMAGES[part]))
        (tiny / f"{part}-labels-idx1-ubyte").write_bytes(idx(LABELS[part]))
    return tiny


def test_the_twelve_bit_set_is_the_published_one():
    data = load("twelve")
    x, y = data.all()
    number = x @ (1 << np.arange(11, -1, -1))
    assert sorted(number) == list(range(4096))
    in_order = y[np.argsort(number)].astype(np.uint8)
    assert hashlib.sha256(in_order.tobytes()).hexdigest() == TWELVE_SHA256
    assert in_order.sum() == 2118
    p = 2118 / 4096
    assert -p * np.log2(p) - (1 - p) * np.log2(1 - p) == pytest.approx(0.9991571, abs=1e-7)
    assert data.input_bits == 1
    assert (len(data.train_x), len(data.test_x)) == (3276, 820)


def test_the_best_popcount_threshold_is_right_on_875_of_1000_of_the_twelve_bit_set():
    x, y = load("twelve").all()
    best = max(((x.sum(axis=1) >= threshold) == y).mean() for threshold in range(13))
    assert round(best, 3) == 0.875


def test_digits_are_five_bit_pixels_split_the_same_way_every_time():
    data = load("digits")
    assert (data.train_x.shape, data.test_x.shape) == ((1437, 64), (360, 64))
    assert data.train_x.max() == 16
    assert data.sha256 == load("digits").sha256
    assert np.ptp(np.bincount(data.test_y)) <= 3


def test_the_digest_sees_a_single_changed_label():
    data = load("digits")
    labels = data.test_y.copy()
    labels[0] = (labels[0] + 1) % 10
    other = Dataset("digits", data.train_x, data.train_y, data.test_x, labels, 10, 5)
    assert other.sha256 != data.sha256


def test_idx_files_are_read_plain_or_gzipped_from_the_named_folder_or_the_folder_itself(folder):
    plain = load("tiny", folder.parent)
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    zipped = load("tiny", folder)
    assert np.array_equal(plain.train_x, IMAGES["train"].reshape(30, 16))
    assert np.array_equal(plain.test_y, LABELS["t10k"])
    assert (plain.classes, plain.input_bits) == (3, 8)
    assert plain.sha256 == zipped.sha256


def test_the_environment_says_where_the_files_lie_and_the_argument_wins(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("BITNECK_DATA", str(folder.parent))
    assert len(load("tiny").train_x) == 30
    with pytest.raises(DataError, match="nowhere"):
        load("tiny", tmp_path / "nowhere")


def test_without_a_folder_the_way_out_is_named(monkeypatch):
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    with pytest.raises(DataError, match=r"did you mean 'digits'.*--data-dir or BITNECK_DATA"):
        load("digit")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN_IMAGES, None, "neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz is here"),
        (TRAIN_IMAGES, b"", "0 bytes, too short for the 16 bytes"),
        (TRAIN_IMAGES, idx(IMAGES["train"])[:-1], "cut short, 30 x 4 x 4 = 480 bytes announced but 479 follow"),
        (TRAIN_IMAGES, idx(IMAGES["train"]) + b"\0", "too long, 30 x 4 x 4 = 480 bytes announced but 481 follow"),
        (TRAIN_IMAGES, idx(IMAGES["train"], magic=0x0D03), "magic number 0x00000d03 .* have 0x00000803"),
        (TRAIN_IMAGES, idx(LABELS["train"]), "magic number 0x00000801 .* have 0x00000803"),
        (TRAIN_LABELS, idx(IMAGES["train"]), "magic number 0x00000803 .* have 0x00000801"),
        (TRAIN_IMAGES, gzip.compress(idx(IMAGES["train"]))[:-9], "damaged gzip of [0-9]+ bytes"),
        (TRAIN_IMAGES, gzip.compress(idx(IMAGES["train"]))[:-8] + b"damaged!", "damaged gzip of [0-9]+ bytes"),
        (TRAIN_IMAGES, gzip.compress(b"")[:10] + b"\xff" * 40, "damaged gzip of 50 bytes"),
        (TRAIN_IMAGES, idx(IMAGES["train"][:0]), "0 x 4 x 4 elements, an empty data set"),
        (TRAIN_IMAGES, idx(IMAGES["train"][:29]), "29 train images but 30 labels"),
        (TRAIN_IMAGES, idx(IMAGES["train"][:, :3]), "differ in size, 3x4 against 4x4"),
        (TRAIN_LABELS, idx(LABELS["train"] % 2), "training labels reach 1 and leave out .*test labels reach 2"),
        (TRAIN_LABELS, idx(LABELS["train"] * 2), r"training labels reach 4 and leave out \[1, 3\]"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,  # bytes make no readable name
)
def test_a_damaged_set_gets_one_clear_error(folder, name, content, message):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load("tiny", folder.parent)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_constructed_is_valid():
    x, y = np.zeros((4, 2), np.uint8), np.zeros(4, np.int64)
    with pytest.raises(DataError, match="wide, test set: input 2 does not fit in 1 bits"):
        Dataset("wide", x, y, x + 2, y, 2, 1)
    with pytest.raises(DataError, match=r"labels 0 \.\. 0, but classes are 0 \.\. -1"):
        Dataset("none", x, y, x, y, 0, 1)
    with pytest.raises(DataError, match="4 samples need as many int64 labels"):
        Dataset("short", x, y[:3], x, y, 2, 1)
    with pytest.raises(DataError, match=r"must be \(n, 2\) uint8"):
        Dataset("float", x, y, x.astype(float), y, 2, 1)


@pytest.mark.skipif("BITNECK_DATA" not in os.environ, reason="BITNECK_DATA names no folder with MNIST's four IDX files")
def test_mnist_is_the_original():
    data = load("mnist")
    assert (data.train_x.shape, data.test_x.shape, data.classes) == ((60000, 784), (10000, 784), 10)
    assert np.bincount(data.train_y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_a_net_may_take_some_of_the_inputs():
    data, columns = load("digits-twice"), [3, 9, 64 + 3, 64 + 9]
    few = load("digits-twice", options=DataConfig(inputs=(3, 9)))
    assert (few.pixels, few.copies, few.features) == (2, 2, 4)
    assert np.array_equal(few.test_x, data.test_x[:, columns])
    assert np.array_equal(few.whole, data.train_x[:, :64])
    assert few.square
    others = replace(few, whole=few.whole[::-1])  # moved images would bring in other pixels
    assert len({few.sha256, data.sha256, others.sha256}) == 3


def test_inputs_that_there_are_not_and_that_do_not_rise_are_refused():
    with pytest.raises(DataError, match="input 64 is asked for, and there are 64"):
        load("digits", options=DataConfig(inputs=(0, 64)))
    with pytest.raises(DataError, match="but for inputs"):
        load("digits", options=DataConfig(copies=2, inputs=(0,)))
    with pytest.raises(ValidationError, match="3 stands behind one that is no less"):
        DataConfig(inputs=(5, 3))
