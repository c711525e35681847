"""How often neurons fire over a region, alone, by two and up to four jointly; into exact.json of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..hw.exact.net import BitNet
from ..hw.exact.pairs import (
    MOST_JOINTLY,
    Pairs,
    implications,
    jointly_of_codes,
    jointly_of_first_layer,
    of_codes,
    of_first_layer,
)
from ..hw.exact.region import Codes
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import code_of, numbers_of
from .exact_record import Implied, Neurons, NeuronsOf, entropy_bits, exact_of, write_exact
from .exact_regions import MOST_BITS, Tell, codes_of_layers, free_bits, hidden_layers
from .folder import RunFolder
from .held import reading, writing
from .run import finished, trained_on


@writing
def neurons(
    folder: RunFolder,
    bits: Sequence[int] | None = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> Neurons:
    """How often neurons fire over all inputs that differ from sample `base` in `bits` of its code, None for all; into
    exact.json.

    The first layer's neurons are counted in closed form, of however many bits. Those behind it from the codes of the
    layer, where at most 2^38 inputs and 2^24 codes make that possible.
    """
    graph, code = _asked(folder, base, data_dir)
    net, wanted = BitNet.of(graph), free_bits(graph, bits)
    known = exact_of(folder, graph)
    for each in known.neurons:
        if (each.base, each.free) == (base, tuple(wanted)):
            return each
    began = time.monotonic()
    counted: list[Codes | None] = [None] * len(net.hidden)
    if len(wanted) <= MOST_BITS:
        counted, _ = codes_of_layers(net, code, wanted, workers, tell)
    layers = []
    for index, ((name, width), codes) in enumerate(zip(hidden_layers(graph), counted, strict=True)):
        if index == 0:
            pairs = of_first_layer(net.fixed(code, np.array(wanted)).hidden[0])
        elif codes is not None:
            pairs = of_codes(codes, width)
        else:
            layers.append(NeuronsOf(name, width))
            continue
        layers.append(_told(name, net, index, pairs, codes))
    answer = Neurons(base, tuple(wanted), tuple(layers), time.monotonic() - began)
    write_exact(folder, replace(known, neurons=(*known.neurons, answer)))
    return answer


def _told(name: str, net: BitNet, index: int, pairs: Pairs, codes: Codes | None) -> NeuronsOf:
    width = len(pairs.both)
    return NeuronsOf(
        name,
        width,
        pairs.ones,
        tuple(pairs.both[i][j] for i in range(width) for j in range(i + 1, width)),
        pairs.entropy_bound_bits(),
        None if codes is None else entropy_bits(codes[1]),
        tuple(Implied(**asdict(each)) for each in implications(pairs, net.hidden[index])),
    )


@reading
def jointly(
    folder: RunFolder,
    layer: str,
    chosen: Sequence[int],
    bits: Sequence[int] | None = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    workers: int = 2,
    tell: Tell = lambda done, total, remark: None,
) -> tuple[int, ...]:
    """Of each pattern of what up to four neurons of a hidden layer say, the first counting fastest: inputs."""
    graph, code = _asked(folder, base, data_dir)
    net, wanted, widths = BitNet.of(graph), free_bits(graph, bits), dict(hidden_layers(graph))
    if layer not in widths:
        raise RunError(f"no hidden layer {layer!r}; there are {', '.join(widths)}")
    if not 1 <= len(set(chosen)) == len(chosen) <= MOST_JOINTLY or not 0 <= min(chosen) <= max(chosen) < widths[layer]:
        raise RunError(
            f"{layer} has neurons 0 .. {widths[layer] - 1}; one to {MOST_JOINTLY} different ones are asked for"
        )
    index = list(widths).index(layer)
    if index == 0:
        return jointly_of_first_layer(net.fixed(code, np.array(wanted)).hidden[0], chosen)
    if len(wanted) > MOST_BITS:
        raise RunError(f"{len(wanted)} free bits; behind the first layer 2^{MOST_BITS} inputs are counted at most")
    codes = codes_of_layers(net, code, wanted, workers, tell)[0][index]
    if codes is None:
        raise RunError(f"{layer} has too many codes over this region; fewer free bits")
    return jointly_of_codes(codes, chosen)


def _asked(folder: RunFolder, base: int, data_dir: Path | str | None) -> tuple[Graph, NDArray[np.bool_]]:
    """The net, and the code of the sample."""
    graph = graph_of(folder)
    x, _ = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
    numbers_of([base], len(x))
    return graph, code_of(graph, x[base])
