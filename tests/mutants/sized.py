"""Faults that only the largest show: as the text says up to a size, and wrong at the largest that the benches have.

A bench of small stages is blind to them: a counter, an address, a sum of one bit less; a count that ends one early or
late; the last of many that is taken for the one before; a reset, a comparison that leaves the highest bit out.
`Largest` answers for the module how large a constant expression becomes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyslang.syntax import SyntaxNode

Largest = Callable[[str], int | None]
"""Of an expression of the module's numbers, over all benches; None for what is no constant."""
Edit = tuple[str, int, int, str]  # operator, start, end, replacement


@dataclass(frozen=True)
class Site:
    """A place of the module's text, with the nodes of syntax around it."""

    text: str
    start: int
    end: int
    above: Sequence[SyntaxNode]
    largest: Largest

    @property
    def source(self) -> str:
        return self.text[self.start : self.end]


def sized_edits(node: SyntaxNode, text: str, above: Sequence[SyntaxNode], largest: Largest) -> Iterator[Edit]:
    make = _BY_KIND.get(node.kind.name)
    if make is not None:
        place = node.sourceRange
        site = Site(text, place.start.offset, place.end.offset, above, largest)
        for operator, put in make(site):
            yield operator, site.start, site.end, put


Put = tuple[str, str]


def _dimension(site: Site) -> Iterator[Put]:
    """A vector of one bit less, a memory of one word less."""
    left, right = (side.strip() for side in site.source.split(":"))
    high = left if right == "0" else right
    most = site.largest(high)
    if most:
        less = f"({high}) == {most} ? {most - 1} : ({high})"
        yield "cut", f"{less}:0" if right == "0" else f"0:{less}"


def _cast(site: Site) -> Iterator[Put]:
    width, quote, operand = site.source.partition("'")
    most = site.largest(width)
    if quote and most is not None and most > 1:
        yield "cut", f"(({width}) == {most} ? {most - 1} : ({width}))'{operand}"


def _call(site: Site) -> Iterator[Put]:
    """All that is as wide as a localparam says, of one bit less."""
    most = site.largest(site.source)
    if site.source.startswith("$clog2") and most is not None and most > 1:
        yield "cut", f"({site.source} == {most} ? {most - 1} : {site.source})"


def _subtract(site: Site) -> Iterator[Put]:
    """N - 1, where counts end: one early, one late. And the borrow that compares scores: a tie counts as less."""
    if found := re.fullmatch(r"(\w+) - (\d)", site.source):
        size, less = found[1], int(found[2])
        most = site.largest(size)
        if most is not None and most > less + 1:
            yield "late", f"{size} - ({size} == {most} ? {less + 1} : {less})"
            yield "late", f"{size} - ({size} == {most} ? {less - 1} : {less})"
    elif re.fullmatch(r"\{1'b0, [^}]*\} - \{1'b0, [^}]*\}", site.source):
        yield "tie", f"{site.source} - 1'b1"


def _equality(site: Site) -> Iterator[Put]:
    """Of a vector at its widest, without the highest bit."""
    left, sign, right = re.split(r" (==|!=) ", site.source, maxsplit=1)
    width = _width(left, site)
    if width is not None:
        yield "cut", f"((({left}) ^ ({right})) & ~($bits({left}) == {width} ? 1 << {width - 1} : 0)) {sign} 0"


def _statement(site: Site) -> Iterator[Put]:
    """A reset that leaves out the highest bit of a vector at its widest, or the lowest."""
    found = re.fullmatch(r"(\w+)\s*<= '0;", site.source)
    width = _width(found[1], site) if found else None
    if found and width is not None:
        name = found[1]
        yield "reset", f"{name} <= $bits({name}) == {width} ? {name} & (1 << {width - 1}) : '0;"
        yield "reset", f"{name} <= $bits({name}) == {width} ? {name} & 1 : '0;"


def _width(name: str, site: Site) -> int | None:
    """The widest that a vector of this name becomes."""
    found = re.search(rf"\blogic +\[([^\]]+):0\] +(?:\w+, )*{re.escape(name)}\b[^\[]*?;", site.text)
    most = site.largest(found[1]) if found else None
    return most + 1 if most else None


def _select(site: Site) -> Iterator[Put]:
    """The last word of a memory taken for the one before it, the first for the second; and of the turns of a loop."""
    index, plus, rest = site.source[1:-1].partition(" +:")
    memory = re.search(r"\w+\s*$", site.text[: site.start])
    words = memory and re.search(rf"\b{memory[0]} +\[0:([^\]]+)\]", site.text)
    if words and not re.fullmatch(r"\d+", index):
        last, most = words[1], site.largest(words[1])
        if most:
            yield "last", f"[({index}) == ({last}) && ({last}) == {most} ? ({index}) - 1 : ({index})]"
            yield "last", f"[({index}) == 0 && ({last}) == {most} ? 1 : ({index})]"
    for loop in site.above:
        source = site.text[loop.sourceRange.start.offset : loop.sourceRange.end.offset]
        upward = loop.kind.name == "LoopGenerate" and re.match(r"for \(genvar (\w+) = 0; \w+ < (\w+);", source)
        if upward and re.search(rf"\b{upward[1]}\b", index):
            turn, turns = upward[1], upward[2]
            most = site.largest(turns)
            if most is not None and most > 1:
                other = f"({turn} == {turns} - 1 && {turns} == {most} ? {turn} - 1 : {turn})"
                yield "last", "[" + re.sub(rf"\b{turn}\b", other, index) + plus + rest + "]"


_BY_KIND: dict[str, Callable[[Site], Iterator[Put]]] = {
    "RangeDimensionSpecifier": _dimension,
    "CastExpression": _cast,
    "InvocationExpression": _call,
    "SubtractExpression": _subtract,
    "EqualityExpression": _equality,
    "InequalityExpression": _equality,
    "ExpressionStatement": _statement,
    "ElementSelect": _select,
}
