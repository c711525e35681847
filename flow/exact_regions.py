"""All images within ±ε of samples, and all inputs over some free bits: into exact.json of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from math import log2, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Binarize, Graph
from ..hw.exact.behind import behind
from ..hw.exact.net import BitNet
from ..hw.exact.region import WIDEST, Codes, Found, Group, Histogram, Region
from ..hw.exact.shards import by_threads
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import checked_witnesses, code_of, free_of, numbers_of
from .exact_record import CodesOf, Free, Within, entropy_bits, exact_of, write_exact
from .folder import RunFolder
from .held import writing
from .run import finished, trained_on

MOST_BITS = 38  # of the codes that pixels give: minutes
Tell = Callable[[int, int, str], None]


@writing
def within(
    folder: RunFolder,
    samples: int | Sequence[int] | None,
    epsilon: int,
    vmax: int | None = None,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> tuple[list[Within], dict[int, float]]:
    """Counts the images within ±epsilon of samples that have another class; into exact.json, sample by sample.

    vmax   the highest value of a pixel; by default what its bits can say

    Also returned: of the samples that were left out because their images have more than 2^38 codes, the exponent.
    """
    graph = graph_of(folder)
    net, first = BitNet.of(graph), graph.layers[0]
    if not isinstance(first, Binarize):
        raise RunError(f"{folder.path}: its inputs are bits, not pixels; --radius counts flipped bits")
    top = (1 << first.bits) - 1 if vmax is None else vmax
    data = trained_on(folder, config := finished(folder), data_dir)
    x, y = chosen_samples(config, data)
    numbers = numbers_of(samples, len(x))
    if not 1 <= top < 1 << first.bits or epsilon > top:
        raise RunError(f"pixels of 0 .. {top} and an epsilon of {epsilon}; they have {first.bits} bits")
    if numbers and (brightest := int(x[numbers].max())) > top:
        raise RunError(f"--vmax {top}, but a pixel is {brightest}")
    known, large, found = exact_of(folder, graph), {}, []
    for done, number in enumerate(numbers):
        tell(done, len(numbers), f"sample {number}")
        asked = (number, epsilon, top)
        answer = next((each for each in known.within if (each.sample, each.epsilon, each.vmax) == asked), None)
        if answer is None:
            groups, beside = groups_of(first, x[number], epsilon, top, data.pixels)
            codes = prod(len(group.weights) for group in groups)
            if log2(codes) > MOST_BITS:
                large[number] = log2(codes)
                continue
            answer = _within(net, first, x[number], int(y[number]), number, epsilon, top, groups, beside, workers)
            if answer.witness is not None:
                inputs = np.array([answer.witness], dtype=np.uint8)
                checked_witnesses(graph, inputs, answer.sample, answer.predicted)
            known = replace(known, within=(*known.within, answer))
            write_exact(folder, known)
        found.append(answer)
    return found, large


def groups_of(
    first: Binarize, x: NDArray[np.uint8], epsilon: int, vmax: int, pixels: int
) -> tuple[tuple[Group, ...], int]:
    """A group for each pixel that can change the code, its levels from dark to bright; and how many images each code
    stands for beyond their weights, by the pixels that cannot. Element j reads pixel j mod `pixels`.
    """
    groups, beside = [], 1
    for pixel in range(pixels):
        elements = np.arange(pixel, len(x), pixels)
        values = np.arange(max(0, int(x[pixel]) - epsilon), min(vmax, int(x[pixel]) + epsilon) + 1)
        codes = values[:, None] >= first.threshold[elements]
        levels, weights = np.unique(codes.sum(axis=1), return_counts=True)
        if len(levels) == 1:
            beside *= len(values)
            continue
        begins = np.searchsorted(codes.sum(axis=1), levels)
        groups.append(Group(tuple(elements.tolist()), codes[begins], tuple(weights.tolist())))
    return tuple(groups), beside


def _within(
    net: BitNet,
    first: Binarize,
    x: NDArray[np.uint8],
    label: int,
    number: int,
    epsilon: int,
    vmax: int,
    groups: tuple[Group, ...],
    beside: int,
    workers: int,
) -> Within:
    began, code = time.monotonic(), x >= first.threshold
    predicted = int(net.classes(code[None])[0])
    changed, witness, images = 0, None, beside
    if groups:
        region = Region(net, code, groups, predicted)
        images *= region.inputs
        parts = region.shards()
        for at, each in _found(region, workers):
            other = region.inputs_in(parts[at]) - each.number[predicted]
            if other and witness is None:
                witness = _image(first, x, epsilon, vmax, Region(net, code, groups), parts[at], predicted)
            changed += beside * other
    codes = prod(len(group.weights) for group in groups)
    return Within(number, label, predicted, epsilon, vmax, codes, images, changed, witness, time.monotonic() - began)


def _image(
    first: Binarize, x: NDArray[np.uint8], epsilon: int, vmax: int, region: Region, part: tuple[int, ...], right: int
) -> tuple[int, ...]:
    """An image of another class, out of a part that has one."""
    found = region.count(part)
    assert found is not None
    levels = next(each for c, each in enumerate(found.witnesses) if c != right and each is not None)
    image = x.copy()
    for group, level in zip(region.groups, levels, strict=True):
        at = list(group.elements)
        for value in range(max(0, int(x[at[0]]) - epsilon), min(vmax, int(x[at[0]]) + epsilon) + 1):
            if ((value >= first.threshold[at]) == group.values[level]).all():
                image[at] = value
                break
    return tuple(image.tolist())


def _found(region: Region, workers: int) -> Iterator[tuple[int, Found]]:
    with closing(by_threads(((region, part) for part in region.shards()), workers)) as ending:
        yield from ending


@writing
def free(
    folder: RunFolder,
    bits: Sequence[int] | None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> Free:
    """Counts classes and every layer's codes over all inputs that differ from sample `base` in `bits` of its code,
    None for all that can change; into exact.json.

    The codes of the first layer that are few enough to count say all that is behind it.
    """
    graph = graph_of(folder)
    net = BitNet.of(graph)
    x, _ = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
    numbers_of([base], len(x))
    wanted = free_bits(graph, bits)
    if len(wanted) > MOST_BITS:
        raise RunError(f"{len(wanted)} free bits; 2^{MOST_BITS} inputs are counted at most")
    known = exact_of(folder, graph)
    for each in known.free:
        if (each.base, each.free) == (base, tuple(wanted)):
            return each
    began, code = time.monotonic(), code_of(graph, x[base])
    counted, number = codes_of_layers(net, code, wanted, workers, tell)
    if not number:
        groups = tuple(Group.bit(bit) for bit in wanted)
        number = summed(Region(net, code, groups), workers, tell, "classes").number
    layers = tuple(
        CodesOf(name, neurons, *((None, None) if codes is None else (len(codes[0]), entropy_bits(codes[1]))))
        for (name, neurons), codes in zip(hidden_layers(graph), counted, strict=True)
    )
    answer = Free(base, tuple(wanted), number, layers, time.monotonic() - began)
    write_exact(folder, replace(known, free=(*known.free, answer)))
    return answer


def hidden_layers(graph: Graph) -> list[tuple[str, int]]:
    """Names and neurons."""
    return [(layer.name, layer.outputs) for layer in graph.layers if not isinstance(layer, Binarize)][:-1]


def codes_of_layers(
    net: BitNet, code: NDArray[np.bool_], free: Sequence[int], workers: int, tell: Tell
) -> tuple[list[Codes | None], tuple[int, ...]]:
    """Of each hidden layer how often each code occurs, None where there are too many; and inputs of each class, ()
    where no layer's codes say that.
    """
    groups = tuple(Group.bit(bit) for bit in free)
    counted: list[Codes | None] = [None] * len(net.hidden)
    for index, rows in enumerate(net.hidden):
        if len(rows.weight) <= WIDEST:
            total = summed(Region(net, code, groups, layer=index), workers, tell, f"codes of layer {index + 1}")
            if total.codes is not None:
                later, number = behind(net, index, total.codes)
                counted[index:] = [total.codes, *later]
                return counted, number
    return counted, ()


def free_bits(graph: Graph, bits: Sequence[int] | None) -> list[int]:
    """Those asked for, rising; None is all that can change. Raises RunError where one is none."""
    able = free_of(graph).tolist()
    wanted = able if bits is None else sorted(set(bits))
    if not wanted or (stuck := [bit for bit in wanted if bit not in set(able)]):
        which = f"bit {stuck[0]} of {graph.inputs} is none, or never changes" if wanted else "no bit"
        raise RunError(f"--free: {which}")
    return wanted


def summed(region: Region, workers: int, tell: Tell, remark: str) -> Found:
    total, parts, seen = region.nothing(), len(region.shards()), Histogram()
    for done, (_, found) in enumerate(_found(region, workers), 1):
        if found.codes is None:
            return replace(total, codes=None)
        seen.add(found.codes)
        total += replace(found, codes=total.codes)
        tell(done, parts, remark)
    return replace(total, codes=seen.codes)
