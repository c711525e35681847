"""The host's side of a link: a window of frames under way, what is damaged sent again, and nothing else accepted."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import frames
from .frames import Bytes

ATTEMPTS = 8  # without an answer more, before it is given up
LONG_SILENCE = 8192  # zeros that end a frame of any design that may be there
MOST_HEARD = 1_000_000  # bytes before a board that never stops is taken for no board


class BoardError(ValueError):
    """A board that is not there, says nothing or nothing that can be understood, or is another one."""


class Line(Protocol):
    """What is asked of a serial port; `serial.Serial` is one."""

    def read(self, size: int) -> bytes: ...  # at least a byte, or none after its timeout
    def write(self, data: bytes) -> Any: ...
    @property
    def in_waiting(self) -> int: ...


@dataclass(frozen=True)
class Stats:
    """frames_per_second from the first byte to the last; latencies from a frame's sending to its answer."""

    frames: int
    seconds: float
    resent: int
    latency_p50_ms: float
    latency_p99_ms: float

    @property
    def frames_per_second(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, eq=False)
class Heard:
    """What has come so far.

    answers        (done, longest) bytes, whole and checked
    begun, ended   (done,) seconds: when a frame was sent, and its answer was there
    """

    answers: Bytes
    begun: NDArray[np.float64]
    ended: NDArray[np.float64]
    seconds: float
    resent: int

    @property
    def stats(self) -> Stats:
        late = (self.ended - self.begun) * 1e3
        p50, p99 = np.percentile(late, (50, 99)) if len(late) else (0.0, 0.0)
        return Stats(len(self.answers), self.seconds, self.resent, float(p50), float(p99))


@dataclass(eq=False)
class Host:
    """One design at the other end of a line.

    name         of the line, for errors
    window       frames under way
    bytes_in     of a frame, the framing apart
    bytes_out    of the answers in turn, likewise, beginning with that to the first frame after HELLO
    identity     of the design; see `Linked`
    """

    line: Line
    name: str
    window: int
    bytes_in: int
    bytes_out: Sequence[int]
    identity: int
    _outgoing: queue.SimpleQueue[bytes | None] = field(default_factory=queue.SimpleQueue)
    _failed: OSError | None = None

    @contextmanager
    def talking(self) -> Iterator[Host]:
        """Lets it write: reading goes on meanwhile, for a line that is full both ways would stand still."""
        writer = threading.Thread(target=self._write, daemon=True)
        writer.start()
        try:
            self.greet()
            yield self
        finally:
            self._outgoing.put(None)
            writer.join(1.0)

    def greet(self) -> None:
        """Ends whatever is under way and begins anew. Raises BoardError where this design does not answer."""
        heard = b""
        for attempt in range(ATTEMPTS):
            zeros = self.bytes_in if attempt == 0 else max(self.bytes_in, LONG_SILENCE)
            self._send(frames.silence(zeros) + bytes([frames.HELLO]))
            heard = b""
            while len(heard) < MOST_HEARD and (more := self._read()):
                heard += more
                if heard.endswith(frames.greeting(self.identity >> 16)):
                    return
        raise BoardError(self._silent(heard))

    def _silent(self, heard: bytes) -> str:
        if not heard:
            return (
                f"{self.name}: nothing answers; is the board programmed with this run's bitstream, are rx and tx of "
                "the board file those of its bridge, and is it the right port?"
            )
        if len(heard) >= 3 and heard[-3] == frames.SYNC:
            other = heard[-2] | heard[-1] << 8
            return (
                f"{self.name}: another design answers, {other:04x} instead of {self.identity >> 16:04x}; program the "
                "board with the bitstream of this run, its taps and its cut"
            )
        return f"{self.name}: {len(heard)} bytes came, and no answer among them; is the baud rate that of the board?"

    def exchange(self, bodies: Bytes, progress: Callable[[Heard], None] = lambda heard: None) -> tuple[Bytes, Stats]:
        """The answers to the frames (n, bytes_in), in order: (n, longest), shorter ones filled with zeros.

        progress   is told what has come each time that there is more

        Raises BoardError where none comes any more, or the line is gone; what is returned is whole and checked.
        """
        count, turn = len(bodies), len(self.bytes_out)
        sizes = np.resize(self.bytes_out, count) + frames.FRAMING
        answers = np.zeros((count, max(self.bytes_out)), np.uint8)
        begun, ended = np.zeros(count), np.zeros(count)
        done = sent = base = most = resent = tries = 0  # base: the frame that was the first after HELLO

        def come() -> Heard:
            return Heard(answers[:most], begun[:most], ended[:most], time.perf_counter() - start, resent)

        self.greet()
        start, heard, greeting = time.perf_counter(), b"", frames.greeting(self.identity >> 16)
        unread = False  # what was heard is to be looked at before more is waited for: there may be no more
        while done < count:
            if sent < min(count, done + self.window):
                upto = min(count, done + self.window)
                begun[sent:upto] = time.perf_counter()
                self._send(frames.sent(bodies[sent:upto], sent - base, self.identity & 0xFFFF))
                sent = upto
            if not unread:
                heard += (more := self._read())
            unread = False
            rows = frames.cut(heard, sizes[done:sent])
            whole = sum(len(at) for at, _ in rows.values())
            status = np.empty(whole, np.int64)
            for size, (at, row) in rows.items():
                status[at] = frames.statuses(row, self.identity >> 16)
                answers[done + at, : size - frames.FRAMING] = row[:, 1:-2]
            right = status == (np.arange(done, done + whole) - base) % frames.NUMBERS
            good = whole if right.all() else int(right.argmin())
            ended[done : done + good] = time.perf_counter()
            heard = heard[sizes[done : done + good].sum() :]
            done += good
            if done > most:
                most, tries = done, 0
                progress(come())
            elif not good and done == base and heard.startswith(greeting):  # of an earlier HELLO, or a board that woke
                heard = heard[len(greeting) :]
                unread = bool(heard)
                continue
            if good < whole or not more or (heard and done == sent):
                if done == count:
                    break
                tries += 1
                if tries > ATTEMPTS:
                    raise BoardError(
                        f"{self.name}: {most:,} of {count:,} answers came, and none after {ATTEMPTS} attempts more; "
                        "the line is too bad, or the clock of the board is not that of its file"
                    )
                done -= done % turn  # so that the same frames are the first of their turn
                resent += sent - done
                try:
                    self.greet()
                except BoardError as error:
                    raise BoardError(f"{error} ({most:,} of {count:,} answers had come)") from None
                sent, base, heard = done, done, b""
        return answers, come().stats

    def _send(self, data: bytes) -> None:
        self._outgoing.put(data)

    def _write(self) -> None:
        try:
            while (data := self._outgoing.get()) is not None:
                self.line.write(data)
        except OSError as error:
            self._failed = error

    def _read(self) -> bytes:
        """All that there is, waiting for a first byte; nothing after the line's timeout."""
        try:
            data = self.line.read(1)
            if data:
                data += self.line.read(self.line.in_waiting)
        except (OSError, TypeError) as error:  # pyserial's own way to say that the port was closed is a TypeError
            self._failed = error if isinstance(error, OSError) else OSError("closed")
        if self._failed is not None:
            raise BoardError(f"{self.name} is gone: {self._failed}; plug it in again and repeat the command")
        return data


@contextmanager
def serial_line(port: str, baud: int, timeout_seconds: float) -> Iterator[Line]:
    """A port of the operating system, without its delay where that can be turned off. Raises BoardError."""
    try:
        import serial
    except ModuleNotFoundError:
        raise BoardError("pyserial is not installed here; `pip install 'bitneck[board]'` brings it") from None
    try:
        line = serial.Serial(port, baud, timeout=timeout_seconds, exclusive=True)
    except (OSError, ValueError) as error:
        raise BoardError(
            f"{port} at {baud:,} baud cannot be opened: {error}; `ls /dev/tty*` shows what is there"
        ) from None
    with line:
        with suppress(OSError, ValueError, NotImplementedError, AttributeError):  # FTDI waits 16 ms otherwise
            line.set_low_latency_mode(True)
        line.reset_input_buffer()
        yield line


def only_port() -> str:
    """The one USB port that is there. Raises BoardError where there is none, or several."""
    try:
        from serial.tools.list_ports import comports
    except ModuleNotFoundError:
        raise BoardError("pyserial is not installed here; `pip install 'bitneck[board]'` brings it") from None
    found = sorted(port.device for port in comports() if port.vid is not None)
    if len(found) != 1:
        there = f"several ports are here, {', '.join(found)}" if found else "no USB port is here"
        raise BoardError(f"{there}; say which with --port, or --simulate")
    return found[0]
