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
        case _:
            path.write_bytes(beat_bytes(bits.reshape(-1, 12)).tobytes())
            return path, ["--layer", "dense2", "--beat-bits", "12"]


@pytest.mark.parametrize("kind", ["npz", "npy", "packed.npy", "bin"])
def test_codes_of_any_file_are_equal_with_equal_digests_and_information(bitneck, finished_run, trace, tmp_path, kind):
    path, options = written(tmp_path, trace, kind)
    result = bitneck("analyze", finished_run, "--codes", path, *options)
    assert result.exit_code == 0, result.output
    assert "dense2: 1,797 codes of 48 bits, equal in every bit" in result.output
    lines = result.output.splitlines()
    software, captured = (line.split(maxsplit=1)[1] for line in lines[-2:])
    assert software == captured


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
        (lambda bits: bits * 2, ["--layer", "dense2"], "bits must be 0 or 1, got 0 .. 2"),
        (
            lambda bits: bits,
            ["--layer", "dense9"],
            "no layer 'dense9' in this run; it has binarize, dense1, dense2, scores",
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
        ([], 0, "say how many bits each beat carries"),
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


def test_how_a_file_is_to_be_read_says_nothing_without_the_file(bitneck, finished_run):
    result = bitneck("analyze", finished_run, "--layer", "dense2")
    assert result.exit_code == 2
    assert "--layer and --beat-bits say what is in the file of --codes, which is missing" in result.output
