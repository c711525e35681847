"""How far a verb is, as one line that is written over again: in a terminal and in a notebook alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

EVERY_SECONDS = 0.2  # a notebook keeps all that is written


class Progress:
    """Of one verb. What it is told in between is thrown away; the last thing that it is told stands in the end."""

    def __init__(self, verb: str, wanted: bool) -> None:
        self._verb, self._wanted = verb, wanted
        self._due, self._said, self._written = 0.0, "", ""

    def say(self, text: str) -> None:
        self._said = text
        if time.monotonic() >= self._due:
            self._write()
            self._due = time.monotonic() + EVERY_SECONDS

    def step(self, done: int, total: int, remark: str = "") -> None:
        self.say(f"{done:,} of {total:,}{f', {remark}' * bool(remark)}")

    def end(self) -> None:
        self._write()
        if self._wanted and self._written:
            print(flush=True)

    def _write(self) -> None:
        if self._wanted and self._said and self._said != self._written:
            print(f"\r{self._verb}: {self._said}".ljust(len(self._verb) + len(self._written) + 3), end="", flush=True)
            self._written = self._said


@contextmanager
def progress_of(verb: str, wanted: bool) -> Iterator[Progress]:
    """Says nothing where nothing is wanted."""
    line = Progress(verb, wanted)
    try:
        yield line
    finally:
        line.end()
