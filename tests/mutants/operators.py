"""What can be wrong in RTL: every mutant of a SystemVerilog text, by mutation operator.

pyslang gives the syntax tree with exact ranges, so comments, strings and messages are never touched. Left alone too:
defaults of parameters, which every instance overrides, and the wires called `unused`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pyslang.syntax import SyntaxNode, SyntaxTree
from sized import Edit, Largest, sized_edits

HANDSHAKE = re.compile("tready|tvalid|enable|ready|valid")

SWAPS = {  # token -> what a slip of the pen makes of it
    "&&": ["||"],
    "||": ["&&"],
    "==": ["!="],
    "!=": ["=="],
    "+": ["-"],
    "-": ["+"],
    "*": ["+"],
    "/": ["*"],
    "%": ["/"],
    "&": ["|"],
    "|": ["&"],
    "^": ["|", "&"],
    "<<": [">>"],
    ">>": ["<<"],
}
BOUNDARIES = {">=": [">", "<"], ">": [">=", "<"], "<": ["<=", ">"], "<=": ["<", ">"]}


@dataclass(frozen=True)
class Mutant:
    """One edit of one module: text[start:end] becomes `put`.

    nth   among the mutants whose lines read alike
    """

    module: str
    operator: str
    text: str
    start: int
    end: int
    put: str
    nth: int = 1

    @property
    def mutated(self) -> str:
        return self.text[: self.start] + self.put + self.text[self.end :]

    @property
    def key(self) -> str:
        """Module, the line as it was and as it is: what an explanation is filed under. Survives edits elsewhere."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.end)
        before = _bare(self.text[first:last])
        after = _bare(self.text[first : self.start] + self.put + self.text[self.end : last])
        return f"{self.module}: {before} => {after}" + (f" ({self.nth})" if self.nth > 1 else "")


def _bare(text: str) -> str:
    """Without comments, and white space as single blanks."""
    return " ".join(re.sub("//.*", "", text).split())


def mutants(module: str, text: str, largest: Largest = lambda expression: None) -> list[Mutant]:
    """Every mutant of the file of a module, in the order of the text; texts that are alike but for blanks come once.

    largest   of an expression in the benches; without it there are no faults that only the largest show
    """
    tree = SyntaxTree.fromText(text)
    seen, kept, keys = {_bare(text)}, [], Counter[str]()
    for operator, start, end, put in sorted(_edits(tree.root, text, (), largest), key=lambda edit: edit[1:3]):
        mutant = Mutant(module, operator, text, start, end, put)
        bare = _bare(mutant.mutated)
        if bare not in seen:
            seen.add(bare)
            keys[mutant.key] += 1
            kept.append(replace(mutant, nth=keys[mutant.key]))
    return kept


def _edits(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...], largest: Largest) -> Iterator[Edit]:
    if _left_alone(node, text):
        return
    yield from sized_edits(node, text, above, largest)
    if node.kind.name == "RangeDimensionSpecifier":
        yield from _dimension(node, text, above)
        return
    make = _BY_KIND.get(node.kind.name)
    if make is not None:
        yield from make(node, text, above)
    if _is_binary(node):
        yield from _binary(node, text, above)
    for child in node:
        if isinstance(child, SyntaxNode):
            yield from _edits(child, text, (*above, node), largest)


def _left_alone(node: SyntaxNode, text: str) -> bool:
    match node.kind.name:
        case "ParameterDeclaration":
            return _source(node, text).startswith("parameter")
        case "Declarator":
            return _source(node, text).startswith("unused")
        case "StringLiteralExpression":
            return True
        case "InvocationExpression":
            return _source(node, text).startswith(("$fatal", "$readmem"))
        case "ConditionalStatement":  # whether a memory file was found: tests/hw/test_language.py takes each away
            return _source(node, text).startswith("if (^")
    return False


def _source(node: SyntaxNode, text: str) -> str:
    start, end = _range(node)
    return text[start:end]


def _range(node) -> tuple[int, int]:
    place = node.sourceRange if isinstance(node, SyntaxNode) else node.range
    return place.start.offset, place.end.offset


def _nodes(node: SyntaxNode) -> list[SyntaxNode]:
    return [child for child in node if isinstance(child, SyntaxNode)]


def _is_binary(node: SyntaxNode) -> bool:
    children = [child for child in node if not isinstance(child, SyntaxNode) or _range(child)[0] < _range(child)[1]]
    if len(children) != 3 or not node.kind.name.endswith("Expression"):
        return False
    token = children[1]
    return not isinstance(token, SyntaxNode) and token.valueText in {**SWAPS, **BOUNDARIES}


def _binary(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    if "Assignment" in node.kind.name:
        return
    left, right = _nodes(node)
    (token,) = (child for child in node if not isinstance(child, SyntaxNode))
    start, end = _range(token)
    sign = token.valueText
    for put in SWAPS.get(sign, []):
        yield "operator", start, end, put
    for put in BOUNDARIES.get(sign, []):
        yield "boundary", start, end, put
    if sign in ("&&", "||", "+", "-", "^"):
        yield "operand", *_range(node), _source(left, text)
        if sign != "-" and "Literal" not in right.kind.name and "Vector" not in right.kind.name:
            yield "operand", *_range(node), _source(right, text)


def _dimension(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    """A vector of one bit less, a memory of one word less. One more would be padded and change nothing."""
    start, end = _range(node)
    left, right = text[start:end].split(":")
    yield "width", start, end, f"{left}-1:{right}" if right == "0" else f"{left}:{right}-1"


def _in_reset(above: tuple[SyntaxNode, ...], text: str) -> bool:
    return any(
        node.kind.name == "ConditionalStatement" and re.match(r"if \(!?rst\)", _source(node, text)) for node in above
    )


def _integer(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    value = int(_source(node, text).replace("_", ""))
    for put in (value + 1, value - 1):
        if put > 0 or (put == 0 and not _is_term(above)):
            yield "constant", *_range(node), str(put)


def _is_term(above: tuple[SyntaxNode, ...]) -> bool:
    """Of a sum or difference, where a zero is what dropping the operand already gives."""
    return above[-1].kind.name in ("AddExpression", "SubtractExpression")


def _vector(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    if _is_term(above):
        return
    size, base, digits = re.match(r"(\d+)\s*'s?([bdh])(\w+)", _source(node, text), re.IGNORECASE).groups()  # type: ignore[union-attr]
    value = int(digits.replace("_", ""), {"b": 2, "d": 10, "h": 16}[base.lower()])
    operator = "reset" if _in_reset(above, text) else "constant"
    for put in {(value + 1) % (1 << int(size)), (value - 1) % (1 << int(size))}:
        yield operator, *_range(node), f"{size}'d{put}" if int(size) > 1 else f"1'b{put}"


def _unbased(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    operator = "reset" if _in_reset(above, text) else "constant"
    yield operator, *_range(node), "'1" if _source(node, text) == "'0" else "'0"


def _not(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    (operand,) = _nodes(node)
    yield "negation", *_range(node), _source(operand, text)


def _predicate(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    if above[-1].kind.name == "ConditionalExpression":
        return
    place, condition = _range(node), _source(node, text)
    operator = "reset" if condition in ("rst", "!rst") else "condition"
    yield operator, *place, "1'b1"
    yield operator, *place, "1'b0"
    yield "negation", *place, f"!({condition})"


def _if_generate(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    condition = next(child for child in _nodes(node) if _range(child)[0] < _range(child)[1])
    yield "condition", *_range(condition), "1"
    yield "condition", *_range(condition), "0"


def _ternary(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    condition, yes, no = (child for child in _nodes(node) if _range(child)[0] < _range(child)[1])
    yield "ternary", *_range(node), f"({_source(yes, text)})"
    yield "ternary", *_range(node), f"({_source(no, text)})"
    yield "ternary", *_range(node), f"({_source(condition, text)} ? {_source(no, text)} : {_source(yes, text)})"


def _statement(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    if "<=" in _source(node, text):
        yield ("reset" if _in_reset(above, text) else "statement"), *_range(node), ";"


def _driver(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    """A wire's value: tied high, tied low, negated."""
    target, value = _driven(node, text)
    if value is None:
        return
    operator = "handshake" if HANDSHAKE.search(target) else "driver"
    start, end = _range(value)
    yield operator, start, end, "'1"
    yield operator, start, end, "'0"
    yield "negation", start, end, f"~({text[start:end]})"


def _driven(node: SyntaxNode, text: str) -> tuple[str, SyntaxNode | None]:
    if node.kind.name == "AssignmentExpression":
        left, right = _nodes(node)
        return _source(left, text), right
    return "", None


def _net(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    """wire x = value;"""
    if not any(parent.kind.name == "NetDeclaration" for parent in above[-1:]):
        return
    for clause in _nodes(node):
        if clause.kind.name == "EqualsValueClause":
            (value,) = _nodes(clause)
            start, end = _range(value)
            operator = "handshake" if HANDSHAKE.search(_source(node, text).split("=")[0]) else "driver"
            yield operator, start, end, "'1"
            yield operator, start, end, "'0"
            yield "negation", start, end, f"~({text[start:end]})"


def _connection(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    """A port of an instance: its handshake and reset tied or negated."""
    source = _source(node, text)
    name, _, value = source[1:].partition("(")
    value = value[:-1] or name
    if not HANDSHAKE.search(name) and name != "rst":
        return
    if name.endswith(("s_axis_tready", "m_axis_tvalid")):  # outputs of the instance: cut off
        yield "handshake", *_range(node), f".{name}()"
        return
    operator = "reset" if name == "rst" else "handshake"
    for put in ("1'b1", "1'b0", f"!({value})"):
        yield operator, *_range(node), f".{name}({put})"


def _select(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    """An index: always the first; and of a generate loop, counted from the other end."""
    inner = next(iter(_nodes(node)))
    if inner.kind.name == "BitSelect":
        index = inner
    elif inner.kind.name in ("AscendingRangeSelect", "DescendingRangeSelect"):
        index = _nodes(inner)[0]
    else:
        return
    place, source = _range(index), _source(index, text)
    if not re.search("[A-Za-z]", source):
        return
    yield "index", *place, "0"
    for loop in above:
        if loop.kind.name == "LoopGenerate":
            upward = re.search(r"genvar (\w+) = 0; \w+ < ([\w ]+);", _source(loop, text))
            if upward is not None and re.search(rf"\b{upward[1]}\b", source):
                variable, bound = upward.groups()
                yield "index", *place, re.sub(rf"\b{variable}\b", f"({bound} - 1 - {variable})", source)


def _concatenation(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    parts = [part.strip() for part in _top_level_parts(_source(node, text)[1:-1])]
    if len(parts) > 1:
        yield "order", *_range(node), "{" + ", ".join(reversed(parts)) + "}"


def _top_level_parts(source: str) -> list[str]:
    parts, depth = [""], 0
    for character in source:
        depth += character in "([{"
        depth -= character in ")]}"
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _name(node: SyntaxNode, text: str, above: tuple[SyntaxNode, ...]) -> Iterator[Edit]:
    """A signal taken for its neighbour in the same declaration."""
    token = next(child for child in node if not isinstance(child, SyntaxNode))
    siblings = _siblings(above[0] if above else node, text).get(token.valueText)
    if siblings is not None:
        yield "sibling", *_range(token), siblings


def _siblings(root: SyntaxNode, text: str) -> dict[str, str]:
    """By name: the next one that is declared with it, the last one's being the first."""
    found: dict[str, str] = {}
    for names in re.findall(r"\b(?:logic|wire)\s+(?:\[[^\]]*\]\s*)?(\w+(?:, \w+)+);", text):
        row = names.split(", ")
        found |= dict(zip(row, [*row[1:], row[0]], strict=True))
    return found


_BY_KIND: dict[str, Callable[[SyntaxNode, str, tuple[SyntaxNode, ...]], Iterator[Edit]]] = {
    "IntegerLiteralExpression": _integer,
    "IntegerVectorExpression": _vector,
    "UnbasedUnsizedLiteralExpression": _unbased,
    "UnaryLogicalNotExpression": _not,
    "UnaryBitwiseNotExpression": _not,
    "ConditionalPredicate": _predicate,
    "IfGenerate": _if_generate,
    "ConditionalExpression": _ternary,
    "ExpressionStatement": _statement,
    "AssignmentExpression": _driver,
    "Declarator": _net,
    "NamedPortConnection": _connection,
    "ElementSelect": _select,
    "ConcatenationExpression": _concatenation,
    "IdentifierName": _name,
    "IdentifierSelectName": _name,
}
