"""Which layers of a run emit feature maps, and of what shape: the net knows, and the codes alone do not say."""

from __future__ import annotations

from ..ib_analysis.map_shape import MapShape
from .belonging import graph_of
from .config import RunConfig
from .folder import RunFolder


def map_shapes(folder: RunFolder) -> dict[str, MapShape]:
    """By name of the layer; a map of one position is a row of neurons, and left out. Of a net that is trained here
    run.toml says them, of an imported one its graph.
    """
    config = folder.config()
    if isinstance(config, RunConfig):
        network = config.network
        found = {
            name: MapShape(*shape, bits := network.bits_of(name), 1 if bits == 1 else 2)
            for name, shape in network.shapes.items()
            if len(shape) == 3
        }
    else:
        found = {
            layer.name: MapShape(*layer.out_shape, layer.emits.bits, layer.emits.count - 1)
            for layer in graph_of(folder).layers[:-1]
            if len(layer.out_shape) == 3
        }
    return {name: shape for name, shape in found.items() if shape.positions > 1}
