"""Tables of named columns: a CSV with a column of labels, and scikit-learn's built-in sets."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .config import DataConfig, nearest
from .idx import DataError
from .samples import Samples, samples_of

SKLEARN = ("breast_cancer", "wine", "iris")
DELIMITERS = ",;\t"
MISSING = ("", "?", "na", "n/a", "nan", "null", "none")
EXACT = 1 << 53  # below it every whole number is a float


def sklearn_table(name: str) -> Samples:
    """breast_cancer (569 × 30), wine (178 × 13), iris (150 × 4); 80/20 by class."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    arrays = {"x": bunch.data, "y": bunch.target.astype(np.int64)}
    return samples_of(
        name, arrays, [str(each) for each in bunch.feature_names], [str(each) for each in bunch.target_names]
    )


def read_csv(path: Path, options: DataConfig) -> Samples:
    """One file, of which a fifth of each class becomes the test set.

    The first row names the columns; what separates them is the comma, semicolon or tab that it has most of. Labels are
    whole numbers where all of them are, else text.
    """
    table = _table(path, options)
    return samples_of(str(path), {"x": table.x, "y": _labels(path, table.labels)}, table.features)


def read_csv_pair(folder: Path, options: DataConfig) -> Samples:
    """train.csv and test.csv, of the same columns."""
    train, test = (_table(folder / f"{part}.csv", options) for part in ("train", "test"))
    if train.features != test.features:
        other = sorted(set(train.features) ^ set(test.features)) or "their order"
        raise DataError(f"{folder}: train.csv and test.csv differ in columns, in {other}; write the same into both")
    y = _labels(folder, train.labels + test.labels)
    arrays = {"train_x": train.x, "train_y": y[: len(train.x)], "test_x": test.x, "test_y": y[len(train.x) :]}
    return samples_of(str(folder), arrays, train.features)


@dataclass(frozen=True, eq=False)
class _Table:
    """(n, features) numbers, int64 where all are whole; and n labels."""

    x: NDArray
    labels: list[str]
    features: tuple[str, ...]


def _table(path: Path, options: DataConfig) -> _Table:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            rows = csv.reader(file, delimiter=max(DELIMITERS, key=head.count), skipinitialspace=True, strict=True)
            return _read(path, ((rows.line_num, row) for row in rows if row), options)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: no text in UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}: no CSV ({error}); save it as CSV with a header") from None


def _read(path: Path, rows: Iterator[tuple[int, list[str]]], options: DataConfig) -> _Table:
    columns = [name.strip() for name in next(rows, (1, []))[1]]
    label, inputs = _columns(path, columns, options)
    numbers, labels = array("d"), list[str]()
    for line, row in rows:
        if len(row) != len(columns):
            raise DataError(
                f"{path}, line {line}: {len(row)} cells, the header has {len(columns)} columns; write as many"
            )
        try:
            numbers.extend([float(row[column]) for column in inputs])
        except ValueError:
            raise DataError(_no_number(path, line, row, columns, inputs)) from None
        if not (named := row[label].strip()):
            raise DataError(f"{path}, line {line}: no {columns[label]} in it; label the sample or leave it out")
        labels.append(named)
    if not labels:
        raise DataError(f"{path}: a header of {len(columns)} columns and no sample below it; put samples there")
    x = np.frombuffer(numbers, np.float64).reshape(len(labels), len(inputs))
    whole = np.isfinite(x).all() and (np.abs(x) < EXACT).all() and np.array_equal(x, np.trunc(x))
    return _Table(x.astype(np.int64) if whole else x, labels, tuple(columns[column] for column in inputs))


def _columns(path: Path, columns: Sequence[str], options: DataConfig) -> tuple[int, list[int]]:
    """Numbers of the column of labels, and of those that are inputs."""
    if columns and all(_is_number(name) for name in columns):
        raise DataError(f"{path}: its first line holds numbers, {columns[0]}, …; write a header of column names there")
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise DataError(f"{path}: column {twice[0]!r} is there {columns.count(twice[0])} times; name each column once")
    for key, name in (("label", options.label), *(("ignore", name) for name in options.ignore)):
        if name not in columns:
            raise DataError(
                f"{path}: no column {name!r} among {len(columns)}; {nearest(name, columns)}; `{key}` in [data] names it"
            )
    inputs = [at for at, name in enumerate(columns) if name != options.label and name not in options.ignore]
    if not inputs:
        raise DataError(f"{path}: beside {options.label!r} no column is left to be an input; its columns are {columns}")
    return columns.index(options.label), inputs


def _no_number(path: Path, line: int, row: Sequence[str], columns: Sequence[str], inputs: Sequence[int]) -> str:
    column = next(column for column in inputs if not _is_number(row[column]))
    place, cell = f"{path}, line {line}: {columns[column]}", row[column].strip()
    if cell.lower() in MISSING:
        return f"{place} is missing ({cell!r}); fill it, leave the sample out, or the column with `ignore` in [data]"
    return f"{place} is {cell!r}, no number; write it as numbers, or leave the column out with `ignore` in [data]"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _labels(path: Path, labels: Sequence[str]) -> NDArray:
    try:
        return np.array([int(each) for each in labels], np.int64)
    except (ValueError, OverflowError):
        pass
    if all(map(_is_number, labels)):
        first = next(each for each in labels if not each.lstrip("+-").isdecimal())
        raise DataError(
            f"{path}: labels are quantities, such as {first}; a net here answers classes: write classes there"
        )
    return np.array(labels)
