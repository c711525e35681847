"""The story: one function a verb, artefact in, artefact out. The same as the command line, for Python.

dataset → checkpoint, codes → model.onnx, graph.npz, streamlined.onnx, standard.onnx → rtl/ → trace.npz, verify.json →
plane.json → report.html. The verbs that simulate and compare are in `proof`, those that know a part in `silicon`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from ..export.graph import Graph
from ..hw.accelerator import Accelerator
from ..hw.simulation.vectors import vectors
from ..hw.synthesis.targets import TARGETS
from ..hw.verilog import verilog
from ..ib_analysis.codes import Trace
from ..ib_analysis.layer_bits import layer_bits
from ..ib_analysis.plane import plane
from ..ib_analysis.symbols import label_symbols
from ..models.config import schedule
from ..models.datasets import Dataset, load
from . import captured
from .belonging import (
    Captured,
    analysis_of,
    check_captured,
    check_proof,
    check_synthesis,
    checkpoint_of,
    data_of,
    exported,
    graph_of,
)
from .captured import Comparison
from .config import HardwareConfig, RunConfig, RunError, chosen_samples, design
from .files import (
    read_json,
    read_labels,
    read_model,
    read_text,
    read_trace,
    sha256_of,
    write,
    write_arrays,
    write_folder,
    write_record,
)
from .folder import Analysis, RunFolder, history, others_than_vectors, synthesis_of, verification_of
from .pages import planes_of_runs as pictures

if TYPE_CHECKING:
    from ..models.training import Epoch

CHECKPOINT_SECONDS = 2.0
BUILD_FILE = "build.json"  # in rtl/: the [hardware] it was built for


def train(
    folder: RunFolder, config: RunConfig, data_dir: Path | None = None, device: str = "cpu"
) -> Iterator[tuple[Epoch, int]]:
    """Trains, or goes on where an interrupted training stopped; yields each epoch's result and how many there will be.

    At the epochs of the schedule the codes of all layers are captured. The checkpoint follows every capture, and every
    CHECKPOINT_SECONDS: what an interruption costs is less than that.
    """
    from ..models import training
    from ..models.capture import capture

    if not config.network.binary:
        raise RunError(
            f"a net of {config.network.activation} has no codes and no hardware; it trains beside 1-bit nets in "
            "`bitneck sweep` and `bitneck paper`"
        )
    data = load(config.dataset, data_dir)
    x, y = chosen_samples(config, data)
    if folder.checkpoint.exists():
        folder.settle(config)
        arrays, files = checkpoint_of(folder)
        run = training.restore(arrays, data, device)
    else:
        run = training.start(config.network, config.training, data, device)
        folder.settle(config)  # what cannot be trained leaves no folder
        write_arrays(folder.labels, {"labels": y})
        files = Captured(config.dataset, config.analysis.samples, {folder.labels.name: sha256_of(folder.labels)})
    epochs = config.training.epochs
    looked_at = set(schedule(epochs))
    saved = time.monotonic()
    for epoch in training.train(run):
        captured = epoch.epoch in looked_at
        if captured:  # before the checkpoint: whoever goes on from it finds every capture before it
            path = folder.epoch_codes(epoch.epoch)
            write_arrays(path, capture(run.net, x).arrays())
            files = replace(files, files={**files.files, path.name: sha256_of(path)})
        if captured or time.monotonic() - saved > CHECKPOINT_SECONDS:
            write_arrays(folder.checkpoint, files.beside(training.state_arrays(run)))
            saved = time.monotonic()
        yield epoch, epochs


def _check_trained(folder: RunFolder) -> None:
    epochs, done = folder.config().training.epochs, len(history(folder)) - 1
    if done < epochs:
        raise RunError(f"{folder.path}: trained {done} of {epochs} epochs; `bitneck train {folder.path}` goes on")


def export(folder: RunFolder) -> Graph:
    """The trained net as tie-proof QONNX, and the integers that the reader finds in that file, in three spellings."""
    from ..export.reading.streamline import streamline
    from ..export.writing.qonnx import export as to_qonnx
    from ..export.writing.qonnx import serialize
    from ..export.writing.standard import standard
    from ..export.writing.streamlined import streamlined
    from ..models import training

    config = folder.config()
    _check_trained(folder)
    net = training.network(checkpoint_of(folder)[0])
    content = serialize(to_qonnx(net, config.name))
    graph = streamline(content).graph
    write(folder.model, content)
    write(folder.streamlined, serialize(streamlined(graph)))
    write(folder.standard, serialize(standard(graph)))
    write_arrays(folder.graph, exported(folder, graph))
    return graph


def trained_on(folder: RunFolder, config: RunConfig, data_dir: Path | None) -> Dataset:
    """The data set of the run. Raises RunError where it has become another since the training."""
    data = load(config.dataset, data_dir)
    trained_on = data_of(checkpoint_of(folder)[0])
    if data.sha256 != trained_on:
        raise RunError(f"{folder.path} was trained on data of sha256 {trained_on}, {config.dataset} is {data.sha256}")
    return data


def build(folder: RunFolder) -> Accelerator:
    """The RTL: top module, hand-written modules, memories."""
    accelerator = design(folder.config(), graph_of(folder))
    files = verilog(accelerator)
    files[BUILD_FILE] = folder.config().hardware.model_dump_json(indent=1)
    write_folder(folder.rtl, files)
    return accelerator


def export_vectors(
    folder: RunFolder, path: Path | None = None, frames: int = 100, data_dir: Path | None = None
) -> Path:
    """The golden vectors of the first `frames` samples that are analysed, into `path`; by default vectors/ of the run.

    A folder that holds anything else is not replaced.
    """
    config, graph = folder.config(), graph_of(folder)
    x, _ = chosen_samples(config, trained_on(folder, config, data_dir))
    if len(x) < frames:
        raise RunError(f"{frames} frames are wanted, {folder.path} analyses {len(x)} samples; choose 1 .. {len(x)}")
    accelerator = built(folder, graph)[0] if folder.rtl.exists() else design(config, graph)
    path = path or folder.vectors
    if strangers := others_than_vectors(path):
        raise RunError(f"{path} holds {strangers[0]}, which is no vector of an export; choose a new folder")
    write_folder(path, vectors(accelerator, x[:frames], graph(x[:frames])))
    return path


def built(folder: RunFolder, graph: Graph) -> tuple[Accelerator, dict[str, str]]:
    """The accelerator, and the files of rtl/ by name. Raises RunError where one is missing, or of another
    [hardware].
    """
    config = folder.config()
    built_for = read_json(folder.needs(folder.rtl / BUILD_FILE, "build"), HardwareConfig)
    if built_for != config.hardware:
        raise RunError(
            f"{folder.rtl} was built for other [hardware] than {folder.config_file} says; `bitneck build` it"
        )
    accelerator = design(config, graph)
    files = {path.name: read_text(path) for path in sorted(folder.rtl.iterdir())}
    if lost := sorted(verilog(accelerator).keys() - files.keys()):  # else a simulator finds an older one elsewhere
        raise RunError(f"{folder.rtl} lacks {', '.join(lost)}; `bitneck build {folder.path}` makes it")
    for name, due in verilog(accelerator).items():  # a simulator that cannot read its memory ends the process
        if name.endswith(".mem") and not _same_form(files[name].split(), due.split()):
            raise RunError(
                f"{name} in {folder.rtl.name}/ is damaged: {len(due.split())} words of {len(due.split()[0])} hex digits "
                f"belong there; `bitneck build {folder.path}` writes it anew"
            )
    return accelerator, files


def _same_form(words: list[str], due: list[str]) -> bool:
    digits = re.compile(f"[0-9a-fA-F]{{{len(due[0])}}}")
    return len(words) == len(due) and all(digits.fullmatch(word) for word in words)


@threadpool_limits.wrap(limits=1)  # a sum over two threads rounds otherwise: the same codes, the same bytes everywhere
def analyze(folder: RunFolder, progress: Callable[[int, int], None] = lambda done, of: None) -> Analysis:
    """I(X;T) and I(T;Y) of every layer at every captured epoch; of the last, what its single bits do."""
    config = folder.config()
    labels = read_labels(folder.needs(folder.labels, "train"))
    epochs = folder.captured_epochs()
    if not epochs:
        raise RunError(f"{folder.codes} holds no captured codes; `bitneck train {folder.path}` captures them")
    files = checkpoint_of(folder)[1]
    check_captured(folder, files, {*files.files, *(folder.epoch_codes(epoch).name for epoch in epochs)})

    def by_epoch() -> Iterator[tuple[int, dict]]:
        for done, epoch in enumerate(epochs):
            progress(done, len(epochs))
            yield epoch, read_trace(folder.epoch_codes(epoch)).layers()
        progress(len(epochs), len(epochs))

    points = plane(by_epoch(), labels, config.analysis.target, chance=True)
    last: Trace = read_trace(folder.epoch_codes(epochs[-1]))
    population = (
        ()
        if config.analysis.target != "dataset"
        else plane({epochs[-1]: last.layers()}, labels, "population", chance=True)
    )
    y, rng = label_symbols(labels), np.random.default_rng(0)
    bits = tuple(layer_bits(name, codes, y, rng) for name, codes in last.layers().items())
    analysis = Analysis(points, population, bits, files.files)
    write_record(folder.plane, asdict(analysis))
    return analysis


def analyze_captured(
    folder: RunFolder, path: Path, layer: str | None = None, beat_bits: int | None = None
) -> list[Comparison]:
    """Codes captured elsewhere beside the trained net's own; see `captured.read` for the files it takes."""
    config = folder.config()
    path_of_ours = folder.needs(folder.epoch_codes(config.training.epochs), "train")
    check_captured(folder, checkpoint_of(folder)[1], (folder.labels.name, path_of_ours.name))
    labels, software = read_labels(folder.labels), read_trace(path_of_ours).layers()
    given = captured.read(path, {name: codes.width for name, codes in software.items()}, layer, beat_bits)
    return captured.compare(software, given, labels, config.analysis.target)


def report(folder: RunFolder) -> Path:
    """One self-contained page of everything above, and beside it the information plane with its epoch slider."""
    from .pages.report import page  # plots and templates cost a second that no other verb should wait for

    graph = graph_of(folder)
    accelerator, _ = built(folder, graph)
    read_model(folder.needs(folder.model, "export"))
    synthesised = [done for target in TARGETS if (done := synthesis_of(folder, target)) is not None]
    verification, analysis = verification_of(folder), analysis_of(folder)
    if verification.equal:  # a page that says "different" names what is
        check_proof(folder, verification, data_of(checkpoint_of(folder)[0]))
    for done in synthesised:
        check_synthesis(folder, done)
    content = page(folder, graph, accelerator, history(folder), verification, analysis, synthesised)
    pictures.page([folder], folder.plane_page)
    write(folder.report, content)
    return folder.report
