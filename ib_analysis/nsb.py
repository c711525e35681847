"""Nemenman-Shafee-Bialek: a Bayesian second opinion on an entropy, for an alphabet of known size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma, polygamma

from .entropy import Counts, CountsError, fingerprint

MOST_POSSIBLE = 2**512
"""Beyond, K could not be told from infinity: 1/K is far below the resolution of every term."""
_NEGLIGIBLE = 45.0  # nats below the peak of the posterior
_GRID = 513


def nsb(counts: Counts, possible: int) -> float:
    """Entropy in bits: the posterior mean under Dirichlet priors, mixed so that the entropy's own prior is nearly flat.

    counts     (k,) integers >= 0, at least one positive
    possible   K, how many symbols could occur, seen or not: 2^width for codes, times the classes for pairs

    p(n | beta) = Gamma(K beta)/Gamma(N + K beta) × product of Gamma(n + beta)/Gamma(beta), prior flat in
    xi(beta) = psi(K beta + 1) − psi(beta + 1), the prior mean of the entropy, 0 .. ln K; and at a given beta the mean
    is psi(N + K beta + 1) − sum over all K of (n + beta)/(N + K beta) psi(n + beta + 1).

    The estimate lives on coincidences. Where samples share symbols, a larger K hardly moves it: it tends to the limit
    of a Dirichlet process. Where all samples are distinct the posterior is the prior cut off below, and the answer
    is about K and not about the samples; `diagnostics.verdict` refuses such numbers long before.

    Costs (distinct counts) × 513 × a few evaluations, whatever K and N. CountsError for K below the symbols seen, and
    above 2^512.
    Source: Nemenman, Shafee and Bialek 2002, "Entropy and inference, revisited".
    """
    found = fingerprint(counts)
    times, symbols, seen = found.times, found.symbols, found.seen
    if not seen <= possible <= MOST_POSSIBLE:
        raise CountsError(
            f"{seen} symbols seen of {possible:.3g} possible; NSB needs at least those seen and at most 2^512"
            if possible < 2**1000
            else f"2^{possible.bit_length() - 1} symbols possible: NSB takes at most 2^512, as more says nothing"
        )
    if possible == 1:
        return 0.0
    log_total, log_posterior = _posterior(times, symbols, float(possible))
    weights = np.exp(log_posterior - log_posterior.max())
    means = _mean_entropy(times, symbols, float(possible), np.exp(log_total))
    return float(weights @ means / weights.sum()) / math.log(2)


def nsb_information(x_counts: Counts, y_counts: Counts, pair_counts: Counts, possible_x: int) -> float:
    """I(X;Y) in bits as H(X) + H(Y) − H(X,Y), NSB for all three. K is the labels seen for Y, and times `possible_x` for
    X and for the pairs alike.

    One alphabet for both, because their errors must cancel: with a tight K for X alone NSB knows of X what it does not
    know of the pairs. On 250 joint distributions at coverages of .9 to .99 the 95th percentile of |error| was .104 bit
    against .110, and .033 against .086 where the label is a function of the code.
    """
    classes = fingerprint(y_counts).seen
    both = possible_x * classes
    return nsb(x_counts, both) + nsb(y_counts, classes) - nsb(pair_counts, both)


def _posterior(
    times: NDArray[np.int64], symbols: NDArray[np.int64], possible: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ln(K beta) on an even grid over all of the posterior's mass, and its log density there, up to a constant.

    The window shrinks, or stays, until the grid lies on what is not negligible. On both its ends the density is then
    all but zero and in between smooth, so that a plain sum over the grid integrates to machine precision.
    """
    low, high = -35.0, math.log(possible) + 25
    for _ in range(12):
        grid = np.linspace(low, high, _GRID)
        log_density = _log_density(times, symbols, possible, grid)
        kept = np.flatnonzero(log_density > log_density.max() - _NEGLIGIBLE)
        new_low, new_high = grid[max(kept[0] - 1, 0)], grid[min(kept[-1] + 1, _GRID - 1)]
        if new_high - new_low > 0.8 * (high - low):
            break
        low, high = new_low, new_high
    return grid, log_density


def _log_density(
    times: NDArray[np.int64], symbols: NDArray[np.int64], possible: float, log_total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of ln a, a = K beta. Ratios of gammas as beta functions, which neither overflow nor cancel at the far ends."""
    total = np.exp(log_total)
    beta = total / possible
    evidence = betaln(float(times @ symbols), total) - symbols @ betaln(times[:, None].astype(float), beta)
    slope = polygamma(1, total + 1) - polygamma(1, beta + 1) / possible  # d xi / d a; cancels to 1e-5 at the far end
    return evidence + np.log(slope) + log_total


def _mean_entropy(
    times: NDArray[np.int64], symbols: NDArray[np.int64], possible: float, total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Posterior mean in nats at each a = K beta."""
    samples, beta = float(times @ symbols), total / possible
    raised = times[:, None] + beta
    seen = symbols @ (raised * digamma(raised + 1))
    unseen = (possible - symbols.sum()) * beta * digamma(beta + 1)
    return digamma(samples + total + 1) - (seen + unseen) / (samples + total)
