"""Widths that do well under budgets of cells: by chance at first, then by change and mixing of the best under each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .shrink_ladder import Cost, Hidden

TRIES = 50  # for each net that is asked for: where nearly all are known, fewer come
PARENTS = 8  # of each budget


@dataclass(frozen=True)
class Candidate:
    """A net as the supernet has it.

    cost       None where no folding of these widths is fast enough
    accuracy   share of the validation samples that are right
    """

    hidden: Hidden
    cost: Cost | None
    accuracy: float


def evolve(
    choices: Sequence[Sequence[int]],
    budgets: Sequence[int],
    judge: Callable[[list[Hidden]], Mapping[Hidden, Candidate]],
    population: int,
    generations: int,
    mutations: int,
    crossovers: int,
    rng: np.random.Generator,
) -> Iterator[list[Candidate]]:
    """Everything that was judged so far, after each generation, the first one by chance and the narrowest net.

    judge   of nets that it was not asked about before; same answers, same nets
    """

    def drawn() -> Hidden:
        return tuple(int(rng.choice(widths)) for widths in choices)

    def parent(pools: Sequence[Sequence[Candidate]]) -> Hidden:
        pool = pools[int(rng.integers(len(pools)))]
        return pool[int(rng.integers(len(pool)))].hidden

    def mutated(pools: Sequence[Sequence[Candidate]]) -> Hidden:
        """At least one layer another width, each other with a chance of one in so many layers."""
        child, sure = list(parent(pools)), rng.integers(len(choices))
        for layer, widths in enumerate(choices):
            others = [width for width in widths if width != child[layer]]
            if others and (layer == sure or rng.random() < 1 / len(choices)):
                child[layer] = int(rng.choice(others))
        return tuple(child)

    def crossed(pools: Sequence[Sequence[Candidate]]) -> Hidden:
        return tuple(pair[int(rng.integers(2))] for pair in zip(parent(pools), parent(pools), strict=True))

    narrowest = tuple(widths[0] for widths in choices)
    found = dict(judge([narrowest, *_new(drawn, population - 1, {narrowest})]))
    yield list(found.values())
    for _ in range(generations):
        pools = [pool for cells in budgets if (pool := best(found.values(), cells, PARENTS))]
        if not pools:
            return
        children = _new(partial(mutated, pools), mutations, set(found))
        children += _new(partial(crossed, pools), crossovers, {*found, *children})
        found |= judge(children)
        yield list(found.values())


def _new(make: Callable[[], Hidden], count: int, known: set[Hidden]) -> list[Hidden]:
    """So many that are not known, each once; fewer where they do not come."""
    made: dict[Hidden, None] = {}
    for _ in range(TRIES * count):
        if len(made) == count:
            break
        if (hidden := make()) not in known:
            made[hidden] = None
    return list(made)


def best(candidates: Iterable[Candidate], cells: int, count: int) -> list[Candidate]:
    """Of those that fit the ones that are right most often, the cheaper of two equals first."""
    fitting = [(-each.accuracy, each.cost.cells, each.hidden, each) for each in candidates if each.cost is not None]
    return [each for _, taken, _, each in sorted(fitting, key=lambda row: row[:3]) if taken <= cells][:count]
