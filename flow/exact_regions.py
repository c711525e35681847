"""All images within ±ε of samples: into exact.json of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from math import log2, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Binarize
from ..hw.exact.net import BitNet
from ..hw.exact.region import Group, Region
from ..hw.exact.shards import TWO_THREADS, Spread
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import Tell, checked_witnesses, numbers_of
from .exact_codes import found_in
from .exact_record import MOST_BITS, Within, exact_of, write_exact
from .folder import RunFolder
from .held import writing
from .run import finished, trained_on


@writing
def within(
    folder: RunFolder,
    samples: int | Sequence[int] | None,
    epsilon: int,
    vmax: int | None = None,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
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
            answer = _within(net, first, x[number], int(y[number]), number, epsilon, top, groups, beside, spread)
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
    spread: Spread,
) -> Within:
    began, code = time.monotonic(), x >= first.threshold
    predicted = int(net.classes(code[None])[0])
    changed, witness, images = 0, None, beside
    if groups:
        region = Region(net, code, groups, predicted)
        images *= region.inputs
        parts = region.shards()
        for at, each in found_in(region, spread):
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
