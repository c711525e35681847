"""What can be said of a whole map, and of the code at a position, that cannot be counted: ends of its entropy.

above   whatever q is, H(T) <= −E log2 q(T) on samples that q was made without. Here q is independent bits, each image
        judged by the shares of ones among all the others
below   plug-in is too low on average, and how far it strays above its average is bounded whatever the distribution:
        log2 N √(2 ln 40 / N) with 97.5 % confidence. Of M positions in N images: log2 M for log2 N
Sources: Barron and Cover 1991 for the first, as a code length; Antos and Kontoyiannis 2001, "Convergence properties of
functional estimates for discrete distributions", for the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from .codes import Codes
from .entropy import plug_in
from .map_shape import MapShape, unpacked
from .neurons import neuron_information
from .symbols import Symbols, of_ids, same_samples, symbols

ONE_SIDED = 1.96  # standard errors of an end that is passed in 2.5 % of the cases


@dataclass(frozen=True)
class Bracket:
    """H(T) of the population lies between the two, each end with 97.5 % confidence. `low` may be 0 bits."""

    low_bits: Annotated[FiniteFloat, Field(ge=0)]
    high_bits: Annotated[FiniteFloat, Field(ge=0)]

    def __str__(self) -> str:
        """`9.1 … 38,912`"""
        return f"{self.low_bits:,.1f} … {self.high_bits:,.1f}"


def most_bits(codes: Codes, shape: MapShape) -> NDArray[np.float64]:
    """(positions,) what H of the code at each is at most: on average, over draws of the images."""
    images, ones = len(codes), _ones(codes, shape)
    one, zero = _costs(ones, images)
    return (ones / images * one + (1 - ones / images) * zero).sum(axis=1)


def one_bit_of_label(codes: Codes, shape: MapShape, y: Symbols, rng: np.random.Generator) -> NDArray[np.float64]:
    """(positions,) what I(T;Y) of the code at each is at least: that of one of its bits, which half of the images chose
    and the other half measure, Miller-Madow, nothing below 0. A single image measures nothing: 0.

    rng   deals the images to the halves: in their order classes may take turns
    """
    shape.check(codes)
    same_samples(len(codes), y.samples)
    if len(codes) < 2:
        return np.zeros(shape.positions)
    halves = np.split(rng.permutation(len(codes)), [-(-len(codes) // 2)])
    chosen, measured = (
        neuron_information(codes[rows], of_ids(y.ids[rows])).reshape(shape.positions, -1) for rows in halves
    )
    best = chosen.argmax(axis=1)[:, None]
    bias = (len(y) - 1) / (2 * (len(codes) // 2) * math.log(2))
    return np.maximum(np.take_along_axis(measured, best, axis=1)[:, 0] - bias, 0)


def code_at_a_position(codes: Codes, shape: MapShape, t: Symbols) -> Bracket:
    """Of the code at a position, any as likely as any other. `t` are the symbols of `at_positions`.

    An image that changes moves plug-in by 2 log2(M) / N at most, as one sample would among N.
    """
    shape.check(codes)
    images, positions = len(codes), shape.positions
    ones = np.empty((images, shape.code_bits))
    for start, bits in unpacked(codes, shape):
        ones[start : start + len(bits)] = bits.sum(axis=1)
    others, left = ones.sum(axis=0) - ones, (images - 1) * positions + 1
    share = (others + 0.5) / left
    length = -(ones * np.log2(share) + (positions - ones) * np.log2(1 - share)).sum(axis=1) / positions
    return _bracket(length, plug_in(t.counts), math.log2(t.samples), shape.code_bits)


def whole_map(codes: Codes, shape: MapShape) -> Bracket:
    """Of the map as one code. Two passes over the bits, a share of the images at a time."""
    shape.check(codes)
    images = len(codes)
    one, zero = _costs(_ones(codes, shape), images)
    length, floor = np.empty(images), float(zero.sum())
    for start, bits in unpacked(codes, shape):
        length[start : start + len(bits)] = np.einsum("npw,pw->n", bits, one - zero) + floor
    return _bracket(length, plug_in(symbols(codes).counts), math.log2(images), codes.width)


def _bracket(length: NDArray[np.float64], counted: float, most_counted: float, width: int) -> Bracket:
    """length: (images,) bits that each costs."""
    images = len(length)
    low = max(0.0, counted - most_counted * math.sqrt(2 * math.log(40) / images))
    error = float(length.std(ddof=1)) / math.sqrt(images) if images > 1 else math.inf
    return Bracket(low, max(low, min(float(length.mean()) + ONE_SIDED * error, float(width))))


def _ones(codes: Codes, shape: MapShape) -> NDArray[np.int64]:
    """(positions, code_bits) images in which each bit is 1."""
    shape.check(codes)
    ones = np.zeros((shape.positions, shape.code_bits), np.int64)
    for _, bits in unpacked(codes, shape):
        ones += bits.sum(axis=0)
    return ones


def _costs(ones: NDArray[np.int64], images: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """−log2 q of a one and of a zero of an image that has it: q is (others that have it + 1/2) / images."""
    one, zero = np.maximum(ones, 1) - 0.5, np.maximum(images - ones, 1) - 0.5
    return np.log2(images / one), np.log2(images / zero)
