"""How often neurons fire over a region, alone, by two and up to four jointly; into exact.json of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ..hw.exact.net import BitNet, Rows
from ..hw.exact.pairs import (
    MOST_JOINTLY,
    Pairs,
    implications,
    jointly_of_codes,
    jointly_of_first_layer,
    of_codes,
    of_first_layer,
)
from ..hw.exact.region import Codes
from ..hw.exact.shards import TWO_THREADS, Spread
from .config import RunError
from .exact import Tell
from .exact_free import FreeRegion
from .exact_record import MOST_BITS, Implied, Neurons, NeuronsOf, entropy_bits
from .folder import RunFolder
from .held import reading, writing


@writing
def neurons(
    folder: RunFolder,
    bits: Sequence[int] | None = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    tell: Tell = lambda done, total, remark: None,
) -> Neurons:
    """How often neurons fire over all inputs that differ from sample `base` in `bits` of its code, None for all; into
    exact.json.

    The first layer's neurons are counted in closed form, of however many bits. Those behind it from the codes of the
    layer, where at most 2^38 inputs and 2^24 codes make that possible.
    """
    region = FreeRegion.of(folder, bits, base, data_dir)
    net, known = region.net, region.known()
    for each in known.neurons:
        if (each.base, each.free) == (base, region.free):
            return each
    began = time.monotonic()
    counted = _codes(region, spread, tell) if len(region.free) <= MOST_BITS else [None] * len(net.hidden)
    layers = []
    for index, ((name, width), codes) in enumerate(zip(region.hidden, counted, strict=True)):
        if index == 0:
            pairs = of_first_layer(_first(region))
        elif codes is not None:
            pairs = of_codes(codes, width)
        else:
            layers.append(NeuronsOf(name, width))
            continue
        layers.append(_told(name, net, index, pairs, codes))
    answer = Neurons(base, region.free, tuple(layers), time.monotonic() - began)
    region.keep(replace(known, neurons=(*known.neurons, answer)))
    return answer


def _codes(region: FreeRegion, spread: Spread, tell: Tell) -> list[Codes | None]:
    return [None if by_y is None else by_y[0] for by_y in region.codes(spread, tell).layers]


def _first(region: FreeRegion) -> Rows:
    return region.net.fixed(region.code, np.array(region.free)).hidden[0]


def _told(name: str, net: BitNet, index: int, pairs: Pairs, codes: Codes | None) -> NeuronsOf:
    width = len(pairs.both)
    return NeuronsOf(
        name,
        width,
        pairs.ones,
        tuple(pairs.both[i][j] for i in range(width) for j in range(i + 1, width)),
        pairs.entropy_bound_bits(),
        None if codes is None else entropy_bits(codes[1]),
        tuple(Implied(**asdict(each)) for each in implications(pairs, net.hidden[index])),
    )


@reading
def jointly(
    folder: RunFolder,
    layer: str,
    chosen: Sequence[int],
    bits: Sequence[int] | None = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    spread: Spread = TWO_THREADS,
    tell: Tell = lambda done, total, remark: None,
) -> tuple[int, ...]:
    """Of each pattern of what up to four neurons of a hidden layer say, the first counting fastest: inputs."""
    region = FreeRegion.of(folder, bits, base, data_dir)
    widths = dict(region.hidden)
    if layer not in widths:
        raise RunError(f"no hidden layer {layer!r}; there are {', '.join(widths)}")
    if not 1 <= len(set(chosen)) == len(chosen) <= MOST_JOINTLY or not 0 <= min(chosen) <= max(chosen) < widths[layer]:
        raise RunError(
            f"{layer} has neurons 0 .. {widths[layer] - 1}; one to {MOST_JOINTLY} different ones are asked for"
        )
    index = list(widths).index(layer)
    if index == 0:
        return jointly_of_first_layer(_first(region), chosen)
    codes = _codes(region.checked("behind the first layer "), spread, tell)[index]
    if codes is None:
        raise RunError(f"{layer} has too many codes over this region; fewer free bits")
    return jointly_of_codes(codes, chosen)
