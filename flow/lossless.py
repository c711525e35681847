"""A run whose net answers as another's for every input, without the neurons that never change and copies of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..export.graph.constants import constants
from ..export.graph.copies import copies, lossless
from ..hw.exact.equality import Question, by_count, by_form, countable
from .belonging import graph_of
from .config import RunError, chosen_samples
from .folder import RunFolder
from .importing import Tell, import_model
from .run import export, finished, trained_on

COUNTED_BITS = 26  # inputs of fewer are counted: seconds


@dataclass(frozen=True)
class Lossless:
    """By layer that has neurons: how many there were, are proven never to change, to be copies, and are left.

    samples   of the run over which both nets were executed and said the same classes; 0 where nothing was folded
    proofs    that both runs say the same classes, beside the proof of every neuron that went
    """

    before: Mapping[str, int]
    constant: Mapping[str, int]
    copied: Mapping[str, int]
    after: Mapping[str, int]
    samples: int
    proofs: tuple[str, ...] = ()

    @property
    def folded(self) -> int:
        return sum(self.before.values()) - sum(self.after.values())


def fold_lossless(
    folder: RunFolder, place: RunFolder, data_dir: Path | str | None = None, tell: Tell = lambda _: None
) -> Lossless:
    """Into `place`, as a net that was imported; nothing is written where nothing can be folded.

    Raises RunError where the run is not exported, its net is one of several passes, or the place holds another net.
    """
    config, graph = finished(folder), graph_of(folder)
    if graph.passes > 1:
        raise RunError(
            f"{folder.path}: a frame passes {graph.passes} times; nets that it passes once alone are folded so far"
        )
    tell("what never changes, and what is a copy")
    slim = lossless(graph)
    hidden = [layer.name for layer in graph.layers[:-1] if layer.fan_in > 1]
    before, after = ({name: each[name].outputs for name in hidden} for each in (graph, slim))
    constant = {name: int((said >= 0).sum()) for name, said in constants(graph).items()}
    copied = {name: of.number for name, of in copies(graph).items()}
    if before == after:
        return Lossless(before, constant, copied, after, 0)
    x, _ = chosen_samples(config, trained_on(folder, config, data_dir))
    tell(f"both nets over {len(x):,} samples")
    assert np.array_equal(graph(x).predictions(), slim(x).predictions()), "folding changed an answer"
    from ..export.writing.tie_proof import tie_proof

    report = import_model(
        tie_proof(slim), place, dataset=config.dataset, data_dir=data_dir, samples=config.analysis.samples, tell=tell
    )
    if not report.equal:
        raise RunError(f"{place.path}: the file of the folded net is read as another; nothing was written")
    export(place)
    return Lossless(before, constant, copied, after, len(x), tuple(_proofs(graph, graph_of(place), x)))


def _proofs(graph: Graph, other: Graph, x: NDArray[np.uint8]) -> Iterator[str]:
    """None of a net of maps, whose other layers have no canonical form and are not counted."""
    if graph.ends_in_code:
        return
    question = Question(graph, other, x[0])
    if (found := by_form(question, "class")) is not None:
        yield found.words
    if countable(question) and question.bits <= COUNTED_BITS:
        found = by_count(question, "class")
        assert found.answer == "equal", "folding changed a class"
        yield found.words
