"""The host's side of datagrams: a window of them under way, what is lost sent again, and nothing else accepted."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from .datagrams import HEADER, PORT, SLOTS, Datagrams
from .frames import Bytes
from .host import ATTEMPTS, BoardError, Heard, Stats

SCHEME = "udp"
NUMBERS = 1 << 32
LARGEST = 65536


def is_address(port: str | None) -> bool:
    return port is not None and port.startswith(f"{SCHEME}://")


def at_address(port: str) -> tuple[str, int]:
    """Of `udp://192.168.1.50` or `udp://192.168.1.50:45438`. Raises BoardError."""
    try:
        parts = urlsplit(port)
        if parts.hostname is None:
            raise ValueError("it names no board")
        return parts.hostname, parts.port or PORT
    except ValueError as error:
        raise BoardError(f"{port}: {error}; say {SCHEME}://ADDRESS or {SCHEME}://ADDRESS:{PORT}") from None


@contextmanager
def datagram_line(port: str, timeout_seconds: float) -> Iterator[socket.socket]:
    """A socket that hears one board alone, at the port that the board answers to. Raises BoardError."""
    address, number = at_address(port)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, number))
            own, _ = probe.getsockname()
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.settimeout(timeout_seconds)
        line.bind((own, number))
        line.connect((address, number))
    except OSError as error:
        raise BoardError(f"{port} cannot be reached: {error}; is another program talking to a board?") from None
    with line:
        yield line


@dataclass(frozen=True)
class Datagram:
    """What a number stands for, while it is under way."""

    index: int
    attempts: int
    late: float  # when it is lost


@dataclass(eq=False)
class DatagramHost:
    """One design at the other end of a socket, which is connected and has a timeout.

    name   of it, for errors
    """

    line: socket.socket
    name: str
    design: Datagrams
    _next: int = field(default_factory=lambda: secrets.randbelow(NUMBERS))  # so that no late answer is taken for one

    def greet(self) -> None:
        """Raises BoardError where this design does not answer."""
        for _ in range(ATTEMPTS):
            number = self._numbers(1)
            self._send(_header(0, number))
            until = time.perf_counter() + self._timeout
            while (said := self._read(until)) is not None:
                if len(said) == HEADER and said[4:] == _header(0, number)[4:]:
                    self._is_this(int.from_bytes(said[:4], "little"))
                    return
        raise BoardError(
            f"{self.name}: nothing answers; is the board programmed with this run's bitstream, does its address lie in "
            "this machine's network, and does a firewall let its answers in?"
        )

    def _is_this(self, identity: int) -> None:
        if identity != self.design.identity:
            raise BoardError(
                f"{self.name}: another design answers, {identity:08x} instead of {self.design.identity:08x}; "
                "program the board with the bitstream of this run, its taps and its cut"
            )

    def exchange(self, bodies: Bytes, progress: Callable[[Heard], None] = lambda heard: None) -> tuple[Bytes, Stats]:
        """The answers to the frames (n, bytes_in), in order: (n, longest), shorter ones filled with zeros.

        progress   is told what has come each time that there is more without a gap

        Raises BoardError where a datagram is not answered, or the line is gone; what is returned is whole.
        """
        frames, count = self.design.frames, len(bodies)
        parts = -(-count // frames)
        answers = np.zeros((parts * frames, max(self.design.answer_bytes)), np.uint8)
        begun, ended, came = np.zeros(parts), np.zeros(parts), np.zeros(parts, bool)
        under_way: dict[int, Datagram] = {}  # by number
        sent = whole = resent = 0
        self.greet()
        start, first = time.perf_counter(), self._numbers(parts)

        def heard() -> Heard:
            upto = min(whole * frames, count)
            sent_at, there_at = (np.repeat(each[:whole], frames)[:upto] for each in (begun, ended))
            return Heard(answers[:upto], sent_at, there_at, time.perf_counter() - start, resent)

        def send(index: int, attempts: int) -> None:
            number, now = (first + index) % NUMBERS, time.perf_counter()
            body = bodies[index * frames : (index + 1) * frames].tobytes()
            filled = body.ljust(self.design.bytes_down - HEADER, b"\0")
            self._send(_header(self.design.identity, number) + filled)
            under_way[number] = Datagram(index, attempts, now + self._timeout)

        while whole < parts:
            while sent < parts and len(under_way) < SLOTS:
                begun[sent] = time.perf_counter()
                send(sent, 1)
                sent += 1
            said = self._read(min(datagram.late for datagram in under_way.values()))
            now = time.perf_counter()
            if said is not None and (found := self._answered(said, under_way)) is not None:
                answers[found * frames : (found + 1) * frames] = self._rows(said)
                ended[found], came[found] = now, True
                before, whole = whole, parts if came.all() else int(came.argmin())
                if whole > before:
                    progress(heard())
            for lost in [datagram for datagram in under_way.values() if datagram.late <= now]:
                if lost.attempts == ATTEMPTS:
                    raise BoardError(
                        f"{self.name}: {min(whole * frames, count):,} of {count:,} answers came, and one of the next "
                        f"not after {ATTEMPTS} attempts; the network is too bad, or the board is gone"
                    )
                resent += frames
                send(lost.index, lost.attempts + 1)
        return answers[:count], heard().stats

    def _answered(self, said: bytes, under_way: dict[int, Datagram]) -> int | None:
        """Which datagram this is the first answer to."""
        if len(said) != self.design.bytes_up or said[:4] != _header(self.design.identity, 0)[:4]:
            return None
        found = under_way.pop(int.from_bytes(said[4:HEADER], "little"), None)
        return None if found is None else found.index

    def _rows(self, said: bytes) -> Bytes:
        """The answers of a datagram: (frames, longest)."""
        sizes = self.design.answer_bytes
        turns = np.frombuffer(said, np.uint8)[HEADER:].reshape(-1, sum(sizes))
        rows = np.zeros((len(turns), len(sizes), max(sizes)), np.uint8)
        at = 0
        for place, size in enumerate(sizes):
            rows[:, place, :size] = turns[:, at : at + size]
            at += size
        return rows.reshape(self.design.frames, -1)

    def _numbers(self, count: int) -> int:
        """The first of so many that nothing else of late has had."""
        first, self._next = self._next, (self._next + count) % NUMBERS
        return first

    @property
    def _timeout(self) -> float:
        timeout = self.line.gettimeout()
        assert timeout is not None
        return timeout

    def _send(self, data: bytes) -> None:
        try:
            self.line.send(data)
        except ConnectionRefusedError:  # of an earlier one: nobody listens there, which for this one is being lost
            pass
        except OSError as error:
            raise self._gone(error) from None

    def _read(self, until: float) -> bytes | None:
        """A datagram; None where none comes until then."""
        timeout = self._timeout
        try:
            self.line.settimeout(max(1e-4, until - time.perf_counter()))
            return self.line.recv(LARGEST)
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            time.sleep(max(0.0, until - time.perf_counter()))
            return None
        except OSError as error:
            raise self._gone(error) from None
        finally:
            self.line.settimeout(timeout)

    def _gone(self, error: OSError) -> BoardError:
        return BoardError(f"{self.name} is gone: {error}; plug it in again and repeat the command")


def _header(identity: int, number: int) -> bytes:
    return identity.to_bytes(4, "little") + number.to_bytes(4, "little")
