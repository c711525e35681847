"""`bitneck board`: a run's samples through the RTL of its link, and what the other verbs make of what came back."""

from __future__ import annotations

import json
import shutil

import bitneck as bn
import numpy as np
import pytest
from bitneck.flow.cli import live
from bitneck.flow.folder import RunFolder
from bitneck.hw.boards.host import BoardError


@pytest.fixture(scope="module")
def streamed(bitneck, finished_run, tmp_path_factory):
    """The run, and what the verb said of all its samples and all its layers."""
    run = tmp_path_factory.mktemp("board") / "digits"
    shutil.copytree(finished_run, run)
    done = bitneck("board", run, "--simulate", "--taps", "all", "--cut-on-host", "--json")
    assert done.exit_code == 0, done.output
    return run, json.loads(done.output)


def test_every_layer_comes_back_as_the_other_sources_have_it(streamed):
    run, said = streamed
    recorded = json.loads((run / "verify.json").read_text())
    assert said["equal"]
    assert said["samples"] == recorded["samples"]
    assert said["stats"]["resent"] == 0
    for row in recorded["digests"].values():
        assert set(row) == {"torch", "qonnx", "graph", "rtl", "board"}
        assert len(set(row.values())) == 1


def test_datagrams_to_an_address_bring_the_same(bitneck, streamed, tmp_path):
    run = tmp_path / "digits"
    shutil.copytree(streamed[0], run)
    before = json.loads((run / "verify.json").read_text())["digests"]
    done = bitneck("board", run, "--simulate", "--port", "udp://127.0.0.2:45399", "--taps", "all", "--cut-on-host")
    assert done.exit_code == 0, done.output
    assert "as in the graph" in done.output
    assert json.loads((run / "verify.json").read_text())["digests"] == before


def test_verify_and_analyze_take_it_as_any_other_source(bitneck, streamed):
    run, _ = streamed
    done = bitneck("verify", run)
    assert done.exit_code == 0, done.output
    assert "graph = rtl = board, as recorded" in done.output
    done = bitneck("analyze", run, "--codes", run / "board" / "codes.npz")
    assert done.exit_code == 0, done.output
    assert done.output.count("equal in every bit") == 5


def test_codes_that_were_changed_since_are_noticed(bitneck, streamed, tmp_path):
    run = tmp_path / "digits"
    shutil.copytree(streamed[0], run)
    path = RunFolder(run).board_codes
    arrays = dict(np.load(path))
    arrays["dense1"][7, 0] ^= 1
    np.savez(path, **arrays)
    done = bitneck("verify", run)
    assert done.exit_code == 1
    assert "board/codes.npz has sha256" in done.output


def test_what_differs_from_the_integers_is_said_and_recorded(bitneck, streamed, tmp_path, monkeypatch):
    from bitneck.flow import board

    run = tmp_path / "digits"
    shutil.copytree(streamed[0], run)
    right = board.answers

    def wrong(linked, data):
        flipped = data.copy()
        flipped[3, 1] ^= 4  # behind the class, the first layer's first byte
        return right(linked, flipped)

    monkeypatch.setattr(board, "answers", wrong)
    done = bitneck("board", run, "--simulate", "--taps", "all", "--cut-on-host")
    assert done.exit_code == 1
    assert "different board: dense1, sample 3, bit 2" in done.output
    assert not json.loads((run / "verify.json").read_text())["equal"]


def test_python_gets_classes_scores_and_a_trace(streamed):
    run, _ = streamed
    with bn.board.open(run, taps="all", cut_on_host=True, simulate=True) as net:
        done = []
        answer = net(
            np.tile(np.arange(128, dtype=np.uint8) % 17, (5, 1)), progress=lambda count, of: done.append((count, of))
        )
    assert done[-1] == (5, 5)
    assert answer.trace.source == "board"
    assert (answer.trace.predictions() == answer.classes).all()
    assert answer.stats.frames == 5


def test_while_it_streams_classes_rates_and_codes_are_shown(bitneck, streamed, tmp_path):
    run = tmp_path / "digits"
    shutil.copytree(streamed[0], run)
    done = bitneck("board", run, "--simulate", "--taps", "all", "--cut-on-host", "--limit", "40", "--live")
    assert done.exit_code == 0, done.output
    said = json.loads((run / "board" / "board.json").read_text())
    assert f"40 of 40 samples, {said['accuracy']:.2%} right; " in done.output
    assert " 0 resent, " in done.output
    assert "sample 39: " in done.output
    names = ("input", "binarize", "dense1", "dense2", "scores")
    assert all(name in done.output for name in names)
    assert set(" ▀▄█") <= set(done.output)


def test_a_bit_is_half_a_block():
    assert live.drawn(np.array([[1, 0], [0, 1], [1, 1]], bool)) == "▀▄\n▀▀"


def test_channels_of_a_map_lie_side_by_side_as_many_as_there_is_room_for():
    bits = np.zeros((2, 20, 9), bool)
    bits[1, 3, 2] = True
    laid = live.laid_out(bits.reshape(-1), (2, 20, 9))
    assert laid.shape == (2, 3 * 21 - 1)
    assert np.argwhere(laid).tolist() == [[1, 2 * 21 + 3]]
    assert live.laid_out(np.ones(7, bool), (7,)).sum() == 7


THIN = {"cut_on_host": True, "simulate": True, "every": 4}


def test_every_fourth_frame_brings_its_layers_and_analyze_takes_those_alone(bitneck, streamed, tmp_path):
    run = tmp_path / "digits"
    shutil.copytree(streamed[0], run)
    done = bitneck(
        "board", run, *("--simulate", "--taps", "dense1", "--every", "4", "--cut-on-host", "--limit", "10", "--json")
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert (said["samples"], said["every"], said["equal"]) == (10, 4, True)
    assert json.loads((run / "verify.json").read_text()) == json.loads((streamed[0] / "verify.json").read_text())
    arrays = dict(np.load(run / "board" / "codes.npz"))
    assert arrays["samples"].tolist() == [0, 4, 8]
    done = bitneck("analyze", run, "--codes", run / "board" / "codes.npz")
    assert done.exit_code == 0, done.output
    assert done.output.count("3 codes of") == done.output.count("equal in every bit") == 3
    arrays["dense1"][1, 0] ^= 2
    np.savez(tmp_path / "other.npz", **arrays)
    done = bitneck("analyze", run, "--codes", tmp_path / "other.npz")
    assert "DIFFERENT, first at sample 4, bit 1" in done.output
    np.savez(tmp_path / "other.npz", **arrays | {"samples": np.array([0, 4, 4000])})
    done = bitneck("analyze", run, "--codes", tmp_path / "other.npz")
    assert (done.exit_code, "samples: (n,) numbers of samples are due, 0 .. " in done.output) == (2, True)


def test_a_trace_needs_scores(streamed):
    run, _ = streamed
    with bn.board.open(run, taps=["dense1"], **THIN) as net:
        answer = net(np.zeros((5, 128), np.uint8))
    assert set(answer.codes) == {"binarize", "dense1"}
    assert (len(answer.classes), len(answer.codes["dense1"]), answer.recorded.tolist()) == (5, 2, [0, 4])
    with pytest.raises(BoardError, match="open the board with taps='all'"):
        answer.trace  # noqa: B018
