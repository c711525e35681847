"""Which layers of a run emit feature maps, and of what shape: the graph knows, and the codes alone do not say."""

from __future__ import annotations

from ..ib_analysis.map_shape import MapShape
from .belonging import graph_of
from .config import ImportedConfig
from .folder import RunFolder


def map_shapes(folder: RunFolder) -> dict[str, MapShape]:
    """By name of the layer; a map of one position is a row of neurons, and left out. Nets that are trained here have
    none.
    """
    if not isinstance(folder.config(), ImportedConfig):
        return {}
    found = {}
    for layer in graph_of(folder).layers[:-1]:
        if len(layer.out_shape) == 3:
            height, width, channels = layer.out_shape
            found[layer.name] = MapShape(height, width, channels, layer.emits.bits, layer.emits.count - 1)
    return {name: shape for name, shape in found.items() if shape.positions > 1}
