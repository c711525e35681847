"""The proof of a net without RTL: the sources that there are, and why the others are not among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..export.graph import Graph
from ..export.judges.compare import digests, first_mismatch
from ..ib_analysis.codes import Trace
from .belonging import graph_of
from .case import case_of
from .config import chosen_samples
from .files import is_as_written, read_model, read_row, read_trace, write_record
from .folder import Agreement, RunFolder, agreement_of, is_there, verification_of
from .judges import judges_of, sentences
from .record import files_of, inconsistent, of_other_codes, of_other_files, unlike
from .run import trained_on
from .trained import Imported


def has_hardware(folder: RunFolder) -> bool:
    """RTL, or a simulation of some."""
    return is_there(folder.rtl) or is_there(folder.trace)


def proven(folder: RunFolder) -> Agreement:
    """What verify.json says, of a run with RTL or without. Raises RunError where it is missing or damaged."""
    return verification_of(folder) if has_hardware(folder) else agreement_of(folder)


def agreement(
    folder: RunFolder, data_dir: Path | str | None, tell: Callable[[str], None]
) -> tuple[Agreement, list[str]]:
    """Asks every judge, and writes what they say into verify.json."""
    graph, x = _graph_and_samples(folder, data_dir)
    tell(f"graph: the golden model over {len(x):,} samples")
    reference, *others = _traces(folder, graph, x)
    found = (first_mismatch(graph, reference, other, x) for other in others)
    case = case_of(folder, graph, x)
    done = Agreement(
        name=folder.config().name,
        data_sha256=folder.origin().data_sha256,
        samples=len(x),
        layers=len(graph.layers),
        digests=digests([reference, *others]),
        mismatches=[str(mismatch) for mismatch in found if mismatch is not None],
        judges=list(sentences(case, reference, judges_of(case), tell)),
        files=files_of(folder),
        absent=dict(case.lacks),
    )
    write_record(folder.verification, asdict(done) | {"equal": done.equal})
    return done, []


def again(folder: RunFolder, data_dir: Path | str | None) -> tuple[Agreement, list[str]]:
    """What was recorded, and in which places it does not agree with what lies there, as lines."""
    recorded = agreement_of(folder, sealed=False)
    lines = [] if is_as_written(folder.verification) else [f"{folder.verification} was changed after it was written"]
    if stale := of_other_files(folder, recorded):
        return recorded, lines + stale
    graph, x = _graph_and_samples(folder, data_dir)
    traces = _traces(folder, graph, x)
    now = {
        "name": (folder.config().name, "run.toml"),
        "data_sha256": (folder.origin().data_sha256, "the checkpoint"),
        "samples": (len(x), "the data set"),
        "layers": (len(graph.layers), folder.graph.name),
    }
    lines += [*unlike(recorded, now), *of_other_codes(folder, recorded, traces)]
    if (said := read_row(folder.verification).get("equal")) is not recorded.equal:
        lines.append(f"equal: verify.json says {said}, its digests, differences and judges say {recorded.equal}")
    for judge in recorded.judges:
        lines += inconsistent(judge, traces[0])
    return recorded, lines


def _graph_and_samples(folder: RunFolder, data_dir: Path | str | None) -> tuple[Graph, NDArray[np.uint8]]:
    graph = graph_of(folder, own=False)
    return graph, chosen_samples(folder.config(), trained_on(folder, folder.config(), data_dir))[0]


def _traces(folder: RunFolder, graph: Graph, x: NDArray[np.uint8]) -> list[Trace]:
    """What was captured, and what is computed of it now; of a file that was imported, its executors are judges."""
    captured = read_trace(folder.needs(folder.epoch_codes(folder.origin().last), "train"))
    if isinstance(folder.origin(), Imported):
        return [captured, graph(x)]
    from ..export.judges.qonnx import execute

    return [captured, execute(read_model(folder.needs(folder.model, "export")), x), graph(x)]
