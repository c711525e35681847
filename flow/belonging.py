"""Which files of a run belong together: every artefact says of which others it was made, and whoever reads it asks.

    checkpoint   the sha256 of every file in codes/ that its training captured, and a digest of itself (`trained`)
    graph.npz    the sha256 of the checkpoint that it was exported from, and a digest of itself; build.json the first
    plane.json   the sha256 of the codes and labels that were measured
    verify.json  the sha256 of what was executed and came out (`record`)
    synth.json   a digest of the design that was synthesised

A run into which a file of another was put is told so by the first verb that would compute or show something of it.
`simulate` alone takes what lies there, as it is: finding differences is its work.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph, GraphError
from ..hw.accelerator import Accelerator
from ..hw.synthesis.bitstream import Synthesis, design_digest
from ..hw.verilog import verilog
from .config import RunError
from .files import damaged, digest_of, read_arrays, read_record, read_text, sha256_of
from .folder import Analysis, RunFolder, is_there

CHECKPOINT, LAYERS = (
    "checkpoint",
    "layers",
)  # in graph.npz, beside the layers: sha256 of the one, a digest of the others


def exported(folder: RunFolder, graph: Graph) -> dict[str, NDArray]:
    """What graph.npz holds."""
    layers = graph.arrays()
    return {**layers, CHECKPOINT: np.array(sha256_of(folder.checkpoint)), LAYERS: np.array(digest_of(layers))}


def _read_graph(folder: RunFolder) -> tuple[dict[str, NDArray], str, str]:
    """The layers, and what the file says of their checkpoint and of themselves; empty where it says nothing."""
    arrays = read_arrays(folder.needs(folder.graph, "export"))
    return arrays, str(arrays.pop(CHECKPOINT, "")), str(arrays.pop(LAYERS, ""))


def graph_of(folder: RunFolder, own: bool = True) -> Graph:
    """The integer graph. Raises RunError where the file is damaged, was exported from another checkpoint or under
    another name, or, but for `own=False`, was changed since.
    """
    path, name = folder.needs(folder.graph, "export"), folder.config().name
    arrays, checkpoint, layers = _read_graph(folder)
    try:
        graph = Graph.from_arrays(arrays)
    except GraphError as error:
        raise damaged(path, error) from None
    said = checkpoint if own else checkpoint or sha256_of(folder.checkpoint)
    if is_there(folder.checkpoint) and said != sha256_of(folder.checkpoint):
        raise RunError(
            f"{path} was made from another checkpoint than {folder.checkpoint} is now; `bitneck export {folder.path}` "
            "makes it anew"
        )
    if own and layers != digest_of(arrays):
        raise damaged(path, "it was changed after it was written")
    if graph.name != name:
        raise RunError(
            f"{path} is of the name {graph.name!r}, {folder.config_file} says {name!r}; put the old name back, or "
            f"`bitneck export {folder.path}` writes it under the new one"
        )
    return graph


def exported_from(folder: RunFolder) -> str:
    """sha256 of the checkpoint whose net is in graph.npz, by its own word."""
    return _read_graph(folder)[1]


def analysis_of(folder: RunFolder) -> Analysis:
    """Raises RunError where plane.json is damaged, or was not measured on the codes of this run and for its target."""
    path, target = folder.needs(folder.plane, "analyze"), folder.config().analysis.target
    analysis = read_record(path, Analysis)
    if is_there(folder.checkpoint) and analysis.codes != folder.origin().record.codes:
        raise RunError(
            f"{path} was made from another checkpoint than {folder.checkpoint} is now; `bitneck analyze {folder.path}` "
            "measures its codes"
        )
    if other := sorted({point.i_xt.target for point in analysis.points} - {target}):
        raise RunError(
            f"{path} was measured for target {', '.join(other)}, {folder.config_file} says {target}; put the old "
            f"target back, or `bitneck analyze {folder.path}` measures for this one"
        )
    return analysis


def is_of_this_design(folder: RunFolder, synthesis: Synthesis) -> bool:
    """Whether what lies in rtl/ was synthesised, and not an earlier design."""
    return synthesis.design == design_digest({each.name: read_text(each) for each in sorted(folder.rtl.iterdir())})


def check_design(folder: RunFolder, accelerator: Accelerator, files: Mapping[str, str]) -> None:
    """Raises RunError where the files of rtl/ are not what `build` writes of this graph: nothing would tell later."""
    for name, text in verilog(accelerator).items():
        if files.get(name) != text:
            raise RunError(
                f"{folder.rtl / name} is not what `bitneck build` makes of {folder.graph.name}; "
                f"`bitneck build {folder.path}` writes it anew"
            )
