"""Codes captured elsewhere (a board, a logic analyser, another framework) beside those of a run's software."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ib_analysis.codes import Codes, CodesError, Trace
from ..ib_analysis.diagnostics import Target
from ..ib_analysis.information import Estimate
from ..ib_analysis.plane import plane
from .files import read_array, read_arrays, read_trace

SAMPLES = "samples"  # the array of a .npz that says which samples of the run its codes are of


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
    software: Mapping[str, Codes],
    captured: Mapping[str, Codes],
    labels: NDArray[np.int64],
    target: Target,
    samples: NDArray[np.int64],
) -> list[Comparison]:
    """Every captured layer beside the software's of that name, over the same samples in the same order.

    samples   (n,) their numbers in the run

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
        (ours,), (theirs,) = (plane({0: {layer: each}}, labels, target) for each in (due, codes))
        compared.append(
            Comparison(
                layer,
                len(codes),
                codes.width,
                (software[layer].digest(), ours.i_xt, ours.i_ty),
                (codes.digest(), theirs.i_xt, theirs.i_ty),
                None if difference is None else (int(samples[difference[0]]), difference[1]),
            )
        )
    return compared


def emissions(trace: Trace) -> dict[str, Codes]:
    """Everything of a net that can be captured: every layer's codes, the scores, and the class that leaves the chip."""
    classes = trace.predictions()[:, None]
    return {**trace.layers(), "class": Codes.pack_integers(classes, max(1, (trace.scores.shape[1] - 1).bit_length()))}


def samples_in(path: Path, count: int) -> NDArray[np.int64]:
    """Which of a run's `count` samples a file's codes are of: all, unless it is a .npz that says so.

    Raises CodesError where they are no such numbers.
    """
    given = read_arrays(path).get(SAMPLES) if path.suffix == ".npz" and path.is_file() else None
    if given is None:
        return np.arange(count)
    if given.ndim != 1 or given.dtype.kind not in "iu" or not len(given) or not 0 <= given.min() <= given.max() < count:
        raise CodesError(f"{path}, {SAMPLES}: (n,) numbers of samples are due, 0 .. {count - 1}; leave the array out")
    return given.astype(np.int64)


@dataclass(frozen=True)
class Expected:
    """What the codes in a file must fit.

    software     the run's own, by layer
    score_bits   of one class's score
    beat_bits    asks for the payload of a beat in the run's design, by layer; empty where there is no design
    """

    software: Mapping[str, Codes]
    score_bits: int
    beat_bits: Callable[[], Mapping[str, int]]

    def width(self, layer: str) -> int:
        if layer not in self.software:
            raise CodesError(f"no layer {layer!r} in this run; it has {', '.join(self.software)}")
        return self.software[layer].width

    def beats(self, layer: str) -> str:
        """The way out of a wrong --beat-bits."""
        found = self.beat_bits().get(layer)
        if found is None:
            return "give data_bits of vectors.json: PE for codes, PE x score bits for scores, all bits of a class"
        return f"in this run's design a beat of {layer} carries {found} bits"


def read(path: Path, expected: Expected, layer: str | None = None, beat_bits: int | None = None) -> dict[str, Codes]:
    """Codes by layer from a file.

    .npz        a trace of ours, or one array a layer; where `samples` is one of them, (n,) numbers, of these alone
    .npy        one array; `layer` says of which. Arrays are what `Codes.from_array` takes, (n, width) of 0 and 1 or of
                ±1, or packed (n, ceil(width/8)) uint8, little bit order; of `scores` also (n, classes) and of `class`
                (n,) whole numbers
    otherwise   a raw binary stream, as the accelerator sends it: `layer`, and `beat_bits` of payload in each beat;
                beats padded with zeros to whole bytes, the lowest index in the lowest bit, frames one after the other

    Raises CodesError where the numbers do not fit the layer's width.
    """
    if not path.is_file():
        raise CodesError(f"{path}: no such file")
    layers = ", ".join(expected.software)
    if path.suffix == ".npz":
        arrays = read_arrays(path)
        if {"names", "widths", "scores"} <= set(arrays):
            return read_trace(path).layers()
        arrays = {name: array for name, array in arrays.items() if name != SAMPLES}
        if not arrays:
            raise CodesError(f"{path} holds no array; name one after each layer, of {layers}")
        return {name: _of_array(path, name, array, expected) for name, array in arrays.items()}
    if layer is None:
        raise CodesError(f"{path} holds one layer's codes; say which with --layer, one of {layers}")
    if path.suffix == ".npy":
        return {layer: _of_array(path, layer, read_array(path), expected)}
    width = expected.width(layer)
    if beat_bits is None:
        raise CodesError(
            f"{path} is a raw stream; say how many bits each beat carries with --beat-bits ({expected.beats(layer)})"
        )
    if beat_bits == 8 * -(-width // 8):  # one beat a frame, counted with what pads it to whole bytes
        beat_bits = width
    if beat_bits < 1 or width % beat_bits:
        raise CodesError(f"{layer}: beats of {beat_bits} bits do not make codes of {width}; {expected.beats(layer)}")
    return {layer: _of_stream(path, layer, expected, beat_bits)}


def _of_array(path: Path, layer: str, array: NDArray, expected: Expected) -> Codes:
    width = expected.width(layer)
    packed = (-(-width // 8),)
    try:
        if array.shape[1:] == packed and array.dtype == np.uint8 and len(array):
            return Codes(array, width)
        if layer == "class" and array.shape[1:] in ((), (1,)):
            return Codes.pack_integers(_whole(array.reshape(-1, 1)), width)
        if layer == "scores" and array.shape[1:] == (width // expected.score_bits,):
            return Codes.pack_integers(_whole(array), expected.score_bits)
        codes = Codes.from_array(array)
    except CodesError as error:
        raise CodesError(f"{path}, {layer}: {error}") from None
    if codes.width == width:
        return codes
    numbers = {"class": "(n,) whole numbers, ", "scores": f"(n, {width // expected.score_bits}) whole numbers, "}
    raise CodesError(
        f"{path}, {layer}: codes of {width} bits are {numbers.get(layer, '')}(n, {width}) of 0 and 1 or of -1 and +1, "
        f"or (n, {packed[0]}) packed uint8; got {array.shape} {array.dtype}"
    )


def _whole(values: NDArray) -> NDArray[np.int64]:
    if values.dtype.kind not in "biuf" or not values.size:
        raise CodesError(f"whole numbers are needed, got {values.shape} {values.dtype}")
    numbers = values.astype(np.float64)
    wrong = np.argwhere(~((np.abs(numbers) < 2.0**31) & (numbers == np.floor(numbers))))
    if len(wrong):
        raise CodesError(f"whole numbers are needed, got {values[tuple(wrong[0])]} in sample {wrong[0][0]}")
    return values.astype(np.int64)


def _of_stream(path: Path, layer: str, expected: Expected, beat_bits: int) -> Codes:
    width, samples = expected.width(layer), len(expected.software[layer])
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    beat_bytes = -(-beat_bits // 8)
    frame = width // beat_bits * beat_bytes
    if not len(data) or len(data) % frame:
        raise CodesError(
            f"{path}: {len(data)} bytes are no whole number of frames of {frame} bytes ({layer}, {width} bits in beats "
            f"of {beat_bits}); {expected.beats(layer)}"
        )
    if len(data) != frame * samples:
        raise CodesError(
            f"{path}: {len(data):,} bytes are {len(data) // frame:,} frames of {layer} in beats of {beat_bits} bits, "
            f"this run has {samples:,} samples; {expected.beats(layer)}"
        )
    bits = np.unpackbits(data.reshape(-1, beat_bytes), axis=1, bitorder="little")
    if len(beyond := np.argwhere(bits[:, beat_bits:])):
        beat, bit = (int(index) for index in beyond[0])
        raise CodesError(
            f"{path}: beat {beat} has bit {beat_bits + bit} set, beyond the {beat_bits} bits that it is to carry; "
            f"{expected.beats(layer)}"
        )
    return Codes.pack(bits[:, :beat_bits].astype(np.bool_).reshape(-1, width))
