"""Codes captured elsewhere: equal to the last bit where they are equal, refused by numbers where they do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from bitneck.flow.files import read_trace
from bitneck.flow.folder import RunFolder
from bitneck.hw.packing import beat_bytes
from bitneck.ib_analysis.codes import Trace


@pytest.fixture
def trace(finished_run) -> Trace:
    return read_trace(RunFolder(finished_run).trace)


def written(tmp_path, trace: Trace, kind: str):
    """dense2's codes (48 bits) as a file of each kind, and the options that go with it."""
    bits = trace.codes["dense2"].bits()
    path = tmp_path / f"codes.{kind}"
    match kind:
        case "npz":
            np.savez(path, dense2=bits, dense1=trace.codes["dense1"].packed)
            return path, []
        case "npy":
            np.save(path, bits.astype(np.int64))
            return path, ["--layer", "dense2"]
        case "packed.npy":
            np.save(path, trace.codes["dense2"].packed)
            return path, ["--layer", "dense2"]
        case "±1 int8.npy":
            np.save(path, np.where(bits, 1, -1).astype(np.int8))
            return path, ["--layer", "dense2"]
        case "±1 float32.npy":
            np.save(path, np.where(bits, 1, -1).astype(np.float32).reshape(len(bits), 4, 12))
            return path, ["--layer", "dense2"]
        case "0 and 1 float32.npz":
            np.savez(path, dense2=bits.astype(np.float32))
            return path, []
        case _:
            path.write_bytes(beat_bytes(bits.reshape(-1, 12)).tobytes())
            return path, ["--layer", "dense2", "--beat-bits", "12"]


@pytest.mark.parametrize(
    "kind", ["npz", "npy", "packed.npy", "±1 int8.npy", "±1 float32.npy", "0 and 1 float32.npz", "bin"]
)
def test_codes_of_any_file_are_equal_with_equal_digests_and_information(bitneck, finished_run, trace, tmp_path, kind):
    path, options = written(tmp_path, trace, kind)
    result = bitneck("analyze", finished_run, "--codes", path, *options)
    assert result.exit_code == 0, result.output
    assert "dense2: 1,797 codes of 48 bits, equal in every bit" in result.output
    lines = result.output.splitlines()
    software, captured = (line.split(maxsplit=1)[1] for line in lines[-2:])
    assert software == captured


OF_SCORES_AND_CLASS = {
    "class, as m_axis sends it": ("class", lambda trace: trace.predictions().astype(np.uint8).tobytes(), "4"),
    "class, counted with its padding": ("class", lambda trace: trace.predictions().astype(np.uint8).tobytes(), "8"),
    "class, as numbers": ("class", lambda trace: trace.predictions(), None),
    "class, as floats in a column": ("class", lambda trace: trace.predictions().astype(np.float32)[:, None], None),
    "class, as bytes in a column": ("class", lambda trace: trace.predictions().astype(np.uint8)[:, None], None),
    "scores, a class a beat": ("scores", lambda trace: trace.scores.astype(np.uint8).tobytes(), "6"),
    "scores, two a beat": ("scores", lambda trace: _two_scores_a_beat(trace), "12"),
    "scores, as numbers": ("scores", lambda trace: trace.scores, None),
}


def _two_scores_a_beat(trace: Trace) -> bytes:
    return (trace.scores[:, ::2] + 64 * trace.scores[:, 1::2]).astype("<u2").tobytes()


@pytest.mark.parametrize("kind", OF_SCORES_AND_CLASS)
def test_what_leaves_the_last_layer_and_the_chip_is_compared(bitneck, finished_run, trace, tmp_path, kind):
    layer, make, beat_bits = OF_SCORES_AND_CLASS[kind]
    content, path = make(trace), tmp_path / ("stream.bin" if beat_bits else "array.npy")
    path.write_bytes(content) if beat_bits else np.save(path, content)
    options = ["--layer", layer, *(["--beat-bits", beat_bits] if beat_bits else [])]
    result = bitneck("analyze", finished_run, "--codes", path, *options)
    assert result.exit_code == 0, result.output
    assert f"{layer}: 1,797 codes of {4 if layer == 'class' else 60} bits, equal in every bit" in result.output


def test_another_class_is_a_difference(bitneck, finished_run, trace, tmp_path):
    classes = trace.predictions()
    classes[5] ^= 2
    np.save(tmp_path / "classes.npy", classes)
    result = bitneck("analyze", finished_run, "--codes", tmp_path / "classes.npy", "--layer", "class")
    assert result.exit_code == 1
    assert "class: 1,797 codes of 4 bits, DIFFERENT, first at sample 5, bit 1" in result.output


@pytest.mark.parametrize(
    ("layer", "array", "said"),
    [
        ("class", np.full(1797, 16), "values 16 .. 16 do not fit in 4 bits"),
        ("class", np.full(1797, 2.5), "whole numbers are needed, got 2.5 in sample 0"),
        ("class", np.full(1797, -1), "values -1 .. -1 do not fit"),
        ("class", np.full(1797, "3"), "whole numbers are needed, got (1797, 1) <U1"),
        ("scores", np.full((1797, 10), np.nan), "whole numbers are needed, got nan in sample 0"),
        ("dense2", np.full((1797, 48), "1"), "codes need (n, width) bits, got <U1"),
        ("dense2", np.full((1797, 48), 1j), "complex128"),
        ("dense2", np.full((1797, 48), np.nan), "got nan in sample 0, bit 0"),
        ("dense2", np.eye(1797, 48, 1) * 2 - np.eye(1797, 48), "got 2.0 in sample 0, bit 1"),
        ("dense2", -np.eye(1797, 48), "got 0 in sample 0, bit 1, and -1 in sample 0, bit 0"),
        ("dense2", np.array(1), "codes need (n, width) bits, got ()"),
        ("dense2", np.zeros((0, 48)), "codes need (n, width) bits, got (0, 48)"),
    ],
)
def test_arrays_of_other_values_are_refused_with_their_place(bitneck, finished_run, tmp_path, layer, array, said):
    np.save(tmp_path / "codes.npy", array)
    result = bitneck("analyze", finished_run, "--codes", tmp_path / "codes.npy", "--layer", layer)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_the_rtl_trace_of_a_run_equals_its_software_in_every_layer(bitneck, finished_run):
    result = bitneck("analyze", finished_run, "--codes", RunFolder(finished_run).trace)
    assert result.exit_code == 0, result.output
    assert result.output.count("equal in every bit") == 4


def test_one_flipped_bit_changes_digest_and_information_and_is_named(bitneck, finished_run, trace, tmp_path):
    bits = trace.codes["dense2"].bits()
    bits[77, 5] ^= True
    np.save(tmp_path / "flipped.npy", bits)
    result = bitneck("analyze", finished_run, "--codes", tmp_path / "flipped.npy", "--layer", "dense2")
    assert result.exit_code == 1
    assert "DIFFERENT, first at sample 77, bit 5" in result.output
    software, captured = (line.split()[1] for line in result.output.splitlines()[-2:])
    assert software != captured


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (
            lambda bits: bits[:-1],
            ["--layer", "dense2"],
            "dense2: 1,796 codes of 48 bits were captured, this run has 1,797 of 48",
        ),
        (lambda bits: bits[:, :-1], ["--layer", "dense2"], "(1797, 47) bool"),
        (lambda bits: bits * 2, ["--layer", "dense2"], "0 and 1, or -1 and +1, got 2 in sample 0, bit"),
        (
            lambda bits: bits,
            ["--layer", "dense9"],
            "no layer 'dense9' in this run; it has binarize, dense1, dense2, scores, class",
        ),
        (lambda bits: bits, [], "say which with --layer"),
    ],
)
def test_what_does_not_match_is_refused_by_numbers(bitneck, finished_run, trace, tmp_path, make, options, said):
    np.save(tmp_path / "codes.npy", make(trace.codes["dense2"].bits()))
    result = bitneck("analyze", finished_run, "--codes", tmp_path / "codes.npy", *options)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_what_holds_no_codes_is_refused_and_not_called_equal(bitneck, finished_run, tmp_path):
    np.savez(tmp_path / "none.npz")
    for name, said in (("none.npz", "holds no array"), ("nowhere.npy", "no such file")):
        result = bitneck("analyze", finished_run, "--codes", tmp_path / name)
        assert result.exit_code == 2, result.output
        assert f"{name}" in result.output
        assert said in result.output


@pytest.mark.parametrize(
    ("beat_bits", "cut", "said"),
    [
        (["--beat-bits", "13"], 0, "beats of 13 bits do not make codes of 48"),
        (["--beat-bits", "12"], 1, "are no whole number of frames of 8 bytes"),
        (["--beat-bits", "13"], 0, "in this run's design a beat of dense2 carries "),
        (
            ["--beat-bits", "16"],
            0,
            "are 2,396 frames of dense2 in beats of 16 bits, this run has 1,797 samples; in this run",
        ),
        (
            ["--beat-bits", "3"],
            0,
            "no whole number of frames of 16 bytes (dense2, 48 bits in beats of 3); in this run's",
        ),
        ([], 0, "say how many bits each beat carries with --beat-bits (in this run's design a beat of dense2 carries "),
    ],
)
def test_a_raw_stream_that_does_not_fit_its_layout_is_refused(
    bitneck, finished_run, trace, tmp_path, beat_bits, cut, said
):
    path, _ = written(tmp_path, trace, "bin")
    path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])
    result = bitneck("analyze", finished_run, "--codes", path, "--layer", "dense2", *beat_bits)
    assert result.exit_code == 2
    assert said in result.output


def test_bits_beyond_the_payload_are_no_padding(bitneck, finished_run, trace, tmp_path):
    """Beats of 12 bits read as beats of 6 and 6: as many bytes a frame."""
    bits = trace.codes["dense2"].bits()
    path = tmp_path / "codes.bin"
    path.write_bytes(np.packbits(bits, axis=1, bitorder="little").tobytes() + b"\0\0" * len(bits))
    result = bitneck("analyze", finished_run, "--codes", path, "--layer", "dense2", "--beat-bits", "6")
    assert result.exit_code == 2
    assert "beyond the 6 bits that it is to carry; in this run's design a beat of dense2 carries " in result.output


def test_the_help_says_which_bits_a_beat_carries(bitneck):
    said = " ".join(bitneck("analyze", "--help").output.replace("│", " ").split())
    assert "PE, of scores PE x score bits, of class all (data_bits in vectors.json)" in said


def test_how_a_file_is_to_be_read_says_nothing_without_the_file(bitneck, finished_run):
    result = bitneck("analyze", finished_run, "--layer", "dense2")
    assert result.exit_code == 2
    assert "--layer and --beat-bits say what is in the file of --codes, which is missing" in result.output
