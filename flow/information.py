"""What the codes of a net know, measured: of a run's own codes, or of anybody's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..ib_analysis.codes import Codes
from ..ib_analysis.diagnostics import Target
from ..ib_analysis.layer_bits import layer_bits
from ..ib_analysis.map_information import map_layer, over_positions
from ..ib_analysis.map_shape import MapShape
from ..ib_analysis.maps_over_epochs import MapPoint
from ..ib_analysis.plane import PlanePoint, plane
from ..ib_analysis.symbols import label_symbols
from ..models.config import log_spaced
from .config import BRACKETED_EPOCHS
from .folder import Analysis


@threadpool_limits.wrap(limits=1)  # a sum over two threads rounds otherwise: the same codes, the same bytes everywhere
def information(
    epochs: Sequence[int],
    codes_of: Callable[[int], Mapping[str, Codes]],
    labels: NDArray[np.int64],
    target: Target,
    shapes: Mapping[str, MapShape],
    digests: Mapping[str, str],
    labelled: bool = True,
    brackets: int = BRACKETED_EPOCHS,
    inputs: Codes | NDArray[np.integer] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Analysis:
    """I(X;T) and I(T;Y) of every layer at every epoch; at some, brackets of what of a population cannot be counted; of
    the last, what its single bits do, and of feature maps what their positions and channels do.

    codes_of   the layers' codes at one of the epochs, asked for in order
    shapes     of those layers that emit maps
    digests    sha256 by name of the files that the codes are from
    labelled   whether the labels are of the samples, and not the net's own answers, of which maps know nothing
    brackets   how many epochs get them, log-spaced, the last one first of all
    inputs     (n, …) of the same samples, where they may repeat: see `plane`
    """
    chosen = log_spaced(epochs, brackets)
    of, done = len(epochs) + (len(chosen) or 1), 0

    y, over = label_symbols(labels), list[MapPoint]()

    def stream(some: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Codes]]]:
        nonlocal done
        for epoch in some:
            progress(done, of)
            yield epoch, codes_of(epoch)
            done += 1

    def with_maps() -> Iterator[tuple[int, Mapping[str, Codes]]]:
        for epoch, codes in stream(epochs):
            for name, shape in shapes.items() if len(epochs) > 1 else ():
                given = over_positions(codes[name], shape, y if labelled else None, target)
                over.append(MapPoint(name, epoch, given))
            yield epoch, codes

    points: tuple[PlanePoint, ...] = plane(with_maps(), labels, target, chance=True, inputs=inputs)
    last = codes_of(epochs[-1])
    population: tuple[PlanePoint, ...] = ()
    if target != "enumerated":
        some = stream(chosen or epochs[-1:])
        population = plane(some, labels, "population", chance=True, brackets=bool(chosen), inputs=inputs)
    progress(of, of)
    if target == "population":
        known = {(point.layer, point.epoch): point for point in population}
        points, population = tuple(known.get((point.layer, point.epoch), point) for point in points), ()
    rng = np.random.default_rng(0)
    bits = tuple(layer_bits(name, codes, y, rng, shapes.get(name)) for name, codes in last.items())
    maps = tuple(
        map_layer(name, last[name], shape, y if labelled else None, target, rng) for name, shape in shapes.items()
    )
    return Analysis(points, population, bits, dict(digests), maps, tuple(over))
