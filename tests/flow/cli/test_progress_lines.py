"""Where stdout is no terminal, work of hours says in plain lines how far it is; stdout is left to results."""

from __future__ import annotations

import pytest
from bitneck.flow.cli import console


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only where a test says so."""
    now = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_every_step_is_a_line_with_what_is_done_what_it_took_and_what_remains(clock, capsys):
    with console.bar("sweep", every_seconds=0) as advance:
        for done in (3, 4, 5, 6):  # two were there before
            clock[0] += 90
            advance(done, 6, f"training.seed=[{done}]")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "sweep     3 of 6 after 0:01:30, about 0:04:30 left: training.seed=[3]",
        "sweep     4 of 6 after 0:03:00, about 0:03:00 left: training.seed=[4]",
        "sweep     5 of 6 after 0:04:30, about 0:01:30 left: training.seed=[5]",
        "sweep     6 of 6 after 0:06:00: training.seed=[6]",
    ]


def test_when_the_first_of_several_at_once_is_done_the_others_nearly_are(clock, capsys):
    with console.bar("sweep", every_seconds=0, at_once=4) as advance:
        clock[0] += 100
        for done in (1, 2, 3, 4):
            advance(done, 12, "")
        clock[0] += 100
        advance(8, 12, "")
    remain = [line.partition("about ")[2] for line in capsys.readouterr().err.splitlines()]
    assert remain == ["0:04:35 left", "0:04:10 left", "0:03:45 left", "0:03:20 left", "0:01:40 left"]


def test_steps_of_another_kind_say_nothing_of_what_remains(clock, capsys):
    with console.bar("train", every_seconds=0) as advance:
        advance(0, 20, "")
        for done, total, seconds in ((1, 2, 100), (2, 2, 100), (1, 20, 10), (2, 20, 10)):
            clock[0] += seconds
            advance(done, total, "teacher" if total == 2 else "")
    assert [line.partition("after ")[2] for line in capsys.readouterr().err.splitlines()[1:]] == [
        "0:01:40, about 0:01:40 left: teacher",
        "0:03:20: teacher",
        "0:03:30, about 0:03:10 left",
        "0:03:40, about 0:03:00 left",
    ]


def test_many_small_steps_are_a_line_each_ten_seconds_and_short_work_is_silent(clock, capsys):
    with console.bar("train") as advance:
        for epoch in range(26):
            advance(epoch, 25, "")
            clock[0] += 1
    assert capsys.readouterr().err.splitlines() == [
        "train     10 of 25 after 0:00:10, about 0:00:15 left",
        "train     20 of 25 after 0:00:20, about 0:00:05 left",
    ]
    with console.bar("train") as advance:
        advance(1, 1, "")
    assert capsys.readouterr().err == ""
