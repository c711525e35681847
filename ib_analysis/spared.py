"""Which bits of a code add least about the label, given the others: an order in which to leave them out."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .codes import Codes, CodesError
from .symbols import Symbols, same_samples

FEWEST = 2  # samples, and labels among them: of less nothing is learnt


@threadpool_limits.wrap(limits=1)  # equal answers whatever the machine has, and small matrices wait for no thread
def least_missed_first(codes: Codes, y: Symbols, penalty: float = 30.0, steps: int = 100) -> NDArray[np.int64]:
    """(width,) the bits of a code: the first is missed least, the last most; constant bits and copies come early.

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
    from sklearn.exceptions import ConvergenceWarning  # a second that nobody else should wait for
    from sklearn.linear_model import LogisticRegression

    same_samples(len(codes), y.samples)
    if len(y) < FEWEST:
        raise CodesError(f"{y.samples} samples of {len(y)} label: nothing to tell apart; give samples of two or more")
    x = np.hstack([codes.bits().astype(np.float64) * 2 - 1, np.ones((len(codes), 1))])
    probe = LogisticRegression(C=1 / penalty, max_iter=steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, it orders a little worse
        probe.fit(x[:, :-1], y.ids)
    said = probe.predict_proba(x[:, :-1])
    theta = np.column_stack([probe.coef_, probe.intercept_])
    said = said[:, -len(theta) :]  # of two labels one row of log-odds says all
    ridge = penalty * np.eye(x.shape[1])
    hessians = [(x * (p * (1 - p))[:, None]).T @ x + ridge for p in said.T]
    return _eliminated(theta, np.linalg.inv(hessians))


def _eliminated(theta: NDArray[np.float64], inverses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Greedily, with all weights but the last, which is of no bit. theta: (classes, d); inverses: (classes, d, d)."""
    left, order = np.ones(theta.shape[1] - 1, dtype=bool), []
    while left.any():
        there = np.flatnonzero(left)
        each = np.diagonal(inverses, axis1=1, axis2=2)[:, there]
        bit = int(there[np.argmin((theta[:, there] ** 2 / each).sum(axis=0))])
        column, own = inverses[:, :, bit].copy(), inverses[:, bit, bit].copy()
        theta = theta - column * (theta[:, bit] / own)[:, None]
        inverses = inverses - column[:, :, None] * column[:, None, :] / own[:, None, None]
        left[bit] = False
        order.append(bit)
    return np.array(order, dtype=np.int64)
