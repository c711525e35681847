"""What layers say over a region of labels that a rule gives its inputs: I(T;Y) with no sample; into exact.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..hw.exact.region import Region
from ..hw.exact.shards import TWO_THREADS, Spread
from ..models.label_rules import labels_by
from .config import RunError
from .exact import Tell, code_of, flipped
from .exact_free import FreeRegion
from .exact_record import Labelled
from .exact_y import TOO_MANY, Y, said_of
from .files import digest_of
from .folder import RunFolder
from .held import writing

MOST_LABELLED = 26  # free bits: a rule is asked of every input, which is slow, and a label is a byte
BLOCK_BYTES = 1 << 24  # of inputs that a rule is given at a time


@writing
def labelled(
    folder: RunFolder,
    rule: str,
    bits: Sequence[int] | None,
    base: int = 0,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    tell: Tell = lambda done, total, remark: None,
) -> Labelled:
    """I(T;Y) of every hidden layer, where Y is the label by the rule, over all inputs that differ from sample `base` in
    `bits` of the code, None for all; None of a layer with too many codes. Raises RunError over more than 2^26 inputs.
    """
    region = FreeRegion.of(folder, bits, base, data_dir)
    answer = said_of(by_rule(rule, region, tell), region, spread, tell)
    assert isinstance(answer, Labelled)
    if not answer.countable:
        raise RunError(TOO_MANY)
    return answer


def by_rule(rule: str, region: FreeRegion, tell: Tell) -> Y:
    """Y is what the rule says. Raises RunError over more than 2^26 inputs."""
    if len(region.free) > MOST_LABELLED:
        raise RunError(
            f"{len(region.free)} free bits; a rule gives labels to 2^{MOST_LABELLED} inputs at most: "
            "fewer free bits, or a run that learned the rule as --teacher"
        )
    labels = labels_over(region.graph, rule, region.x, region.free, tell)

    def apart(region: FreeRegion, layer: int) -> Region:
        return Region(region.net, region.code, region.groups, layer=layer, labels=labels)

    asked = Labelled(base=region.base, free=region.free, rule=rule, labels=digest_of({"labels": labels}))
    return Y("labelled", asked, apart)


def labels_over(graph: Graph, rule: str, x: NDArray[np.uint8], free: Sequence[int], tell: Tell) -> NDArray[np.uint8]:
    """(2^len(free),) labels of all inputs that differ from x in these elements, the first of them changing fastest. A
    pixel is as in x, or beside its threshold on the other side.
    """
    at = list(free)
    own, other, on = x[at], flipped(graph, x, at)[at], code_of(graph, x)[at]
    levels = np.where(on, [other, own], [own, other])
    labels = np.empty(1 << len(at), np.uint8)
    block = max(1, min(len(labels), BLOCK_BYTES // len(x)))
    inputs = np.repeat(x[None], block, axis=0)
    for start in range(0, len(labels), block):
        numbers = np.arange(start, min(start + block, len(labels)))
        for bit, element in enumerate(at):
            inputs[: len(numbers), element] = levels[numbers >> bit & 1, bit]
        labels[numbers] = labels_by(rule, inputs[: len(numbers)].copy())  # the rule may write into what it is given
        tell(int(numbers[-1]) + 1, len(labels), f"labels by {rule}")
    return labels
