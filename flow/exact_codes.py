"""Every code of every hidden layer over a region, counted: in one layer, from whose codes all behind it follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..hw.exact.behind import behind
from ..hw.exact.net import BitNet
from ..hw.exact.region import MOST_CODES, WIDEST, Codes, Found, Histogram, Region
from ..hw.exact.shards import Spread
from .exact import Tell

ByY: TypeAlias = tuple[Codes, ...]  # of each y that occurs; of one alone, where codes are not counted apart


@dataclass(frozen=True, eq=False)
class CodesOfLayers:
    """layers   of each hidden layer how often each code occurs; None where there are too many

    of_class   inputs of each class, and of_y of each y; () where no layer's codes could be counted
    """

    layers: tuple[ByY | None, ...]
    of_class: tuple[int, ...] = ()
    of_y: tuple[int, ...] = ()


def codes_of_layers(net: BitNet, region_of: Callable[[int], Region], spread: Spread, tell: Tell) -> CodesOfLayers:
    """region_of   of a hidden layer of the net: what counts its codes"""
    first: list[ByY | None] = []
    for index, rows in enumerate(net.hidden):
        if len(rows.weight) <= WIDEST:
            parts = summed(region_of(index), spread, tell, f"codes of layer {index + 1}").codes
            seen = tuple(codes for codes in parts if codes is not None)
            if len(seen) == len(parts):
                here = tuple(codes for codes in seen if len(codes[0]))
                later, numbers = zip(*(behind(net, index, codes) for codes in here), strict=True)
                after = [tuple(each for each in by_y if each is not None) for by_y in zip(*later, strict=True)]
                return CodesOfLayers(
                    (*first, here, *(by_y or None for by_y in after)),
                    tuple(map(sum, zip(*numbers, strict=True))),
                    tuple(int(times.sum()) for _, times in seen),
                )
        first.append(None)
    return CodesOfLayers(tuple(first))


def summed(region: Region, spread: Spread, tell: Tell, remark: str) -> Found:
    total, parts, seen = region.nothing(), len(region.shards()), [Histogram() for _ in range(region.ys)]
    for done, (_, found) in enumerate(found_in(region, spread), 1):
        for into, codes in zip(seen, found.codes, strict=True):
            if codes is not None:
                into.add(codes)
        if any(codes is None for codes in found.codes) or sum(map(len, seen)) > MOST_CODES:
            return replace(total, codes=(None,) * region.ys)
        total += replace(found, codes=total.codes)
        tell(done, parts, remark)
    return replace(total, codes=tuple(each.codes for each in seen))


def found_in(region: Region, spread: Spread) -> Iterator[tuple[int, Found]]:
    """Part by part, as they end."""
    with closing(spread((region, part) for part in region.shards())) as ending:
        yield from ending
