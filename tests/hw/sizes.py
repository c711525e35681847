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
from pyslang.syntax import SyntaxNode, SyntaxTree
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
def _branches(module: str) -> tuple[tuple[str, bool, range], ...]:
    """Conditions of generate blocks, and where the text lies that is there where they are true, or false."""
    text = _texts()[module]
    found = []

    def visit(node: SyntaxNode) -> None:
        inner = [child for child in node if isinstance(child, SyntaxNode)]
        if node.kind.name == "IfGenerate":
            condition, *blocks = (child.sourceRange for child in inner if str(child).strip())
            for there, block in zip((True, False), blocks, strict=False):
                source = text[condition.start.offset : condition.end.offset]
                found.append((source, there, range(block.start.offset, block.end.offset)))
        for child in inner:
            visit(child)

    visit(SyntaxTree.fromText(text).root)
    return tuple(found)


def _there(module: str, place: int, numbers: Numbers) -> bool:
    """Whether this part of the text is generated; in loops whose turns differ, it is in one of them."""
    around = ((condition, there) for condition, there, block in _branches(module) if place in block)
    return all(value(f"({condition}) ? 1 : 0", numbers) in (None, int(there)) for condition, there in around)


@cache
def _instances(module: str, given: tuple[tuple[str, int], ...]) -> tuple[tuple[str, Numbers], ...]:
    numbers: dict[str, int] = {}
    for found in NUMBER.finditer(_texts()[module]):
        name, expression = found.groups()
        number = dict(given).get(name, value(expression, numbers))
        # A localparam of a generate loop has a value for each turn.
        if number is not None and _there(module, found.start(), numbers):
            numbers[name] = number
    inside: list[tuple[str, Numbers]] = [(module, numbers)]
    for found in INSTANCE.finditer(_texts()[module]):
        inner, connections = found.groups()
        if inner in _texts() and _there(module, found.start(), numbers):
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
