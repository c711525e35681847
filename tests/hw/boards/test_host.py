"""The host's answers are right, or it raises: whatever happens on the line."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest
from bitneck.hw.boards import frames
from bitneck.hw.boards.host import BoardError, Host, serial_line
from faulty_device import DOUBLE, FLIP, GONE, LOSE, STALL, Device, Wire, plugged_in
from hypothesis import given, settings
from hypothesis import strategies as st

BODY, ANSWER, UP, DOWN = 6, 3, 0x1234, 0xBEEF
IDENTITY = UP << 16 | DOWN


def answer(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:ANSWER]


def exchanged(bodies, down=(), up=(), window=16, identity=IDENTITY, timeout=0.1, device=None):
    device = device or Device(BODY, answer, UP, DOWN)
    with (
        plugged_in(device, Wire(_faults(down)), Wire(_faults(up))) as port,
        serial_line(port, 3_000_000, timeout) as line,
        Host(line, port, window, BODY, [ANSWER], identity).talking() as host,
    ):
        return host.exchange(bodies)


def _faults(given):
    return given if isinstance(given, dict) else dict(given)


def some(count, seed=0):
    # Many bytes that mean something between frames.
    return (
        np.random.default_rng(seed).choice([0, frames.SYNC, frames.HELLO, 0x81, 0xFF], (count, BODY)).astype(np.uint8)
    )


def right(bodies):
    return np.array([list(answer(body.tobytes())) for body in bodies], np.uint8)


def test_the_check_is_that_of_x_25_and_can_be_run_backwards():
    rows = np.frombuffer(b"123456789", np.uint8)[None]
    assert frames.checks(rows, 0xFFFF) == 0x906E
    begin = np.arange(0, 65536, 7, dtype=np.uint16)
    many = np.random.default_rng(0).integers(0, 256, (len(begin), 5), dtype=np.uint8)
    assert (frames.begins(many, frames.checks(many, begin)) == begin).all()


def test_answers_come_in_order_and_numbers_go_round():
    bodies = some(300)
    answers, stats = exchanged(bodies)
    assert (answers == right(bodies)).all()
    assert (stats.frames, stats.resent) == (300, 0)
    assert 0 < stats.latency_p50_ms <= stats.latency_p99_ms


fault = st.tuples(st.integers(0, 900), st.tuples(st.sampled_from([FLIP, LOSE, DOUBLE]), st.integers(0, 7)))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(fault, max_size=4), st.lists(fault, max_size=4), st.sampled_from([1, 5, 63]), st.integers(0, 5))
def test_a_few_faults_cost_time_and_nothing_else(down, up, window, seed):
    bodies = some(60, seed)
    answers, _ = exchanged(bodies, down, up, window, timeout=0.03)
    assert (answers == right(bodies)).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 7), st.integers(0, 5))
def test_of_many_faults_it_recovers_or_it_raises(down, up, bit, seed):
    bodies = some(30, seed)
    faults = {
        every: {i: ((FLIP, LOSE, DOUBLE)[i // every % 3], bit) for i in range(20, 3000, every)} for every in (down, up)
    }
    try:
        answers, _ = exchanged(bodies, faults[down], faults[up], timeout=0.02)
    except BoardError:
        return
    assert (answers == right(bodies)).all()


def test_a_frame_that_is_lost_whole_is_missed():
    bodies = some(40)
    start = BODY + 3  # the silence and HELLO of opening, and again before the frames
    lost = {2 * start + (BODY + 3) * 10 + i: (LOSE, 0) for i in range(BODY + 3)}
    answers, stats = exchanged(bodies, down=lost)
    assert (answers == right(bodies)).all()
    assert stats.resent


def test_a_device_that_thinks_longer_than_the_line_waits_is_asked_again():
    bodies = some(40)
    answers, stats = exchanged(bodies, up={30: (STALL, 0)})
    assert (answers == right(bodies)).all()
    assert stats.resent


def test_what_comes_behind_a_late_greeting_is_read_before_more_is_waited_for():
    class Late(Device):
        def hears(self, data):
            said = super().hears(data)
            return frames.greeting(UP) + said if self.received else said

    bodies = some(5)
    answers, stats = exchanged(bodies, timeout=4.0, device=Late(BODY, answer, UP, DOWN))
    assert (answers == right(bodies)).all()
    assert stats.seconds < 4.0


def test_a_line_that_damages_everything_is_given_up():
    class Always(dict):
        def get(self, number, _):
            return (FLIP, 3) if number > 40 else ("", 0)

    began = time.monotonic()
    with pytest.raises(BoardError, match="of 40 answers had come"):
        exchanged(some(40), down=Always(), timeout=0.05)
    assert time.monotonic() - began < 10


def test_a_board_that_is_unplugged_is_gone():
    with pytest.raises(BoardError, match=r"is gone: .*; plug it in again and repeat the command"):
        exchanged(some(40), up={60: (GONE, 0)}, timeout=0.5)


def test_nothing_answers():
    class Deaf(Device):
        def hears(self, data):
            return b""

    with pytest.raises(BoardError, match="nothing answers; is the board programmed"):
        exchanged(some(1), device=Deaf(BODY, answer, UP, DOWN), timeout=0.02)


def test_another_design_is_refused_by_its_number():
    with pytest.raises(BoardError, match="another design answers, 1234 instead of 4321"):
        exchanged(some(1), identity=0x4321BEEF, timeout=0.02)


def test_a_design_that_differs_in_the_half_that_is_in_its_frames_never_answers():
    with pytest.raises(BoardError, match="0 of 1 answers came"):
        exchanged(some(1), identity=UP << 16 | 0xBEEE, timeout=0.02)


def test_garbage_is_not_taken_for_an_answer():
    class Noise(Device):
        def hears(self, data):
            return bytes([0x55, 0xAA, 0x33]) if data else b""

    with pytest.raises(BoardError, match="bytes came, and no answer among them; is the baud rate"):
        exchanged(some(1), device=Noise(BODY, answer, UP, DOWN), timeout=0.02)


def test_a_port_that_is_not_there_is_said():
    with (
        pytest.raises(BoardError, match=r"/dev/nowhere at 9,600 baud cannot be opened"),
        serial_line("/dev/nowhere", 9600, 0.1),
    ):
        pass
