"""Samples of a user's own are read from every kind of file, and what is wrong with them is one line."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch
from bitneck.models.config import DataConfig
from bitneck.models.datasets import DataError, dataset, load
from bitneck.models.own_data import arrays_of
from bitneck.models.samples import samples_of
from sklearn.datasets import load_iris
from torch.utils.data import TensorDataset

RNG = np.random.default_rng(3)
X, Y = RNG.integers(0, 16, (50, 4)), np.arange(50) % 3
FOUR = {"train_x": X[:40], "train_y": Y[:40], "test_x": X[40:], "test_y": Y[40:]}
TABLE = "height,kind,width\n" + "".join(f"{row[0]},{'abc'[y]},{row[1]}\n" for row, y in zip(X, Y, strict=True))
KIND = DataConfig(label="kind")


def bits_of(data):
    return {name: getattr(data, name) for name in FOUR}


def same(one, other):
    return all(np.array_equal(bits_of(one)[name], bits_of(other)[name]) for name in FOUR)


def test_an_archive_is_found_by_its_path_and_by_its_name_and_is_what_a_folder_of_arrays_is(tmp_path, monkeypatch):
    np.savez(tmp_path / "mine.npz", **FOUR)
    (tmp_path / "folder").mkdir()
    for name, array in FOUR.items():
        np.save(tmp_path / "folder" / f"{name}.npy", array)
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    by_path = load(str(tmp_path / "mine.npz"))
    assert np.array_equal(by_path.test_x, X[40:])
    assert (by_path.classes, by_path.input_bits, by_path.taken.classes) == (3, 4, ("0", "1", "2"))
    for name, data_dir in (
        ("mine", tmp_path),
        ("mine.npz", tmp_path),
        ("folder", tmp_path),
        ("mine", tmp_path / "folder"),
    ):
        assert load(name, data_dir).sha256 == by_path.sha256
    monkeypatch.chdir(tmp_path)
    assert load("mine.npz").sha256 == load("folder").sha256 == by_path.sha256


def test_colours_of_a_pixel_stay_together_whichever_way_round_they_are_kept():
    images = RNG.integers(0, 256, (50, 6, 5, 3)).astype(np.uint8)
    last, first, grey = (
        samples_of("here", {"train_x": each, "train_y": Y, "test_x": each, "test_y": Y})
        for each in (images, np.moveaxis(images, 3, 1), images[..., 0])
    )
    assert np.array_equal(last.train_x, first.train_x)
    assert last.train_x[0, :6].tolist() == images[0, 0, :2].ravel().tolist()
    assert (last.shape, first.shape) == ((6, 5, 3), (6, 5, 3))
    assert grey.train_x[0].tolist() == images[0, :, :, 0].ravel().tolist()
    assert dataset("a", grey).input_bits == 8


def test_a_set_without_a_test_part_is_split_by_class_the_same_way_every_time():
    one, other = (samples_of("here", {"x": X, "y": Y}) for _ in range(2))
    assert one.split
    assert np.array_equal(one.test_x, other.test_x)
    assert np.bincount(one.test_y).tolist() == [4, 3, 3]
    assert len(one.train_x) + len(one.test_x) == 50


def test_classes_are_what_occurs_in_sorted_order():
    for labels, names in ((Y - 1, ("-1", "0", "1")), (np.array(["c", "a", "b"])[Y], ("a", "b", "c"))):
        samples = samples_of("here", {"x": X, "y": labels})
        assert samples.classes == names
        assert samples.train_y.max() == 2


def test_a_csv_is_read_by_its_header(tmp_path):
    path = tmp_path / "plants.csv"
    path.write_text(TABLE)
    made = load(str(path), None, KIND)
    assert made.taken.classes == ("a", "b", "c")
    assert same(made, dataset("x", samples_of("x", {"x": X[:, :2], "y": Y})))
    path.write_text("\ufeff" + TABLE.replace(",", "; "), encoding="utf-8")
    assert load("plants", tmp_path, KIND).sha256 == made.sha256
    assert load("plants", tmp_path, DataConfig(label="kind", ignore=("width",))).features == 1
    (tmp_path / "two").mkdir()
    lines = TABLE.splitlines()
    (tmp_path / "two" / "train.csv").write_text("\n".join(lines[:41]))
    (tmp_path / "two" / "test.csv").write_text("\n".join([lines[0], *lines[41:]]))
    assert np.array_equal(load("two", tmp_path, KIND).test_x, X[40:, :2])


@pytest.mark.parametrize(("name", "shape", "classes"), [("breast_cancer", 30, 2), ("wine", 13, 3), ("iris", 4, 3)])
def test_sets_of_scikit_learn_need_no_files(name, shape, classes, monkeypatch):
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    data = load(name, None, bits=6)
    assert (data.features, data.classes, data.input_bits) == (shape, classes, 6)
    assert data.sha256 == load(name, None, bits=6).sha256 != load(name, None, bits=5).sha256
    assert len(data.taken.loss.features) == shape


def test_names_of_scikit_learns_classes_are_recorded():
    assert load("iris").taken.classes == tuple(map(str, load_iris().target_names))


def test_python_hands_over_arrays_tensors_and_torch_datasets():
    due = samples_of("due", FOUR)
    tensors = {name: torch.from_numpy(array) for name, array in FOUR.items()}
    train, test = (TensorDataset(tensors[f"{part}_x"], tensors[f"{part}_y"]) for part in ("train", "test"))
    for data in (FOUR, tuple(FOUR.values()), tensors, (train, test), [train, test], dataset("own", due)):
        assert same(samples_of("given", arrays_of(data)), due)
    lists = (X.tolist(), Y.tolist())
    whole = samples_of("due", {"x": X, "y": Y})
    for data in ((X, Y), lists, TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))):
        assert same(samples_of("given", arrays_of(data)), whole)
    text = np.array(["a", "b", "c"], dtype=object)[Y]
    assert samples_of("given", arrays_of((X, text))).classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (5, "data is a int; give"),
        ((X, Y, X), "data is a tuple; give"),
        (TensorDataset(torch.zeros(4, 2)), "item 0 of a TensorDataset is a tuple; .sample, label. is due"),
        (([[1, 2], [3]], [0, 1]), "x is no array"),
        ((np.array([{}, {}]), [0, 1]), r"x is \(2,\) object"),
    ],
)
def test_what_is_no_data_is_named(data, said):
    with pytest.raises(DataError, match=said):
        arrays_of(data)


def put(**changes):
    return {**FOUR, **changes}


def holed(value):
    x = X[:40].astype(np.float32)
    x[7, 2] = value
    return x


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"train_x": X}, "holds train_x; train_x, train_y, test_x, test_y belong there, or x and y"),
        ({"images": X}, "holds images; "),
        (put(train_x=holed(np.nan)),
         "train_x is 40x4 float32 with 1 values missing or infinite, the first nan in sample 7, feature 2"),
        (put(train_x=holed(-np.inf)), "the first -inf in sample 7, feature 2; fill them"),
        (put(train_x=X[:40].astype(str)), "train_x is 40x4 <U21; numbers belong there"),
        (put(train_x=X[:40].astype(complex)), "complex128; numbers belong there"),
        (put(train_x=X[:40, 0]), r"train_x is 40 int64; \(samples, features\) belongs there: .*reshape"),
        (put(train_x=X[:0]), "train_x is 0x4 int64, no number in it"),
        (put(test_x=X[:0], test_y=Y[:0]), "test_x is 0x4 int64, no number in it"),
        (put(train_x=X[:39]), "train_x holds 39 samples but train_y 40"),
        (put(test_x=X[40:, :3]), "a sample of train_x is 4, one of test_x 3"),
        (put(train_y=np.eye(3, dtype=int)[Y[:40]]), r"train_y is 40x3 int64, one-hot; .*argmax\(axis=1\)"),
        (put(train_y=np.ones((40, 3))), "train_y is 40x3 float64, several labels a sample"),
        (put(train_y=Y[:40, None]), r"train_y is 40x1 int64; .*ravel\(\)"),
        (put(train_y=Y[:40] / 2), "train_y is 40 float64; classes are whole numbers or text: astype"),
        (put(test_y=np.full(10, 7)), r"class 7 occurs in the test set alone \(10 of 10 samples\)"),
        (put(test_y=np.full(10, "a")), "train_y is int64, test_y <U1"),
        (put(train_y=0 * Y[:40], test_y=0 * Y[40:]), "every one of the 40 training labels is 0; two classes"),
        ({"x": X, "y": np.where(np.arange(50) == 9, 5, Y)}, "class 5 has 1 of 50 samples"),
        ({"x": X[:6], "y": Y[:6]}, "6 samples of 3 classes cannot be split 80/20"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_samples_are_one_line_with_the_place_the_shape_and_the_way_out(tmp_path, arrays, said):
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(DataError, match=said) as caught:
        load("mine", tmp_path)
    assert str(tmp_path / "mine.npz") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "fetch" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind", "sort", "no column 'kind' among 3; known are height, sort, width; `label` in .data. names it"),
        ("kind", "kinds", "no column 'kind' among 3; did you mean 'kinds'"),
        ("height,kind,width", "1,2,3", "its first line holds numbers, 1, …; write a header"),
        ("height", "width", "column 'width' is there 2 times"),
        (",a,", ",a,,", "line 2: 4 cells, the header has 3 columns"),
        (",a,", ",,", "line 2: no kind in it"),
        (",b,", ",b,?", "line 3: width is '[?][0-9]+', no number"),
        ("\n", "\n\n\n", None),
        (f"a,{X[0, 1]}", "a,", r"line 2: width is missing \(''\); fill it, .*`ignore`"),
        (f"a,{X[0, 1]}", "a,NaN", "with 1 values missing or infinite, the first nan in sample 0, feature width"),
        (f"a,{X[0, 1]}", "a,1e999", "the first inf in sample 0, feature width"),
        (f"a,{X[0, 1]}", "a,n/a", r"line 2: width is missing \('n/a'\)"),
        (f"a,{X[0, 1]}", "a,Paris", "line 2: width is 'Paris', no number; .*`ignore`"),
        (TABLE[18:], "", "a header of 3 columns and no sample below it"),
        (TABLE, "kind\na\nb\n", "beside 'kind' no column is left"),
        (TABLE, "", "no column 'kind' among 0"),
    ],
)
def test_a_csv_that_is_no_table_is_one_line_with_the_place_and_the_way_out(tmp_path, old, new, said):
    assert old in TABLE
    (tmp_path / "mine.csv").write_text(TABLE.replace(old, new, 1))
    if said is None:
        assert load("mine", tmp_path, KIND).features == 2
        return
    with pytest.raises(DataError, match=said) as caught:
        load("mine", tmp_path, KIND)
    assert str(tmp_path / "mine.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_quantities_are_no_classes(tmp_path):
    (tmp_path / "mine.csv").write_text("a,label\n" + "".join(f"{n},{n / 4}\n" for n in range(9)))
    with pytest.raises(DataError, match=r"labels are quantities, such as 0.0; a net here answers classes"):
        load("mine", tmp_path)


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trapped",)


def test_objects_in_files_are_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trap = np.array([Trap()] * 40, dtype=object)
    np.savez("mine.npz", **put(train_y=trap))
    (tmp_path / "folder").mkdir()
    np.save("folder/train_x.npy", trap)
    for name in ("mine", "folder"):
        with pytest.raises(DataError, match="an array of objects, not opened"):
            load(name, tmp_path)
    (tmp_path / "pickled.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match=r"pickled.npz: \d+ bytes that are no .npz"):
        load("pickled", tmp_path)
    assert not (tmp_path / "trapped").exists()


def test_a_damaged_file_is_one_line(tmp_path):
    np.savez(tmp_path / "mine.npz", **FOUR)
    content = bytearray((tmp_path / "mine.npz").read_bytes())
    content[200] ^= 255
    (tmp_path / "mine.npz").write_bytes(content)
    np.save(tmp_path / "train_x.npy", X)
    (tmp_path / "train_x.npy").write_bytes((tmp_path / "train_x.npy").read_bytes()[:-9])
    for name, said in (("mine", "numpy.save"), ("nothing", "damaged, or no array")):
        with pytest.raises(DataError, match=said) as caught:
            load(name, tmp_path)
        assert "\n" not in str(caught.value)


def test_a_name_that_is_nowhere_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    with pytest.raises(DataError, match="no such file or folder, seen from"):
        load("nowhere.csv")
    with pytest.raises(DataError, match="no such file or folder, nor is it in"):
        load("nowhere.csv", tmp_path)
    with pytest.raises(DataError, match="did you mean 'wine'"):
        load("wines")
    (tmp_path / "mine.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"mine.parquet: no kind of file that is read; .npz or .csv, or a folder"):
        load("mine.parquet", tmp_path)
    with pytest.raises(DataError, match="digits is embedded and taken as it is"):
        load("digits", None, DataConfig(rule="range"))
