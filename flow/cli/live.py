"""What a board says, while it says it: `bitneck board --live`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...export.graph import Graph
from ...hw.boards.framed import Framed
from ...hw.boards.host import Heard, Stats
from ...hw.boards.records import Answers, answers, host_codes
from ...ib_analysis.codes import Codes
from .console import out

PICTURES_A_SECOND = 8
WIDEST = 64  # columns of a picture
MOST_CLASSES = 12  # of which a table is drawn
BLOCKS = " ▀▄█"  # by the upper bit and twice the lower one
BAR = 20


@dataclass(eq=False)
class View:
    """Of samples x, labels y: what was said of those that are answered, and all of the last one that was recorded."""

    linked: Framed
    graph: Graph
    x: NDArray[np.uint8]
    y: NDArray[np.int64]
    confusion: NDArray[np.int64] = field(init=False)
    done: int = 0
    _last: tuple[int, Answers] | None = None
    _stats: Stats | None = None

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.graph.classes, self.graph.classes), np.int64)

    def hears(self, heard: Heard) -> None:
        """Counts what came since it was last called, whole turns of answers alone, but for the end."""
        done, every = len(heard.answers), self.linked.every
        upto = done if done == len(self.x) else done - done % every
        self._stats = heard.stats
        if upto == self.done:
            return
        said = answers(self.linked, heard.answers[self.done : upto])
        np.add.at(self.confusion, (self.y[self.done : upto], said.classes), 1)
        begins = (upto - 1) // every * every
        self._last = begins, answers(self.linked, heard.answers[begins : begins + 1])
        self.done = upto

    @property
    def accuracy(self) -> float:
        """Of the samples so far."""
        return float(np.trace(self.confusion) / max(1, self.confusion.sum()))

    def picture(self) -> RenderableType:
        """All of it."""
        if self._last is None or self._stats is None:
            return Text("nothing has come yet")
        stats, (sample, said) = self._stats, self._last
        facts = (
            f"{self.done:,} of {len(self.x):,} samples, {self.accuracy:.2%} right; "
            f"{stats.frames_per_second:,.0f} frames/s, {stats.resent} resent, "
            f"{stats.latency_p50_ms:.1f} ms (p50), {stats.latency_p99_ms:.1f} ms (p99)"
        )
        label, called = int(self.y[sample]), int(said.classes[0])
        verdict = Text(f"sample {sample}: {called}", "green" if called == label else "red")
        verdict.append("" if called == label else f", and it is {label}")
        codes = {**host_codes(self.linked, self.x[sample : sample + 1]), **said.codes}
        pictures = [self._input(sample), *(self._code(name, codes[name]) for name in self.graph.coded if name in codes)]
        scores = [] if said.scores is None else [_scores(said.scores[0], self.graph.top)]
        return Group(Text(facts), self._classes(), verdict, Columns([*pictures, *scores], padding=(0, 2)))

    def _classes(self) -> RenderableType:
        """Labels down, what was said across; of many classes the pair that is confused most."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        label, said = np.unravel_index(wrong.argmax(), wrong.shape)
        if len(wrong) > MOST_CLASSES:
            count = wrong[label, said]
            return Text(f"{count:,} times {said} was said of {label}, more than of any other" if count else "")
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("is")
        for called in range(len(wrong)):
            table.add_column(str(called), justify="right")
        for row, counts in enumerate(self.confusion.tolist()):
            styles = ["green" if row == called else "red" for called in range(len(wrong))]
            cells = [
                Text(f"{count:,}", style) if count else Text("·", "dim")
                for count, style in zip(counts, styles, strict=True)
            ]
            table.add_row(Text(str(row), "bold"), *cells)
        return table

    def _input(self, sample: int) -> RenderableType:
        levels = self.x[sample].astype(np.int64)
        return _titled("input", laid_out(levels > levels.mean(), self.graph.shape), "above their mean")

    def _code(self, name: str, codes: Codes) -> RenderableType:
        """Of levels of several bits the highest bit is drawn."""
        width = codes.width // self._elements(name)
        bits = codes.bits()[0].reshape(-1, width)[:, -1]
        layer = next((layer for layer in self.graph.layers if layer.name == name), None)
        return _titled(name, laid_out(bits, () if layer is None else layer.out_shape), f"{bits.sum()} of {len(bits)}")

    def _elements(self, name: str) -> int:
        return next((layer.outputs for layer in self.graph.layers if layer.name == name), self.graph.coded[name])


def _titled(name: str, on: NDArray[np.bool_], remark: str) -> RenderableType:
    return Group(Text(name, "bold"), Text(drawn(on)), Text(remark, "dim"))


def drawn(on: NDArray[np.bool_]) -> str:
    """(rows, columns) bits, two rows a line."""
    even = np.pad(on, ((0, len(on) % 2), (0, 0)))
    halves = even[::2] + 2 * even[1::2]
    return "\n".join("".join(BLOCKS[half] for half in row) for row in halves.tolist())


def laid_out(bits: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """(elements,) as rows and columns: of a map its first channels side by side, of anything else nearly a square."""
    if len(shape) == 3 and shape[0] * shape[1] > 1:
        height, width, channels = shape
        shown = max(1, min(channels, (WIDEST + 1) // (width + 1)))
        tiles = np.pad(bits.reshape(shape)[:, :, :shown], ((0, 0), (0, 1), (0, 0)))
        return tiles.transpose(0, 2, 1).reshape(height, -1)[:, :-1]
    columns = min(WIDEST, int(np.ceil(np.sqrt(len(bits)))))
    return np.pad(bits, (0, -len(bits) % columns)).reshape(-1, columns)


def _scores(scores: NDArray[np.int32], top: int) -> RenderableType:
    lines = [
        f"{index:>2} {'█' * round(BAR * int(score) / max(1, top)):<{BAR}} {score}" for index, score in enumerate(scores)
    ]
    return Group(Text("scores", "bold"), Text("\n".join(lines[:MOST_CLASSES])))


@contextmanager
def on_screen(view: View) -> Iterator[Callable[[Heard], None]]:
    """Draws it as it changes; where stdout is no terminal, as it is at the end."""
    with Live(view.picture(), console=out, auto_refresh=False) as screen:
        drawn_at = 0.0

        def watch(heard: Heard) -> None:
            nonlocal drawn_at
            now = time.monotonic()
            if now - drawn_at < 1 / PICTURES_A_SECOND and len(heard.answers) < len(view.x):
                return
            drawn_at = now
            view.hears(heard)
            screen.update(view.picture(), refresh=True)

        yield watch
