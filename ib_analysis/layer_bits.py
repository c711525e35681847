"""One layer's bits, beside its point in the information plane: which know the label, which idle, and is it chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from .codes import Codes
from .diagnostics import saturated
from .map_probe import map_probe
from .map_shape import MapShape
from .neurons import neuron_information, neurons, sharing
from .nulls import p_value
from .points import aligned
from .probe import FEWEST_SAMPLES, ProbeBound, probe_bound
from .symbols import Symbols, of_ids, symbols

PERMUTATIONS = 199
MOST_SHARED = 1 << 41  # bits of all distinct codes, times the width: minutes of a core
MOST_PROBED = 1 << 26  # bits, unpacked to a quarter of a gigabyte; of wide codes fewer samples
HEAD = ("layer", "dead", "copies", "best neuron", "I(Tj;Y)", "redundancy", "vulnerability", "p", "probe bound")
LEGEND = (
    "Dead: neurons that never change; copies: those that equal a lower one, or its negation, in every sample.",
    "I(Tj;Y): of the neuron that alone knows most of the label. Redundancy and vulnerability: in how many single bits "
    "a piece of I(T;Y) is to be had, with how many it is lost (Gutknecht et al. 2025); none where codes are saturated.",
    f"p: how often labels dealt at random share as much with the codes, of {PERMUTATIONS} dealings and this one.",
    "Probe bound: I(T;Y) of the population is at least about this much, ± its standard error: what a linear classifier "
    "predicts of held-out samples. It holds where counting is refused, and may be far below.",
)


@dataclass(frozen=True)
class LayerBits:
    """What the bits of a layer do over exactly these samples.

    dead, copies     neurons
    best, best_bits  the neuron with the largest I(T_j;Y), and that in bits
    redundancy       r̄, and
    vulnerability    v̄ of `neurons.sharing`; None where the code knows nothing of the label, is saturated,
                     or so wide and rich that it would take minutes
    p_value          of I(T;Y) > 0; at least 1/(PERMUTATIONS + 1)
    probe            lower bound of the population's I(T;Y)
    """

    layer: Annotated[str, Field(min_length=1)]
    width: Annotated[int, Field(ge=1)]
    dead: Annotated[int, Field(ge=0)]
    copies: Annotated[int, Field(ge=0)]
    best: Annotated[int, Field(ge=0)]
    best_bits: Annotated[FiniteFloat, Field(ge=0)]
    redundancy: FiniteFloat | None
    vulnerability: FiniteFloat | None
    p_value: Annotated[float, Field(gt=0, le=1)]
    probe: ProbeBound


def layer_bits(
    layer: str, codes: Codes, y: Symbols, rng: np.random.Generator, shape: MapShape | None = None
) -> LayerBits:
    """Costs 3 s for 10,000 codes of 1,024 bits, nearly all of it the probe. That of a map, whose shape says so, reads
    shares of ones (`map_probe`): all bits of a map would take minutes and gigabytes.
    """
    found, alone, t = neurons(codes), neuron_information(codes, y), symbols(codes)
    costs = len(t) * codes.width**2
    shared = None if saturated(t.counts) or costs > MOST_SHARED else sharing(codes, y)
    some: slice | NDArray[np.int64] = slice(None)
    if shape is None and len(codes) * codes.width > MOST_PROBED:
        some = np.sort(rng.permutation(len(codes))[: max(FEWEST_SAMPLES, MOST_PROBED // codes.width)])
    best = int(alone.argmax())
    return LayerBits(
        layer,
        codes.width,
        dead=len(found.dead),
        copies=len(found.duplicates) + len(found.inverted_duplicates),
        best=best,
        best_bits=float(alone[best]),
        redundancy=shared.redundancy if shared else None,
        vulnerability=shared.vulnerability if shared else None,
        p_value=p_value(t, y, rng, PERMUTATIONS),
        probe=probe_bound(codes[some], of_ids(y.ids[some]), rng) if shape is None else map_probe(codes, shape, y, rng),
    )


def cells(of: LayerBits) -> tuple[str, ...]:
    """One row below HEAD."""
    return (
        of.layer,
        f"{of.dead} of {of.width}",
        str(of.copies),
        str(of.best),
        f"{of.best_bits:.3f}",
        "-" if of.redundancy is None else f"{of.redundancy:.2f}",
        "-" if of.vulnerability is None else f"{of.vulnerability:.2f}",
        f"{of.p_value:.3f}",
        str(of.probe),
    )


def summary(layers: Sequence[LayerBits]) -> str:
    """A table in plain text, with what its columns mean below."""
    return "\n".join([*aligned([HEAD, *map(cells, layers)], left=(0,)), "", *LEGEND])
