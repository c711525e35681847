"""A device of datagrams at an address of this machine, in Python, and a network that loses, doubles and reorders."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bitneck.hw.boards.datagram_host import at_address
from bitneck.hw.boards.datagrams import HEADER

LOSE, DOUBLE, LATE, FOREIGN = "lose", "double", "late", "foreign"
MOST_LATE = 3  # datagrams that one may be behind


@dataclass
class Network:
    """Passes datagrams on, but for those with a fault, by their number. A late one comes after the next ones."""

    faults: Mapping[int, str]
    passed: int = 0
    kept: list[tuple[int, bytes]] = field(default_factory=list)

    def __call__(self, data: bytes) -> list[bytes]:
        fault, out = self.faults.get(self.passed, ""), []
        self.passed += 1
        if fault == LATE:
            self.kept.append((self.passed + MOST_LATE, data))
        elif fault == FOREIGN:
            out = [bytes([data[0] ^ 1]) + data[1:], data[:-1], data + b"\0", b"", data]
        elif fault != LOSE:
            out = [data] * (2 if fault == DOUBLE else 1)
        out += [late for due, late in self.kept if due <= self.passed]
        self.kept = [(due, late) for due, late in self.kept if due > self.passed]
        return out


@dataclass
class Device:
    """What `udp_down` and `udp_up` do, datagram by datagram."""

    identity: int
    bytes_down: int
    answer: Callable[[bytes], bytes]

    def hears(self, data: bytes) -> list[bytes]:
        own = self.identity.to_bytes(4, "little")
        if len(data) == HEADER and data[:4] == bytes(4):
            return [own + data[4:]]
        if len(data) == self.bytes_down and data[:4] == own:
            return [data[:HEADER] + self.answer(data[HEADER:])]
        return []


@contextmanager
def at_home(port: str, device: Device, down: Network, up: Network) -> Iterator[None]:
    """The device answers until the context ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(at_address(port))
        line.settimeout(0.02)
        ended = threading.Event()

        def live() -> None:
            while not ended.is_set():
                try:
                    data, host = line.recvfrom(65536)
                except TimeoutError:
                    continue
                for heard in down(data):
                    for said in (passed for answer in device.hears(heard) for passed in up(answer)):
                        line.sendto(said, host)

        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(5)
