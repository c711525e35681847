"""Benches for the modules of links, on Icarus: each with bytes, words or beats for the modules and what is due."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from bitneck.hw.boards import frames
from numpy.random import Generator

FOLDER = Path(__file__).with_name("benches")
PASSED = "as it should be"
UNBUILT = "does not compile"
SECONDS = 20


@dataclass(frozen=True, eq=False)
class Size:
    """A module with parameters, as `sizes` asks for it."""

    module: str
    of: Mapping[str, int]

    def parameters(self) -> Mapping[str, int]:
        return self.of


@dataclass(frozen=True, eq=False)
class Case:
    """bench        a file of benches/
    modules      that it is for, with their own parameters
    parameters   of the bench
    files        that it reads
    """

    name: str
    bench: str
    modules: Mapping[str, Mapping[str, int]]
    parameters: Mapping[str, int]
    files: Mapping[str, str]

    @property
    def sizes(self) -> list[Size]:
        return [Size(module, parameters) for module, parameters in self.modules.items()]

    def complaint(self, texts: Mapping[str, str], folder: Path) -> str | None:
        """What the bench says of these modules, which lie in `texts` by file name; None where nothing is wrong."""
        wanted = [f"{module}.sv" for module in self.modules]
        for name, text in {**{name: texts[name] for name in wanted}, **self.files}.items():
            (folder / name).write_text(text)
        values = [f"-Pbench.{name}={value}" for name, value in self.parameters.items()]
        command = ["iverilog", "-g2012", *values, "-s", "bench", "-o", "bench", str(FOLDER / self.bench), *wanted]
        built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if built.returncode:
            return f"{UNBUILT}: {built.stderr.strip().partition(chr(10))[0]}"
        try:
            ran = subprocess.run(["vvp", "-n", "bench"], cwd=folder, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "it does not come to its end"
        return None if PASSED in ran.stdout else ran.stdout.strip().partition("\n")[0] or "it says nothing"


def _memory(words: list[int]) -> str:
    return "".join(f"{word:x}\n" for word in words)


@dataclass
class Line:
    """What is sent to a pair of link_down and link_up whose core echoes frames, and what has to come back."""

    body: int
    divider: int
    down: list[int] = field(default_factory=list)
    up: list[int] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    received: int = 0
    answers: int = 0
    damaged: int = 0
    come: list[int] = field(default_factory=list)  # bytes at the core that make no frame yet
    up_seed: int = 0x1234
    down_seed: int = 0xBEEF

    def pause(self, bits: int, cycles: int = 0) -> Line:
        """Before the next byte."""
        self._pause = bits * self.divider + cycles
        return self

    _pause: int = 0

    def _bytes(self, data: bytes, glitches: bool = False) -> None:
        for byte in data:
            self.down.append(byte | glitches << 8 | (1 << 9 | self._pause << 10 if self._pause else 0))
            self._pause = 0

    def greets(self, cut: int | None = None) -> None:
        self.says(frames.greeting(self.up_seed)[:cut])

    def says(self, data: bytes) -> None:
        self.up += [byte | (1 << 8 if at else 0) for at, byte in enumerate(data)]

    def hello(self, cut: int | None = None) -> None:
        self._bytes(bytes([frames.HELLO]))
        self.received = self.answers = self.damaged = 0
        self.come = []
        self.greets(cut)

    def frame(
        self,
        body: bytes,
        right: bool = True,
        off: int = 0,
        flip: int | None = None,
        hold: tuple[int, int] | None = None,
        glitches: bool = False,
        cut: int | None = None,
        slowly: bool = False,
    ) -> None:
        """right   whether it is as it should be
        off     in which bits its number is not
        flip    a bit that is another one
        hold    a byte that waits, and for how many cycles
        cut     bytes of the answer that still come, before what follows resets it
        """
        data = bytearray(frames.sent(np.frombuffer(body, np.uint8)[None], self.received ^ off, self.down_seed))
        if flip is not None:
            data[1 + flip // 8] ^= 1 << flip % 8
        for byte in bytes(data):
            if slowly:
                self.pause(3)
            self._bytes(bytes([byte]), glitches)
        heard, holds = list(data[1:-2]), [0] * self.body
        if hold is not None:
            at, cycles = hold
            holds[at] = cycles
            slack = self.divider - self.divider // 2 - 1
            if cycles > slack:
                heard[at] = 0x80  # what the receiver begins the next byte with
            if cycles > 10 * self.divider:
                del heard[at], holds[at + 1]
        self.holds += holds
        self.damaged = min(3, self.damaged + (not right))
        self.answered(heard, cut)
        self.received += 1

    def answered(self, heard: list[int], cut: int | None = None) -> None:
        self.come += heard
        if len(self.come) >= self.body:
            said, self.come = self.come[: self.body], self.come[self.body :]
            status = self.damaged << 6 | self.answers % 64
            check = int(frames.checks(np.array([said], np.uint8), 0xFFFF ^ self.up_seed ^ status)[0])
            self.says(bytes([frames.SYNC, *said, check & 0xFF, check >> 8])[:cut])
            self.answers += 1

    def silence(self, cut: int) -> None:
        """Zeros that end a frame of which nothing has come, with so many bytes of its answer."""
        self._bytes(frames.silence(self.body))
        self.holds += [0] * self.body
        self.damaged = min(3, self.damaged + 1)
        self.answered([0] * self.body, cut)
        self.received += 1

    def case(self, name: str, withheld: int = 1) -> Case:
        sides = {"uart_rx": {}, "uart_tx": {}, "link_down": {"BODY": self.body}, "link_up": {}}
        sizes = {"DOWN": len(self.down), "UP": len(self.up), "HOLDS": len(self.holds), "WITHHELD": withheld}
        return Case(
            name,
            "uart_bench.sv",
            {module: {"DIVIDER": self.divider, **more} for module, more in sides.items()},
            {"DIVIDER": self.divider, "BODY": self.body, **sizes},
            {"down.mem": _memory(self.down), "up.mem": _memory(self.up), "hold.mem": _memory(self.holds)},
        )

    def noise(self, data: bytes) -> None:
        self._bytes(data)


def _uart(name: str, divider: int, body: int, count: int) -> Case:
    rng = np.random.default_rng(divider * 10 + body)

    def random() -> bytes:
        return rng.choice([0, 0x7E, 0x3E, 0x81, 0xFF, 0x55, *rng.integers(0, 256, 6)], body).astype(np.uint8).tobytes()

    long = 10 * (body + 6)
    line = Line(body, divider)
    line.greets()
    line.pause(40).silence(cut=1)  # after a reset a frame is under way, with any check
    line.hello()
    for _ in range(count):
        line.frame(random())
    for _ in range(3):
        line.frame(random(), glitches=True)
    line.frame(random(), slowly=True)
    near = {byte ^ 1 << bit for byte in (0x7E, 0x3E) for bit in range(8)} - {0x7E, 0x3E}
    line.noise(bytes(sorted(near)))
    for fault in (
        {"flip": 0},
        {},
        {"flip": 8 * body + 15},
        {"off": 1},
        {"off": 32},
        {"flip": 8 * body - 1},
        {},
    ):
        line.frame(random(), right=not fault, **fault)
    line.pause(long).hello()
    line.frame(random())
    slack = divider - divider // 2 - 1
    line.frame(random(), hold=(0, slack)) if slack else None
    if body > 2:
        line.frame(random(), hold=(1, slack + 1), right=False)
        line.pause(long).hello()
        line.frame(random(), hold=(0, 10 * divider + slack), right=False)
        line.frame(random())
    line.pause(long).hello()
    line.frame(random())
    for byte, cycles in [*((0, cycles) for cycles in range(divider)), *((byte, 0) for byte in range(1, body + 2))]:
        line.pause(long).frame(random(), flip=3, right=False, cut=1 + byte)
        line.pause(8 + 10 * byte, cycles)
        line.up.append(1 << 8 | 1 << 9)
        line.hello()
    line.pause(long).frame(random())
    return line.case(name)


def _withheld(name: str, divider: int, body: int, count: int) -> Case:
    """The core answers when so many frames have come: as many as may be under way."""
    line = Line(body, divider)
    line.greets()
    line.pause(40).silence(cut=0)
    line.hello()
    for number in range(count):
        line.frame(bytes([number] * body))
    return line.case(name, withheld=count)


def _records(
    name: str,
    inputs: int = 2,
    frames: int = 2,
    every: int = 1,
    width: int = 4,
    pack: int = 1,
    beats: int = 3,
    kept: int = 2,
    kept_answers: int = 2,
    streams: int = 2,
    settles: int = 0,
    count: int = 40,
) -> Case:
    rng = np.random.default_rng(width * 100 + beats)
    answers = rng.integers(0, 256, count).tolist()
    layer = rng.integers(0, 1 << width, (count, beats)).tolist()
    word_bytes = 1 << (-(-width * pack // 8) - 1).bit_length()
    up: list[int] = []
    for number in range(count):
        alone = streams == 1 or number % every != 0
        up.append(answers[number] | alone << 8)
        if not alone:
            words = [
                sum(beat << width * place for place, beat in enumerate(layer[number][at : at + pack]))
                for at in range(0, beats, pack)
            ]
            said = b"".join(word.to_bytes(word_bytes, "little") for word in words) * (streams - 1)
            up += said[:-1]
            up.append(said[-1] | 1 << 8)
    size = beats // pack * word_bytes
    index = size.bit_length()
    parameters = {
        "COUNT": count,
        "UP": len(up),
        "IN": inputs,
        "FRAMES": frames,
        "EVERY": every,
        "WIDTH": width,
        "PACK": pack,
        "BEATS": beats,
        "KEPT": kept,
        "KEPT_ANSWERS": kept_answers,
        "STREAMS": streams,
        "SETTLES": settles,
        "TABLE": sum((size - 1) << index * stream for stream in range(1, streams)),
        "SEED": 1 + width,
        "LAYER_BYTES": size,
    }
    keep = {"WIDTH": width, "PACK": pack, "BEATS": beats, "FRAMES": kept, "EVERY": every, "INDEX_WIDTH": index}
    modules = {
        "gate": {"WIDTH": 8, "FRAMES": frames},
        "frame_number": {"BEATS": inputs, "WIDTH": frames.bit_length()},
        "keep": keep,
        "in_turn": {"STREAMS": streams, "COUNT_WIDTH": index},
    }
    files = {
        "answer.mem": _memory(answers),
        "layer.mem": _memory([beat for row in layer for beat in row]),
        "up.mem": _memory(up),
    }
    return Case(name, "records_bench.sv", modules | {"settle": {"WIDTH": 9}}, parameters, files)


IDENTITY = 0x8001_7EBC


@dataclass
class Port:
    """Datagrams that are sent to udp_down, and the words that udp_up has to answer."""

    body: int
    answer: int
    gaps: Generator | None = None  # within datagrams, of none without
    down: list[int] = field(default_factory=list)
    up: list[int] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    answers: int = 0

    def sends(
        self, data: bytes, ip: int = 9, error: bool = False, claims: int | None = None, pause: int = 0, after: int = 0
    ) -> None:
        length = len(data) if claims is None else claims
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        for at, word in enumerate(words):
            last = at == len(words) - 1
            if at:
                after, pause = 0, 0 if self.gaps is None else int(self.gaps.choice([0, 0, 0, 1, 3]))
            self.down.append(
                word | last << 32 | (error and last) << 33 | length << 34 | ip << 50 | pause << 58 | after << 66
            )

    def due(self, data: bytes, ip: int) -> None:
        words = [data[at : at + 4] for at in range(0, len(data), 4)]
        for at, word in enumerate(words):
            last = at == len(words) - 1
            be = 1 << len(word) - 1 if last else 0
            self.up.append(int.from_bytes(word, "little") | last << 32 | be << 33 | len(data) << 37 | ip << 53)
        self.answers += 1

    def asks(self, number: int, body: bytes, ip: int = 9, **more: int) -> None:
        head = IDENTITY.to_bytes(4, "little") + number.to_bytes(4, "little")
        self.sends(head + body, ip, **more)
        self.bodies += body
        self.due(head + body[: self.answer], ip)

    def hello(self, number: int, ip: int = 9, **more: int) -> None:
        self.sends(bytes(4) + number.to_bytes(4, "little"), ip, **more)
        self.due(IDENTITY.to_bytes(4, "little") + number.to_bytes(4, "little"), ip)


def _udp(name: str, body: int, answer: int, slots: int, answers: int = 1, stalls: int = 0) -> Case:
    rng = np.random.default_rng(body)
    port = Port(body, answer, rng if stalls else None)

    def random(count: int = body) -> bytes:
        return rng.integers(0, 256, count, dtype=np.uint8).tobytes()

    own = IDENTITY.to_bytes(4, "little")
    port.hello(0x11223344, ip=7)
    port.asks(0xFFFFFFFF, random(), ip=3)
    number = 5
    for _ in range(3):
        for at in range(slots):  # as many as there are slots, as soon as the ones before are answered
            number += 0x01010101
            last = random()
            port.asks(number, last, ip=at + 1, after=port.answers - at)
        port.hello(number ^ 1, ip=200, after=port.answers)
        port.hello(number ^ 2, ip=201)
    done = port.answers
    head = own + bytes([1, 2, 3, 4])
    for bit in (0, 7, 15, 31):
        port.sends((IDENTITY ^ 1 << bit).to_bytes(4, "little") + head[4:] + random(), after=done)
    port.sends(head + random(), error=True)
    port.sends(bytes(4) + head[4:], error=True)
    for length in (body - 4, body - 1, body + 1, body + 4, 0, 1):
        if length > 0:
            port.sends(head + random(length))
        port.sends(head + random(), claims=8 + length) if length != body else None
    port.sends(bytes(8) + random())
    port.sends(bytes(12))
    port.sends(bytes(9), claims=8)
    port.sends(bytes(4), claims=8)
    port.sends(bytes([0, 0, 0, 1]) + head[4:])
    port.sends(own[:4] + head[4:], claims=body + 8)
    port.sends(head)
    port.sends(head + random(8 * body + 64))
    port.sends(head + random(body + 4), claims=body + 8)
    for bit in (0, 3, 8, 15):
        port.sends(head + random(), claims=(body + 8) ^ 1 << bit)
        port.sends(bytes(8), claims=8 ^ 1 << bit)
    port.asks(0x80000001, random(), after=done)
    port.asks(0x7FFFFFFE, random(), pause=3)
    if slots == 2:
        # Two fill the slots; a third finds no place, though one is free before its end, and so does HELLO.
        done = port.answers
        port.asks(21, random(), after=done)
        port.asks(22, random())
        port.sends(head + random())
        port.sends(bytes(4) + head[4:])
        port.asks(24, random(), after=done + 2)
    if slots == 2 and body > 64:
        # The same, but that a place becomes free while the third comes: it is lost all the same.
        done = port.answers
        port.asks(31, random(), after=done)
        port.asks(32, random())
        port.sends(head + random(), pause=95)
        port.asks(34, random(), after=done + 2)
        # Of 16 words less or more than they say, which five bits of a place tell.
        port.sends(head + random(body - 64), claims=body + 8)
        port.sends(bytes(72), claims=8)
    for _ in range(70 // answers):
        port.asks(number := (number + 1) % 2**32, random(), after=port.answers - (slots - 1))
    if stalls > 1:
        # Two answers are here before that to HELLO has left.
        for _ in range(6):
            port.hello(number ^ 3, after=port.answers)
            for _ in range(2):
                port.asks(number := number + 1, random())
    modules = {"udp_down": {"BODY": body, "SLOTS": slots}, "udp_up": {"BODY": answer}}
    parameters = {
        "BODY": body,
        "ANSWER": answer,
        "SLOTS": slots,
        "DOWN": len(port.down),
        "UP": len(port.up),
        "BYTES": len(port.bodies),
        "STALLS": stalls,
        "FRAMES": answers,
    }
    files = {"down.mem": port.down, "up.mem": port.up, "bodies.mem": port.bodies}
    return Case(name, "udp_bench.sv", modules, parameters, {file: _memory(words) for file, words in files.items()})


def _cases() -> Iterator[Case]:
    # The fastest first, for most faults show in it.
    yield _uart("uart_7", 7, 1, 5)
    yield _uart("uart_5", 5, 5, 5)
    yield _uart("uart_10", 10, 4, 3)
    yield _uart("uart_4", 4, 3, 66)
    yield _withheld("uart_withheld", 4, 2, 32)
    yield _records("records_plain")
    yield _records("records_settled", settles=1, width=11, beats=4, inputs=1)
    yield _records("records_packed", width=2, pack=4, beats=32, inputs=3, frames=16, kept=16, kept_answers=16)
    yield _records("records_wide", width=32, beats=2, inputs=2, settles=2, frames=4, kept=4, kept_answers=4)
    yield _records("records_in_turns", every=4, frames=8, kept=2, kept_answers=8, width=3, beats=5, settles=1)
    yield _records("records_of_two", every=2, frames=8, kept=4, kept_answers=8, width=8, beats=2, settles=1)
    yield _records("records_of_one_beat", width=8, beats=1, inputs=4, frames=2, every=2)
    yield _records("records_of_three", streams=3, width=9, beats=6, inputs=4, kept=2, settles=1, frames=2)
    yield _records("records_of_odd_words", streams=4, width=4, pack=2, beats=6, inputs=5, kept=2, settles=1)
    yield _records("records_of_bytes", width=17, beats=4, kept=8, kept_answers=8, frames=8, count=60, settles=1)
    yield _records("records_odd", width=5, beats=33, inputs=40, frames=2, settles=2, count=20)
    yield _records("answers_alone", streams=1, settles=1, frames=4, kept_answers=4)
    yield _udp("udp_2", 8, 4, 2)
    yield _udp("udp_stalled", 21, 6, 4, answers=3, stalls=1)
    yield _udp("udp_odd", 5, 5, 2, answers=5, stalls=1)
    yield _udp("udp_byte", 3, 3, 2)
    yield _udp("udp_blocked", 32, 24, 4, answers=3, stalls=2)
    yield _udp("udp_long", 120, 12, 2, answers=4)


@cache
def cases() -> tuple[Case, ...]:
    return tuple(_cases())
