"""A layer's float nodes asked where its levels change, and how near float rounding comes to a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from ..graph import GraphError, Levels
from .chain import Chain
from .linear import Product
from .rounding import Margin, margin_of, product_rounding
from .threshold import Reached, Thresholds, bisect, find, refuse_nan

Rounding = Literal["refuse", "state"]
Decision: TypeAlias = Callable[[float, int, float], tuple[int, int]]
"""(accumulator, element, error) -> the levels between which a sum that is off by up to `error` may be quantised."""

WAYS_OUT = 'train or export with scale 1 (or another power of two), or state the margin with margin="state"'
EXHAUSTIVE = 1 << 22  # accumulators times rows that are asked one by one; beyond, decisions are bisected


@dataclass(frozen=True, eq=False)
class Asked:
    """margin, decision   where float sums round, else None"""

    thresholds: Thresholds
    margin: Margin | None = None
    decision: Decision | None = None


def ask(
    chain: Chain, name: str, product: Product, nodes: Sequence[onnx.NodeProto], emits: Levels, rounds: Rounding
) -> Asked:
    """Where the levels of a product change that goes through `nodes`, the last of them a quantizer that emits `emits`.

    Raises StreamlineError where rounding might decide and `rounds` is "refuse", ThresholdError where the nodes are no
    thresholds.
    """

    def reached(accumulators: NDArray) -> NDArray:
        asked = product.floats(accumulators)
        before = chain.channels(nodes[:-1], asked)
        refuse_nan(name, asked, before)
        try:
            return emits.of(chain.channels(nodes[-1:], before))
        except GraphError as error:
            raise chain.refusal(nodes[-1], str(error)) from None

    check_range(chain, product)
    spans = product.spans()
    exhaustive = int(spans.max() + 1) * product.rows <= EXHAUSTIVE
    inverse = [node for node in nodes if node.op_type == "Div" and node.input[0] in chain.constants]
    if inverse and not exhaustive:
        raise chain.refusal(inverse[0], f"divides by one of {spans.max() + 1} sums, of which not each can be asked")
    found = (find if exhaustive else bisect)(name, spans, emits.count, reached)
    rounding = product_rounding(product)
    if rounding.exact:
        return Asked(found)
    margin = margin_of(product, rounding, found, reached)
    if rounds == "refuse" and not margin.safe:
        raise chain.refusal(
            product.node,
            f"{name} sums terms of {rounding.units[0]:.9g}, which round: a decision lies {margin.distance:.3g} from a "
            f"reachable accumulator and rounding may move {margin.error:.3g}; {WAYS_OUT}",
        )
    return Asked(found, margin, _decision(product, rounding.apart, found, reached))


def check_range(chain: Chain, product: Product) -> None:
    """Raises StreamlineError where float32 does not hold what the product sums."""
    unit = product_rounding(product).units
    with np.errstate(all="ignore"):
        ends = product.floats(np.stack([np.zeros_like(product.spans()), product.spans()]))
    if unit.min() < np.finfo(np.float32).tiny or not np.isfinite(ends).all():
        raise chain.refusal(
            product.node, f"sums {product.fan_in} terms of {unit.min():g} .. {unit.max():g}, beyond float32's range"
        )


def _decision(product: Product, apart: float, found: Thresholds, reached: Reached) -> Decision:
    def ends(accumulator: float, element: int, error: float) -> tuple[int, int]:
        row = element % product.rows
        asked = np.zeros((2, product.rows))
        near = accumulator + np.array([-error, error]) / apart
        asked[:, row] = product.spans()[row] - near if found.falling[row] else near
        low, high = sorted(int(level) for level in reached(asked)[:, row])
        return low, high

    return ends
