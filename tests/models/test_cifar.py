"""CIFAR-10's batches, binary or of Python, are the same set; a pickle that holds anything else is not opened."""

from __future__ import annotations

import os
import pickle
import sys

import numpy as np
import pytest
from bitneck.models.datasets import DataError, load

RNG = np.random.default_rng(11)
NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
PLANES = {name: RNG.integers(0, 256, (8, 3, 32, 32)).astype(np.uint8) for name in NAMES}
LABELS = {name: RNG.integers(0, 10, 8) for name in NAMES}


@pytest.fixture
def folder(tmp_path):
    for kind in ("binary", "python"):
        (tmp_path / kind).mkdir()
    for name in NAMES:
        rows = np.concatenate([LABELS[name][:, None].astype(np.uint8), PLANES[name].reshape(8, -1)], axis=1)
        (tmp_path / "binary" / f"{name}.bin").write_bytes(rows.tobytes())
        batch = {b"batch_label": b"one", b"labels": LABELS[name].tolist(), b"data": PLANES[name].reshape(8, -1)}
        (tmp_path / "python" / name).write_bytes(pickle.dumps(batch, protocol=2))
    return tmp_path


def test_both_versions_are_the_same_set_row_by_row_with_the_colours_of_a_pixel_together(folder):
    binary, python = (load(name, folder) for name in ("binary", "python"))
    assert binary.sha256 == python.sha256
    assert np.array_equal(binary.test_y, LABELS["test_batch"])
    assert binary.train_x[8, 3:6].tolist() == PLANES["data_batch_2"][0, :, 0, 1].tolist()
    assert (binary.features, binary.classes, binary.input_bits) == (3072, 10, 8)
    assert binary.taken.classes[3] == "cat"


@pytest.mark.parametrize(("kind", "unpacked"), [("binary", "cifar-10-batches-bin"), ("python", "cifar-10-batches-py")])
@pytest.mark.parametrize("place", [".", "cifar10"])
def test_an_archive_may_lie_as_it_was_unpacked(folder, kind, unpacked, place):
    due = load(kind, folder).sha256
    (folder / "data" / place).mkdir(parents=True)
    (folder / kind).rename(folder / "data" / place / unpacked)
    assert load("cifar10", folder / "data").sha256 == due


def test_batches_as_python_2_wrote_them_are_read(folder):
    """Protocol 2 with text for bytes and the old name of numpy's modules, as in the archive of 2009."""
    path = folder / "python" / "test_batch"
    due = load("python", folder).sha256
    path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert load("python", folder).sha256 == due
    raw = PLANES["test_batch"].tobytes()
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR(I1\n(I8\nI3072\nt"
    kind = b"cnumpy\ndtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntb"
    data = array + kind + b"I00\nT" + len(raw).to_bytes(4, "little") + raw + b"tb"
    labels = b"(l" + b"".join(b"I%d\na" % label for label in LABELS["test_batch"])
    path.write_bytes(b"\x80\x02}(U\x04data" + data + b"U\x06labels" + labels + b"u.")
    assert load("python", folder).sha256 == due


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trapped",)


class Codec:
    def __reduce__(self):
        import codecs

        return codecs.encode, ("x", "zlib_codec")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Trap(), rf"test_batch: it asks for {os.mkdir.__module__}.mkdir, which no batch of CIFAR-10 needs"),
        (Codec(), "it asks for the codec 'zlib_codec'"),
        (sys, None),
        ({b"data": np.zeros((8, 3072)), b"labels": [0] * 8},
         r"data must be \(n, 3072\) uint8, got \(8, 3072\) float64"),
        ({b"data": np.zeros((8, 9), np.uint8), b"labels": [0] * 8}, r"got \(8, 9\) uint8"),
        ({b"data": PLANES["test_batch"].reshape(8, -1), b"labels": [0] * 7},
         r"8 images need as many whole labels, got \(7,\)"),
        ({b"data": PLANES["test_batch"].reshape(8, -1), b"labels": [99] * 8},
         r"labels 99 \.\. 99, those of CIFAR-10 are"),
        ({b"labels": [0] * 8}, "no batch of CIFAR-10 .KeyError: b'data'.; fetch the file again"),
        (b"a batch", "no batch of CIFAR-10"),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_not_opened_and_named(folder, held, said, monkeypatch):
    monkeypatch.chdir(folder)
    path = folder / "python" / "test_batch"
    path.write_bytes(path.read_bytes()[:999] if said is None else pickle.dumps(held, protocol=2))
    with pytest.raises(DataError, match=said or "no batch of CIFAR-10 .*fetch the file again") as caught:
        load("python", folder)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder / "trapped").exists()


def test_a_missing_or_cut_batch_is_one_line(folder):
    path = folder / "binary" / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        DataError, match=r"data_batch_3\.bin: 24583 bytes, records of 3073 belong there; fetch the file"
    ):
        load("binary", folder)
    path.unlink()
    with pytest.raises(DataError, match=r"data_batch_3\.bin of CIFAR-10's six batches not here; put all of them there"):
        load("binary", folder)
