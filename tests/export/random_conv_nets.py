"""Random graphs of every kind of layer: maps and rows, levels and weights of few or many bits, at their edges."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from bitneck.export.graph import BIPOLAR, Conv, Cut, Dense, Graph, Layer, Levels, Pool, Scores
from numpy.typing import NDArray


def random_conv_graph(seed: int, plain: bool = True) -> Graph:
    """plain   without what a dialect has no word for: tables that rise and fall, or differ within a map; a mixed pool
    behind anything but a convolution; max pools padded on one side, sums padded at all
    """
    return _Draw(np.random.default_rng(seed), plain).graph()


def random_levels(graph: Graph, frames: int, seed: int = 1) -> NDArray[np.uint8]:
    """(frames, inputs)"""
    rng = np.random.default_rng(seed)
    return rng.integers(0, graph.layers[0].takes, (frames, graph.inputs)).astype(np.uint8)


@dataclass
class _Draw:
    rng: np.random.Generator
    plain: bool
    layers: list[Layer] = field(default_factory=list)

    def graph(self) -> Graph:
        rng = self.rng
        count = int(rng.choice([2, 2, 3, 4, 7, 16, 256]))
        self.entering = Levels(0, 1, count)
        one_dimensional = self.often(0.25)
        self.shape = (
            1 if one_dimensional else int(rng.integers(3, 7)),
            int(rng.integers(3, 8)),
            int(rng.integers(1, 5)),
        )
        start = self.shape
        if count > 2 and self.often(0.5):
            self.cut(self.shape)
        for _ in range(int(rng.integers(1, 3))):
            if not self.often(0.1):
                self.conv()
            if self.often(0.6):
                self.pool()
        if count > 2 and self.often(0.2) and not self.plain:
            self.cut(self.shape)
        if self.often(0.6):
            self.dense(self.name("dense"))
        if self.often(0.8) or not any(isinstance(layer, Dense | Conv) for layer in self.layers):
            self.scores()
        elif self.often(0.5):
            self.dense("scores", int(rng.choice([1, 4])))
        bits = (count - 1).bit_length()
        return Graph("net", bits, tuple(self.layers), start, None if count == 1 << bits else self.entering)

    def often(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def name(self, kind: str) -> str:
        return f"{kind}{1 + sum(layer.name.startswith(kind) for layer in self.layers)}"

    @property
    def levels(self) -> Levels:
        return self.layers[-1].emits if self.layers else self.entering

    def emits(self) -> Levels:
        count = int(self.rng.integers(2, 10))
        if count == 2:
            return BIPOLAR if self.often(0.7) else Levels(0, 1, 2)
        low, step = [(0, 1), (-(count // 2), 1), (0.5, 0.125), (1 - count, 2), (3, -1)][self.rng.integers(5)]
        return Levels(low, step, count)

    def weight(self, shape: tuple[int, ...]) -> NDArray:
        bits = int(self.rng.choice([1, 1, 2, 3, 5, 8]))
        if bits == 1:
            return self.rng.random(shape) < 0.5
        weight = self.rng.integers(-(1 << bits - 1), 1 << bits - 1, shape)
        weight.reshape(-1)[0] = -1
        if bits == 8 and self.often(0.3):  # rows that fell: −128 became +128
            weight = np.maximum(weight, -127)
            weight.reshape(-1)[-1] = 128
            return weight.astype(np.int16)
        return weight.astype(np.int8)

    def thresholds(self, weight: NDArray, emits: Levels) -> NDArray[np.int32]:
        rows = len(weight)
        size = np.abs(np.where(weight, 1, -1) if weight.dtype == np.bool_ else weight.astype(np.int64))
        span = size.reshape(rows, -1).sum(axis=1)[:, None] * self.levels.top
        at = np.clip(self.rng.normal(span / 2, span / 6 + 1, (rows, emits.top)).round(), 0, span + 1)
        at[0, -1], at[-1, 0] = span[0, 0] + 1, 0
        at = np.sort(at, axis=1).astype(np.int32)
        return at[:, 0] if emits.count == 2 else at

    def cut(self, shape: tuple[int, ...]) -> None:
        rng, takes, emits = self.rng, self.levels.count, self.emits()
        rows = int(rng.choice([1, shape[-1]] if self.plain else [1, shape[-1], int(np.prod(shape))]))
        table = np.sort(rng.integers(0, emits.count, (rows, takes)), axis=1)
        falling = rng.random(rows) < 0.3
        table[falling] = table[falling, ::-1]
        if not self.plain and self.often(0.5):
            table = rng.permuted(table, axis=1)
        if emits.count == takes and (table == np.arange(takes)).all():
            table[:, 0] = 1  # what changes nothing is no layer
        self.layers.append(Cut(self.name("cut"), table.astype(emits.dtype), shape, emits))

    def conv(self) -> None:
        rng, emits = self.rng, self.emits()
        kernel = self.window(3)
        channels = self.shape[2]
        groups = int(rng.choice([1, 1, 1, channels, 2 if channels % 2 == 0 else 1]))
        rows = groups * int(rng.integers(1, 4))
        weight = self.weight((rows, *kernel, channels // groups))
        padding = tuple(int(rng.integers(0, size)) for size in (*kernel, *kernel))
        stride = tuple(int(each) for each in rng.integers(1, 3, 2))
        conv = Conv(
            self.name("conv"),
            weight,
            self.thresholds(weight, emits),
            self.shape,
            stride,
            padding,
            int(rng.integers(self.levels.count)),
            groups,
            self.levels.count,
            emits,
        )
        self.layers.append(conv)
        self.shape = conv.out_shape

    def window(self, largest: int) -> tuple[int, int]:
        height, width = (int(self.rng.integers(1, min(largest, size) + 1)) for size in self.shape[:2])
        return height, width

    def pool(self) -> None:
        rng, levels, channels = self.rng, self.levels, self.shape[2]
        kernel = self.window(3)
        kinds = [("max",), ("min",), ("sum",)]
        before = self.layers[-1] if self.layers else None
        inverts = isinstance(before, Conv) and np.abs(before.weight.astype(int)).max() < 128
        if inverts or not self.plain:
            kinds.append(tuple(rng.choice(["max", "min"], channels).tolist()))
        of = kinds[rng.integers(len(kinds))]
        half = [int(rng.integers(0, size)) for size in kernel]
        padding = tuple([*half, *half])
        if not self.plain:
            padding = tuple(int(rng.integers(0, size)) for size in (*kernel, *kernel))
        count = levels.count
        if of[0] == "sum":
            count = levels.top * kernel[0] * kernel[1] + 1
            padding = (0, 0, 0, 0) if self.plain else padding
        emits = Levels(levels.low, levels.step, count)
        stride = tuple(int(each) for each in rng.integers(1, 3, 2))
        pool = Pool(self.name("pool"), self.shape, of, kernel, stride, padding, levels.count, emits)
        self.layers.append(pool)
        self.shape = pool.out_shape

    def dense(self, name: str, rows: int | None = None) -> None:
        emits = self.emits()
        weight = self.weight((rows or int(self.rng.integers(2, 9)), self.elements))
        self.layers.append(Dense(name, weight, self.thresholds(weight, emits), self.levels.count, emits))

    @property
    def elements(self) -> int:
        return self.layers[-1].outputs if self.layers else int(np.prod(self.shape))

    def scores(self) -> None:
        rng = self.rng
        classes = int(rng.integers(2, 6))
        weight = self.weight((classes, self.elements))
        weight[-1] = weight[0]  # they tie
        offset = rng.integers(0, 40, classes) if self.often(0.4) else None
        multiplier = rng.integers(1, 5, classes) if offset is not None and self.often(0.5) else None
        self.layers.append(Scores(weight, self.levels.count, offset, multiplier))
