"""Whether two graphs answer the same for every input: by one canonical form, by counting all inputs, or by SAT."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from math import log2, prod
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...export.graph import Graph, Scores
from ...export.graph.functions import Functions, classed, scored
from . import sat
from .compiled import ExactError
from .differing import ByAsking, ByRegion, Counting, Differing, count_on
from .joint_code import JointCode, groups_of
from .net import BitNet
from .region import Region
from .side_by_side import SideBySide

MOST_BITS = 38  # of the codes that are counted: minutes
MOST_ASKED = 18  # of inputs that golden models are asked of nets that cannot be counted: minutes
SAT_SECONDS = 60.0
Answer: TypeAlias = Literal["equal", "different", "not decided"]
Kind: TypeAlias = Literal["canonical form", "a count of every input", "SAT", "a sample", "nothing", "too many inputs"]
Tell: TypeAlias = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Verdict:
    """What is known of whether two nets say the same.

    of        "class", "scores", or the name of a layer, of the first net
    kind      of proof: what the answer stands on
    inputs    that were asked about, as far as either net tells them apart; None is every input
    counted   of them, how many were looked at or shown to be of one kind; 0 where none was counted
    differ    of those that were counted, on how many the nets say different things
    witness   an input on which they do, where one is known
    classes   of the witness, by the golden models of both
    """

    of: str
    answer: Answer
    kind: Kind
    inputs: int | None
    counted: int = 0
    differ: int = 0
    witness: tuple[int, ...] | None = None
    classes: tuple[int, int] | None = None
    seconds: float = 0.0

    @property
    def words(self) -> str:
        where = "every input" if self.inputs is None else f"all {self.inputs:,} inputs"
        if self.answer == "equal":
            return f"equal on {where}, by {self.kind}"
        if self.counted and self.counted == self.inputs:
            return f"different on {self.differ:,} of {self.inputs:,} inputs, every one counted"
        if self.counted:
            return f"{self.answer}: {self.differ:,} of {self.counted:,} counted; not finished, {self.inputs:,} inputs"
        if self.answer == "different":
            return f"different, on an input that {self.kind} gives; on how many is not counted"
        if self.kind == "too many inputs":
            return f"not decided on {where}; of maps and levels 2^{MOST_ASKED} at most are looked at, one by one"
        return f"not decided on {where}"


@dataclass(frozen=True, eq=False)
class Question:
    """Two graphs, and the inputs on which they are asked: those of x (inputs,), but for the elements `free`.

    free   None is all of them

    Raises ExactError where the two take other inputs or tell other classes, an element is none, or a frame passes one
    of them several times.
    """

    a: Graph
    b: Graph
    x: NDArray[np.uint8]
    free: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for graph in (self.a, self.b):
            if graph.ends_in_code:
                raise ExactError(f"{graph.name} ends in codes, not in scores; nets of classes are compared")
            if graph.passes > 1:
                said = f"{graph.name}: a frame passes {graph.passes} times"
                raise ExactError(f"{said}; nets that it passes once are compared")
        if self.a.classes != self.b.classes:
            raise ExactError(f"{self.a.classes} and {self.b.classes} classes; nets of the same classes are compared")
        if self.free is not None:
            groups_of(self.code, self.free)

    @cached_property
    def code(self) -> JointCode:
        return JointCode.of_graphs(self.a, self.b)

    @cached_property
    def changing(self) -> tuple[int, ...]:
        """Elements of the input that are free."""
        return tuple(self.code.changing.tolist()) if self.free is None else self.free

    @property
    def bits(self) -> float:
        """Of the inputs, as far as either net tells them apart."""
        return log2(self.inputs)

    @cached_property
    def inputs(self) -> int:
        return prod(len(self.code.levels(element)) for element in self.changing)

    @property
    def layers(self) -> list[tuple[str, str]]:
        """Names of the hidden layers of both, pair by pair. Raises ExactError where they have different neurons."""
        own, other = ([each for each in graph.layers[:-1] if each.fan_in > 1] for graph in (self.a, self.b))
        if [each.outputs for each in own] != [each.outputs for each in other]:
            widths = " and ".join("-".join(str(each.outputs) for each in layers) for layers in (own, other))
            raise ExactError(f"hidden layers of {widths} neurons; only equal ones are compared neuron by neuron")
        return [(one.name, two.name) for one, two in zip(own, other, strict=True)]

    def depth(self, of: str) -> int:
        """Of a hidden layer, from 0."""
        return [one for one, _ in self.layers].index(of)

    def apart(self, of: str, inputs: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(n,) whether the golden models say different things of inputs (n, elements)."""
        own, other = self.a(inputs), self.b(inputs)
        if of == "class":
            return own.predictions() != other.predictions()
        if of == "scores":
            return (own.scores != other.scores).any(axis=1)
        codes = own.codes[of], other.codes[self.layers[self.depth(of)][1]]
        return (codes[0].packed != codes[1].packed).any(axis=1)


def equality(
    question: Question,
    of: str,
    samples: NDArray[np.uint8],
    workers: int = 2,
    seconds: float | None = None,
    most_bits: float = MOST_BITS,
    tell: Tell = lambda done, total, remark: None,
    before: Differing = Differing(),  # noqa: B008  frozen
    keep: Callable[[Differing], None] = lambda _: None,
) -> Verdict:
    """The canonical form first; then every input of the region is counted, where there are at most 2^most_bits, or of
    nets that cannot be counted 2^MOST_ASKED; else a sample on which they differ is looked for, and then SAT, where that
    is installed.

    of             "class", "scores" or a layer of the first net
    samples        (n, elements) inputs that are tried; those of another region are left out
    seconds        after which nothing more is begun to be counted, and SAT gives up; None: never, and a minute
    before, keep   what an earlier call was given to keep, of the same question; see `count_on`
    """
    began = time.monotonic()
    if (found := by_form(question, of)) is None:
        if question.bits <= (most_bits if countable(question) else min(most_bits, MOST_ASKED)):
            found = by_count(question, of, workers, seconds, tell, before, keep)
        else:
            found = _searched(question, of, samples, seconds)
    return replace(found, seconds=time.monotonic() - began)


def by_form(question: Question, of: str) -> Verdict | None:
    """That both are one canonical form. None, which says nothing, where they are two."""
    table, changing = Functions(), set(question.changing)
    fixed = {element: level for element, level in enumerate(question.x.tolist()) if element not in changing}
    graphs = question.a, question.b
    forms: list[Hashable]
    if of in ("class", "scores"):
        form = classed if of == "class" else scored
        forms = [form(_scores(graph), table.entering(graph, fixed)) for graph in graphs]
    else:
        names = question.layers[question.depth(of)]
        forms = [table.of(graph, fixed)[name] for graph, name in zip(graphs, names, strict=True)]
    if forms[0] != forms[1]:
        return None
    return Verdict(of, "equal", "canonical form", None if question.free is None else question.inputs)


def countable(question: Question) -> bool:
    """Whether both nets are of a kind whose inputs can be counted, however many there are."""
    try:
        for graph in (question.a, question.b):
            BitNet.of(graph)
    except ExactError:
        return False
    return True


def by_count(
    question: Question,
    of: str,
    workers: int = 2,
    seconds: float | None = None,
    tell: Tell = lambda done, total, remark: None,
    before: Differing = Differing(),  # noqa: B008  frozen
    keep: Callable[[Differing], None] = lambda _: None,
) -> Verdict:
    """Every input of the region looked at, or shown to be one on which they agree."""
    found = count_on(_counting(question, of), before, workers, seconds, lambda done, total: tell(done, total, of), keep)
    answer: Answer = "different" if found.differ else "equal" if found.counted == question.inputs else "not decided"
    verdict = Verdict(of, answer, "a count of every input", question.inputs, found.counted, found.differ)
    return verdict if found.witness is None else _shown(question, verdict, np.array(found.witness, np.uint8))


def _counting(question: Question, of: str) -> Counting:
    code = question.code
    if countable(question):
        region = Region(_side_by_side(question, of), code.code(question.x), groups_of(code, question.changing))
        return ByRegion(region, lambda found: _input(question, found))
    levels = [code.levels(element) for element in question.changing]
    return ByAsking(question.x, question.changing, levels, lambda inputs: question.apart(of, inputs))


def _searched(question: Question, of: str, samples: NDArray[np.uint8], seconds: float | None) -> Verdict:
    """Among samples; then by SAT, which may prove that there is no difference."""
    code, inputs = question.code, None if question.free is None else question.inputs
    inside = (np.delete(samples, question.changing, axis=1) == np.delete(question.x, question.changing)).all(axis=1)
    if inside.any() and (apart := question.apart(of, samples[inside])).any():
        return _shown(question, Verdict(of, "different", "a sample", inputs), samples[inside][apart.argmax()])
    if not countable(question):
        return Verdict(of, "not decided", "too many inputs", inputs)
    if not sat.installed():
        return Verdict(of, "not decided", "nothing", inputs)
    wait, bits = SAT_SECONDS if seconds is None else seconds, code.bits_of(question.changing)
    found = sat.left_over(_side_by_side(question, of), code.code(question.x), bits, code.order, wait)
    if isinstance(found, str):
        return Verdict(of, "equal" if found == "none" else "not decided", "SAT", inputs)
    return _shown(question, Verdict(of, "different", "SAT", inputs), _input(question, found))


def _shown(question: Question, verdict: Verdict, witness: NDArray[np.uint8]) -> Verdict:
    """With an input on which the golden models do differ."""
    assert question.apart(verdict.of, witness[None])[0], "the golden models say the same of a witness"
    one, two = (int(graph(witness[None]).predictions()[0]) for graph in (question.a, question.b))
    return replace(verdict, witness=tuple(witness.tolist()), classes=(one, two))


def _side_by_side(question: Question, of: str) -> BitNet:
    """Its last class is where the two differ."""
    a, b = (question.code.net(at, BitNet.of(graph)) for at, graph in enumerate((question.a, question.b)))
    if of == "class":
        return SideBySide.of(a.hidden, b.hidden).same_class(a, b)
    if of == "scores":
        return SideBySide.of(a.hidden, b.hidden, share_last=False).same_scores(_scores(question.a), _scores(question.b))
    depth = question.depth(of) + 1
    return SideBySide.of(a.hidden[:depth], b.hidden[:depth]).same_code()


def _input(question: Question, code: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return question.code.input_of(code, question.x)


def _scores(graph: Graph) -> Scores:
    scores = graph.layers[-1]
    assert isinstance(scores, Scores)
    return scores
