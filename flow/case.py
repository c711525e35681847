"""What independent judges are given of a run: its files, its design, its samples; and why something is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import onnx
from numpy.typing import NDArray

from ..export.graph import Graph, GraphError
from ..export.reading.streamline import Streamlined, streamline
from ..export.writing.standard import standard
from ..export.writing.streamlined import streamlined
from ..export.writing.tie_proof import tie_proof
from ..hw.accelerator import Accelerator
from .config import design
from .files import read_model
from .folder import RunFolder, is_there
from .importing import read_file
from .trained import Imported

JUDGED = 1000  # samples of a net of maps or of several bits: some tools take them one by one
RTL = "rtl"  # among what a case lacks
WRITERS: Mapping[str, Callable[[Graph], onnx.ModelProto]] = {
    "model": tie_proof,
    "streamlined": streamlined,
    "standard": standard,
}


@dataclass(frozen=True, eq=False)
class Theirs:
    """The file that was imported, and how it is read before constants are folded."""

    content: bytes
    read: Streamlined


@dataclass(frozen=True, eq=False)
class Case:
    """What is judged: the files of a run as they lie there, and the samples.

    files         by name: model, streamlined, standard
    lacks         why a file is not there, by its name, or the RTL
    accelerator   None where there is no RTL, and then there are no memories either
    memories      the memory files of rtl/ by name
    theirs        of an imported net
    x             (n, inputs) uint8
    """

    graph: Graph
    files: Mapping[str, onnx.ModelProto]
    x: NDArray[np.uint8]
    accelerator: Accelerator | None = None
    memories: Mapping[str, str] = field(default_factory=dict)
    theirs: Theirs | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)

    @property
    def one_bit(self) -> bool:
        """Every layer is dense and of one bit."""
        return all(layer.one_bit for layer in self.graph.layers)

    @property
    def few(self) -> NDArray[np.uint8]:
        return self.x[:JUDGED]

    @cached_property
    def exported(self) -> Streamlined:
        """model.onnx as a reader finds it."""
        return read_back(self.files["model"], self.graph)


def read_back(model: onnx.ModelProto, graph: Graph) -> Streamlined:
    """model.onnx of a graph, as a reader finds it."""
    takes = graph.layers[0].takes
    return streamline(model, None if takes == 2 else np.arange(takes), margin="state")


def case_of(
    folder: RunFolder,
    graph: Graph,
    x: NDArray[np.uint8],
    accelerator: Accelerator | None = None,
    memories: Mapping[str, str] | None = None,
) -> Case:
    """Raises RunError where a file is damaged, or missing though the graph can be spelt so."""
    places = {"model": folder.model, "streamlined": folder.streamlined, "standard": folder.standard}
    lacks: dict[str, str] = {}
    for name, path in places.items():
        if not is_there(path) and (why := _unspelt(name, graph)):
            lacks[name] = f"no {path.name}: {why}"
    files = {name: read_model(folder.needs(path, "export")) for name, path in places.items() if name not in lacks}
    if accelerator is None:
        lacks[RTL] = _unbuilt(folder, graph)
    return Case(graph, files, x, accelerator, memories or {}, theirs_of(folder), lacks)


def _unspelt(name: str, graph: Graph) -> str | None:
    try:
        WRITERS[name](graph)
    except GraphError as error:
        return str(error)
    return None


def _unbuilt(folder: RunFolder, graph: Graph) -> str:
    try:
        design(folder.config(), graph)
    except ValueError as error:
        return f"no RTL: {error}"
    return f"no RTL yet; `bitneck build {folder.path}` generates it"


def theirs_of(folder: RunFolder) -> Theirs | None:
    """The imported file; None of a net that is trained here."""
    origin = folder.origin()
    if not isinstance(origin, Imported):
        return None
    pixels = origin.pixels if len(origin.pixels) else None
    return Theirs(origin.content, read_file(origin.content, pixels, folder.config().name, False))
