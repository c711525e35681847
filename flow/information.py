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
from ..ib_analysis.plane import PlanePoint, bracketed, plane
from ..ib_analysis.symbols import label_symbols
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
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Analysis:
    """I(X;T) and I(T;Y) of every layer at every epoch; of the last, what its single bits do, brackets of what cannot be
    counted, and of feature maps what their positions and channels do.

    codes_of   the layers' codes at one of the epochs, asked for in order
    shapes     of those layers that emit maps
    digests    sha256 by name of the files that the codes are from
    labelled   whether the labels are of the samples, and not the net's own answers, of which maps know nothing
    """

    y, over = label_symbols(labels), []

    def by_epoch() -> Iterator[tuple[int, Mapping[str, Codes]]]:
        for done, epoch in enumerate(epochs):
            progress(done, len(epochs))
            codes = codes_of(epoch)
            if len(epochs) > 1:
                for name, shape in shapes.items():
                    given = over_positions(codes[name], shape, y if labelled else None, target)
                    over.append(MapPoint(name, epoch, given))
            yield epoch, codes
        progress(len(epochs), len(epochs))

    points: tuple[PlanePoint, ...] = plane(by_epoch(), labels, target, chance=True)
    last = codes_of(epochs[-1])
    points = tuple(p if p.epoch != epochs[-1] else bracketed(p, last[p.layer], y) for p in points)
    population: tuple[PlanePoint, ...] = ()
    if target == "dataset":
        population = plane({epochs[-1]: last}, labels, "population", chance=True, brackets=True)
    rng = np.random.default_rng(0)
    bits = tuple(layer_bits(name, codes, y, rng, shapes.get(name)) for name, codes in last.items())
    maps = tuple(
        map_layer(name, last[name], shape, y if labelled else None, target, rng) for name, shape in shapes.items()
    )
    return Analysis(points, population, bits, dict(digests), maps, tuple(over))
