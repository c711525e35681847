"""A plane of anybody's arrays, and what it says of itself: a line, a table, rows, a DataFrame, a notebook's page."""

from __future__ import annotations

import base64
import re
import sys

import numpy as np
import pandas
import pytest
from bitneck.ib_analysis.codes import Codes, CodesError
from bitneck.ib_analysis.data_frame import DataFrameError
from bitneck.ib_analysis.plane import Plane, PlaneError, plane, summary

RNG = np.random.default_rng(0)
BITS = {"dense1": RNG.random((300, 7)) < 0.5, "dense2": RNG.random((300, 3)) < 0.5}
LABELS = BITS["dense1"][:, 0] + 2 * BITS["dense2"][:, 0]
DUE = plane({0: {name: Codes.pack(bits) for name, bits in BITS.items()}}, LABELS, "dataset")


@pytest.mark.parametrize(
    "spell",
    [
        lambda bits: bits,
        lambda bits: bits.astype(np.uint8),
        lambda bits: bits.astype(np.float32),
        lambda bits: np.where(bits, 1, -1),
        lambda bits: bits.tolist(),
        Codes.pack,
    ],
    ids=["bool", "0/1", "float", "±1", "list", "Codes"],
)
def test_layers_of_any_spelling_are_the_plane_of_their_codes(spell):
    layers = {name: spell(bits) for name, bits in BITS.items()}
    assert plane(layers, LABELS) == DUE
    assert plane({0: layers}, LABELS) == DUE
    assert plane(iter([(np.int64(0), layers)]), LABELS) == DUE


@pytest.mark.parametrize(
    ("codes", "error", "said"),
    [
        (BITS["dense1"], PlaneError, r"without its name; give \{\"layer\": codes\}"),
        (Codes.pack(BITS["dense1"]), PlaneError, r"without its name"),
        ([BITS], PlaneError, r"dict where an epoch and its layers belong; give"),
        ({0: BITS["dense1"]}, PlaneError, r"an epoch and its layers belong"),
        ({0: BITS, "dense1": BITS["dense1"]}, PlaneError, r"an epoch and its layers belong"),
        ({-1: BITS}, PlaneError, r"epoch -1; epochs count from 0"),
        ({0: {1: BITS["dense1"]}}, PlaneError, r"layer 1; a layer's name is a text"),
        ({"dense1": BITS["dense1"][:-1]}, PlaneError, r"dense1, epoch 0: 299 codes against 300 labels"),
        ({"dense1": BITS["dense1"][:, 0]}, CodesError, r"dense1, epoch 0: .*give array\[:, None\]"),
        ({"dense1": BITS["dense1"] * 0.5}, CodesError, r"dense1, epoch 0: codes need 0 and 1, or -1 and \+1, got 0.5"),
    ],
)
def test_what_is_no_plane_is_refused_in_a_line_with_the_way_out(codes, error, said):
    with pytest.raises(error, match=said) as found:
        plane(codes, LABELS)
    assert "\n" not in str(found.value)


def test_a_plane_is_short_as_a_value_and_a_table_when_printed(run):
    points = run(2000, (6, 3), "population")
    assert repr(points) == "Plane(2 layers, 5 epochs: population, N = 2,000)"
    assert str(points) == summary(points)
    assert (points.layers, points.epochs) == (("layer1", "layer2"), (0, 1, 2, 5, 10))
    assert points.at() == points.at(10) == tuple(point for point in points if point.epoch == 10)
    with pytest.raises(PlaneError, match=r"no point at epoch 3; choose one of \[0, 1, 2, 5, 10\]"):
        points.at(3)
    assert (repr(Plane()), str(Plane()), Plane()._repr_html_()) == ("Plane(no points)",) * 3


def test_rows_and_data_frame_say_every_number_and_no_refused_one(run):
    points = run(300, (40, 3), "population")
    rows = points.rows()
    assert [(row["epoch"], row["layer"]) for row in rows] == [(point.epoch, point.layer) for point in points]
    for row, point in zip(rows, points, strict=True):
        refused = point.i_xt.verdict.refused
        assert row["i_xt_bits"] == (None if refused else point.i_xt.bits)
        assert refused <= (row["i_xt_low_bits"] is row["i_xt_high_bits"] is None)
        assert row["i_xt_verdict"] == str(point.i_xt.verdict)
    assert any(row["i_xt_bits"] is None for row in rows)
    frame = points.to_pandas()
    assert list(frame.columns) == list(rows[0])
    assert frame.pivot(index="epoch", columns="layer", values="i_xt_bits").shape == (5, 2)
    assert frame["i_xt_bits"].isna().sum() == sum(row["i_xt_bits"] is None for row in rows)
    assert isinstance(frame, pandas.DataFrame)


def test_a_notebook_is_shown_the_picture_and_the_last_epochs_table(run):
    page = run(300, (40, 3), "population")._repr_html_()
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert page.count("<tr>") == 3
    assert "Epoch 10. Target: population. N = 300." in page
    assert "refused" in page
    assert "<script" not in page
    assert "&lt;b&gt;" in plane({"<b>": BITS["dense1"]}, LABELS)._repr_html_()


def test_without_pandas_a_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    points = plane({"dense1": [[0], [1]]}, ["a", "b"])
    assert points.rows()[0]["i_xt_bits"] == 1
    with pytest.raises(DataFrameError, match=r"pip install 'bitneck\[pandas\]'` brings it, and .rows\(\) does without"):
        points.to_pandas()
