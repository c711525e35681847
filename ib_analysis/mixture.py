"""Models of codes and a memory of codes as one model, whose code length bounds the entropy from above.

q(t) = u 2^−width + Σ a_k q_k(t) + Σ b_r m_r(t)

q_k are models; m_r shares itself among the codes that were seen about r times, in proportion to how often: a code that
comes again need not be spelt. The weights are those that say most of samples that neither models nor memory were made
of (expectation maximisation; the likelihood is concave, so there is one answer). A part of the memory that holds no
code leaves its weight to nobody: q then sums to less than 1, and its code length is still one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from .code_models import CodeModel
from .codes import Codes
from .symbols import symbols

OFTEN = (1, 2, 3, 5, 9, 17, 65, 257)  # seen so often: a part of the memory begins
ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Memory:
    """Codes seen, and how often: `remembered` makes it."""

    seen: Codes
    counts: NDArray[np.int64]

    def log2_parts(self, codes: Codes) -> NDArray[np.float64]:
        """(n, parts) log2 of what each part says: −inf in all parts but one, and in all where a code is new."""
        both = symbols(Codes(np.concatenate([self.seen.packed, codes.packed]), codes.width))
        ids = both.ids[len(self.seen) :]
        known = ids < len(self.seen)
        part = np.searchsorted(OFTEN, self.counts, side="right") - 1
        total = np.bincount(part, self.counts, minlength=len(OFTEN))
        said = np.full((len(codes), len(OFTEN)), -np.inf)
        own = ids[known]
        said[np.flatnonzero(known), part[own]] = np.log2(self.counts[own] / total[part[own]])
        return said


def remembered(codes: Codes) -> Memory:
    found = symbols(codes)
    return Memory(codes[found.firsts], found.counts)


@dataclass(frozen=True, eq=False)
class Mixture:
    """log2_weights   (1 + models + parts of the memory): of uniform codes, the models, the memory."""

    models: tuple[CodeModel, ...]
    memory: Memory
    log2_weights: NDArray[np.float64]

    def log2_q(self, codes: Codes) -> NDArray[np.float64]:
        """(n,), nowhere below `least_log2_q`."""
        return _log2_sum(_said(self.models, self.memory, codes) + self.log2_weights)

    def least_log2_q(self, width: int) -> float:
        return float(self.log2_weights[0]) - width


def mixed(models: Sequence[CodeModel], made_of: Codes, judged: Codes) -> Mixture:
    """The weights from `judged`; the memory is of these samples, too, in the end.

    Half a sample is added to each weight, so that none is zero.
    """
    said = _said(models, remembered(made_of), judged)
    weights = np.full(said.shape[1], 1 / said.shape[1])
    largest = said.max(axis=1, keepdims=True)
    likely = np.exp2(said - largest)
    for _ in range(ROUNDS):
        each = likely * weights
        each /= each.sum(axis=1, keepdims=True)
        weights = (each.sum(axis=0) + 0.5) / (len(judged) + 0.5 * said.shape[1])
    everything = remembered(Codes(np.concatenate([made_of.packed, judged.packed]), judged.width))
    return Mixture(tuple(models), everything, np.log2(weights))


def _said(models: Sequence[CodeModel], memory: Memory, codes: Codes) -> NDArray[np.float64]:
    """(n, 1 + models + parts) log2 of what each says of each code."""
    bits = codes.bits()
    columns = [np.full(len(codes), -float(codes.width)), *(model.log2_q(bits) for model in models)]
    return np.hstack([np.stack(columns, axis=1), memory.log2_parts(codes)])


def _log2_sum(log2_terms: NDArray[np.float64]) -> NDArray[np.float64]:
    return logsumexp(log2_terms * np.log(2), axis=1) / np.log(2)
