"""The RTL of a link in simulation, at the other end of a terminal: what the host's own code makes of it."""

from __future__ import annotations

import socket
import subprocess
import threading
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from bitneck.export.graph import Binarize
from bitneck.hw.accelerator import lower
from bitneck.hw.boards import frames, records
from bitneck.hw.boards.framed import LinkError
from bitneck.hw.boards.host import Host, serial_line
from bitneck.hw.boards.link import Linked
from bitneck.hw.boards.simulated import build, command, device
from bitneck.hw.folding import Folding, fold
from conv_nets import every_stage, random_levels
from faulty_device import DOUBLE, FLIP, LOSE, Wire
from random_nets import random_frames, random_graph

BARE = random_graph((64, 16, 10), 8, name="bare")
SLOW = random_graph((24, 12, 6), 8, name="slow")
MAPS, MAPS_CORE = every_stage("maps")
ONE_LANE = {layer.name: Folding(1, 1) for layer in SLOW.layers if not isinstance(layer, Binarize)}


@cache
def linked(name: str) -> Linked:
    """bare: one byte of answer. slow: everything is recorded, the pixels are cut, and the core is slower than the line.
    maps: every kind of stage, answers longer than frames. thin: the same, recorded as often as the line bears.
    """
    if name == "bare":
        return Linked(lower(BARE, fold(BARE, 64)))
    if name == "slow":
        core = lower(SLOW, {"binarize": Folding(8), **ONE_LANE})
        return Linked(core, taps=core.layers[1:], pixels_cut=True)
    maps = Linked(MAPS_CORE, divider=5, taps=MAPS_CORE.layers)
    return maps if name == "maps" else maps.at_full_rate


def graph_and_samples(name: str, count: int, seed: int = 1):
    graph = {"bare": BARE, "slow": SLOW}.get(name, MAPS)
    return graph, random_levels(graph, count, seed) if graph is MAPS else random_frames(graph, count, seed)


@cache
def program(name: str) -> Path:
    return build(linked(name), Path(mkdtemp(prefix="bitneck-test-")))


def through_a_terminal(name, x, faults=(), up=(), timeout=20.0):
    """The host's answers, with faults on the line to the simulated pins and on the way back."""
    with device(linked(name), program(name)) as port, serial_line(port, 3_000_000, timeout) as line:
        of = linked(name)
        wired = Faulty(line, Wire(dict(faults)), Wire(dict(up)))
        with Host(wired, port, of.window, of.bytes_in, of.answer_bytes, of.identity).talking() as host:
            data, stats = host.exchange(records.bodies(of, x))
    return records.answers(of, data), stats


class Faulty:
    def __init__(self, line, down: Wire, up: Wire) -> None:
        self._line, self._down, self._up = line, down, up

    def write(self, data):
        self._line.write(self._down(data))

    def read(self, size):
        return self._up(self._line.read(size))

    @property
    def in_waiting(self):
        return self._line.in_waiting


@pytest.mark.parametrize(("name", "count"), [("bare", 150), ("slow", 70), ("maps", 40), ("thin", 75)])
def test_classes_scores_and_codes_are_those_of_the_graph(name, count):
    graph, x = graph_and_samples(name, count)
    said, stats = through_a_terminal(name, x)
    due = graph(x)
    assert (said.classes == due.predictions()).all()
    assert stats.resent == 0
    assert set(said.codes) == set(linked(name).taps) - {graph.layers[-1].name}
    recorded = np.arange(0, count, linked(name).every)
    assert all(said.codes[layer] == due.codes[layer][recorded] for layer in said.codes)
    assert (said.scores is None) == (name == "bare")
    assert said.scores is None or (said.scores == due.scores[recorded]).all()


def test_they_are_what_they_are_for():
    bare, slow, maps, thin = map(linked, ("bare", "slow", "maps", "thin"))
    assert (bare.waits, bare.buffers_answers, bare.window) == (False, False, 63)
    assert (slow.waits, slow.buffers_answers, len(slow.cut)) == (True, True, 1)
    assert (maps.waits, maps.buffers_answers, maps.bytes_out > maps.bytes_in) == (False, True, True)
    assert (thin.every, thin.bytes_up <= thin.bytes_in + 3 < maps.bytes_up) == (2, True)


@pytest.mark.parametrize("name", ["bare", "slow", "thin"])
def test_faults_on_the_line_cost_time_and_nothing_else(name):
    graph, x = graph_and_samples(name, 60)
    size = linked(name).bytes_in + 3
    down = {4 * size + 3: (FLIP, 1), 11 * size: (LOSE, 0), 40 * size + 7: (DOUBLE, 0), 61 * size: (FLIP, 6)}
    up = {linked(name).bytes_out * 20: (FLIP, 2), linked(name).bytes_out * 60: (LOSE, 0)}
    said, stats = through_a_terminal(name, x, down, up, timeout=2.0)
    assert (said.classes == graph(x).predictions()).all()
    recorded = np.arange(0, 60, linked(name).every)
    assert all(said.codes[layer] == graph(x).codes[layer][recorded] for layer in said.codes)
    assert stats.resent


def cycles_of(name: str, count: int) -> int:
    """From the first bit in to the last out, of frames that come back to back."""
    of, (_, x) = linked(name), graph_and_samples(name, count)
    opening = frames.silence(of.bytes_in) + bytes([frames.HELLO])
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            command(of, program(name), theirs.fileno()),
            cwd=program(name).parent,
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
    with ours:
        sent = threading.Thread(
            target=lambda: (
                ours.sendall(opening + frames.sent(records.bodies(of, x), 0, of.down_seed)),
                ours.shutdown(socket.SHUT_WR),
            )
        )
        sent.start()
        heard = b""
        while more := ours.recv(65536):
            heard += more
        sent.join()
    cycles, bytes_in, _ = map(int, process.communicate()[0].split())
    sizes = np.resize(of.answer_bytes, count) + 3
    for at, rows in frames.cut(heard[-sizes.sum() :], sizes).values():
        assert (frames.statuses(rows, of.up_seed) == at % 64).all(), "a frame was damaged, or held up"
    assert bytes_in == len(opening) + count * (of.bytes_in + 3)
    return cycles


@pytest.mark.parametrize("name", ["bare", "maps", "thin"])
def test_the_line_is_the_limit(name):
    # Of the two directions the one that carries more; where answers are recorded no more is sent than the window.
    few, many = (10, 200) if name == "bare" else (4, linked(name).window)
    taken = (cycles_of(name, many) - cycles_of(name, few)) / (many - few)
    assert taken <= linked(name).cycles / 0.97


def test_layers_of_fewer_frames_come_at_the_rate_of_frames():
    maps, thin = linked("maps"), linked("thin")
    assert thin.cycles == 10 * thin.divider * (thin.bytes_in + 3) < maps.cycles
    assert thin.window >= maps.window
    assert Linked(MAPS_CORE, taps=MAPS_CORE.layers, every=32).at_full_rate.every == 2
    assert linked("bare").at_full_rate is linked("bare")


def test_the_number_of_a_design_is_that_of_its_text_at_any_baud():
    one, other = linked("bare"), linked("slow")
    assert one.identity == Linked(one.core, divider=7).identity
    assert one.identity != Linked(one.core, pixels_cut=True).identity != other.identity
    weights = lower(random_graph((64, 16, 10), 8, seed=1, name="bare"), fold(BARE, 64))
    assert Linked(weights).identity != one.identity


def test_what_a_link_cannot_have_is_said():
    core = linked("bare").core
    with pytest.raises(LinkError, match="no layer 'dense7' to tap; it has binarize, dense1, scores"):
        Linked(core, taps=("dense7",))
    with pytest.raises(LinkError, match="every 3 frames; choose 1, 2, 4, 8, 16 or 32"):
        Linked(core, taps=("dense1",), every=3)
    with pytest.raises(LinkError, match="every 2 frames of no layer; name the layers to tap, or all"):
        Linked(core, every=2)
    with pytest.raises(LinkError, match="3 cycles a bit leave no middle"):
        Linked(core, divider=3)
    with pytest.raises(LinkError, match="dense1 is no cut that a host could make"):
        Linked(Linked(core, pixels_cut=True).inner, pixels_cut=True)
