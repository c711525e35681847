"""What the fates of mutants add up to, and which survivors are explained."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from execute import Fate
from operators import Mutant

SURVIVORS = Path(__file__).with_name("survivors.toml")


def explained(text: str) -> dict[str, str]:
    """By a mutant's key, why it may survive: `[[explained]]` tables of a `reason` and the keys of its `mutants`."""
    tables = tomllib.loads(text).get("explained", [])
    return {key: table["reason"] for table in tables for key in table["mutants"]}


def line(fate: Fate) -> str:
    """One fate as a line of the file that `known` reads."""
    complaint = fate.complaint.replace("\t", " ").replace("\n", " ")
    return f"{fate.state}\t{fate.back_pressure}\t{fate.mutant.operator}\t{fate.mutant.key}\t{complaint}\n"


def known(file: Path, mutants: Sequence[Mutant]) -> list[Fate]:
    """The fates of these that stand in a file; of one that is not there, none. A line that was cut off is left out."""
    by_key = {mutant.key: mutant for mutant in mutants}
    found = []
    for text in file.read_text().splitlines(keepends=True) if file.exists() else []:
        state, back_pressure, _, key, complaint = text.rstrip("\n").split("\t") if text.endswith("\n") else [""] * 5
        if key in by_key:
            found.append(Fate(by_key[key], state, back_pressure == "True", complaint))  # type: ignore[arg-type]
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


def table(fates: Sequence[Fate], reasons: Mapping[str, str]) -> str:
    """Killed with and without back-pressure, of those that no explanation excuses: by module and by operator."""
    head = f"{'':12} {'mutants':>8} {'explained':>11} {'killed':>7} {'without back-pressure':>22} {'score':>7}"

    def row(name: str, some: Sequence[Fate]) -> str:
        compiled = [fate for fate in some if fate.state != "does not compile"]
        killed = [fate for fate in compiled if fate.state == "killed"]
        alive = sum(fate.state == "survived" and fate.mutant.key not in reasons for fate in compiled)
        without = sum(not fate.back_pressure for fate in killed)
        explained = len(compiled) - len(killed) - alive
        due = len(killed) + alive
        score, less = (f"{100 * part / due:.1f} %" if due else "-" for part in (len(killed), without))
        return f"{name:12} {len(compiled):8} {explained:11} {len(killed):7} {f'{without} = {less}':>22} {score:>7}"

    def group(of: Callable[[Fate], str]) -> list[str]:
        return [
            row(name, [fate for fate in fates if of(fate) == name]) for name in sorted({of(fate) for fate in fates})
        ]

    lines = [head, *group(lambda fate: fate.mutant.module), "", *group(lambda fate: fate.mutant.operator), ""]
    stillborn = sum(fate.state == "does not compile" for fate in fates)
    return "\n".join([*lines, row("all", fates), f"{stillborn} more do not compile and are not counted"])


def verdict(fates: Sequence[Fate], reasons: Mapping[str, str]) -> list[str]:
    """What is wrong, a line each: a survivor without an explanation, an explanation of a mutant that was killed."""
    survived = [fate.mutant.key for fate in fates if fate.state == "survived"]
    killed = [fate.mutant.key for fate in fates if fate.state == "killed"]
    return [
        *(f"survived: {key}" for key in survived if key not in reasons),
        *(f"explained, but killed: {key}" for key in killed if key in reasons),
    ]


def stale(mutants: Iterable[Mutant], reasons: Mapping[str, str]) -> list[str]:
    """Keys that no mutant has any more: the line has changed."""
    return sorted({*reasons} - {mutant.key for mutant in mutants})
