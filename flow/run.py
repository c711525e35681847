"""The story: one function a verb, artefact in, artefact out. The same as the command line, for Python.

dataset → checkpoint, codes → model.onnx, graph.npz, streamlined.onnx, standard.onnx → rtl/ → trace.npz, verify.json →
plane.json → report.html. The verbs that simulate and compare are in `proof`, those that know a part in `silicon`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..export.graph import Graph, GraphError
from ..hw.accelerator import Accelerator
from ..hw.simulation.vectors import vectors
from ..hw.synthesis.bitstream import Digest
from ..hw.verilog import verilog
from ..ib_analysis.codes import Codes
from ..ib_analysis.probe import FEWEST_SAMPLES
from ..models.config import schedule
from ..models.datasets import Dataset
from ..models.history import TeacherEpoch
from . import captured
from .attack_report import attack_of
from .belonging import analysis_of, exported, exported_from, graph_of, is_of_this_design
from .captured import Comparison
from .config import RANDOM, HardwareConfig, ImportedConfig, RunConfig, RunError, chosen_samples, design
from .data import data_of, given, keep
from .epoch_nets import is_kept, qonnx_of
from .exact_record import exact_of
from .fault_report import faults_of
from .files import (
    read_inputs,
    read_json,
    read_labels,
    read_model,
    read_text,
    read_trace,
    sample_arrays,
    sha256_of,
    write,
    write_arrays,
    write_folder,
)
from .folder import (
    Analysis,
    RunFolder,
    all_synthesised,
    history,
    others_than_vectors,
    verification_of,
    write_analysis,
)
from .held import held, reading, writing
from .importing import design_name, read_again, samples_of
from .information import information
from .map_shapes import map_shapes
from .members import analysed
from .pages import planes_of_runs as pictures
from .record import disproven, of_other_files
from .trained import Record, as_captured, checkpoint_arrays

if TYPE_CHECKING:
    from ..models.config import NetworkConfig, TrainingConfig
    from ..models.networks import Net
    from ..models.training import Epoch
    from ..models.training import Run as NetTraining

    Begin = Callable[[NetworkConfig, TrainingConfig, Dataset, str], NetTraining]

CHECKPOINT_SECONDS = 2.0
BUILD_FILE = "build.json"  # in rtl/: a BuiltFor


@dataclass(frozen=True)
class BuiltFor:
    """checkpoint   sha256 of the one whose net it is"""

    hardware: HardwareConfig
    checkpoint: Digest


@reading
def train(
    folder: RunFolder,
    config: RunConfig | None = None,
    data_dir: Path | str | None = None,
    device: str = "cpu",
    data: Any = None,
    tell: Callable[[Epoch, int], None] = lambda epoch, epochs: None,
    begin: Begin | None = None,
) -> tuple[Epoch, ...]:
    """Trains, or goes on where an interrupted training stopped; every epoch of the run, those of earlier calls too.

    tell   is told of each epoch as it ends, and how many there will be

    What the training takes, writes and refuses is said at `training`.
    """
    for epoch, epochs in training(folder, config, data_dir, device, data, begin):
        tell(epoch, epochs)
    return tuple(folder.origin().history)


def training(
    folder: RunFolder,
    config: RunConfig | None = None,
    data_dir: Path | str | None = None,
    device: str = "cpu",
    data: Any = None,
    begin: Begin | None = None,
) -> Iterator[tuple[Epoch, int]]:
    """The same, an epoch each time that the next one is asked for: its result, and how many there will be.

    A training that is done goes on where `config` asks for more epochs; run.toml then says so, and the checkpoint how
    it came there (`models.training`). Raises RunError for any other configuration than that of folder and net.

    config   by default the folder's own; where there is none, one that suits `data`
    data     arrays or a torch `Dataset` in place of the data set that `config` names, as `models.own_data.arrays_of`
             takes them; they are kept in the folder, where later verbs find them
    begin    what makes the net of epoch 0, where no training has begun; by default it is untrained

    At the epochs of the schedule the codes of all layers are captured. The checkpoint follows every capture, and every
    CHECKPOINT_SECONDS: what an interruption costs is less than that.
    """
    with held(folder.path, "train", make=True):
        if config is None and (data is None or folder.config_file.exists()):
            config = folder.trainable()
        if data is None:
            assert config is not None
            yield from _train(folder, config, data_of(folder, config, data_dir), device, None, begin)
        else:
            yield from _train(folder, *given(data, config, design_name(folder.path.name)), device, data, begin)


def _train(
    folder: RunFolder, config: RunConfig, data: Dataset, device: str, arrays: Any, begin: Begin | None
) -> Iterator[tuple[Epoch, int]]:
    from ..models import checkpoints
    from ..models import training as net_training
    from ..models.capture import capture

    if not config.network.binary:
        raise RunError(
            f"a net of {config.network.activation} has no codes and no hardware; it trains beside 1-bit nets in "
            "`bitneck sweep` and `bitneck paper`"
        )
    x, y = chosen_samples(config, data)
    folder.check(config)
    epochs = config.training.epochs
    if folder.checkpoint.exists():
        arrays, record = checkpoint_arrays(folder.checkpoint)
        run, codes = checkpoints.restore(arrays, data, device, epochs), dict(record.codes)
        folder.settle(config)
    else:
        start = begin or partial(net_training.start, teacher=_teacher(config))
        run = start(config.network, config.training, data, device)
        if len(x) < FEWEST_SAMPLES:
            raise RunError(
                f"{data.name}: samples={config.analysis.samples} are {len(x)}, and analyze splits them for its probe; "
                f"it needs {FEWEST_SAMPLES}: choose others with `samples` in [analysis], or give a larger set"
            )
        folder.settle(config)  # what cannot be trained leaves no folder
        for old in folder.captured_epochs():  # of a training whose checkpoint is gone, or had not been written yet
            folder.epoch_codes(old).unlink()
            folder.epoch_net(old).unlink(missing_ok=True)
        keep(folder, data, arrays)
        write_arrays(folder.labels, sample_arrays(x, y))
        codes = {folder.labels.name: sha256_of(folder.labels)}
    looked_at, nets_kept = set(schedule(epochs)), is_kept(run.net)
    saved = time.monotonic()

    def keep_checkpoint() -> None:
        nonlocal saved
        write_arrays(folder.checkpoint, Record.of(config, codes).beside(checkpoints.state_arrays(run)))
        saved = time.monotonic()

    for epoch in net_training.train(run):
        captured = not isinstance(epoch, TeacherEpoch) and epoch.epoch in looked_at
        if captured:  # before the checkpoint: whoever goes on from it finds every capture before it
            kept = {folder.epoch_codes(epoch.epoch): capture(run.net, x).arrays()}
            if nets_kept:
                kept[folder.epoch_net(epoch.epoch)] = checkpoints.net_arrays(run.net)
            for path, arrays in kept.items():
                write_arrays(path, arrays)
                codes[path.name] = sha256_of(path)
        if captured or time.monotonic() - saved > CHECKPOINT_SECONDS:
            keep_checkpoint()
        yield epoch, epoch.epochs if isinstance(epoch, TeacherEpoch) else epochs


def _teacher(config: RunConfig) -> Net | None:
    """The net that the run of `training.teacher` was taught by, or where nothing taught it, its own."""
    from ..models.checkpoints import network

    if not config.training.teacher:
        return None
    arrays, _ = checkpoint_arrays(RunFolder(config.training.teacher).checkpoint)
    taught = {name.removeprefix("teacher/"): value for name, value in arrays.items() if name.startswith("teacher/")}
    return network(taught or arrays)


@reading
def finished(folder: RunFolder) -> RunConfig | ImportedConfig:
    """The configuration of a run whose training is done, or whose net was imported. Raises RunError where epochs are
    missing.
    """
    config, done = folder.config(), folder.origin().epochs
    if isinstance(config, RunConfig) and done < config.training.epochs:
        raise RunError(
            f"{folder.path}: trained {done} of {config.training.epochs} epochs; `bitneck train {folder.path}` goes on"
        )
    return config


@writing
def export(folder: RunFolder, tell: Callable[[str], None] = lambda _: None) -> Graph:
    """The net as tie-proof QONNX, and the integers that the reader finds in its file, in three spellings.

    tell   is told of a spelling that cannot hold an imported net, as a line; that file is then not there
    """
    from ..export.writing import step_file
    from ..export.writing.qonnx import serialize
    from ..export.writing.standard import standard
    from ..export.writing.streamlined import streamlined

    config = finished(folder)
    spellings = {folder.streamlined: streamlined, folder.standard: standard}
    if isinstance(config, ImportedConfig):
        from ..export.writing.tie_proof import tie_proof

        graph = read_again(folder).graph
        spellings = {folder.model: tie_proof, **spellings}
    else:
        content = qonnx_of(checkpoint_arrays(folder.checkpoint)[0], config.name)
        graph = step_file.graph_of(content)
        write(folder.model, content)
    for path, spelling in spellings.items():
        try:
            write(path, serialize(spelling(graph)))
        except GraphError as error:
            path.unlink(missing_ok=True)
            tell(f"no {path.name}: {error}")
    write_arrays(folder.graph, exported(folder, graph))
    return graph


@reading
def trained_on(folder: RunFolder, config: RunConfig | ImportedConfig, data_dir: Path | str | None) -> Dataset:
    """The data set of the run. Raises RunError where it has become another since the training, or the import."""
    due = folder.origin().data_sha256
    if isinstance(config, RunConfig):
        data = data_of(folder, config, data_dir)
    else:
        data = samples_of(graph_of(folder, own=False), config, data_dir)
    if data.sha256 != due:
        raise RunError(f"{folder.path} was trained on data of sha256 {due}, {config.dataset} is {data.sha256}")
    return data


@writing
def build(folder: RunFolder) -> Accelerator:
    """The RTL: top module, hand-written modules, memories."""
    hardware, accelerator = folder.config().hardware, design(folder.config(), graph_of(folder))
    files = verilog(accelerator)
    row = {"hardware": hardware.model_dump(mode="json"), "checkpoint": exported_from(folder)}
    files[BUILD_FILE] = json.dumps(row, indent=1)
    write_folder(folder.rtl, files)
    return accelerator


@reading
def export_vectors(
    folder: RunFolder, path: Path | str | None = None, frames: int = 100, data_dir: Path | str | None = None
) -> Path:
    """The golden vectors of the first `frames` samples that are analysed, into `path`; by default vectors/ of the run.

    A folder that holds anything else is not replaced.
    """
    if path is None:
        with held(folder.path, "export"):
            return export_vectors(folder, folder.vectors, frames, data_dir)
    path, config, graph = Path(path), folder.config(), graph_of(folder)
    x, _ = chosen_samples(config, trained_on(folder, config, data_dir))
    if len(x) < frames:
        raise RunError(f"{frames} frames are wanted, {folder.path} analyses {len(x)} samples; choose 1 .. {len(x)}")
    accelerator = built(folder, graph)[0] if folder.rtl.exists() else design(config, graph)
    if strangers := others_than_vectors(path):
        raise RunError(f"{path} holds {strangers[0]}, which is no vector of an export; choose a new folder")
    write_folder(path, vectors(accelerator, x[:frames], graph(x[:frames])))
    return path


@reading
def built(folder: RunFolder, graph: Graph) -> tuple[Accelerator, dict[str, str]]:
    """The accelerator, and the files of rtl/ by name. Raises RunError where one is missing, or of another
    [hardware] or another net.
    """
    config = folder.config()
    built_for = read_json(folder.needs(folder.rtl / BUILD_FILE, "build"), BuiltFor)
    if built_for.hardware != config.hardware:
        raise RunError(
            f"{folder.rtl} was built for other [hardware] than {folder.config_file} says; `bitneck build` it"
        )
    if (checkpoint := exported_from(folder)) and built_for.checkpoint != checkpoint:
        raise RunError(
            f"{folder.rtl} was built of another net than {folder.graph} is; `bitneck build {folder.path}` it"
        )
    accelerator = design(config, graph)
    files = {path.name: read_text(path) for path in sorted(folder.rtl.iterdir())}
    if lost := sorted(verilog(accelerator).keys() - files.keys()):  # else a simulator finds an older one elsewhere
        more = f" and {len(lost) - 1} more files" if len(lost) > 1 else ""
        raise RunError(f"{folder.rtl} lacks {lost[0]}{more}; `bitneck build {folder.path}` makes it")
    for name, due in verilog(accelerator).items():  # a simulator that cannot read its memory ends the process
        words = due.split()
        if name.endswith(".mem") and not _same_form(files[name].split(), words):
            raise RunError(
                f"{name} in {folder.rtl.name}/ is damaged: {len(words)} words of {len(words[0])} hex digits belong "
                f"there; `bitneck build {folder.path}` writes it anew"
            )
    return accelerator, files


def _same_form(words: list[str], due: list[str]) -> bool:
    digits = re.compile(f"[0-9a-fA-F]{{{len(due[0])}}}")
    return len(words) == len(due) and all(digits.fullmatch(word) for word in words)


@writing
def analyze(folder: RunFolder, progress: Callable[[int, int], None] = lambda done, of: None) -> Analysis:
    """I(X;T) and I(T;Y) of every layer at every captured epoch; of the last, what its single bits do, and of feature
    maps what their positions and channels do.
    """
    config, record = folder.config(), folder.origin().record
    samples, epochs = _captured(folder, record, folder.labels), record.epochs
    if not epochs:
        raise RunError(f"{folder.codes} holds no captured codes; `bitneck train {folder.path}` captures them")

    def codes_of(epoch: int) -> dict[str, Codes]:
        layers = read_trace(_captured(folder, record, folder.epoch_codes(epoch))).layers()
        return analysed(layers, config.network) if isinstance(config, RunConfig) else layers

    labelled = config.dataset != RANDOM  # the net's own answers are no labels of its random inputs
    analysis = information(
        epochs,
        codes_of,
        read_labels(samples),
        config.analysis.target,
        map_shapes(folder),
        record.codes,
        labelled,
        config.analysis.brackets,
        read_inputs(samples),
        progress,
    )
    write_analysis(folder.plane, analysis)
    return analysis


@reading
def analyze_captured(
    folder: RunFolder, path: Path | str, layer: str | None = None, beat_bits: int | None = None
) -> list[Comparison]:
    """Codes captured elsewhere beside the trained net's own; see `captured.read` for the files it takes."""
    config, record = finished(folder), folder.origin().record
    labels = read_labels(_captured(folder, record, folder.labels))
    trace = read_trace(_captured(folder, record, folder.epoch_codes(folder.origin().last)))
    samples = captured.samples_in(Path(path), len(labels))
    software = {name: codes[samples] for name, codes in captured.emissions(trace).items()}

    def design_beats() -> dict[str, int]:
        if not folder.graph.exists():
            return {}
        accelerator = design(config, graph_of(folder))
        return {name: accelerator[name].out_width for name in accelerator.layers} | {"class": software["class"].width}

    expected = captured.Expected(software, trace.fan_in.bit_length(), design_beats)
    given = captured.read(Path(path), expected, layer, beat_bits)
    return captured.compare(software, given, labels[samples], config.analysis.target, samples)


def _captured(folder: RunFolder, record: Record, path: Path) -> Path:
    """A file of codes/, as the training captured it."""
    return as_captured(record, folder.needs(path, "train"))


@writing
def report(folder: RunFolder) -> Path:
    """One self-contained page of everything above, and beside it the information plane with its epoch slider.

    Raises RunError where verify.json is no record of what lies there. What was synthesised of another design than
    lies in rtl/ is marked on the page.
    """
    from .pages.report import page  # plots and templates cost a second that no other verb should wait for

    graph, config = graph_of(folder), finished(folder)
    accelerator, files = built(folder, graph)
    read_model(folder.needs(folder.model, "export"))
    synthesised = all_synthesised(folder)
    verification, analysis = verification_of(folder), analysis_of(folder)
    stale = of_other_files(folder, verification) or disproven(folder, config, accelerator, verification)
    if stale and verification.equal:  # a page that says "different" may be of what was changed since
        raise RunError(f"{folder.verification} is no record of what lies here, in {len(stale)} places: {stale[0]}")
    outdated = [done.place for done in synthesised if not is_of_this_design(folder, done)]
    content = page(
        folder,
        graph,
        accelerator,
        history(folder),
        verification,
        analysis,
        synthesised,
        outdated,
        faults_of(folder, files),
        attack_of(folder, files),
        exact_of(folder, graph).around,
    )
    pictures.page([folder], folder.plane_page)
    write(folder.report, content)
    return folder.report
