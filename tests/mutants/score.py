"""What the fates of mutants add up to, and which survivors are explained."""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from execute import Fate
from operators import Mutant


@dataclass(frozen=True)
class Explanations:
    """Why survivors may survive: by key, how many are explained."""

    equivalent: Counter[str]

    @classmethod
    def read(cls, path: Path = Path(__file__).with_name("survivors.toml")) -> Explanations:
        """`[[equivalent]]` tables of a `reason` and the keys of its `mutants`; one line twice explains two."""
        tables = tomllib.loads(path.read_text()).get("equivalent", [])
        assert all(table["reason"].strip() for table in tables), f"{path.name}: a table without a reason"
        return cls(Counter(key for table in tables for key in table["mutants"]))

    def unexplained(self, fates: Iterable[Fate]) -> list[Fate]:
        left, found = self.equivalent.copy(), []
        for fate in fates:
            if fate.state == "survived":
                if left[fate.mutant.key] > 0:
                    left[fate.mutant.key] -= 1
                else:
                    found.append(fate)
        return found


def sample(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Spread over the modules: one of each in turn, at random within it."""
    rng = random.Random(seed)
    by_module: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, []).append(mutant)
    for row in by_module.values():
        rng.shuffle(row)
    turns = [row[turn] for turn in range(count) for row in by_module.values() if turn < len(row)]
    return turns[:count]


def table(fates: Sequence[Fate], explanations: Explanations) -> str:
    """Killed with and without back-pressure, of those that are not equivalent: by module and by operator."""
    unexplained = {id(fate) for fate in explanations.unexplained(fates)}
    head = f"{'':12} {'mutants':>8} {'equivalent':>11} {'killed':>7} {'without back-pressure':>22} {'score':>7}"

    def row(name: str, some: Sequence[Fate]) -> str:
        compiled = [fate for fate in some if fate.state != "does not compile"]
        killed = [fate for fate in compiled if fate.state == "killed"]
        alive = sum(id(fate) in unexplained for fate in compiled)
        without = sum(not fate.back_pressure for fate in killed)
        equivalent = len(compiled) - len(killed) - alive
        due = len(killed) + alive
        score, less = (f"{100 * part / due:.1f} %" if due else "-" for part in (len(killed), without))
        return f"{name:12} {len(compiled):8} {equivalent:11} {len(killed):7} {f'{without} = {less}':>22} {score:>7}"

    def group(of: Callable[[Fate], str]) -> list[str]:
        return [row(name, [fate for fate in fates if of(fate) == name]) for name in sorted({of(fate) for fate in fates})]

    lines = [head, *group(lambda fate: fate.mutant.module), "", *group(lambda fate: fate.mutant.operator), ""]
    stillborn = sum(fate.state == "does not compile" for fate in fates)
    return "\n".join([*lines, row("all", fates), f"{stillborn} more do not compile and are not counted"])


def verdict(fates: Sequence[Fate], explanations: Explanations) -> list[str]:
    """What is wrong, a line each: a survivor without an explanation, an explanation of a mutant that was killed."""
    survived = Counter(fate.mutant.key for fate in fates if fate.state == "survived")
    killed = Counter(fate.mutant.key for fate in fates if fate.state == "killed")
    wrong = [f"survived: {fate.mutant.key}" for fate in explanations.unexplained(fates)]
    wrong += [
        f"explained as equivalent, but killed: {key}"
        for key, count in explanations.equivalent.items()
        if killed[key] and survived[key] < count
    ]
    return wrong


def stale(mutants: Iterable[Mutant], explanations: Explanations) -> list[str]:
    """Keys that no mutant has any more: the line has changed."""
    return sorted({*explanations.equivalent} - {mutant.key for mutant in mutants})
