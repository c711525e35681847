"""Which bits of a code add least about the label, given the others: an order in which to leave them out."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .codes import Codes, CodesError
from .map_probe import shares
from .map_shape import MapShape
from .symbols import Symbols, same_samples

FEWEST = 2  # samples, and labels among them: of less nothing is learnt


@threadpool_limits.wrap(limits=1)  # equal answers whatever the machine has, and small matrices wait for no thread
def least_missed_first(
    codes: Codes, y: Symbols, penalty: float = 30.0, steps: int = 100, each: int = 1
) -> NDArray[np.int64]:
    """(width,) the bits of a code: the first is missed least, the last most; constant bits and copies come early.

    each      bits that go together, width / each apart: of a pixel that is cut at so many levels. Then (width / each,)
    penalty   L2 weight of the probe, against the summed loss
    steps     of its optimiser at most

    What is lost of I(T;Y) without bit j, I(T_j;Y given the rest), cannot be counted where codes are wide: there every
    code occurs once, and every bit seems spared. So a logistic regression reads all bits once, and for each bit left
    out its loss is known to second order: ½ Σ_c θ_jc² / (H_c⁻¹)_jj with the Hessian H_c of class c, the other weights
    moved to make up for it as well as they can. The least missed bit goes, weights and Hessians follow, and so on.
    What a subset says in bits is another question, that `probe.probe_bound` answers on samples that were held out: the
    order is a choice and no measurement, seen by a linear probe on the samples it learnt from.

    Costs a fit, then classes × width² for each bit: 0.2 s at 10,000 × 64, some 40 s at 10,000 × 1,024.
    Source: Hassibi and Stork 1992, "Optimal Brain Surgeon"; the blocks of H between classes are left out.
    """
    same_samples(len(codes), y.samples)
    read = codes.bits().reshape(len(codes), each, -1).transpose(0, 2, 1)
    return _least_missed_first(read.astype(np.float64) * 2 - 1, y, penalty, steps)


def least_missed_channels(
    codes: Codes, shape: MapShape, y: Symbols, penalty: float = 30.0, steps: int = 100
) -> NDArray[np.int64]:
    """(channels,) of a feature map of bits, ordered as `least_missed_first` orders bits.

    The probe reads of every channel how often it is 1 in each cell of the map (`map_probe.shares`), and a channel goes
    with all of its cells: its loss is ½ Σ_c θ_Jc · ((H_c⁻¹)_JJ)⁻¹ · θ_Jc, J what is read of it.
    """
    same_samples(len(codes), y.samples)
    read = shares(codes, shape).reshape(len(codes), -1, shape.channels)
    return _least_missed_first(read.transpose(0, 2, 1).astype(np.float64), y, penalty, steps)


def _least_missed_first(read: NDArray[np.float64], y: Symbols, penalty: float, steps: int) -> NDArray[np.int64]:
    """read: (n, units, each), what the probe is given of each unit, −1 .. 1."""
    from sklearn.exceptions import ConvergenceWarning  # a second that nobody else should wait for
    from sklearn.linear_model import LogisticRegression

    if len(y) < FEWEST:
        raise CodesError(f"{y.samples} samples of {len(y)} label: nothing to tell apart; give samples of two or more")
    x = np.hstack([read.reshape(len(read), -1), np.ones((len(read), 1))])
    probe = LogisticRegression(C=1 / penalty, max_iter=steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, it orders a little worse
        probe.fit(x[:, :-1], y.ids)
    said = probe.predict_proba(x[:, :-1])
    theta = np.column_stack([probe.coef_, probe.intercept_])
    said = said[:, -len(theta) :]  # of two labels one row of log-odds says all
    ridge = penalty * np.eye(x.shape[1])
    hessians = [(x * (p * (1 - p))[:, None]).T @ x + ridge for p in said.T]
    return _eliminated(theta, np.linalg.inv(hessians), read.shape[2])


def _eliminated(theta: NDArray[np.float64], inverses: NDArray[np.float64], each: int) -> NDArray[np.int64]:
    """Greedily, with all weights but the last, which is of no unit: so many of each unit, one behind the other.

    theta: (classes, d); inverses: (classes, d, d).
    """
    left = list(range((theta.shape[1] - 1) // each))
    order = []
    while left:
        of = np.array(left)[:, None] * each + np.arange(each)
        blocks = inverses[:, of[:, :, None], of[:, None, :]]
        weights = theta[:, of]
        moved = np.linalg.solve(blocks, weights[..., None])[..., 0]
        unit = int(np.argmin((weights * moved).sum(axis=(0, 2))))
        column = inverses[:, :, of[unit]]
        theta = theta - (column @ moved[:, unit, :, None])[..., 0]
        inverses = inverses - column @ np.linalg.solve(blocks[:, unit], column.transpose(0, 2, 1))
        order.append(left.pop(unit))
    return np.array(order, dtype=np.int64)
