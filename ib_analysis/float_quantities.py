"""What the literature plots for float nets. None of it is the mutual information of the net, and every name says so.

A deterministic net of floats maps X to T without noise. For continuous X its I(X;T) is infinite (Amjad and Geiger 2018,
"Learning representations for neural network-based classification using the information bottleneck principle"); for N
given samples it is log2 N as long as no two fall on the same float, whatever the net has learned (Goldfeld et al. 2019,
"Estimating information flow in deep neural networks"). A finite number that moves is therefore a property of the grid,
the noise or the hash that was added after the fact: it measures how samples cluster at that scale. A binary net needs
none of this: its codes are discrete and `information` counts them.

Activations are (n, d) floats; `y` are the labels of the same samples. All in bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from .codes import Codes, CodesError, numbers
from .entropy import plug_in
from .nulls import observed_bits
from .symbols import Symbols, symbols

_BLOCK = 256  # rows of a distance matrix held at a time
LARGEST = 1e150  # its square is a float
VISIBLE = 1e-9  # error of a squared distance, in noise variances, from which on it is not let pass


@dataclass(frozen=True)
class FloatQuantity:
    """Two numbers that are not I(X;T) and I(T;Y) of the net, with lower and upper end where the method gives bounds.

    method    with its scale, for a caption: the same net gives other numbers at another scale
    caveat    what the numbers are instead
    """

    xt_low_bits: float
    xt_high_bits: float
    ty_low_bits: float
    ty_high_bits: float
    method: str
    caveat: str


def binned_not_mi(activations: ArrayLike, y: Symbols, bins: int, low: float, high: float) -> FloatQuantity:
    """Not the MI of the net: H(bin(T)) and I(bin(T);Y) of a grid laid over the activations afterwards.

    bins   of equal width over low .. high in every coordinate, the same for all layers and epochs; what lies outside
           falls into the outer bins

    It is the exact information of another, quantised net. Finer bins drive it to log2 N and H(Y), coarser ones to 0.
    Two bins over activations of −1 and +1 are the codes: then the numbers are those of `information`, target dataset.
    Source: Shwartz-Ziv and Tishby 2017, arXiv 1703.00810 (30 bins over the range of tanh).
    """
    t = _matrix(activations, y)
    if not (1 <= bins <= 65536 and low < high and math.isfinite(high - low)):
        raise CodesError(f"bins={bins} over {low} .. {high}; 1 to 65,536 bins over a rising range are possible")
    index = np.clip(np.floor((t - low) * (bins / (high - low))), 0, bins - 1).astype(np.uint16)
    cells = _cells(index)
    xt, ty = plug_in(cells.counts), observed_bits(cells, y)
    return FloatQuantity(
        xt, xt, ty, ty, f"{bins} bins over {low:g} .. {high:g}", "information of a quantised copy of the net"
    )


def kde_bounds_not_mi(activations: ArrayLike, y: Symbols, noise_variance: float) -> FloatQuantity:
    """Not the MI of the net: bounds of I(X;T+Z) and I(T+Z;Y) for Gaussian noise Z that the net does not have.

    noise_variance   of Z in each coordinate

    T + Z is a mixture of N equal Gaussians around the activations h. In nats, its entropy less that of Z lies between
        −(1/N) sum_i ln (1/N) sum_j exp(−|h_i − h_j|²/(8 σ²))    (Bhattacharyya distance, lower)
        −(1/N) sum_i ln (1/N) sum_j exp(−|h_i − h_j|²/(2 σ²))    (Kullback-Leibler, upper)
    which is I(X;T+Z) for X uniform over the samples; both are 0 where all activations coincide and log2 N where they
    are far apart against the noise. I(T+Z;Y) subtracts the same within each label: the lower end takes the upper bound
    there, the upper end the lower, cut off at 0 and at H(Y). (Saxe et al. 2018 subtract upper from upper: no bound.)

    Costs N² distances, 256 rows at a time: seconds at N = 10,000; give a subset of a larger set.
    Source: Kolchinsky and Tracey 2017, "Estimating mixture entropy with pairwise distances", arXiv 1706.02419.
    """
    t = _matrix(activations, y)
    if not noise_variance > 0:
        raise CodesError(
            f"noise_variance={noise_variance}; without noise the quantity is log2 N or infinite, give one > 0"
        )
    low, high = _mixture_bounds(t, noise_variance)
    within = [_mixture_bounds(t[y.ids == label], noise_variance) for label in range(len(y))]
    low_within, high_within = (y.counts / y.samples) @ np.array(within)
    return FloatQuantity(
        low,
        high,
        max(0.0, low - float(high_within)),
        min(plug_in(y.counts), max(0.0, high - float(low_within))),
        f"Kolchinsky-Tracey bounds, noise variance {noise_variance:g}",
        "information of a net with Gaussian noise added to the layer",
    )


def hash_not_mi(
    inputs: ArrayLike,
    activations: ArrayLike,
    y: Symbols,
    rng: np.random.Generator,
    scale: float = 0.3,
    stretches: Sequence[float] = (1.0, 1.25, 1.5, 1.75, 2.0),
) -> FloatQuantity:
    """Not the MI of the net: an estimate for variables with a joint density, which X and a deterministic T have not.

    inputs      (n, d_x) floats, of the same samples
    rng         shifts the hash grids at random
    scale       width of a hash cell, in standard deviations over all coordinates of its variable
    stretches   factors on `scale`; an ensemble over them removes the bias that is quadratic in the width

    Each variable is hashed to a grid, floor((x + shift)/width); between the cells plug-in information is
    sum of N_ij/N log2(N N_ij/(N_i N_j)). Over the ensemble the sum of w_l · I(width_l), where w has least norm under
    sum w = 1 and sum w_l stretch_l² = 0. A pair of Gaussians, 40,000 samples, correlations 0 to .95: within .03 bit.
    For a deterministic net it grows as `scale` falls, up to log2 N; in many dimensions nearly every sample has its own
    cell at once, and it says log2 N and H(Y). Noise may carry it below 0; it is not cut off there.

    In the manner of EDGE, from its description: Noshad, Zeng and Hero 2019, "Scalable mutual information estimation
    using dependence graphs", arXiv 1801.09125. Unlike there, cells are told apart exactly instead of by a second hash,
    and the ensemble cancels the quadratic term alone: with a random shift smooth densities have no linear one, and
    cancelling it too was measured to cost more than it gives.
    """
    x, t = _matrix(inputs, y), _matrix(activations, y)
    if not (scale > 0 and len(stretches) >= 2 and min(stretches) > 0 and len(set(stretches)) == len(stretches)):
        raise CodesError(
            f"scale={scale}, stretches={list(stretches)}; give a scale > 0 and two different stretches > 0"
        )
    conditions = np.array([np.ones(len(stretches)), np.square(stretches)])
    weights = np.linalg.lstsq(conditions, np.array([1.0, 0.0]), rcond=None)[0]
    numbers = []
    for stretch in stretches:
        x_cells, t_cells = (_hashed(values, scale * stretch, rng) for values in (x, t))
        numbers.append((observed_bits(x_cells, t_cells), observed_bits(t_cells, y)))
    xt, ty = (float(number) for number in weights @ np.array(numbers))
    return FloatQuantity(
        xt,
        xt,
        ty,
        ty,
        f"hash ensemble, cells of {scale:g} sd",
        "resolution of a hash grid: without limit for finer cells",
    )


def _matrix(values: ArrayLike, y: Symbols) -> NDArray[np.float64]:
    matrix = numbers(values, f"activations need ({y.samples}, d) floats beside {y.samples} labels").astype(np.float64)
    if matrix.ndim != 2 or len(matrix) != y.samples or not len(matrix) or not matrix.shape[1]:
        raise CodesError(f"activations need ({y.samples}, d) floats beside {y.samples} labels, got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise CodesError(f"{np.count_nonzero(~np.isfinite(matrix))} activations are not finite")
    if np.abs(matrix).max() > LARGEST:
        raise CodesError(
            f"an activation of {np.abs(matrix).max():g}; distances between such numbers overflow, scale them"
        )
    return matrix


def _cells(index: NDArray) -> Symbols:
    """Rows of integers -> symbols, by their bytes."""
    rows = np.ascontiguousarray(index)
    return symbols(Codes(rows.view(np.uint8).reshape(len(rows), -1), 8 * rows.itemsize * rows.shape[1]))


def _hashed(values: NDArray[np.float64], width: float, rng: np.random.Generator) -> Symbols:
    centred = values - values.mean(axis=0)
    spread = math.sqrt(float(np.square(centred).mean()))
    if not spread:
        return _cells(np.zeros(values.shape, np.int64))
    index = np.floor(centred / (width * spread) + rng.random(values.shape[1]))
    if np.abs(index).max() >= 2**62:
        raise CodesError(f"cells of {width:g} standard deviations are finer than the floats; give a larger scale")
    return _cells(index.astype(np.int64))


def _mixture_bounds(h: NDArray[np.float64], variance: float) -> tuple[float, float]:
    """(lower, upper) in bits of the entropy of a mixture of equal Gaussians at h, less that of one of them."""
    rows = len(h)
    low = high = 0.0
    for start, squared in _squared_distances(h, variance):
        own = np.arange(len(squared))
        squared[own, start + own] = 0
        low -= logsumexp(squared / -8, axis=1).sum()
        high -= logsumexp(squared / -2, axis=1).sum()
    most = math.log2(rows)  # a sample's own term is 1/N, and no other is negative
    low_bits, high_bits = (min(max(0.0, most + float(total) / rows / math.log(2)), most) for total in (low, high))
    return low_bits, high_bits


def _squared_distances(h: NDArray[np.float64], unit: float) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """From row `start` on, (b, rows) squared distances to all rows, in units of `unit`.

    |a|² + |b|² − 2ab, around the mean, is a matrix product and fast, and keeps of a distance what lies above the
    rounding of |a|². Where that could be seen (a far outlier, little noise) differences are squared, which is slower.
    """
    centred = h - h.mean(axis=0)
    norms = np.einsum("ij,ij->i", centred, centred)
    with np.errstate(over="ignore"):
        rounding = 8 * np.finfo(np.float64).eps * norms.max() / unit
        for start in range(0, len(h), _BLOCK):
            block = slice(start, start + _BLOCK)
            if rounding > VISIBLE:
                squared = cdist(h[block], h, "sqeuclidean")
            else:
                squared = np.maximum(norms[block, None] + norms - 2 * centred[block] @ centred.T, 0)
            yield start, squared / unit
