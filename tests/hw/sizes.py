"""How large each module is inside a stage: its numbers and those of all modules in it, read out of the RTL itself.

A number is a parameter or a localparam: widths, folds, addresses, leaves. Whatever a module computes from its
parameters is here without being computed twice, and pyslang does it as SystemVerilog means it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Protocol

from bitneck.hw.verilog import library
from pyslang.ast import ScriptSession
from stage_bench import FIXTURES

NUMBER = re.compile(r"^ *(?:parameter|localparam) +int +(\w+) *= *([^,;\n]+?) *[,;]? *(?://.*)?$", re.MULTILINE)
INSTANCE = re.compile(r"^ *(\w+) #\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\) \w+ \(", re.MULTILINE)
CONNECTION = re.compile(r"\.(\w+)\(((?:[^()]|\([^()]*\))*)\)")

Numbers = Mapping[str, int]


class Sized(Protocol):
    @property
    def module(self) -> str: ...
    def parameters(self) -> Mapping[str, int | str]: ...


def value(expression: str, numbers: Numbers) -> int | None:
    """Of a constant expression in a module of these numbers; None where it asks for something else as well."""
    wanted = {*re.findall(r"(?<![\w$'])[A-Za-z_]\w*", expression)}
    if not wanted <= numbers.keys():
        return None
    session = ScriptSession()
    for name in sorted(wanted):
        session.eval(f"int {name} = {numbers[name]};")
    answer = str(session.eval(expression))
    return int(answer) if re.fullmatch(r"-?\d+", answer) else None


@cache
def _texts() -> dict[str, str]:
    return {name.removesuffix(".sv"): text for name, text in {**library(), **FIXTURES}.items()}


@cache
def _instances(module: str, given: tuple[tuple[str, int], ...]) -> tuple[tuple[str, Numbers], ...]:
    numbers: dict[str, int] = {}
    for name, expression in NUMBER.findall(_texts()[module]):
        found = dict(given).get(name, value(expression, numbers))
        if found is not None:  # a localparam of a generate loop has a value for each turn
            numbers[name] = found
    inside: list[tuple[str, Numbers]] = [(module, numbers)]
    for inner, connections in INSTANCE.findall(_texts()[module]):
        if inner in _texts():
            values = ((name, value(put, numbers)) for name, put in CONNECTION.findall(connections))
            inside += _instances(inner, tuple((name, number) for name, number in values if number is not None))
    return tuple(inside)


def instances(stage: Sized) -> tuple[tuple[str, Numbers], ...]:
    """Every module in a stage, itself first, each with its numbers."""
    return _instances(stage.module, tuple((k, v) for k, v in stage.parameters().items() if isinstance(v, int)))


def ranges(stages: Iterable[Sized]) -> dict[tuple[str, str], range]:
    """By module and number, from the smallest to the largest of all these stages."""
    seen: dict[tuple[str, str], set[int]] = {}
    for stage in stages:
        for module, numbers in instances(stage):
            for name, number in numbers.items():
                seen.setdefault((module, name), set()).add(number)
    return {key: range(min(found), max(found) + 1) for key, found in seen.items()}


def largest(stages: Iterable[Sized]) -> Callable[[str], Callable[[str], int | None]]:
    """By module: how large a constant expression of its numbers becomes in any of the stages."""
    numbers: dict[str, list[Numbers]] = {}
    for stage in stages:
        for module, found in instances(stage):
            numbers.setdefault(module, []).append(found)

    def of(module: str) -> Callable[[str], int | None]:
        @cache
        def most(expression: str) -> int | None:
            values = [value(expression, each) for each in numbers.get(module, [])]
            return max((each for each in values if each is not None), default=None)

        return most

    return of
