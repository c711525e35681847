"""What every other room speaks about: the bits that a layer emits, packed, and a whole net's worth of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Source: TypeAlias = str
"""Who computed: torch, qonnx, graph, rtl, or the name of a judge."""
SHORT = 64  # bits of a row: fewer are packed faster as one long row with padding in it


class CodesError(ValueError):
    """Bits that do not fit what was promised of them: shape, width, padding or sample count."""


def numbers(values: ArrayLike, needed: str, kinds: str = "biuf") -> NDArray:
    """Anybody's numbers as an array of one of numpy's `kinds`. Raises CodesError, which opens with what was needed."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; tensors that numpy may not have
        raise CodesError(f"{needed}: {(str(error).splitlines() or [''])[0]}") from None
    if array.dtype.kind not in kinds:
        raise CodesError(f"{needed}, got {array.dtype} of shape {array.shape}")
    return array


@dataclass(frozen=True, eq=False)
class Codes:
    """One layer's codes: n samples × `width` bits.

    packed   (n, ceil(width / 8)) uint8, little bit order: bit j of a code is bit j % 8 of byte j // 8. The padding bits
             behind `width` are zero, so equal codes are equal bytes.
    """

    packed: NDArray[np.uint8]
    width: int

    def __post_init__(self) -> None:
        bytes_per_code = -(-self.width // 8)
        if self.width < 1 or self.packed.dtype != np.uint8 or self.packed.shape[1:] != (bytes_per_code,):
            got = f"{self.packed.shape} {self.packed.dtype}"
            raise CodesError(f"codes of {self.width} bits need (n, {bytes_per_code}) uint8, got {got}")
        if self.width % 8 and (self.packed[:, -1] >> (self.width % 8)).any():
            raise CodesError(f"codes of {self.width} bits have a bit set behind bit {self.width - 1}")

    @classmethod
    def pack(cls, bits: NDArray[np.bool_]) -> Codes:
        """From (n, width) bool."""
        if bits.ndim != 2 or bits.dtype != np.bool_:
            raise CodesError(f"codes are packed from (n, width) bool, got {bits.shape} {bits.dtype}; try from_array")
        return cls(_packed(bits), bits.shape[1])

    @classmethod
    def from_array(cls, values: ArrayLike) -> Codes:
        """From anybody's bits: (n, ...) of False and True, of 0 and 1, or of −1 and +1, in any number type.

        What one sample holds beyond its first axis is read in C order. Raises CodesError for any other value: a sign
        taken for a truth value would make −1 a one.
        """
        array = numbers(values, "codes need (n, width) bits")
        if array.ndim < 2 or not array.size:
            way = "; of one bit a sample give array[:, None]" if array.ndim == 1 and array.size else ""
            raise CodesError(f"codes need (n, width) bits, got {array.shape}{way}")
        rows = array.reshape(len(array), -1)
        zero, one, minus = rows == 0, rows == 1, rows == -1
        if not (zero | one | minus).all():
            sample, bit = np.argwhere(~(zero | one | minus))[0].tolist()
            raise CodesError(f"codes need 0 and 1, or -1 and +1, got {rows[sample, bit]} in sample {sample}, bit {bit}")
        if zero.any() and minus.any():
            (sample, bit), (other, where) = np.argwhere(zero)[0].tolist(), np.argwhere(minus)[0].tolist()
            raise CodesError(
                f"codes need 0 and 1, or -1 and +1, got 0 in sample {sample}, bit {bit}, and -1 in sample {other}, "
                f"bit {where}"
            )
        return cls.pack(one)

    @classmethod
    def pack_integers(cls, values: NDArray[np.integer], bits_each: int) -> Codes:
        """From (n, k) integers 0 .. 2^bits_each - 1: one code of k · bits_each bits per row, lowest bit first."""
        if values.ndim != 2 or values.dtype.kind not in "iu" or bits_each < 1:
            raise CodesError(
                f"(n, k) integers of 1 or more bits are packed, got {values.shape} {values.dtype}, {bits_each}"
            )
        if values.size and (values.min() < 0 or int(values.max()) >> bits_each):
            raise CodesError(f"values {values.min()} .. {values.max()} do not fit in {bits_each} bits")
        return cls.pack(integer_bits(values, bits_each))

    @classmethod
    def of_levels(cls, levels: NDArray, bits_each: int) -> Codes:
        """From a layer's (n, k) levels, bool where there are two: one code of k · bits_each bits per row."""
        return cls.pack(levels) if levels.dtype == np.bool_ else cls.pack_integers(levels, bits_each)

    def levels(self, bits_each: int) -> NDArray:
        """The way back: (n, k), bool of one bit each, else uint8 or uint16."""
        bits = self.bits()
        if bits_each == 1:
            return bits
        each = bits.reshape(len(bits), -1, bits_each)
        levels = np.zeros(each.shape[:2], dtype=np.uint8 if bits_each <= 8 else np.uint16)
        for bit in range(bits_each):
            levels |= each[:, :, bit].astype(levels.dtype) << bit
        return levels

    def bits(self) -> NDArray[np.bool_]:
        """(n, width) bool."""
        return np.unpackbits(self.packed, axis=1, count=self.width, bitorder="little").view(np.bool_)

    def digest(self) -> str:
        """sha256 over width, sample count and packed bytes: equal digests are equal codes in equal order."""
        digest = begun_digest(self.width, len(self))
        digest.update(np.ascontiguousarray(self.packed).data)
        return digest.hexdigest()

    def first_difference(self, other: Codes) -> tuple[int, int] | None:
        """(sample, bit) of the first difference in reading order; None where all bits are equal.

        Raises CodesError where the two cannot be compared bit for bit.
        """
        if (self.width, len(self)) != (other.width, len(other)):
            raise CodesError(f"{len(self)} codes of {self.width} bits against {len(other)} codes of {other.width} bits")
        wrong = (self.packed != other.packed).any(axis=1)
        if not wrong.any():
            return None
        sample = int(wrong.argmax())
        flipped = self[sample : sample + 1].bits() ^ other[sample : sample + 1].bits()
        return sample, int(flipped.argmax())

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> Codes:
        return Codes(self.packed[rows], self.width)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Codes) and self.width == other.width and np.array_equal(self.packed, other.packed)


def begun_digest(width: int, samples: int) -> hashlib._Hash:
    """Of so many codes that come one after the other: it is `Codes.digest` once it has their packed bytes."""
    return hashlib.sha256(f"{width} {samples}\n".encode())


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    samples, width = bits.shape
    if width >= SHORT:
        return np.packbits(bits, axis=1, bitorder="little")
    each = -(-width // 8)
    whole = np.zeros((samples, each * 8), np.bool_)
    whole[:, :width] = bits
    return np.packbits(whole.reshape(-1), bitorder="little").reshape(samples, each)


def integer_bits(values: NDArray[np.integer], bits_each: int) -> NDArray[np.bool_]:
    """(n, k) integers as (n, k · bits_each) bool, lowest bit first; negative ones in two's complement."""
    if values.dtype == np.uint8 and bits_each <= 8:
        bits = np.unpackbits(values.view(np.uint8)[:, :, None], axis=2, count=bits_each, bitorder="little")
        return bits.view(np.bool_).reshape(len(values), values.shape[1] * bits_each)
    wide = (np.asarray(values, dtype=np.int64)[:, :, None] >> np.arange(bits_each)) & 1
    return wide.astype(np.bool_).reshape(len(values), values.shape[1] * bits_each)


@dataclass(frozen=True, eq=False)
class Trace:
    """Everything a net said about n samples: each layer's codes, in order from input to output, and its scores.

    scores         (n, classes) int32, 0 .. fan_in: agreeing bits of a 1-bit net. The class is the first maximum
    fan_in         the highest score that there can be: of a 1-bit net the fan-in of the last layer
    ends_in_code   the scores are the levels of a last layer that quantises; where it has one neuron, the class is the
                   level
    """

    source: Source
    codes: Mapping[str, Codes]
    scores: NDArray[np.int32]
    fan_in: int
    ends_in_code: bool = False

    def __post_init__(self) -> None:
        lengths = {name: len(codes) for name, codes in self.codes.items()} | {"scores": len(self.scores)}
        if len(set(lengths.values())) != 1:
            raise CodesError(f"a trace needs the same samples in every layer, got {lengths}")

    def __len__(self) -> int:
        return len(self.scores)

    def head(self, samples: int) -> Trace:
        """The first samples alone."""
        codes = {name: codes[:samples] for name, codes in self.codes.items()}
        return replace(self, codes=codes, scores=self.scores[:samples])

    def predictions(self) -> NDArray[np.int64]:
        """(n,) class index; the first maximum wins, as in hardware."""
        one_code = self.ends_in_code and self.scores.shape[1] == 1
        return self.scores[:, 0].astype(np.int64) if one_code else self.scores.argmax(axis=1)

    def layers(self) -> dict[str, Codes]:
        """Every layer's emission as codes: the hidden codes, then `scores`, each as wide as fan_in is."""
        return {**self.codes, "scores": Codes.pack_integers(self.scores, self.fan_in.bit_length())}

    def arrays(self) -> dict[str, NDArray]:
        """For one .npz file; `from_arrays` reads it back."""
        widths = np.array([codes.width for codes in self.codes.values()], dtype=np.int64)
        names = np.array(list(self.codes), dtype=np.str_)
        packed = {f"codes/{name}": codes.packed for name, codes in self.codes.items()}
        head = {"source": np.array(self.source), "names": names, "widths": widths}
        ends = {"ends_in_code": np.array(True)} if self.ends_in_code else {}
        return {**head, "scores": self.scores, "fan_in": np.array(self.fan_in), **ends, **packed}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Trace:
        """Raises CodesError for anything that `arrays` did not write."""
        names, widths = array_of(arrays, "names", "U", 1), array_of(arrays, "widths", "i", 1)
        if len(names) != len(widths) or len(set(names.tolist())) != len(names):
            raise CodesError(f"{len(widths)} widths of the layers {names.tolist()}; each layer is there once")
        if strange := sorted(
            {*arrays} - {"source", "names", "widths", "scores", "fan_in", "ends_in_code"} - codes_of(names)
        ):
            raise CodesError(f"{strange[0]} belongs to none of the layers {names.tolist()}")
        codes = {
            name: Codes(array_of(arrays, f"codes/{name}", "u", 2), width)
            for name, width in zip(names.tolist(), widths.tolist(), strict=True)
        }
        scores, fan_in = array_of(arrays, "scores", "i", 2), int(array_of(arrays, "fan_in", "i", 0))
        if fan_in < 1 or not scores.size or scores.min() < 0 or int(scores.max()) >> fan_in.bit_length():
            raise CodesError(f"scores of shape {scores.shape} that are no agreeing bits of a fan-in of {fan_in}")
        ends = "ends_in_code" in arrays and bool(array_of(arrays, "ends_in_code", "b", 0))
        return cls(str(array_of(arrays, "source", "U", 0)), codes, scores.astype(np.int32), fan_in, ends)


def codes_of(names: NDArray[np.str_]) -> set[str]:
    """What the codes of these layers are called in a file."""
    return {f"codes/{name}" for name in names.tolist()}


def array_of(arrays: Mapping[str, NDArray], name: str, kind: str, dimensions: int) -> NDArray:
    """The array of this name out of a file. Raises CodesError where it is missing, or of another numpy kind or rank."""
    if name not in arrays:
        raise CodesError(f"{name} is missing")
    found = arrays[name]
    if found.dtype.kind not in kind or found.ndim != dimensions:
        raise CodesError(
            f"{name} is {found.dtype} of shape {found.shape}; kind {kind} of {dimensions} axes belongs there"
        )
    return found


def concatenate(traces: list[Trace]) -> Trace:
    """One trace of all samples, in the order given; the traces come from the same net and source."""
    first = traces[0]
    codes = {
        name: Codes(np.concatenate([trace.codes[name].packed for trace in traces]), first.codes[name].width)
        for name in first.codes
    }
    return replace(first, codes=codes, scores=np.concatenate([trace.scores for trace in traces]))
