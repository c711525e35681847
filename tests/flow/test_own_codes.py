"""`analyze FILE --labels`: codes of any framework, without a run, give table, JSON and page; doubts are said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bitneck.flow import own_codes
from bitneck.flow.files import read_record
from bitneck.flow.folder import Analysis
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.plane import plane

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 4, 600)
BITS = np.concatenate([np.stack([Y & 1, Y >> 1], axis=1) == 1, RNG.random((600, 9)) < 0.5], axis=1)
SPELLINGS = {
    "bool": BITS,
    "uint8": BITS.astype(np.uint8),
    "float": BITS.astype(np.float32),
    "signs": np.where(BITS, 1, -1).astype(np.int8),
    "float_signs": np.where(BITS, 1.0, -1.0),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", Y)
    return tmp_path


def same_as_in_memory(found: Analysis, codes: Codes, target="dataset") -> None:
    (due,) = plane({0: {"layer": codes}}, Y, target, chance=True)
    assert {(point.i_xt, point.i_ty) for point in found.points} == {(due.i_xt, due.i_ty)}


def test_every_spelling_of_a_bit_gives_table_json_and_page(here, bitneck):
    np.savez("codes.npz", **SPELLINGS)
    done = bitneck("analyze", "codes.npz", "--labels", "y.npy", "-o", "out")
    assert done.exit_code == 0, done.output
    for name in SPELLINGS:
        assert f"{name}: 11 bits" in done.output
    same_as_in_memory(read_record(here / "out" / "plane.json", Analysis), Codes.pack(BITS))
    page = (here / "out" / "plane.html").read_text()
    assert all(name in page for name in SPELLINGS)


def test_labels_may_lie_beside_the_codes_and_the_target_be_a_population(here, bitneck):
    np.savez("codes.npz", layer=BITS[:, :4], y=Y)
    done = bitneck("analyze", "codes.npz", "--labels", "y", "--target", "population")
    assert done.exit_code == 0, done.output
    analysis = read_record(here / "planes" / "codes" / "plane.json", Analysis)
    assert [point.layer for point in analysis.points] == ["layer"]
    same_as_in_memory(analysis, Codes.pack(BITS[:, :4]), "population")
    assert "Chao-Wang-Jost" in done.output


def test_epochs_are_named_in_the_array_or_in_the_file(here):
    early = np.zeros_like(BITS)
    np.savez("codes.npz", **{"layer@0": early, "layer@7": BITS})
    (here / "parts").mkdir()
    np.savez("parts/run2_epoch_0.npz", layer=early)
    np.savez("parts/run2_epoch_7.npz", layer=BITS)
    (here / "arrays").mkdir()
    np.save("arrays/layer@0.npy", early)
    np.save("arrays/layer@7.npy", BITS)
    np.save("arrays/labels.npy", Y)
    for path, labels in (("codes.npz", "y.npy"), ("parts", "y.npy"), ("arrays", "arrays/labels.npy")):
        own = own_codes.read(here / path, labels)
        assert list(own.epochs) == [0, 7], path
        assert own.codes_of(7)["layer"] == Codes.pack(BITS), path
        assert own.codes_of(0)["layer"] == Codes.pack(early), path


def test_a_layer_keeps_its_levels_over_the_epochs_though_one_epoch_shows_fewer(here):
    ternary = RNG.integers(-1, 2, (600, 3))
    np.savez("codes.npz", **{"layer@0": ternary, "layer@1": np.abs(ternary)})
    own = own_codes.read(here / "codes.npz", "y.npy")
    assert own.forms["layer"] == "3 levels of 2 bits, -1 .. 1"
    assert {own.codes_of(epoch)["layer"].width for epoch in (0, 1)} == {6}
    assert np.array_equal(own.codes_of(0)["layer"].levels(2), ternary + 1)


def test_packed_bits_are_what_width_says(here, bitneck):
    np.savez("codes.npz", layer=np.packbits(BITS, axis=1, bitorder="little"))
    assert own_codes.read(here / "codes.npz", "y.npy", {"layer": 11}).codes_of(0)["layer"] == Codes.pack(BITS)
    said = bitneck("analyze", "codes.npz", "--labels", "y.npy").output
    assert "layer: 2 levels of 8 bits, 0 .. 255; --width says so if they are bits, packed" in said


@pytest.mark.parametrize("channels_first", [False, True])
def test_maps_are_measured_by_position(here, channels_first):
    maps = RNG.integers(0, 2, (600, 3, 4, 2))
    np.savez("codes.npz", conv=np.moveaxis(maps, -1, 1) if channels_first else maps, layer=BITS)
    own = own_codes.read(here / "codes.npz", "y.npy", channels_first=channels_first)
    assert own.codes_of(0)["conv"] == Codes.from_array(maps)
    analysis = own_codes.analyze(own, "codes", here / "out")
    (of_map,) = analysis.maps
    assert (of_map.layer, of_map.height, of_map.width, of_map.channels) == ("conv", 3, 4, 2)


def test_a_trace_of_ours_is_read_like_any_other_file(here, finished_run):
    newest = sorted((finished_run / "codes").glob("epoch*.npz"))[-1]
    own = own_codes.read(newest, str(finished_run / "codes" / "labels.npz"))
    assert list(own.forms) == ["binarize", "dense1", "dense2", "scores"]


def test_what_was_measured_is_named_by_digest(here):
    np.savez("codes.npz", layer=BITS)
    own_codes.analyze(own_codes.read(here / "codes.npz", "y.npy"), "codes", here / "out")
    assert sorted(json.loads((here / "out" / "plane.json").read_text())["codes"]) == ["codes.npz", "y.npy"]


MISTAKES = {
    "no such file": (("nothing.npz", "--labels", "y.npy"), "nothing.npz: no such file or folder"),
    "labels forgotten": (("codes.npz",), "codes.npz is a file: with --labels it is one of codes; a run is a folder"),
    "labels nowhere": (
        ("codes.npz", "--labels", "z.npy"),
        "z.npy is no file, and codes.npz has no such array but layer; --labels takes a file or such an array's name",
    ),
    "labels of others": (
        ("codes.npz", "--labels", "short.npy"),
        "codes.npz, layer: 600 samples, and short.npy holds 500 labels; both need the same samples in the same order",
    ),
    "activations": (("floats.npz", "--labels", "y.npy"), "is no level; codes are what the quantiser makes of it"),
    "sums": (("sums.npz", "--labels", "y.npy"), "numbers 0 .. 1000000 are levels of 20 bits, at most 16 are taken"),
    "strings": (("words.npz", "--labels", "y.npy"), "words.npz, layer: codes need (n, width) bits, got <U1"),
    "a text file": (("codes.csv", "--labels", "y.npy"), "codes.csv is no .npz or .npy, and no folder with one"),
    "width of another": (
        ("codes.npz", "--labels", "y.npy", "--width", "dense=11"),
        "codes.npz: a width of dense, but the layers are layer",
    ),
    "width of no bits": (("codes.npz", "--labels", "y.npy", "--width", "layer"), "--width layer: LAYER=BITS is needed"),
    "width of unpacked": (
        ("codes.npz", "--labels", "y.npy", "--width", "layer=11"),
        "codes.npz, layer: 11 packed bits are (n, 2) uint8, got (600, 11) bool",
    ),
    "packed the other way": (
        ("big.npz", "--labels", "y.npy", "--width", "layer=11"),
        "pack them with np.packbits(bits, axis=1, bitorder='little')",
    ),
    "layers come and go": (
        ("changing.npz", "--labels", "y.npy"),
        "changing.npz: epoch 1 has the layers b, others a",
    ),
    "an epoch in words": (("words_at.npz", "--labels", "y.npy"), "words_at.npz: a@last is no LAYER@EPOCH"),
    "run's options": (("run", "--target", "population"), "are of codes without a run, which need --labels"),
    "both": (("run", "--labels", "y.npy", "--codes", "codes.npz"), "give one of them"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(here, bitneck, mistake):
    np.save("short.npy", Y[:500])
    np.savez("codes.npz", layer=BITS)
    np.savez("floats.npz", layer=RNG.normal(size=(600, 3)))
    np.savez("sums.npz", layer=np.full((600, 1), 10**6) * (Y[:, None] > 0))
    np.savez("words.npz", layer=np.array(["a"] * 600))
    np.savez("big.npz", layer=np.packbits(np.ones((600, 11), bool), axis=1))
    np.savez("changing.npz", **{"a@0": BITS, "b@1": BITS})
    np.savez("words_at.npz", **{"a@last": BITS})
    (here / "codes.csv").write_text("0,1\n")
    words, due = MISTAKES[mistake]
    done = bitneck("analyze", *words)
    assert done.exit_code == 2, done.output
    assert due in done.output
    assert done.output.count("\n") == 1, done.output
    assert not (here / "planes").exists()


def test_labels_may_be_words_or_one_hot(here):
    np.savez("codes.npz", layer=BITS, words=np.array(["a", "b", "c", "d"])[Y], rows=np.eye(4)[Y])
    np.save("rows.npy", np.eye(4)[Y])
    for labels in ("words", "rows.npy"):
        kept = {name: array for name, array in np.load("codes.npz").items() if name in ("layer", labels)}
        np.savez("one.npz", **kept)
        assert np.array_equal(own_codes.read(here / "one.npz", labels).labels, Y)


def test_what_cannot_be_counted_has_brackets_at_as_many_epochs_as_asked(here, bitneck):
    for epoch in range(6):
        np.savez(f"epoch-{epoch}.npz", wide=RNG.random((600, 40)) < 0.5)
    done = bitneck("analyze", ".", "--labels", "y.npy", "--brackets", "2", "-o", "out")
    assert done.exit_code == 0, done.output
    analysis = read_record(here / "out" / "plane.json", Analysis)
    assert [point.epoch for point in analysis.points] == list(range(6))
    assert [point.epoch for point in analysis.population] == [0, 5]
    for point in analysis.population:
        assert point.xt_bracket.low_bits <= 40 <= point.xt_bracket.high_bits
    assert "population" in (here / "out" / "plane.html").read_text()
    done = bitneck("analyze", ".", "--labels", "y.npy", "--target", "population", "--brackets", "0", "-o", "none")
    assert done.exit_code == 0, done.output
    analysis = read_record(here / "none" / "plane.json", Analysis)
    assert not any(point.xt_bracket for point in (*analysis.points, *analysis.population))
