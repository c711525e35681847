"""Widths that do well under budgets of cells: by chance at first, then from the best under each by change and by mixing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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

    def fits(self, cells: int) -> bool:
        return self.cost is not None and self.cost.cells <= cells


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

    def mutated(parents: Sequence[Hidden]) -> Hidden:
        """At least one layer another width, each other with a chance of one in so many layers."""
        child, sure = list(parents[rng.integers(len(parents))]), rng.integers(len(choices))
        for layer, widths in enumerate(choices):
            others = [width for width in widths if width != child[layer]]
            if others and (layer == sure or rng.random() < 1 / len(choices)):
                child[layer] = int(rng.choice(others))
        return tuple(child)

    def crossed(parents: Sequence[Hidden]) -> Hidden:
        one, other = (parents[rng.integers(len(parents))] for _ in range(2))
        return tuple(pair[rng.integers(2)] for pair in zip(one, other, strict=True))

    narrowest = tuple(widths[0] for widths in choices)
    found = dict(judge([narrowest, *_new(drawn, population - 1, {narrowest})]))
    yield list(found.values())
    for _ in range(generations):
        parents = [best(found.values(), cells, PARENTS) for cells in budgets]
        pools = [[candidate.hidden for candidate in pool] for pool in parents if pool]
        if not pools:
            return
        turn = 0

        def pool(pools: list[list[Hidden]] = pools) -> list[Hidden]:
            nonlocal turn
            turn += 1
            return pools[turn % len(pools)]

        children = _new(lambda: mutated(pool()), mutations, set(found))
        children += _new(lambda: crossed(pool()), crossovers, {*found, *children})
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
    fitting = [candidate for candidate in candidates if candidate.fits(cells)]
    return sorted(fitting, key=lambda each: (-each.accuracy, each.cost.cells, each.hidden))[:count]
