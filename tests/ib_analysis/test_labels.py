"""Labels as anybody has them: every spelling gives the same numbers; what is no label is refused with the way out."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from bitneck.ib_analysis.codes import CodesError
from bitneck.ib_analysis.labels import label_numbers
from bitneck.ib_analysis.plane import plane
from bitneck.ib_analysis.symbols import label_symbols

Y = np.random.default_rng(0).integers(0, 4, 200)
WORDS = np.array(["cat", "dog", "eel", "fox"])[Y]
SPELLINGS = {
    "list": Y.tolist(),
    "int8": Y.astype(np.int8),
    "shifted": Y - 2,
    "whole floats": Y.astype(np.float32),
    "large whole floats": Y * 1e300,
    "words": WORDS,
    "words as objects": WORDS.astype(object),
    "bytes": WORDS.astype("S"),
    "Series": pandas.Series(WORDS),
    "Categorical": pandas.Categorical(WORDS),
    "one-hot": np.eye(4)[Y],
    "one-hot, bool": np.eye(4, dtype=bool)[Y],
    "one-hot, DataFrame": pandas.get_dummies(pandas.Series(WORDS)),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_labels_has_the_same_symbols(spelling):
    assert label_symbols(SPELLINGS[spelling]).ids.tolist() == label_symbols(Y).ids.tolist()


def test_truth_values_are_two_labels():
    assert label_symbols(Y > 1).ids.tolist() == label_symbols((Y > 1).astype(int)).ids.tolist()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 0.5, 1], r"got 0.5 in sample 1; a real number is no label: round it, .*numpy.digitize"),
        ([0, np.nan], r"got nan in sample 1"),
        ([0, np.inf], r"got inf in sample 1"),
        (["a", None], r"objects such as None; give all labels one type, without gaps"),
        (pandas.Series(["a", np.nan]), r"objects such as nan; .*without gaps"),
        (Y[:, None], r"got \(200, 1\) int64; take its one column, labels\[:, 0\]"),
        (WORDS[:, None].repeat(2, axis=1), r"got \(200, 2\) <U3; give one label a sample"),
        (np.eye(4)[Y][:, :, None], r"got \(200, 4, 1\) float64; flatten"),
        ([[1, 0], [1, 1]], r"exactly one 1 a row, got 2 in sample 1; .*labels\[:, j\]"),
        ([[1, 0], [0, 0]], r"exactly one 1 a row, got 0 in sample 1"),
        ([[1, 0], [0.2, 0.8]], r"got 0.2 in sample 1, column 0; of scores take scores.argmax\(axis=1\)"),
        ([[0, 1], [1]], r"^labels need \(n,\) integers"),
        ([1j, 2], r"got complex128"),
    ],
)
def test_what_is_no_label_is_refused_in_a_line_with_the_way_out(labels, said):
    with pytest.raises(CodesError, match=said) as error:
        label_numbers(labels)
    assert "\n" not in str(error.value)


def test_a_plane_is_the_same_whatever_its_labels_are_called():
    bits = {"dense1": np.random.default_rng(1).random((200, 5)) < 0.5}
    assert plane(bits, WORDS) == plane(bits, np.eye(4)[Y]) == plane(bits, Y)
