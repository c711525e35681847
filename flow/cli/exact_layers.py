"""What `exact` tells of layers: how often neurons fire over a region, and which codes are reached."""

from __future__ import annotations

from dataclasses import asdict
from math import log2
from pathlib import Path

from rich.table import Table

from ...hw.exact.shards import Spread
from ..config import RunError
from ..exact_neurons import jointly, neurons
from ..exact_reach import reach
from ..exact_record import Implied, NeuronsOf
from ..folder import RunFolder
from .console import bar, say, show
from .verb import Facts

SHOWN = 10  # implications of a layer


def neurons_told(place: RunFolder, bits: list[int] | None, base: int, data_dir: Path | None, spread: Spread) -> Facts:
    with bar("exact") as tell:
        found = neurons(place, bits, base, data_dir, spread, tell)
    head = ("layer", "neurons", "constant", "P least", "median", "most", "implications", "H(T)", "H(T) ≤")
    drawn = Table(*head, box=None, pad_edge=False)
    for column in drawn.columns[1:]:
        column.justify = "right"
    for each in found.layers:
        drawn.add_row(each.layer, str(each.neurons), *_numbers(each, found.inputs))
    show(drawn)
    for layer in found.layers:
        for implied in layer.implications[:SHOWN]:
            say(layer.layer, f"{_implied(implied)}, {implied.proof}")
        if len(layer.implications) > SHOWN:
            say(layer.layer, f"and {len(layer.implications) - SHOWN:,} more; --json has them")
    say("exact", f"2^{len(found.free)} inputs, exact", place.exact)
    return asdict(found)


def _numbers(layer: NeuronsOf, inputs: int) -> list[str]:
    if not layer.ones or layer.bound_bits is None:
        return ["not counted", *[""] * 6]
    shares = sorted(one / inputs for one in layer.ones)
    middle = len(shares) // 2
    return [
        str(layer.constants(inputs)),
        *(f"{share:.4f}" for share in (shares[0], (shares[middle] + shares[~middle]) / 2, shares[-1])),
        f"{len(layer.implications):,}",
        "" if layer.entropy_bits is None else f"{layer.entropy_bits:.4f}",
        f"{layer.bound_bits:.4f}",
    ]


def _implied(each: Implied) -> str:
    return f"{'' if each.says else 'not '}{each.of} → {'' if each.so else 'not '}{each.then}"


def jointly_told(
    place: RunFolder, words: str, bits: list[int] | None, base: int, data_dir: Path | None, spread: Spread
) -> Facts:
    layer, _, named = words.partition(":")
    numbers = named.split(",")
    if not layer or not all(word.isdecimal() for word in numbers):
        raise RunError(f"--jointly {words}: a layer and its neurons, such as dense1:0,7,12")
    chosen = list(map(int, numbers))
    with bar("exact") as tell:
        found = jointly(place, layer, chosen, bits, base, data_dir, spread, tell)
    drawn = Table(*numbers, "inputs", "share", box=None, pad_edge=False)
    for pattern, number in enumerate(found):
        drawn.add_row(
            *(str(pattern >> at & 1) for at in range(len(chosen))), f"{number:,}", f"{number / sum(found):.4%}"
        )
    show(drawn)
    say("exact", f"{len(chosen)} neurons of {layer} over 2^{sum(found).bit_length() - 1} inputs, exact")
    return {"layer": layer, "neurons": chosen, "inputs": found}


def reach_told(
    place: RunFolder, layer: str, bits: list[int] | None, base: int, data_dir: Path | None, seconds: float | None
) -> Facts:
    with bar("exact") as tell:
        found = reach(place, layer, bits, base, data_dir, seconds, tell)
    most = log2(len(found.codes) + len(found.undecided))
    capacity = f"{log2(len(found.codes)):.3f}" if not found.undecided else f"{log2(len(found.codes)):.3f} .. {most:.3f}"
    say(
        "exact",
        f"{layer}: {len(found.codes):,} of {1 << found.neurons:,} codes are reached, {len(found.none):,} by no input, "
        f"{len(found.undecided):,} not decided; capacity {capacity} bits",
        place.exact,
    )
    return asdict(found)
