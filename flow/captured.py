"""Codes captured elsewhere (a board, a logic analyser, another framework) beside those of a run's software."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes, CodesError
from ..ib_analysis.diagnostics import Target
from ..ib_analysis.information import Estimate
from ..ib_analysis.plane import plane
from .files import read_array, read_arrays, read_trace


@dataclass(frozen=True)
class Comparison:
    """One layer's captured codes beside the software's.

    software, captured   digest, I(X;T), I(T;Y)
    first_difference     (sample, bit); None where every bit is equal
    """

    layer: str
    samples: int
    width: int
    software: tuple[str, Estimate, Estimate]
    captured: tuple[str, Estimate, Estimate]
    first_difference: tuple[int, int] | None

    def __str__(self) -> str:
        rows = [
            f"  {name:9} {digest[:16]}  I(X;T) {i_xt} bits {i_xt.standing}, I(T;Y) {i_ty} bits {i_ty.standing}"
            for name, (digest, i_xt, i_ty) in (("software", self.software), ("captured", self.captured))
        ]
        if self.first_difference is None:
            verdict = "equal in every bit"
        else:
            verdict = "DIFFERENT, first at sample {}, bit {}".format(*self.first_difference)
        return "\n".join([f"{self.layer}: {self.samples:,} codes of {self.width} bits, {verdict}", *rows])


def compare(
    software: Mapping[str, Codes], captured: Mapping[str, Codes], labels: NDArray[np.int64], target: Target
) -> list[Comparison]:
    """Every captured layer beside the software's of that name, over the same samples in the same order.

    Raises CodesError for a layer that the software does not have, or for another width or number of samples.
    """
    compared = []
    for layer, codes in captured.items():
        if layer not in software:
            raise CodesError(f"no layer {layer!r} in this run; it has {', '.join(software)}")
        due = software[layer]
        if (len(codes), codes.width) != (len(due), due.width):
            raise CodesError(
                f"{layer}: {len(codes):,} codes of {codes.width} bits were captured, this run has {len(due):,} of "
                f"{due.width}; capture the samples that it analyses, in their order"
            )
        difference = due.first_difference(codes)
        (ours,), (theirs,) = (plane({0: {layer: each}}, labels, target) for each in (software[layer], codes))
        compared.append(
            Comparison(
                layer,
                len(codes),
                codes.width,
                (software[layer].digest(), ours.i_xt, ours.i_ty),
                (codes.digest(), theirs.i_xt, theirs.i_ty),
                difference,
            )
        )
    return compared


def read(
    path: Path, widths: Mapping[str, int], layer: str | None = None, beat_bits: int | None = None
) -> dict[str, Codes]:
    """Codes by layer from a file.

    .npz        a trace of ours, or one array a layer
    .npy        one array; `layer` says of which. Arrays are (n, width) of 0 and 1, or packed (n, ceil(width/8)) uint8,
                little bit order
    otherwise   a raw binary stream, as the accelerator sends it: `layer`, and `beat_bits` of payload in each beat;
                beats padded to whole bytes, the lowest index in the lowest bit, frames one after the other

    Raises CodesError where the numbers do not fit the layer's width.
    """
    if not path.is_file():
        raise CodesError(f"{path}: no such file")
    if path.suffix == ".npz":
        arrays = read_arrays(path)
        if {"names", "widths", "scores"} <= set(arrays):
            return read_trace(path).layers()
        if not arrays:
            raise CodesError(f"{path} holds no array; name one after each layer, of {', '.join(widths)}")
        return {name: _of_array(path, name, array, widths) for name, array in arrays.items()}
    if layer is None:
        raise CodesError(f"{path} holds one layer's codes; say which with --layer, one of {', '.join(widths)}")
    if path.suffix == ".npy":
        return {layer: _of_array(path, layer, read_array(path), widths)}
    if beat_bits is None:
        raise CodesError(
            f"{path} is a raw stream; say how many bits each beat carries with --beat-bits (the layer's PE)"
        )
    return {layer: _of_stream(path, layer, _width(layer, widths), beat_bits)}


def _width(layer: str, widths: Mapping[str, int]) -> int:
    if layer not in widths:
        raise CodesError(f"no layer {layer!r} in this run; it has {', '.join(widths)}")
    return widths[layer]


def _of_array(path: Path, layer: str, array: NDArray, widths: Mapping[str, int]) -> Codes:
    width = _width(layer, widths)
    if array.ndim == 2 and array.shape[1] == width and array.dtype.kind in "bui":
        if array.size and (array.min() < 0 or array.max() > 1):
            raise CodesError(f"{path}, {layer}: bits must be 0 or 1, got {array.min()} .. {array.max()}")
        return Codes.pack(array.astype(np.bool_))
    if array.ndim == 2 and array.shape[1] == -(-width // 8) and array.dtype == np.uint8:
        return Codes(array, width)
    raise CodesError(
        f"{path}, {layer}: codes of {width} bits are (n, {width}) of 0 and 1 or (n, {-(-width // 8)}) packed uint8, "
        f"got {array.shape} {array.dtype}"
    )


def _of_stream(path: Path, layer: str, width: int, beat_bits: int) -> Codes:
    if beat_bits < 1 or width % beat_bits:
        raise CodesError(f"{layer}: beats of {beat_bits} bits do not make codes of {width}; give the layer's PE")
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    frame = width // beat_bits * -(-beat_bits // 8)
    if not len(data) or len(data) % frame:
        raise CodesError(
            f"{path}: {len(data)} bytes are no whole number of frames of {frame} bytes ({layer}, {width} bits)"
        )
    beats = np.unpackbits(data.reshape(-1, -(-beat_bits // 8)), axis=1, count=beat_bits, bitorder="little")
    return Codes.pack(beats.reshape(-1, width).astype(np.bool_))
