"""Which files of a run belong together: every artefact says of which others it was made, and whoever reads it asks.

    checkpoint   the sha256 of every file in codes/ that its training captured, of which data set and samples
    graph.npz    a digest of the checkpoint that it was exported from, and of itself
    plane.json   the sha256 of the codes and labels that were measured
    verify.json  the sha256 of what was executed
    synth.json   a digest of the design that was synthesised

A run into which a file of another was put is told so by the first verb that would compute or show something of it.
`simulate` alone takes what lies there, as it is: finding differences is its work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from ..export.graph import Graph, GraphError
from ..export.judges.compare import digests
from ..hw.accelerator import Accelerator
from ..hw.synthesis.bitstream import Digest, Synthesis, design_digest
from ..hw.verilog import verilog
from ..models.config import NetworkConfig, TrainingConfig, describe
from .config import RunError, Samples
from .files import damaged, digest_of, read_arrays, read_record, read_text, read_trace, sha256_of
from .folder import Analysis, RunFolder, Verification, is_there

MADE_OF = "made_of"  # in graph.npz, beside the layers


@dataclass(frozen=True)
class Captured:
    """What a training captured: sha256 by name of files in codes/, and of which samples they are.

    state   digest of the arrays of the checkpoint that says so
    """

    dataset: str
    samples: Samples
    files: dict[str, Digest]
    state: Digest = "0" * 64

    def beside(self, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """What the checkpoint holds: a training's arrays and this."""
        row = asdict(replace(self, state=digest_of(arrays)))
        return {**arrays, "captured": np.array(json.dumps(row))}


def checkpoint_of(folder: RunFolder) -> tuple[dict[str, NDArray], Captured]:
    """The checkpoint's arrays, and what was captured. Raises RunError where run.toml describes another training."""
    path, config = folder.needs(folder.checkpoint, "train"), folder.config()
    arrays = read_arrays(path)
    for name in ("data", "network", "training", "history", "captured"):
        if name not in arrays or arrays[name].dtype.kind != "U" or arrays[name].ndim:
            raise damaged(path, f"{name} is missing, or no text")
    try:
        network = NetworkConfig.model_validate_json(str(arrays["network"]))
        training = TrainingConfig.model_validate_json(str(arrays["training"]))
        captured = TypeAdapter(Captured).validate_json(str(arrays["captured"]), strict=True, extra="forbid")
    except ValidationError as error:
        raise damaged(path, describe(error)) from None
    if captured.state != digest_of({name: array for name, array in arrays.items() if name != "captured"}):
        raise damaged(path, "its arrays were changed after they were written")
    pairs = {
        "dataset": (config.dataset, captured.dataset),
        "analysis.samples": (config.analysis.samples, captured.samples),
        **{f"network.{key}": (asked, getattr(network, key)) for key, asked in config.network},
        **{f"training.{key}": (asked, getattr(training, key)) for key, asked in config.training if key != "epochs"},
    }
    if other := [f"{key} = {asked} for {was}" for key, (asked, was) in pairs.items() if asked != was]:
        raise RunError(
            f"{path} was trained with another {folder.config_file.name}, which now says {', '.join(other)}; put back "
            "what it was trained with, or train in another folder"
        )
    return arrays, captured


def check_captured(folder: RunFolder, captured: Captured, names: Iterable[str] | None = None) -> None:
    """Raises RunError where one of these files in codes/, by default all, is not what the training captured."""
    way_out = f"remove {folder.checkpoint.parent} and {folder.codes}, and `bitneck train {folder.path}` makes both anew"
    for name in captured.files if names is None else names:
        path = folder.codes / name
        if name not in captured.files:
            raise RunError(f"{path} is not of the training that {folder.checkpoint} holds; {way_out}")
        if sha256_of(folder.needs(path, "train")) != captured.files[name]:
            raise RunError(f"{path} is damaged, or of another run: it is not what the training captured; {way_out}")


def exported(folder: RunFolder, graph: Graph) -> dict[str, NDArray]:
    """What graph.npz holds."""
    return {**graph.arrays(), MADE_OF: np.array(_made_of(folder, graph.arrays()))}


def _made_of(folder: RunFolder, layers: Mapping[str, NDArray]) -> str:
    return hashlib.sha256(f"{sha256_of(folder.checkpoint)} {digest_of(layers)}".encode()).hexdigest()


def graph_of(folder: RunFolder, own: bool = True) -> Graph:
    """The integer graph. Raises RunError where the file is damaged or, but for `own=False`, not of this checkpoint."""
    path = folder.needs(folder.graph, "export")
    arrays = read_arrays(path)
    made_of = str(arrays.pop(MADE_OF, ""))
    try:
        graph = Graph.from_arrays(arrays)
    except GraphError as error:
        raise damaged(path, error) from None
    if own and is_there(folder.checkpoint) and made_of != _made_of(folder, arrays):
        raise RunError(f"{path} was not exported from {folder.checkpoint}; `bitneck export {folder.path}` does it")
    if own and graph.name != folder.config().name:
        raise RunError(
            f"{path} was exported as {graph.name!r}, {folder.config_file} says {folder.config().name!r}; "
            f"`bitneck export {folder.path}` takes the new name"
        )
    return graph


def analysis_of(folder: RunFolder) -> Analysis:
    """Raises RunError where plane.json is damaged, or was not measured on the codes of this run and for its target."""
    path, config = folder.needs(folder.plane, "analyze"), folder.config()
    analysis = read_record(path, Analysis)
    way_out = f"`bitneck analyze {folder.path}` measures them"
    if is_there(folder.checkpoint) and analysis.codes != checkpoint_of(folder)[1].files:
        raise RunError(f"{path} was not measured on the codes that {folder.checkpoint} tells of; {way_out}")
    if other := sorted({point.i_xt.target for point in analysis.points} - {config.analysis.target}):
        raise RunError(
            f"{path} is for the target {other[0]}, {folder.config_file} says {config.analysis.target}; {way_out}"
        )
    return analysis


def check_proof(folder: RunFolder, verification: Verification, data_sha256: str) -> None:
    """Raises RunError where the recorded proof is of other files than lie there, or of other data."""
    way_out = f"`bitneck simulate {folder.path}` proves what is there"
    there = {f"{folder.rtl.name}/{path.name}" for path in folder.rtl.iterdir()}
    for name in dict.fromkeys([*verification.files, *sorted(there)]):
        path = folder.path / name
        if not path.exists() or sha256_of(path) != verification.files.get(name):
            raise RunError(f"{path} is not what {folder.verification} speaks of; {way_out}")
    trace = read_trace(folder.needs(folder.trace, "simulate"))
    for layer, row in digests([trace]).items():
        if row[trace.source] != verification.digests.get(layer, {}).get(trace.source):
            raise RunError(f"{folder.trace}: {layer} is not what {folder.verification} speaks of; {way_out}")
    if verification.data_sha256 != data_sha256:
        raise RunError(f"{folder.verification} is of other data than {folder.checkpoint}; {way_out}")


def check_synthesis(folder: RunFolder, synthesis: Synthesis) -> None:
    """Raises RunError where the bitstream is of another design than lies in rtl/."""
    path = folder.synthesis(synthesis.target)
    if synthesis.design != design_digest({each.name: read_text(each) for each in sorted(folder.rtl.iterdir())}):
        raise RunError(
            f"{path} is of another design than {folder.rtl}; `bitneck synth {folder.path} --target {synthesis.target}` "
            f"makes it anew, or remove {path.parent}"
        )


def check_design(folder: RunFolder, accelerator: Accelerator, files: Mapping[str, str]) -> None:
    """Raises RunError where the files of rtl/ are not what `build` writes of this graph: nothing would tell later."""
    for name, text in verilog(accelerator).items():
        if files.get(name) != text:
            raise RunError(
                f"{folder.rtl / name} is not what `bitneck build` makes of {folder.graph.name}; "
                f"`bitneck build {folder.path}` writes it anew"
            )


def data_of(arrays: Mapping[str, NDArray]) -> str:
    """sha256 of the data set that a checkpoint was trained on."""
    return str(arrays["data"])
