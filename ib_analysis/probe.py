"""A lower bound of I(T;Y) where counting codes fails: what a classifier that has read the bits can predict."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat
from threadpoolctl import threadpool_limits

from .codes import Codes, CodesError
from .symbols import Symbols

Probe: TypeAlias = Callable[[], Any]
"""Makes a classifier of scikit-learn that has learnt nothing yet."""

FEWEST_TO_TEACH_A_NET = 200
FEWEST_SAMPLES = 6  # a quarter of them, rounded, are the two judges that a standard error needs


class ProbeError(ValueError):
    """A split that leaves nothing to learn from or nothing to judge by."""


@dataclass(frozen=True)
class ProbeBound:
    """I(T;Y) of the population is at least about `bits`.

    bits                 max(0, H(Y) − cross-entropy) on held-out samples
    standard_error_bits  of the mean over the held-out samples; `bits` − 1.64 of it is a bound with 95 % confidence
    h_y_bits             H(Y) of the held-out labels, the most the bound can say
    trained, held_out    samples
    """

    bits: Annotated[FiniteFloat, Field(ge=0)]
    standard_error_bits: Annotated[FiniteFloat, Field(ge=0)]
    h_y_bits: Annotated[FiniteFloat, Field(ge=0)]
    trained: Annotated[int, Field(ge=1)]
    held_out: Annotated[int, Field(ge=1)]

    def __str__(self) -> str:
        """`≥ 2.871 ± 0.012`"""
        return f"≥ {self.bits:.3f} ± {self.standard_error_bits:.3f}"


@threadpool_limits.wrap(limits=1)  # more threads wait for each other, 12 times as long, and move the last digits
def probe_bound(
    codes: Codes,
    y: Symbols,
    rng: np.random.Generator,
    held_out: float = 0.25,
    penalties: Sequence[float] = (1.0, 30.0, 1000.0),
    steps: int = 100,
    hidden: int = 0,
) -> ProbeBound:
    """max(0, H(Y) − held-out cross-entropy) of a logistic regression on the bits: a lower bound, never an estimate.

    held_out    fraction of the samples, drawn by `rng`, that only judges
    penalties   L2 weights to choose from, against the summed loss: the one that predicts a fifth of the training
                samples best from the others; wide layers want a large one
    steps       of the optimiser at most; stopping early loosens the bound and keeps it valid
    hidden      neurons of a second probe, whose layer of ReLUs sees an exclusive or; it stands where it predicts that
                fifth better. 0: none

    For any q, H(Y) − E[−log2 q(Y|T)] = I(T;Y) − E[KL(p || q)] <= I(T;Y), if q was made without the samples that judge
    it. The mean is over held-out samples of log2 q(y|t) − log2 (share of y among them), so that its standard error
    includes that of H(Y). A linear probe sees no exclusive or: the bound may be 0 where I(T;Y) is 1. q is mixed with
    1/(trained + 1) of the uniform distribution, so that a label that training never showed costs a finite amount.

    Costs an optimiser's run on trained × width floats for each penalty and one more: 3 s at 10,000 × 1,024.
    Source: Barber and Agakov 2003, "The IM algorithm"; as a probe, Pimentel et al. 2020, arXiv 2004.03061.
    """
    return _bound(lambda rows: _signs(codes[rows]), len(codes), y, rng, held_out, penalties, steps, hidden=hidden)


@threadpool_limits.wrap(limits=1)
def features_bound(
    features: NDArray[np.float32],
    y: Symbols,
    rng: np.random.Generator,
    held_out: float = 0.25,
    penalties: Sequence[float] = (1.0, 30.0, 1000.0),
    steps: int = 100,
) -> ProbeBound:
    """The same of numbers that are functions of a code, each sample's of its own code alone.

    features   (n, d), or (n, several, d) of as many codes of a sample: what one of them says of Y, and the standard
               error over samples. About centred and of like size
    """
    each = features.shape[1] if features.ndim == 3 else 1
    wide = features.reshape(len(features), each, -1)
    return _bound(
        lambda rows: wide[rows].reshape(len(rows) * each, -1),
        len(features),
        y,
        rng,
        held_out,
        penalties,
        steps,
        each,
    )


def _bound(
    of: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    samples: int,
    y: Symbols,
    rng: np.random.Generator,
    held_out: float,
    penalties: Sequence[float],
    steps: int,
    each: int = 1,
    hidden: int = 0,
) -> ProbeBound:
    """of   the features of some samples, `each` rows for each of them"""
    if samples != y.samples:
        raise CodesError(f"{samples} codes against {y.samples} labels")
    judges = round(held_out * samples) if math.isfinite(held_out) else 0
    if not 2 <= judges <= samples - 1:
        raise ProbeError(
            f"held_out={held_out} of {samples} samples: {judges} to judge and {samples - judges} to learn from; "
            "both sides need some"
        )
    order = rng.permutation(samples)
    judge, train = order[:judges], order[judges:]
    rest = train[len(train) // 5 :], train[: len(train) // 5]

    def gained_by(probe: Probe, learn: NDArray[np.int64], by: NDArray[np.int64]) -> NDArray[np.float64]:
        q = _predicted(of, y, learn, by, probe, each)
        return _gained(q, np.repeat(y.ids[by], each)).reshape(-1, each).mean(axis=1)

    probes = [partial(_linear, penalty, steps) for penalty in penalties]
    if hidden and len(rest[0]) >= FEWEST_TO_TEACH_A_NET:
        epochs = max(15, min(steps, 400_000 // len(rest[0])))
        probes.append(partial(_net, hidden, epochs, int(rng.integers(2**31))))
    chosen = max(probes, key=lambda probe: gained_by(probe, *rest).sum())
    labels = y.ids[judge]
    share = np.bincount(labels, minlength=len(y)) / judges
    gained = gained_by(chosen, train, judge) - np.log2(share[labels])
    return ProbeBound(
        max(0.0, float(gained.mean())),
        float(gained.std(ddof=1)) / math.sqrt(judges),
        -float(np.log2(share[labels]).mean()),
        len(train),
        judges,
    )


def _predicted(
    of: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    y: Symbols,
    train: NDArray[np.int64],
    judge: NDArray[np.int64],
    probe: Probe,
    each: int,
) -> NDArray[np.float64]:
    """(judges, labels) probabilities, all of them above zero."""
    from sklearn.exceptions import ConvergenceWarning  # a second that nobody else should wait for

    q = np.full((len(judge) * each, len(y)), 1 / len(y) / (len(train) + 1))
    known = np.unique(y.ids[train])
    if not len(judge) or len(known) == 1:
        probabilities = np.ones((len(q), len(known)))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, and still a bound
            taught = probe().fit(of(train), np.repeat(y.ids[train], each))
        probabilities = taught.predict_proba(of(judge)).astype(np.float64)
    q[:, known] += probabilities * (1 - 1 / (len(train) + 1))
    return q


def _linear(penalty: float, steps: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / penalty, max_iter=steps)


def _net(hidden: int, epochs: int, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((hidden,), alpha=1e-3, learning_rate_init=3e-3, max_iter=epochs, random_state=seed)


def _gained(q: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.log2(q[np.arange(len(labels)), labels])


def _signs(codes: Codes) -> NDArray[np.float32]:
    """(n, width) ±1: centred, as the optimiser likes it."""
    return codes.bits().astype(np.float32) * 2 - 1
