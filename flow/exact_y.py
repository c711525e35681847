"""What layers say over a region of a Y that is not the net's own class: I(T;Y) with no sample; into exact.json."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..hw.exact.region import Region
from ..hw.exact.shards import Spread
from .exact import Tell
from .exact_codes import ByY, codes_of_layers
from .exact_free import FreeRegion, counted_before, of_codes, together
from .exact_record import OutsideY, entropy_bits

TOO_MANY = "every layer has too many codes over this region; fewer free bits"


@dataclass(frozen=True, eq=False)
class Y:
    """A y of every input of a region.

    kind    of answers to it in exact.json
    asked   the answer with nothing counted
    apart   of the region and a hidden layer: what counts the layer's codes apart by y
    """

    kind: Literal["taught", "labelled"]
    asked: OutsideY
    apart: Callable[[FreeRegion, int], Region]


def said_of(y: Y, region: FreeRegion, spread: Spread, tell: Tell) -> OutsideY:
    """I(T;Y) of every hidden layer, None of one with too many codes. What layers remember follows, and is kept, too."""
    known, began = region.known(), time.monotonic()
    for each in getattr(known, y.kind):
        if each.asked == y.asked and each.pairs:
            return each
    counted = codes_of_layers(region.net, lambda index: y.apart(region, index), spread, tell)
    seconds = time.monotonic() - began
    answer = replace(
        y.asked,
        number=counted.of_y,
        i_ty_bits=tuple(None if by_y is None else _information_bits(by_y) for by_y in counted.layers),
        pairs=tuple(None if by_y is None else sum(len(codes) for codes, _ in by_y) for by_y in counted.layers),
        seconds=seconds,
    )
    others = [each for each in getattr(known, y.kind) if each.asked != y.asked]
    kept: dict[str, Any] = {y.kind: (*others, answer)}
    known = replace(known, **kept)
    if counted.of_class and counted_before(region, known) is None:
        known = replace(known, free=(*known.free, of_codes(region, counted, seconds)))
    region.keep(known)
    return answer


def _information_bits(by_y: ByY) -> float:
    """I(T;Y) = H(T) + H(Y) - H(T,Y)."""
    joint, of_y = np.concatenate([times for _, times in by_y]), np.array([times.sum() for _, times in by_y])
    return max(0.0, entropy_bits(together(by_y)) + entropy_bits(of_y) - entropy_bits(joint))
