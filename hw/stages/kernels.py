"""3 x 3 kernels that repeat, as words of a codebook and a number for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..packing import Beats, integer_bits, integers

TAPS = 9  # as in mvu.sv


@dataclass(frozen=True, eq=False)
class Kernels:
    """words    (different kernels, 9) bool, rising as numbers whose lowest bit is the first
    numbers  (rows, kernels of a row) of the word that each is
    """

    words: NDArray[np.bool_]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, kernels: NDArray[np.bool_]) -> Kernels:
        """kernels   (rows, kernels of a row, 9)"""
        said = integers(kernels.reshape(-1, TAPS), TAPS).reshape(kernels.shape[:2])
        there = np.bincount(said.ravel(), minlength=1 << TAPS) > 0  # a search asks for many foldings, and sorts none
        return cls(integer_bits(np.flatnonzero(there)[:, None], TAPS), (there.cumsum() - 1)[said])

    @property
    def bits(self) -> int:
        """Of a number."""
        return max(1, (len(self.words) - 1).bit_length())

    @property
    def memory_bits(self) -> int:
        """Of numbers and words."""
        return self.numbers.size * self.bits + self.words.size

    @property
    def pays(self) -> bool:
        """Whether that is less than the weights themselves."""
        return self.memory_bits < self.numbers.size * TAPS

    def number_words(self, pe: int, each: int) -> Beats:
        """A word for each (row fold, column fold): pe lanes of `each` numbers."""
        rows, kernels = self.numbers.shape
        lanes = self.numbers.reshape(rows // pe, pe, kernels // each, each).transpose(0, 2, 1, 3)
        return integer_bits(lanes.reshape(-1, pe * each), self.bits)

    def book_words(self) -> Beats:
        """Every word that a number can say; behind the last one none is asked for."""
        return np.pad(self.words, ((0, (1 << self.bits) - len(self.words)), (0, 0)))
