"""Datagrams: the RTL at the ports of LiteEth's core, and a host whose answers are right, or it raises."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import threading
import time
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import numpy as np
import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.boards import records
from bitneck.hw.boards.datagram_host import ATTEMPTS, DatagramHost, at_address, datagram_line
from bitneck.hw.boards.datagrams import HEADER, LONGEST, SLOTS, Datagrams
from bitneck.hw.boards.framed import LinkError
from bitneck.hw.boards.host import BoardError
from bitneck.hw.boards.simulated import at_socket, build, command
from bitneck.hw.folding import Folding, fold
from conv_nets import every_stage, random_levels
from faulty_network import DOUBLE, FOREIGN, LATE, LOSE, Device, Network, at_home
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_frames, random_graph

DIGITS = random_graph((64, 32, 32, 10), 5, name="digits")
CORE = lower(DIGITS, fold(DIGITS, 32))
MAPS, MAPS_CORE = every_stage("maps")
MHZ = 45  # of the boards with Ethernet
PORTS = count(45440)


@cache
def design(name: str) -> Datagrams:
    """plain: pixels of digits. packed: their bits, which the host cuts. maps: all stages and taps, in turns."""
    if name == "maps":
        return Datagrams(MAPS_CORE, MAPS_CORE.layers, every=2, mhz=MHZ)
    return Datagrams(CORE, pixels_cut=name == "packed", mhz=MHZ)


@cache
def program(name: str) -> Path:
    return build(design(name), Path(mkdtemp(prefix="bitneck-test-")))


def graph_and_samples(name: str, samples: int):
    return (MAPS, random_levels(MAPS, samples, 1)) if name == "maps" else (DIGITS, random_frames(DIGITS, samples, 1))


def address() -> str:
    """One that no earlier test has had: what is late there comes to nobody."""
    return f"udp://127.0.0.2:{next(PORTS)}"


@pytest.mark.parametrize("name", ["packed", "maps"])
def test_the_host_and_the_rtl_at_a_socket_agree_with_the_graph(name):
    of, port = design(name), address()
    graph, x = graph_and_samples(name, 20 * of.frames + 1)
    with at_socket(of, program(name), port), datagram_line(port, 5.0) as line:
        data, stats = DatagramHost(line, port, of).exchange(records.bodies(of, x))
    said, due = records.answers(of, data), graph(x)
    assert (said.classes == due.predictions()).all()
    assert set(said.codes) == set(of.taps) - {graph.layers[-1].name}
    assert all(said.codes[layer] == due.codes[layer][np.arange(0, len(x), of.every)] for layer in said.codes)
    assert (stats.frames, stats.resent) == (len(x), 0)


def through_ports(name: str, sent: list[bytes], stalls: bool = False) -> tuple[list[bytes], int]:
    """The answers to datagrams that come as soon as line and window let them, and how many cycles that took."""
    of = design(name)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            command(of, program(name), theirs.fileno(), stalls),
            cwd=program(name).parent,
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
    with ours:
        sender = threading.Thread(target=lambda: ([ours.send(each) for each in sent], ours.shutdown(socket.SHUT_WR)))
        sender.start()
        answers = []
        while said := ours.recv(65536):
            answers.append(said)
        sender.join()
    cycles, heard, _ = map(int, process.communicate()[0].split())
    assert heard == len(sent)
    return answers, cycles


def datagrams(name: str, datagrams: int, number: int = 7) -> tuple[list[bytes], list[bytes]]:
    """Of random frames, and the answers that are due where these are classes."""
    of = design(name)
    graph, x = graph_and_samples(name, datagrams * of.frames)
    bodies = records.bodies(of, x).reshape(datagrams, -1)
    said = graph(x).predictions().astype(np.uint8).reshape(datagrams, -1)
    heads = [header(of.identity, number + index) for index in range(datagrams)]
    return [h + b.tobytes() for h, b in zip(heads, bodies, strict=True)], [
        h + s.tobytes() for h, s in zip(heads, said, strict=True)
    ]


def header(identity: int, number: int) -> bytes:
    return identity.to_bytes(4, "little") + number.to_bytes(4, "little")


@pytest.mark.parametrize("name", ["packed"])
def test_a_million_digits_a_second_go_through_the_ports(name):
    of, (sent, due) = design(name), datagrams(name, 40)
    answers, cycles = through_ports(name, sent)
    _, fewer = through_ports(name, sent[:20])
    assert answers == due
    taken = (cycles - fewer) / (20 * of.frames)  # a frame, with a full pipeline
    assert taken <= of.cycles * 1.03
    rate = MHZ * 1e6 / taken
    print(f"{name}: {of.frames} frames a datagram, {taken:.2f} cycles a frame, {rate:,.0f} frames/s at {MHZ} MHz")
    assert rate >= 1e6


def test_ports_that_pause_and_datagrams_that_are_none_of_ours_change_no_answer():
    of, (sent, due) = design("packed"), datagrams("packed", 12)
    hello = header(0, 99)
    none = [
        header(of.identity ^ 1 << 31, 50) + sent[0][HEADER:],
        sent[1][:-1],
        sent[1] + b"\0",
        sent[1][:-4],
        sent[1] + bytes(600),  # more than a slot
        hello + b"\0",
        header(of.identity, 51),
        bytes(len(sent[0])),
        b"\0",
    ]
    mixed = [sent[0], *none, sent[1], hello, hello]
    mixed += [each for pair in zip(sent[2:], (none * 2)[:10], strict=True) for each in pair]
    answers, _ = through_ports("packed", mixed, stalls=True)
    assert answers == [*due[:2], header(of.identity, 99), header(of.identity, 99), *due[2:]]


IDENTITY, BODY, FRAMES = 0x1234BEEF, 5, 3
FAKE = SimpleNamespace(
    identity=IDENTITY,
    frames=FRAMES,
    answer_bytes=(4, 1, 1),
    bytes_down=HEADER + FRAMES * BODY,
    bytes_up=HEADER + 6,
    window=SLOTS * FRAMES,
)


def answer(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:6]


def right(bodies):
    filled = np.concatenate([bodies, np.zeros((-len(bodies) % FRAMES, BODY), np.uint8)])
    rows = []
    for part in filled.reshape(-1, FRAMES * BODY):
        said = answer(part.tobytes())
        rows += [[*said[:4]], [said[4], 0, 0, 0], [said[5], 0, 0, 0]]
    return np.array(rows, np.uint8)[: len(bodies)]


def some(frames: int) -> np.ndarray:
    return np.random.default_rng(frames).integers(0, 256, (frames, BODY), dtype=np.uint8)


def exchanged(bodies, down=(), up=(), device=None, timeout=0.05):
    port = address()
    device = device or Device(IDENTITY, FAKE.bytes_down, answer)
    with at_home(port, device, Network(dict(down)), Network(dict(up))), datagram_line(port, timeout) as line:
        return DatagramHost(line, port, FAKE).exchange(bodies)


def test_answers_come_in_order():
    bodies = some(200)
    answers, stats = exchanged(bodies)
    assert (answers == right(bodies)).all()
    assert (stats.frames, stats.resent) == (200, 0)
    assert 0 < stats.latency_p50_ms <= stats.latency_p99_ms


faults = st.dictionaries(st.integers(1, 40), st.sampled_from([LOSE, DOUBLE, LATE, FOREIGN]), max_size=5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(faults, faults, st.integers(1, 80))
def test_datagrams_that_are_lost_doubled_late_or_foreign_cost_time_and_nothing_else(down, up, frames):
    bodies = some(frames)
    answers, _ = exchanged(bodies, down, up, timeout=0.03)
    assert (answers == right(bodies)).all()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(2, 4), st.sampled_from([LOSE, LATE]), st.integers(0, 3))
def test_of_many_it_recovers_or_it_raises(every, fault, first):
    bodies = some(60)
    many = {number: fault for number in range(first + 1, 400, every)}
    try:
        answers, stats = exchanged(bodies, many, many, timeout=0.02)
    except BoardError:
        return
    assert (answers == right(bodies)).all()
    assert stats.resent <= ATTEMPTS * 60


def test_a_network_that_loses_everything_is_given_up():
    began = time.monotonic()
    with pytest.raises(BoardError, match=r"24 of 60 answers came, and one of the next not after 8 attempts"):
        exchanged(some(60), down={number: LOSE for number in range(9, 1000)}, timeout=0.02)
    assert time.monotonic() - began < 5


def test_nobody_and_another_design_are_said():
    port = address()
    with datagram_line(port, 0.02) as line, pytest.raises(BoardError, match="nothing answers; is the board programmed"):
        DatagramHost(line, port, FAKE).greet()
    with pytest.raises(BoardError, match="another design answers, 1234beee instead of 1234beef; program the board"):
        exchanged(some(1), device=Device(IDENTITY - 1, FAKE.bytes_down, answer))


def test_addresses_and_their_mistakes():
    assert at_address("udp://192.168.1.50") == ("192.168.1.50", 45438)
    assert at_address("udp://10.0.0.2:7000") == ("10.0.0.2", 7000)
    for port in ("udp://", "udp://board:70000"):
        with pytest.raises(BoardError, match=r"say udp://ADDRESS or udp://ADDRESS:45438"):
            at_address(port)
    port = address()
    with (
        datagram_line(port, 1),
        pytest.raises(BoardError, match=r"cannot be reached: .*; is another program"),
        datagram_line(port, 1),
    ):
        pass


def test_a_datagram_holds_as_many_whole_turns_as_fit_both_ways():
    plain, packed, maps = map(design, ("plain", "packed", "maps"))
    assert (plain.frames, packed.frames) == (22, 183)
    assert maps.frames % maps.every == 0
    for of in (plain, packed, maps):
        longest = max(of.bytes_down, of.bytes_up)
        assert longest <= LONGEST < longest + max(of.every * of.bytes_in, sum(of.answer_bytes))


def test_its_number_is_that_of_its_text_at_any_clock():
    plain = design("plain")
    assert plain.identity == Datagrams(CORE, mhz=50).identity != Datagrams(CORE, CORE.layers[1:]).identity
    assert plain.identity != design("packed").identity


def test_what_fits_no_datagram_is_said():
    graph = random_graph((1472, 4, 3), 8, name="long")
    core = lower(graph, {layer.name: Folding(1, 1) for layer in graph.layers[1:]} | {graph.layers[0].name: Folding(1)})
    with pytest.raises(LinkError, match="a frame of 1,472 bytes, answered by 1, are more than the 1,464 of a datagram"):
        Datagrams(core)
    assert Datagrams(core, pixels_cut=True).frames == 7
