"""`bitneck board`: a run's samples through the RTL of its link, and what the other verbs make of what came back."""

from __future__ import annotations

import json
import shutil

import bitneck as bn
import numpy as np
import pytest
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


def test_a_trace_needs_scores(streamed):
    run, _ = streamed
    with bn.board.open(run, taps=["dense1"], cut_on_host=True, simulate=True) as net:
        answer = net(np.zeros((2, 128), np.uint8))
    assert set(answer.codes) == {"binarize", "dense1"}
    with pytest.raises(BoardError, match="open the board with taps='all'"):
        answer.trace  # noqa: B018
