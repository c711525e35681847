"""Weights times levels, folded or a vector a cycle: with thresholds, or as sums."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from ...export.graph.weighted import Weighted, reached, steps
from ..memories import RomStyle
from ..packing import Beats, integer_bits, integers, memory_file, weight_words
from ..parts import Family
from .kernels import TAPS, Kernels
from .primitives import counter_bits, deep_luts, replay, rom, together
from .stage import FoldingError, Parameters, Primitives, check_divides, stage
from .turned import mirrored, side_by_side, whole

# yosys on iCE40, xc7 in part, weights and inputs of 1, 2, 3, 4, 8 bits: up to 8 lanes a product for every lane takes
# 5 to 40 % fewer cells than a popcount for every pair of bits; from 16 on popcounts take up to 25 % fewer, or as many,
# but for weights of several bits and 8 pairs of bits or more (16 lanes of 3 x 3: 364 against 306 LUT6, 481 and 484
# cells).
FEW_LANES = 8
MANY_PAIRS = 8
FEW_WORDS = 16  # as in mvu.sv


@dataclass(frozen=True, eq=False)
class _Matrix(Weighted):
    """What the matrix-vector stages share: the weights, the folding, and what follows from them.

    weight      (rows, cols) bool, True is +1 and False −1; or integers
    takes       levels of an input
    vectors     of a frame: the places of a convolution's window
    own         every row has inputs of its own, `cols` of them: those of a depthwise convolution
    rom_style   where folded weights lie: "block" memory, "distributed" in LUTs, "auto" as synthesis sees fit
    """

    name: str
    weight: NDArray[np.bool_] | NDArray[np.integer]
    pe: int
    simd: int
    _: KW_ONLY
    takes: int = 2
    vectors: int = 1
    own: bool = False
    rom_style: RomStyle = "auto"

    estimated_with: ClassVar[str] = "matrix"

    def __post_init__(self) -> None:
        rows, cols = self.weight.shape
        check_divides(self.name, "PE", self.pe, rows, "rows")
        check_divides(self.name, "SIMD", self.simd, cols, "inputs")

    @property
    def element_bits(self) -> int:
        return (self.takes - 1).bit_length()

    @property
    def one_bit(self) -> bool:
        return self.weight.dtype == np.bool_ and self.takes == 2

    @property
    def planes(self) -> bool:
        """Whether weights and inputs meet bit by bit; otherwise there is a product for every lane."""
        many = self.weight_bits > 1 and self.weight_bits * self.element_bits >= MANY_PAIRS
        return self.one_bit or (self.simd > FEW_LANES and not many)

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """Of the modules that `mvu` is written with: another way to multiply, and a memory of few words."""
        return ("products" if self.planes else "planes", *(("rom",) if self.words <= FEW_WORDS else ()))

    @property
    def words(self) -> int:
        """Of the memory of weights."""
        return self.weight.size // (self.pe * self.simd)

    @property
    def span(self) -> int:
        """The highest accumulator."""
        return int(self.spans().max())

    @property
    def in_width(self) -> int:
        return self.simd * self.element_bits * (self.pe if self.own else 1)

    @property
    def in_beats(self) -> int:
        return self.cycles if self.own else self.vectors * self.weight.shape[1] // self.simd

    @property
    def out_beats(self) -> int:
        return self.vectors * self.rows // self.pe

    @property
    def cycles(self) -> int:
        return self.vectors * self.weight.size // (self.pe * self.simd)

    def starts(self) -> NDArray[np.int64]:
        """(rows,) what the hardware's accumulators begin with so that they end as the graph's do."""
        highest = (1 << self.element_bits) - 1
        if self.weight.dtype == np.bool_:
            counted = (~self.signs).sum(axis=1) * highest
        else:
            counted = self.weight.shape[1] * (highest << (self.weight_bits - 1)) if self.planes else 0
        return self.lifts() - counted

    def parameters(self) -> Parameters:
        rows, cols = self.weight.shape
        unusual = {
            "W_BITS": (self.weight_bits, 1),
            "X_BITS": (self.element_bits, 1),
            "PLANES": (int(self.planes), 1),
            "OWN": (int(self.own), 0),
            "SPAN": (self.span, cols),
        }
        return {
            "ROWS": rows,
            "COLS": cols,
            "PE": self.pe,
            "SIMD": self.simd,
            **{name: value for name, (value, default) in unusual.items() if value != default},
            "WEIGHTS": f"{self.name}_weights.mem",
            "ROM_STYLE": self.rom_style,
        }

    def stored(self) -> Beats:
        """The memory of weights, (words, bits)."""
        return weight_words(self.weight, self.pe, self.simd, self.weight_bits, self.planes)

    def memories(self) -> Mapping[str, str]:
        return {f"{self.name}_weights.mem": memory_file(self.stored())}

    def by_row_fold(self, what: str, values: NDArray[np.integer], bits: int) -> dict[str, str]:
        """A memory file of (rows,) or (rows, k) values, a word for each row fold."""
        words = integer_bits(values.reshape(self.rows // self.pe, -1), bits)
        return {f"{self.name}_{what}.mem": memory_file(words)}

    def features(self) -> Parameters:
        """Weights and thresholds are not looked at: the estimate is of random ones. Vectors are one like another."""
        return self.parameters()

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, cols, pe, simd = (int(features[key]) for key in ("ROWS", "COLS", "PE", "SIMD"))
        w_bits = int(features.get("W_BITS", 1))
        span, count = int(features.get("SPAN", cols)), int(features.get("COUNT", 0))
        threshold = "THRESHOLDS" in features and not count
        started = "START" in features or ("STARTS" in features and w_bits > 1)  # those of one-bit weights are zero
        width = (span + 1).bit_length() if count else span.bit_length() + threshold
        apart = int(features.get("OWN", 0))
        in_width = simd * int(features.get("X_BITS", 1)) * (pe if apart else 1)
        row_folds, col_folds = rows // pe, cols // simd
        folds = row_folds * col_folds
        code_bits, is_turned = int(features.get("CODE_BITS", 0)), int(features.get("TURNED", 0))
        words = folds // 2 if is_turned else folds
        style = cast(RomStyle, features.get("ROM_STYLE", "auto"))
        half = span // 2  # thresholds lie within 3 σ of half the span:
        deviation = math.ceil(1.5 * span / cols**0.5)
        varying = min(width, ((deviation - half) ^ (-deviation - half)).bit_length())  # bits above are the same in all
        counters = sum(counter_bits(n) for n in (row_folds, col_folds) if n > 1)
        from_start = threshold or started
        own: dict[str, float] = {
            "stage": 1,
            "counter bit": (counter_bits(words) if folds > 1 else 0) + counters,
            "accumulator bit": pe * width if col_folds > 1 and from_start else 0,
            "score bit": pe * width if col_folds > 1 and not from_start else 0,
            "offset bit": pe * width if col_folds == 1 else 0,
            "input bit": in_width,
            "delayed bit": in_width if code_bits else 0,
            "turned bit": in_width if is_turned else 0,
            "turned address bit": counter_bits(words) if is_turned else 0,
            "output bit": pe * (1 if threshold else count.bit_length() if count else width),
        }
        return together(
            Primitives(own),
            Primitives(_dot_products(features)),
            *_weights(words, pe * simd * w_bits, code_bits, family, style),
            rom("threshold", row_folds if from_start else 1, pe * varying, family),
            replay(in_width, col_folds, 1 if apart else row_folds, family),
            *_after_sums(features, family, width, varying),
        )

    def lanes(self) -> Mapping[str, int]:
        return {"PE": self.pe, "SIMD": self.simd}

    def accumulators(self, beats: Beats) -> NDArray[np.int64]:
        """(vectors, rows) of all frames in `beats`, as the graph counts them: 0 .. span."""
        x, (rows, cols) = integers(beats, self.element_bits), self.weight.shape
        if not self.own:
            return x.reshape(-1, cols) @ self.integers().T + self.lifts()
        each = x.reshape(-1, rows // self.pe, cols // self.simd, self.pe, self.simd).transpose(0, 1, 3, 2, 4)
        return (each.reshape(-1, rows, cols) * self.integers()).sum(axis=2) + self.lifts()


def _weights(words: int, width: int, code_bits: int, family: Family, style: RomStyle) -> Iterator[Primitives]:
    """Of so many words of weights: their memory, or that of numbers, and a decoder for each."""
    if not code_bits:
        yield rom("weight", words, width, family, style)
        return
    yield rom("weight", words, width // TAPS * code_bits, family, style)
    yield Primitives({"decoder LUT": width * (deep_luts(1 << code_bits, family) or 1), "decoded bit": width})


def _dot_products(features: Parameters) -> dict[str, float]:
    """What `planes` or `products` are made of, for all PE."""
    pe, simd = int(features["PE"]), int(features["SIMD"])
    w_bits, x_bits = (int(features.get(name, 1)) for name in ("W_BITS", "X_BITS"))
    if int(features.get("PLANES", 1)):
        lanes, kind = pe * w_bits * x_bits, "" if w_bits * x_bits == 1 else "plane "
        leaves = [3] * (simd // 3) + ([simd % 3] if simd % 3 else [])
        branches = [*map(sum, zip(leaves[::2], leaves[1::2], strict=False))]
        branch_bits = sum(branch.bit_length() for branch in branches)
        lone_bits = leaves[-1].bit_length() if len(leaves) % 2 else 0
        summed = (simd * ((1 << w_bits) - 1) * ((1 << x_bits) - 1)).bit_length()
        return {
            f"{kind}leaf": lanes * (simd // 3),
            f"{kind}short leaf bit": lanes * (simd % 3),
            f"{kind}branch bit": lanes * branch_bits,
            f"{kind}lone bit": lanes * lone_bits,
            f"{kind}compressor": pe * (w_bits * x_bits * (branch_bits + lone_bits) - summed),
        }
    product = x_bits if w_bits == 1 else w_bits if x_bits == 1 else w_bits + x_bits
    summed = product + simd.bit_length()
    return {
        "product bit": pe * simd * product,
        "multiplied pair": pe * simd * w_bits * x_bits if w_bits > 1 and x_bits > 1 else 0,
        "added partial bit": pe * simd * (w_bits - 1) * (x_bits - 1) * max(w_bits, x_bits),
        "summed bit": pe * simd * product if simd > 1 else 0,
        "sum bit": pe * summed,
    }


def _after_sums(features: Parameters, family: Family, width: int, varying: int) -> Iterator[Primitives]:
    """Thresholds that sums are counted against; factors and offsets of scores."""
    pe, row_folds = int(features["PE"]), int(features["ROWS"]) // int(features["PE"])
    if "COUNT" in features:
        count = int(features["COUNT"])
        folded = "compared bit" if row_folds > 1 else "compared bit at once"
        yield rom("level", row_folds, pe * count * varying, family)
        yield Primitives(
            {"levels": 1, folded: pe * count * width, "counted threshold": pe * count, "levelled bit": pe * width}
        )
    if "FACTOR_WIDTH" in features:
        factor, score = int(features["FACTOR_WIDTH"]), int(features["SCORE_WIDTH"])
        yield together(
            rom("factor", row_folds, pe * factor, family),
            rom("factor", row_folds, pe * score, family),
            Primitives(
                {"scales": 1, "scaled pair": pe * width * factor, "scaled bit": pe * score, "factor bit": pe * factor}
            ),
        )


@stage
@dataclass(frozen=True, eq=False)
class Mvtu(_Matrix):
    """Matrix-vector-threshold unit: code[r] = accumulator of row r >= threshold[r].

    threshold   (rows,) int, 0 .. the row's span + 1, which never fires
    coded       weights, of ±1, are 3 x 3 kernels that lie as numbers of the words of a codebook; of SIMD/9 kernels
                that are read at a time the first places come first, then the second ones, as a window by fold emits
    turned      weights, of ±1, are [[A, −B], [B, A]], rows of the lower half perhaps inverted, and the upper half alone
                is stored
    """

    threshold: NDArray[np.int32]
    _: KW_ONLY
    coded: bool = False
    turned: bool = False

    module: ClassVar[str] = "mvtu"
    out_bits: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        row_folds, col_folds = self.rows // self.pe, self.weight.shape[1] // self.simd
        if self.turned and (row_folds % 2 or col_folds % 2):
            raise FoldingError(
                f"{self.name}: PE={self.pe}, SIMD={self.simd} make {row_folds} x {col_folds} folds; half of the rows "
                "are stored where both numbers are even"
            )
        if self.turned and self.mirrored is None:
            raise FoldingError(f"{self.name}: its weights are not [[A, -B], [B, A]], so half of them says not all")
        if self.coded and self.simd % TAPS:
            raise FoldingError(f"{self.name}: SIMD={self.simd} is no multiple of the {TAPS} weights of a word")

    @cached_property
    def kernels(self) -> Kernels:
        each = self.simd // TAPS
        by_place = self.signs.reshape(self.rows, -1, TAPS, each)
        return Kernels.of(by_place.transpose(0, 1, 3, 2).reshape(self.rows, -1, TAPS))

    @cached_property
    def mirrored(self) -> NDArray[np.bool_] | None:
        """(rows,) those that are multiplied with all signs inverted; None where weights are not turned."""
        lower = mirrored(self.signs)
        return None if lower is None else np.append(np.zeros_like(lower), lower)

    @property
    def words(self) -> int:
        return super().words >> self.turned

    @property
    def multiplied(self) -> NDArray[np.bool_]:
        """(rows, cols) the weights that meet the inputs."""
        return self.signs ^ self._inverted if self.turned else self.signs

    @property
    def _inverted(self) -> NDArray[np.bool_]:
        assert self.mirrored is not None
        return self.mirrored[:, None]

    @property
    def begin(self) -> NDArray[np.int64]:
        """(rows,) what accumulators begin with, of `acc_bits` in two's complement. Their sign says what a code is not.

        A mirrored row's sum is what its own lacks to the most that there can be: it reaches a threshold where its own
        does not. Half of all numbers further on, its sign is the opposite, so that no wire need be.
        """
        begin = self.starts() - self.threshold
        if not self.turned:
            return begin
        most = self.weight.shape[1] * ((1 << self.element_bits) - 1)
        return np.where(self._inverted[:, 0], ~(begin + most) + (1 << (self.acc_bits - 1)), begin)

    @property
    def acc_bits(self) -> int:
        return self.span.bit_length() + 1

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """Words of a codebook are memories, however few words of numbers there are."""
        return tuple(module for module in super().leaves_out if not (self.coded and module == "rom"))

    @property
    def out_width(self) -> int:
        return self.pe

    def parameters(self) -> Parameters:
        book: dict[str, int | str] = (
            {"CODE_BITS": self.kernels.bits, "CODEBOOK": f"{self.name}_codebook.mem"} if self.coded else {}
        )
        turned: dict[str, int | str] = {"TURNED": 1} if self.turned else {}
        return {**super().parameters(), **turned, **book, "THRESHOLDS": f"{self.name}_thresholds.mem"}

    def stored(self) -> Beats:
        if self.coded:
            return self.kernels.number_words(self.pe, self.simd // TAPS)
        if not self.turned:
            return super().stored()
        return weight_words(side_by_side(self.signs[: self.rows // 2], self.simd), self.pe, self.simd)

    def read(self, stored: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The weights, of the rows that somebody finds in the words of their memory, which are not coded."""
        return whole(stored, self.simd) ^ self._inverted if self.turned else stored

    def memories(self) -> Mapping[str, str]:
        book = {f"{self.name}_codebook.mem": memory_file(self.kernels.book_words())} if self.coded else {}
        return {**super().memories(), **book, **self.by_row_fold("thresholds", self.begin, self.acc_bits)}

    def __call__(self, beats: Beats) -> Beats:
        return (self.accumulators(beats) >= self.threshold).reshape(-1, self.pe)


@stage
@dataclass(frozen=True, eq=False)
class Mvlu(_Matrix):
    """Matrix-vector-level unit: level[r] = how many of threshold[r] the accumulator of row r reaches.

    threshold   (rows, levels − 1) int, rising: 0 .. the row's span + 1, which is never reached
    """

    threshold: NDArray[np.int32]

    module: ClassVar[str] = "mvlu"

    @property
    def out_bits(self) -> int:
        return self.threshold.shape[1].bit_length()

    @property
    def out_width(self) -> int:
        return self.pe * self.out_bits

    def parameters(self) -> Parameters:
        files = {what.upper(): f"{self.name}_{what}.mem" for what in ("starts", "thresholds")}
        return {**super().parameters(), "COUNT": self.threshold.shape[1], **files}

    def memories(self) -> Mapping[str, str]:
        width = (self.span + 1).bit_length()
        starts = self.by_row_fold("starts", self.starts(), width)
        # What is above a row's own span may be above all of them: "never" is the same for every row.
        return {**super().memories(), **starts, **self.by_row_fold("thresholds", self.threshold, width)}

    def __call__(self, beats: Beats) -> Beats:
        levels = reached(self.accumulators(beats), steps(self.threshold).astype(np.int64), self.threshold.shape[1] + 1)
        return integer_bits(levels.reshape(-1, self.pe).astype(np.int64), self.out_bits)


@stage
@dataclass(frozen=True, eq=False)
class Scores(_Matrix):
    """Accumulators as they are, `pe` a beat: the scores of the last layer, or sums that others compare.

    offset     (rows,) int, added to each; no sum falls below 0
    compared   with thresholds that may lie one above the highest sum
    """

    _: KW_ONLY
    offset: NDArray[np.int64] | None = None
    compared: bool = False

    module: ClassVar[str] = "scores"

    @property
    def top(self) -> int:
        """The highest that fits: the highest score, or threshold."""
        return self.compared + (self.span if self.offset is None else int((self.spans() + self.offset).max()))

    @property
    def out_bits(self) -> int:
        return self.top.bit_length()

    @property
    def out_width(self) -> int:
        return self.pe * self.out_bits

    def _begin(self) -> NDArray[np.int64]:
        return self.starts() if self.offset is None else self.starts() + self.offset

    def parameters(self) -> Parameters:
        started: dict[str, int | str] = {"START": 1, "STARTS": f"{self.name}_starts.mem"} if self._begin().any() else {}
        span = {"SPAN": self.top} if self.top != self.weight.shape[1] else {}
        return {**super().parameters(), **span, **started}

    def memories(self) -> Mapping[str, str]:
        begin = self._begin()
        return {**super().memories(), **(self.by_row_fold("starts", begin, self.out_bits) if begin.any() else {})}

    def __call__(self, beats: Beats) -> Beats:
        sums = self.accumulators(beats)
        return integer_bits((sums if self.offset is None else sums + self.offset).reshape(-1, self.pe), self.out_bits)


@stage
@dataclass(frozen=True, eq=False)
class ScaledScores(_Matrix):
    """Scores whose rows have gains of their own: multiplier[r] · accumulator of row r + offset[r].

    multiplier   (rows,) int, positive
    offset       (rows,) int, 0 or more
    """

    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]

    module: ClassVar[str] = "scaled_scores"

    @property
    def out_bits(self) -> int:
        return int((self.multiplier * self.spans() + self.offset).max()).bit_length()

    @property
    def out_width(self) -> int:
        return self.pe * self.out_bits

    def parameters(self) -> Parameters:
        widths = {"FACTOR_WIDTH": int(self.multiplier.max()).bit_length(), "SCORE_WIDTH": self.out_bits}
        files = {what.upper(): f"{self.name}_{what}.mem" for what in ("starts", "multipliers", "offsets")}
        return {**super().parameters(), **widths, **files}

    def memories(self) -> Mapping[str, str]:
        return {
            **super().memories(),
            **self.by_row_fold("starts", self.starts(), self.span.bit_length()),
            **self.by_row_fold("multipliers", self.multiplier, int(self.multiplier.max()).bit_length()),
            **self.by_row_fold("offsets", self.offset, self.out_bits),
        }

    def __call__(self, beats: Beats) -> Beats:
        scores = self.accumulators(beats) * self.multiplier + self.offset
        return integer_bits(scores.reshape(-1, self.pe), self.out_bits)


@dataclass(frozen=True, eq=False)
class _Unrolled(_Matrix):
    """What the two matrix stages of one vector a cycle share: their folding covers the whole layer, PE = rows and
    SIMD = inputs, so that every weight is a constant. Weights are ±1 and inputs one bit.

    group   inputs that are counted before a register: fewer are faster, and each takes an adder of its own
    """

    _: KW_ONLY
    group: int = 128

    estimated_with: ClassVar[str] = "unrolled"

    @staticmethod
    def made_of(features: Parameters, family: Family) -> Primitives:
        rows, cols = int(features["ROWS"]), int(features["COLS"])
        threshold = "THRESHOLDS" in features
        return Primitives(
            {
                "stage": 1,
                "constant synapse": rows * cols,
                "row": rows if threshold else 0,
                "score bit": 0 if threshold else rows * cols.bit_length(),
                "further group": rows * ((cols - 1) // int(features["GROUP"])),
                "input bit": cols,
            }
        )

    def __post_init__(self) -> None:
        if not covers(self.weight, self.pe, self.simd):
            rows, cols = self.weight.shape
            raise FoldingError(f"{self.name}: PE={self.pe}, SIMD={self.simd}; unrolled they are {rows} and {cols}")

    def parameters(self) -> Parameters:
        folded_only = ("PE", "SIMD", "ROM_STYLE")
        values = {key: value for key, value in super().parameters().items() if key not in folded_only}
        return {**values, "GROUP": self.group}


def covers(weight: NDArray, pe: int, simd: int) -> bool:
    """Whether the folding takes the whole matrix in one cycle."""
    return (pe, simd) == weight.shape


@stage
@dataclass(frozen=True, eq=False)
class Dense(_Unrolled, Mvtu):
    """`Mvtu` at one vector a cycle, weights and thresholds constants."""

    module: ClassVar[str] = "dense"


@stage
@dataclass(frozen=True, eq=False)
class DenseScores(_Unrolled, Scores):
    """`Scores` at one vector a cycle, weights constants."""

    module: ClassVar[str] = "dense_scores"
