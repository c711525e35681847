"""LiteEth's core as its generator writes it, at a board's pins: frames of Ethernet in, and the answers out of them."""

from __future__ import annotations

import subprocess
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.boards import liteeth, records
from bitneck.hw.boards.board import board
from bitneck.hw.boards.datagrams import PORT, Datagrams
from bitneck.hw.boards.top import Top
from bitneck.hw.folding import fold
from bitneck.hw.simulation.verilator import find_verilator
from bitneck.hw.synthesis.targets import SynthesisError
from bitneck.hw.verilog import verilog
from random_nets import random_frames, random_graph

BENCH = Path(__file__).with_name("benches") / "rgmii_bench.sv"
needs = pytest.mark.skipif(find_spec("liteeth") is None, reason="no LiteEth")
OF = board("colorlight_i5_udp")
HOST_MAC, HOST_IP = bytes([2, 0, 0, 0, 0, 1]), bytes([192, 168, 1, 7])
MAC, IP = bytes.fromhex(OF.ethernet.mac.replace(":", "")), bytes(map(int, OF.ethernet.ip.split(".")))
EVERYBODY = b"\xff" * 6
GRAPH = random_graph([12, 6, 5, 3], 8, name="little")


def frame(to: bytes, kind: int, payload: bytes) -> bytes:
    """With its preamble and check."""
    whole = (to + HOST_MAC + kind.to_bytes(2, "big") + payload).ljust(60, b"\0")
    return b"\x55" * 7 + b"\xd5" + whole + zlib.crc32(whole).to_bytes(4, "little")


def arp(operation: int, to: bytes) -> bytes:
    body = bytes([0, 1, 8, 0, 6, 4, 0, operation]) + HOST_MAC + HOST_IP + (to if operation == 2 else bytes(6)) + IP
    return frame(to, 0x0806, body)


def udp(data: bytes, damaged: bool = False) -> bytes:
    ports = PORT.to_bytes(2, "big") * 2
    inner = ports + (len(data) + 8).to_bytes(2, "big") + bytes(2) + data
    head = bytearray([0x45, 0, *(len(inner) + 20).to_bytes(2, "big"), 0, 0, 0, 0, 64, 17, 0, 0, *HOST_IP, *IP])
    total = sum(int.from_bytes(head[at : at + 2], "big") for at in range(0, 20, 2))
    head[10:12] = (0xFFFF - (total % 0xFFFF)).to_bytes(2, "big")
    whole = bytearray(frame(MAC, 0x0800, bytes(head) + inner))
    whole[60] ^= damaged
    return bytes(whole)


def answered(top: Top, said: list[bytes | int], folder: Path) -> list[bytes]:
    """Frames, and pauses of so many cycles of 8 ns, through the simulated pins: the frames that come out."""
    files = {**verilog(top.inner.core), **top.files(), "bench.sv": BENCH.read_text().replace("TOP", top.name)}
    words = []
    for each in said:
        if isinstance(each, bytes):
            words += [byte | 1 << 8 for byte in each] + [20]
        else:
            words += [min(250, each - at) for at in range(0, each, 250)]
    for name, text in {**files, "rx.mem": "".join(f"{word:x}\n" for word in words)}.items():
        (folder / name).write_text(text)
    sources = [name for name in files if name.endswith(".sv")]
    # Icarus never leaves time zero: LiteX's processes wake themselves up.
    options = ["--binary", "--timing", "--top-module", "bench", f"-GCOUNT={len(words)}", "-Wno-fatal", "-O0"]
    options += ["--output-split", "0"]  # one file: of many, each loads 76 MB of headers
    find_verilator().run([*options, "-CFLAGS", "-O0 -std=c++20 -fcoroutines", *sources], folder)
    subprocess.run([folder / "obj_dir" / "Vbench"], cwd=folder, check=True, capture_output=True)
    return [bytes.fromhex(line) for line in (folder / "tx.txt").read_text().split()]


def contents(frames: list[bytes], kind: int) -> list[bytes]:
    """The payloads of those of a kind, their preambles and checks found right."""
    found = []
    for each in frames:
        assert each[:8] == b"\x55" * 7 + b"\xd5"
        assert zlib.crc32(each[8:-4]).to_bytes(4, "little") == each[-4:]
        if each[20:22] == kind.to_bytes(2, "big"):
            assert each[14:20] == MAC
            found.append(each[22:-4])
    return found


@needs
@pytest.mark.parametrize("taps", [(), "all"])
def test_frames_of_ethernet_are_answered_at_the_pins(taps, tmp_path):
    core = lower(GRAPH, fold(GRAPH, 6))
    of = Datagrams(core, core.layers if taps else (), mhz=OF.clock_mhz)
    x = random_frames(GRAPH, of.frames, 1)
    head = of.identity.to_bytes(4, "little")
    bodies = records.bodies(of, x).tobytes()
    said = [
        arp(1, EVERYBODY),
        600,
        udp(bytes(4) + b"\1\2\3\4"),
        1500,  # it asks where the host is
        arp(2, MAC),
        1500,
        udp(head + b"\5\6\7\x08" + bodies, damaged=True),
        udp(head + b"\x09\0\0\x80" + bodies),
        12 * of.frames * of.cycles + 6000,
    ]
    frames = answered(Top(OF, of), said, tmp_path)
    for packet in (packets := contents(frames, 0x0800)):
        assert packet[12:20] == IP + HOST_IP
        assert packet[20:24] == PORT.to_bytes(2, "big") * 2
    hello, answer = (packet[28 : 20 + int.from_bytes(packet[24:26], "big")] for packet in packets)
    assert hello == head + b"\1\2\3\4"
    assert answer[:8] == head + b"\x09\0\0\x80"
    rows = np.frombuffer(answer[8:], np.uint8).reshape(of.frames, of.bytes_out)
    due, came = GRAPH(x), records.answers(of, rows)
    assert (came.classes == due.predictions()).all()
    assert all(came.codes[layer] == due.codes[layer] for layer in came.codes)
    assert [each[6:8] for each in contents(frames, 0x0806)] == [b"\0\2", b"\0\1"]


@needs
def test_the_same_core_is_the_same_text_without_a_word_of_when():
    first = OF.ethernet.core("little__liteeth", OF.clock_mhz)
    liteeth.core.cache_clear()
    assert OF.ethernet.core("little__liteeth", OF.clock_mhz) == first
    assert "//" not in first
    assert "module little__liteeth" in first


def test_where_liteeth_is_not_installed_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(liteeth, "find_spec", lambda name: None)
    with pytest.raises(SynthesisError, match=r"liteeth is not installed here; `pip install 'bitneck\[udp\]'`"):
        OF.ethernet.core("another__liteeth", OF.clock_mhz)
