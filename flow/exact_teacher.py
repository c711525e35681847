"""What layers say over a region of the classes of another run, its teacher: I(T;Y) with no sample; into exact.json."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..hw.exact.behind import behind
from ..hw.exact.joint_code import JointCode
from ..hw.exact.net import BitNet
from ..hw.exact.region import WIDEST, Codes, Group, Region, histogram
from ..hw.exact.side_by_side import SideBySide
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import code_of, numbers_of
from .exact_record import Taught, entropy_bits, exact_of, write_exact
from .exact_regions import MOST_BITS, Tell, free_bits, hidden_layers, summed
from .files import digest_of
from .folder import RunFolder
from .held import writing
from .run import finished, trained_on


@writing
def taught(
    folder: RunFolder,
    teacher: RunFolder,
    bits: Sequence[int] | None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> Taught:
    """I(T;Y) of every hidden layer, where Y is what the teacher says, over all inputs that differ from sample `base` in
    `bits` of the code, None for all; None of a layer with too many codes. Both cut pixels alike.
    """
    own, other = graph_of(folder), graph_of(teacher)
    code = JointCode.of_graphs(own, other)
    if len(code.element) != own.inputs:
        raise RunError(
            f"{teacher.path} cuts pixels at other thresholds than {folder.path}; a teacher sees the same code"
        )
    net, by, wanted = BitNet.of(own), BitNet.of(other), free_bits(own, bits)
    if len(wanted) > MOST_BITS:
        raise RunError(f"{len(wanted)} free bits; 2^{MOST_BITS} inputs are counted at most")
    x, _ = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
    numbers_of([base], len(x))
    known, digest = exact_of(folder, own), digest_of(other.arrays())
    for each in known.taught:
        if (each.base, each.free, each.graph) == (base, tuple(wanted), digest):
            return each
    began, both = time.monotonic(), SideBySide.of(net.hidden, by.hidden).of_second(by)
    groups, widths = tuple(map(Group.bit, wanted)), [width for _, width in hidden_layers(own)]

    def of_class(index: int, c: int) -> Region:
        return Region(both, code_of(own, x[base]), groups, only=c, layer=index, bits=widths[index])

    number, found = said_of_y(net, of_class, other.classes, workers, tell)
    answer = Taught(
        base, tuple(wanted), number, found, time.monotonic() - began, teacher=teacher.path.name, graph=digest
    )
    write_exact(folder, replace(known, taught=(*known.taught, answer)))
    return answer


def said_of_y(
    net: BitNet, of_class: Callable[[int, int], Region], classes: int, workers: int, tell: Tell
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Inputs of each y, 0 .. classes - 1, and I(T;Y) of every hidden layer, None of one with too many codes.

    of_class   of a hidden layer and a y: the region that counts the layer's codes over the inputs of this y
    """
    found: list[float | None] = [None] * len(net.hidden)
    for index, rows in enumerate(net.hidden):
        if len(rows.weight) > WIDEST:
            continue
        parts = [summed(of_class(index, c), workers, tell, f"class {c}").codes for c in range(classes)]
        seen = [codes for codes in parts if codes is not None]
        if len(seen) < classes:
            continue
        by_layer = [seen, *zip(*(behind(net, index, codes)[0] for codes in seen if len(codes[0])), strict=True)]
        found[index:] = [_information(each) for each in by_layer]
        return tuple(int(times.sum()) for _, times in seen), tuple(found)
    raise RunError("every layer has too many codes over this region; fewer free bits")


def _information(by_class: Sequence[Codes | None]) -> float | None:
    """I(T;Y) in bits, of the codes and how often each occurs, class by class; None where a class has none counted."""
    parts = [codes for codes in by_class if codes is not None and len(codes[0])]
    if any(codes is None for codes in by_class):
        return None
    together = np.concatenate([times for _, times in parts])
    alone = histogram(np.concatenate([codes for codes, _ in parts]), together)[1]
    classes = np.array([times.sum() for _, times in parts])
    return max(0.0, entropy_bits(alone) + entropy_bits(classes) - entropy_bits(together))
