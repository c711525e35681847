"""A device at the other end of a terminal that follows the link's rules, behind a line that has faults."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
from bitneck.hw.boards import frames

FLIP, LOSE, DOUBLE, STALL, GONE = "flip", "lose", "double", "stall", "gone"
STALL_SECONDS = 0.3


@dataclass
class Wire:
    """Passes bytes on, but for those with a fault: by their number since the beginning, the fault and its bit."""

    faults: Mapping[int, tuple[str, int]]
    passed: int = 0

    def __call__(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            kind, bit = self.faults.get(self.passed, ("", 0))
            self.passed += 1
            if kind == GONE:
                raise OSError("unplugged")
            if kind == STALL:
                time.sleep(STALL_SECONDS)
            if kind != LOSE:
                out += bytes([byte ^ (1 << bit) if kind == FLIP else byte]) * (2 if kind == DOUBLE else 1)
        return bytes(out)


@dataclass
class Device:
    """What `link_down` and `link_up` do, byte by byte."""

    body: int
    answer: Callable[[bytes], bytes]
    up_seed: int
    down_seed: int
    received: int = 0
    errors: int = 0
    under_way: bytes | None = None
    answered: list[bytes] = field(default_factory=list)

    def hears(self, data: bytes) -> bytes:
        return b"".join(self._byte(byte) for byte in data)

    def _byte(self, byte: int) -> bytes:
        if self.under_way is None:
            if byte == frames.HELLO:
                self.received = self.errors = 0
                return frames.greeting(self.up_seed)
            self.under_way = b"" if byte == frames.SYNC else None
            return b""
        self.under_way += bytes([byte])
        if len(self.under_way) < self.body + 2:
            return b""
        whole, self.under_way = frames.SYNC.to_bytes(1, "big") + self.under_way, None
        row = np.frombuffer(whole, np.uint8)[None]
        self.errors = min(3, self.errors + (frames.statuses(row, self.down_seed)[0] != self.received % 64))
        said = np.frombuffer(self.answer(whole[1:-2]), np.uint8)[None]
        status = self.errors << 6 | self.received % 64
        self.received += 1
        check = int(frames.checks(said, 0xFFFF ^ self.up_seed ^ status)[0])
        return bytes([frames.SYNC]) + said.tobytes() + bytes([check & 0xFF, check >> 8])


@contextmanager
def plugged_in(device: Device, down: Wire, up: Wire) -> Iterator[str]:
    """The path of the terminal."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def live() -> None:
        with suppress(OSError):
            while data := os.read(master, 65536):
                said = up(device.hears(down(data)))
                while said:
                    said = said[os.write(master, said) :]
            return
        os.close(master)

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        thread.join(5)
