"""Which codes of a narrow layer there is an input for, over a region: into exact.json of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..hw.exact.net import BitNet
from ..hw.exact.reach import WIDEST, reached
from .belonging import graph_of
from .config import RunError, chosen_samples
from .exact import Tell, code_of, flipped, numbers_of
from .exact_free import free_bits, hidden_layers
from .exact_record import Reached, exact_of, write_exact
from .folder import RunFolder
from .held import writing
from .run import finished, trained_on

RANDOM = 1 << 14  # inputs by chance, tried beside the samples
PROGRAM_SECONDS = 10.0


@writing
def reach(
    folder: RunFolder,
    layer: str,
    bits: Sequence[int] | None = None,
    base: int = 0,
    data_dir: Path | str | None = None,
    seconds: float | None = None,
    tell: Tell = lambda done, total, remark: None,
) -> Reached:
    """Decides of each code of a hidden layer of up to 12 neurons whether some input gives it; into exact.json.

    bits      of the code that are free, the others as in sample `base`; None for all
    seconds   after which codes are left undecided; None decides all that programs of 10 seconds can

    Every witness is given to the golden model; another code is an error.
    """
    graph = graph_of(folder)
    net, wanted, widths = BitNet.of(graph), free_bits(graph, bits), dict(hidden_layers(graph))
    if layer not in widths:
        raise RunError(f"no hidden layer {layer!r}; there are {', '.join(widths)}")
    if widths[layer] > WIDEST:
        raise RunError(f"{layer} has {widths[layer]} neurons; the codes of up to {WIDEST} are asked for")
    x, _ = chosen_samples(config := finished(folder), trained_on(folder, config, data_dir))
    numbers_of([base], len(x))
    known = exact_of(folder, graph)
    for each in known.reached:
        if (each.layer, each.base, each.free) == (layer, base, tuple(wanted)) and not each.undecided:
            return each
    began, code = time.monotonic(), code_of(graph, x[base])
    hidden = net.fixed(code, np.array(wanted)).hidden[: list(widths).index(layer) + 1]
    rng, deadline = np.random.default_rng(0), None if seconds is None else began + seconds
    known_inputs = np.concatenate([_inside(graph, x, code, wanted), rng.random((RANDOM, len(wanted))) < 0.5])
    codes: dict[int, NDArray[np.uint8]] = {}
    none: list[int] = []
    undecided: list[int] = []
    for done, (number, found) in enumerate(reached(hidden, known_inputs, PROGRAM_SECONDS, deadline), 1):
        tell(done, 1 << widths[layer], f"codes of {layer}")
        if isinstance(found, str):
            (none if found == "none" else undecided).append(number)
        else:
            other = np.flatnonzero(found != code[wanted])
            codes[number] = flipped(graph, x[base], np.array(wanted)[other].tolist())
    rising = sorted(codes)
    _check(graph, layer, np.stack([codes[each] for each in rising]), rising)
    answer = Reached(
        layer,
        widths[layer],
        base,
        tuple(wanted),
        tuple(rising),
        tuple(tuple(codes[each].tolist()) for each in rising),
        tuple(none),
        tuple(undecided),
        time.monotonic() - began,
    )
    others = [each for each in known.reached if (each.layer, each.base, each.free) != (layer, base, tuple(wanted))]
    write_exact(folder, replace(known, reached=(*others, answer)))
    return answer


def _inside(graph: Graph, x: NDArray[np.uint8], code: NDArray[np.bool_], free: Sequence[int]) -> NDArray[np.bool_]:
    """(n, free) codes of the samples that lie in the region."""
    every = np.stack([code_of(graph, each) for each in x])
    same = (np.delete(every, free, axis=1) == np.delete(code, free)).all(axis=1)
    return every[same][:, free]


def _check(graph: Graph, layer: str, inputs: NDArray[np.uint8], codes: Sequence[int]) -> None:
    said = graph(inputs).codes[layer].levels(1).astype(np.int64)
    numbers = (said << np.arange(said.shape[1])).sum(axis=1)
    if (numbers != np.array(codes)).any():
        raise RunError(f"{graph.name}: the golden model gives a witness another code of {layer}")
