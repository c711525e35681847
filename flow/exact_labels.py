"""What layers say over a region of labels that a rule gives its inputs: I(T;Y) with no sample; into exact.json."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..hw.exact.net import BitNet
from ..hw.exact.region import Group, Region
from ..models.label_rules import labels_by
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import code_of, flipped, numbers_of
from .exact_record import Labelled, exact_of, write_exact
from .exact_regions import Tell, free_bits
from .exact_teacher import said_of_y
from .files import digest_of
from .folder import RunFolder
from .held import writing
from .run import finished, trained_on

MOST_LABELLED = 26  # free bits: a rule is asked of every input, which is slow, and a label is a byte
BLOCK_BYTES = 1 << 24  # of inputs that a rule is given at a time


@writing
def labelled(
    folder: RunFolder,
    rule: str,
    bits: Sequence[int] | None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> Labelled:
    """I(T;Y) of every hidden layer, where Y is the label by the rule, over all inputs that differ from sample `base` in
    `bits` of the code, None for all; None of a layer with too many codes. Raises RunError over more than 2^26 inputs.
    """
    graph = graph_of(folder)
    net, wanted = BitNet.of(graph), free_bits(graph, bits)
    if len(wanted) > MOST_LABELLED:
        raise RunError(
            f"{len(wanted)} free bits; a rule gives labels to 2^{MOST_LABELLED} inputs at most: "
            "fewer free bits, or a run that learned the rule as --teacher"
        )
    x, _ = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
    numbers_of([base], len(x))
    began, labels = time.monotonic(), labels_over(graph, rule, x[base], wanted, tell)
    known, digest = exact_of(folder, graph), digest_of({"labels": labels})
    for each in known.labelled:
        if (each.rule, each.base, each.free, each.labels) == (rule, base, tuple(wanted), digest):
            return each
    groups = tuple(map(Group.bit, wanted))

    def of_label(index: int, label: int) -> Region:
        return Region(net, code_of(graph, x[base]), groups, only=label, layer=index, labels=labels)

    number, found = said_of_y(net, of_label, int(labels.max()) + 1, workers, tell)
    answer = Labelled(base, tuple(wanted), number, found, time.monotonic() - began, rule=rule, labels=digest)
    write_exact(folder, replace(known, labelled=(*known.labelled, answer)))
    return answer


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
