"""One feature map: what the code at a position knows, position by position, its channels, and the map as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field, FiniteFloat

from .channels import Channels, channels
from .codes import Codes
from .diagnostics import Target, Verdict
from .information import Estimate
from .map_bounds import Bracket, code_at_a_position, most_bits, one_bit_of_label, whole_map
from .map_probe import position_probe
from .map_shape import MapShape, at_positions
from .points import aligned
from .probe import ProbeBound
from .symbols import Symbols, of_ids, symbols
from .whole_images import i_ty, i_xt

HEAD = (
    "layer",
    "map",
    "images",
    "at",
    "target",
    "codes seen",
    "I(patch;T) bits",
    "verdict",
    "I(T;Y) bits",
    "verdict",
    "coverage",
    "T,Y",
)
CHANNELS_HEAD = ("layer", "map", "dead", "copies", "inverted", "bits a channel", "whole map, bits")
LEGEND = (
    "T is the code of the channels at one position, any position as likely as any other; the patch that it is computed "
    "from decides it, so I(patch;T) = H(T).",
    "Images, at: X is one of so many positions of one of so many images.",
    "The positions of an image are no independent samples. For a population an image is one draw: estimates are "
    "plug-in, corrected by leaving out one image after the other; intervals from the same; coverage is the share of "
    "positions whose code another image shows, too. Below .90 a number is refused, below .98 it is WEAK.",
    "Where a number is refused, what is left: two ends that I(patch;T) lies between, each with 97.5 % confidence, and "
    "what a linear classifier that sees one position says of I(T;Y), ± its standard error over images.",
)
CHANNELS_LEGEND = (
    "Dead: channels that have one level at every position of every image; copies, inverted: those that say what a "
    "lower channel says everywhere, or the opposite. Bits a channel: H of its level, on average over the channels.",
    "Whole map: every image has a map of its own, so its entropy cannot be counted. The population's lies between the "
    "two ends, each with 97.5 % confidence: plug-in less what it may stray, and the code length of independent bits.",
)
NO_LABELS = "I(T;Y) is absent: these samples have no labels."
_MEANING = {
    Verdict.EXACT: "X is uniform over the positions of the given images, so counting is no estimate.",
    Verdict.GUARANTEED: "so few codes are possible that counting is at most .1 bit off, on average over images.",
    Verdict.RELIABLE: "at most 1 position in 100 has a code that no other image shows; correction, half interval and "
    "what unseen codes may weigh are .1 bit at most.",
    Verdict.CORRECTED: "at most 1 position in 50 has a code that no other image shows; the error is seldom above .2 "
    "bit.",
    Verdict.WEAK: "up to 1 position in 10 has a code that no other image shows, or unseen codes may weigh .3 bit; the "
    "error may be as much.",
    Verdict.UNRELIABLE: "more than 1 position in 10 has a code that no other image shows, or unseen codes may weigh "
    "more than .3 bit, or there are fewer than 10 images: no number.",
    Verdict.SATURATED: "the code at a position all but names its image: this would show the images, not the network.",
}
SATURATED = (
    "(saturated): exact for these images, but the code at a position all but names its image, so I(T;Y) is near H(Y) "
    "whatever the network does."
)


@dataclass(frozen=True)
class AtPositions:
    """Each position for itself, in reading order; there the images are independent samples.

    h_bits, ty_bits   I(patch;T) and I(T;Y); None where the number is refused, WEAK or saturated. Without labels there
                      is no ty_bits
    most_bits         what I(patch;T) is at most
    least_ty_bits     what I(T;Y) is at least, on average over draws of images: `map_bounds.one_bit_of_label`. None
                      without labels
    """

    h_bits: tuple[FiniteFloat | None, ...]
    ty_bits: tuple[FiniteFloat | None, ...] | None
    most_bits: Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]
    least_ty_bits: tuple[FiniteFloat, ...] | None


@dataclass(frozen=True)
class Pooled:
    """All positions taken together. i_ty is None without labels. `samples` of both are images x positions, their
    `coverage` is by images."""

    i_xt: Estimate
    i_ty: Estimate | None


@dataclass(frozen=True)
class MapLayer:
    """A map of height x width positions of `channels` levels of `bits` bits, over `images` samples.

    given        for the run's target; population   beside a target of exactly these images
    position     what H of the code at a position lies between, and
    probe        what its I(T;Y) is at least; None without labels
    whole        of the population's map as one code. None, like both, where all inputs there are were given
    """

    layer: Annotated[str, Field(min_length=1)]
    height: Annotated[int, Field(ge=1)]
    width: Annotated[int, Field(ge=1)]
    channels: Annotated[int, Field(ge=1)]
    bits: Annotated[int, Field(ge=1)]
    images: Annotated[int, Field(ge=1)]
    given: Pooled
    population: Pooled | None
    at_positions: AtPositions
    by_channel: Channels
    position: Bracket | None
    probe: ProbeBound | None
    whole: Bracket | None

    @property
    def shape(self) -> MapShape:
        return MapShape(self.height, self.width, self.channels, self.bits)

    @property
    def pooled(self) -> tuple[Pooled, ...]:
        return (self.given,) if self.population is None else (self.given, self.population)


def map_layer(
    layer: str, codes: Codes, shape: MapShape, y: Symbols | None, target: Target, rng: np.random.Generator
) -> MapLayer:
    """y   one label for each image; None where they have none, and then there is no I(T;Y)"""
    t = symbols(at_positions(codes, shape))

    def pooled(of: Target) -> Pooled:
        return _pooled(t, shape, y, of)

    return MapLayer(
        layer,
        shape.height,
        shape.width,
        shape.channels,
        shape.bits,
        len(codes),
        pooled(target),
        pooled("population") if target == "dataset" else None,
        _each_position(codes, t, shape, y, "population" if target == "dataset" else target, rng),
        channels(codes, shape),
        None if target == "enumerated" else code_at_a_position(codes, shape, t),
        None if target == "enumerated" or y is None else position_probe(codes, shape, y, rng),
        None if target == "enumerated" else whole_map(codes, shape),
    )


def over_positions(codes: Codes, shape: MapShape, y: Symbols | None, target: Target) -> Pooled:
    """`MapLayer.given` alone."""
    return _pooled(symbols(at_positions(codes, shape)), shape, y, target)


def _pooled(t: Symbols, shape: MapShape, y: Symbols | None, target: Target) -> Pooled:
    return Pooled(
        i_xt(t, shape.positions, shape.code_bits, target),
        None if y is None else i_ty(t, y, shape.positions, shape.code_bits, target),
    )


def _each_position(
    codes: Codes, t: Symbols, shape: MapShape, y: Symbols | None, target: Target, rng: np.random.Generator
) -> AtPositions:
    ids = t.ids.reshape(len(codes), shape.positions)
    of_t, of_y = [], []
    for position in range(shape.positions):
        here = of_ids(ids[:, position])
        of_t.append(_solid(i_xt(here, 1, shape.code_bits, target)))
        if y is not None:
            of_y.append(_solid(i_ty(here, y, 1, shape.code_bits, target)))
    most = tuple(most_bits(codes, shape).tolist())
    if y is None:
        return AtPositions(tuple(of_t), None, most, None)
    return AtPositions(tuple(of_t), tuple(of_y), most, tuple(one_bit_of_label(codes, shape, y, rng).tolist()))


def _solid(estimate: Estimate) -> float | None:
    return estimate.bits if estimate.solid else None


def rows(maps: Sequence[MapLayer]) -> list[tuple[str, ...]]:
    """Below HEAD: a row for what each map's numbers are about."""
    return [_cells(each, pooled) for each in maps for pooled in each.pooled]


def _cells(of: MapLayer, pooled: Pooled) -> tuple[str, ...]:
    xt, ty = pooled.i_xt, pooled.i_ty
    return (
        of.layer,
        str(of.shape),
        f"{of.images:,}",
        f"{of.height * of.width:,}",
        xt.target,
        f"{xt.symbols:,}",
        str(of.position) if xt.verdict.refused else str(xt),
        xt.standing,
        "-" if ty is None else str(of.probe) if ty.verdict.refused else str(ty),
        "no labels" if ty is None else ty.standing,
        f"{xt.coverage:.3f}",
        "-" if ty is None else f"{ty.coverage:.3f}",
    )


def channel_cells(of: MapLayer) -> tuple[str, ...]:
    """One row below CHANNELS_HEAD."""
    found = of.by_channel
    return (
        of.layer,
        str(of.shape),
        f"{len(found.dead)} of {of.channels}",
        str(len(found.copies)),
        str(len(found.inverted)),
        f"{np.mean(found.bits):.3f}",
        "enumerated" if of.whole is None else str(of.whole),
    )


def named(of: MapLayer) -> str:
    """Which channels are dead, copies, inverted; empty where none is. Long lists end in how many more there are."""
    found = of.by_channel
    lists = {
        "dead": [f"{channel} (always {level})" for channel, level in found.dead],
        "copies": [f"{channel} of {first}" for channel, first in found.copies],
        "inverted": [f"{channel} of {first}" for channel, first in found.inverted],
    }
    return "; ".join(f"{name}: {_first_few(each)}" for name, each in lists.items() if each)


def _first_few(words: Sequence[str], most: int = 24) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def legend(maps: Sequence[MapLayer]) -> list[str]:
    """What the numbers are, and one line for each verdict that occurs."""
    estimates = [one for each in maps for pooled in each.pooled for one in (pooled.i_xt, pooled.i_ty) if one]
    found = {one.verdict for one in estimates}
    lines = [*LEGEND, *(f"{verdict}: {_MEANING[verdict]}" for verdict in Verdict if verdict in found)]
    if any(one.saturated and not one.verdict.refused for one in estimates):
        lines.append(SATURATED)
    return lines if all(each.given.i_ty for each in maps) else [*lines, NO_LABELS]


def summary(maps: Sequence[MapLayer]) -> str:
    """Two tables in plain text, with what their columns mean below."""
    information = aligned([HEAD, *rows(maps)], left=(0, 1, 4, 6, 7, 8, 9))
    by_channel = aligned([CHANNELS_HEAD, *map(channel_cells, maps)], left=(0, 1))
    names = [f"{each.layer}: {named(each)}" for each in maps if named(each)]
    return "\n".join([*information, "", *legend(maps), "", *by_channel, *names, "", *CHANNELS_LEGEND])
