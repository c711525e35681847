"""The story: one function a verb, artefact in, artefact out. The same as the command line, for Python.

dataset → checkpoint, codes → model.onnx, graph.npz, streamlined.onnx, standard.onnx → rtl/ → trace.npz, verify.json →
plane.json → report.html
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from . import captured
from .artefacts import (
    Analysis,
    RunFolder,
    Verification,
    analysis_of,
    graph_of,
    history,
    others_than_vectors,
    read_arrays,
    read_json,
    read_model,
    read_trace,
    synthesis_of,
    verification_of,
    write,
    write_arrays,
    write_folder,
)
from .captured import Comparison
from .export.compare import digests, first_mismatch
from .export.graph import Graph
from .hw.accelerator import Accelerator
from .hw.costs import next_step
from .hw.fitting import complaint
from .hw.resources import estimate
from .hw.search import Search, budget, search
from .hw.synthesis import Synthesis, digest, synthesise
from .hw.targets import TARGETS, target_of
from .hw.vectors import vectors
from .hw.verilog import verilog
from .ib_analysis.codes import Trace
from .ib_analysis.layer_bits import layer_bits
from .ib_analysis.layer_bits import to_rows as bits_to_rows
from .ib_analysis.plane import plane, to_rows
from .ib_analysis.symbols import label_symbols
from .models.config import schedule
from .models.datasets import Dataset, load
from .runs import HardwareConfig, RunConfig, RunError, chosen_samples, design, wished

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .models.training import Epoch

CHECKPOINT_SECONDS = 2.0
BUILD_FILE = "build.json"  # in rtl/: the [hardware] it was built for

Tier = Literal["library", "cocotb"]
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tells nobody."""


def train(
    folder: RunFolder, config: RunConfig, data_dir: Path | None = None, device: str = "cpu"
) -> Iterator[tuple[Epoch, int]]:
    """Trains, or goes on where an interrupted training stopped; yields each epoch's result and how many there will be.

    At the epochs of the schedule the codes of all layers are captured. The checkpoint follows every capture, and every
    CHECKPOINT_SECONDS: what an interruption costs is less than that.
    """
    from .models import training
    from .models.capture import capture

    if not config.network.binary:
        raise RunError(
            f"a net of {config.network.activation} has no codes and no hardware; it trains beside 1-bit nets in "
            "`bitneck sweep` and `bitneck paper`"
        )
    data = load(config.dataset, data_dir)
    x, y = chosen_samples(config, data)
    folder.settle(config)
    if folder.checkpoint.exists():
        run = training.restore(read_arrays(folder.checkpoint), data, device)
    else:
        run = training.start(config.network, config.training, data, device)
        write_arrays(folder.codes / "labels.npz", {"labels": y})
    epochs = config.training.epochs
    looked_at = set(schedule(epochs))
    saved = time.monotonic()
    for epoch in training.train(run):
        captured = epoch.epoch in looked_at
        if captured:  # before the checkpoint: whoever goes on from it finds every capture before it
            write_arrays(folder.epoch_codes(epoch.epoch), capture(run.net, x).arrays())
        if captured or time.monotonic() - saved > CHECKPOINT_SECONDS:
            write_arrays(folder.checkpoint, training.state_arrays(run))
            saved = time.monotonic()
        yield epoch, epochs


def _check_trained(folder: RunFolder) -> None:
    epochs, done = folder.config().training.epochs, len(history(folder)) - 1
    if done < epochs:
        raise RunError(f"{folder.path}: trained {done} of {epochs} epochs; `bitneck train {folder.path}` goes on")


def export(folder: RunFolder) -> Graph:
    """The trained net as tie-proof QONNX, and the integers that the reader finds in that file, in three spellings."""
    from .export.qonnx import export as to_qonnx
    from .export.qonnx import serialize
    from .export.standard import standard
    from .export.streamline import streamline
    from .export.streamlined import streamlined
    from .models import training

    config = folder.config()
    _check_trained(folder)
    net = training.network(read_arrays(folder.checkpoint))
    content = serialize(to_qonnx(net, config.name))
    graph = streamline(content).graph
    write(folder.model, content)
    write(folder.streamlined, serialize(streamlined(graph)))
    write(folder.standard, serialize(standard(graph)))
    write_arrays(folder.graph, graph.arrays())
    return graph


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
    x, _ = chosen_samples(config, _trained_on(folder, config, data_dir))
    if len(x) < frames:
        raise RunError(f"{frames} frames are wanted, {folder.path} analyses {len(x)} samples; choose 1 .. {len(x)}")
    accelerator = _built(folder, graph)[0] if folder.rtl.exists() else design(config, graph)
    path = path or folder.vectors
    if strangers := others_than_vectors(path):
        raise RunError(f"{path} holds {strangers[0]}, which is no vector of an export; choose a new folder")
    write_folder(path, vectors(accelerator, x[:frames], graph(x[:frames])))
    return path


def _built(folder: RunFolder, graph: Graph) -> tuple[Accelerator, dict[str, str]]:
    """The accelerator, and the files of rtl/ by name. Raises RunError where they are of another [hardware]."""
    config = folder.config()
    built_for = read_json(folder.needs(folder.rtl / BUILD_FILE, "build"))
    if built_for != config.hardware.model_dump(mode="json"):
        raise RunError(
            f"{folder.rtl} was built for other [hardware] than {folder.config_file} says; `bitneck build` it"
        )
    return design(config, graph), {path.name: path.read_text() for path in sorted(folder.rtl.iterdir())}


def fold(
    folder: RunFolder, wishes: Mapping[str, object], replace_rate: bool = False
) -> tuple[HardwareConfig, Accelerator, str]:
    """A folding on a part, tried: the [hardware] that asks for it, the accelerator, and what binds it. Writes nothing.

    wishes   fields of HardwareConfig that stand in for those of the run; see `runs.wished`
    """
    hardware, graph = wished(folder.config().hardware, wishes, replace_rate), graph_of(folder)
    assert hardware.target is not None
    within = budget(hardware.target, hardware.luts, hardware.brams)
    plan = search(graph, within, hardware.cycles, hardware.output, hardware.fifo_depth)
    faster = Search(graph, hardware.target, hardware.output, hardware.fifo_depth).faster(plan)
    return hardware, plan.accelerator, next_step(plan, faster, hardware.target)


def simulate(
    folder: RunFolder,
    data_dir: Path | None = None,
    tier: Tier = "library",
    simulator: Literal["verilator", "icarus"] = "verilator",
    workers: int = 2,
    tell: Tell = silent,
) -> Verification:
    """Runs the RTL over every sample and compares every layer of all four sources with zero tolerance.

    The RTL that runs is what lies in rtl/. verify.json is written whatever the outcome; ask `equal` of what returns.
    """
    from .export.qonnx import execute
    from .hw.cosimulate import cosimulate
    from .hw.simulate import build as compile_design

    config, graph = folder.config(), graph_of(folder)
    data = _trained_on(folder, config, data_dir)
    x, y = chosen_samples(config, data)
    accelerator, files = _built(folder, graph)
    tell("torch: the codes captured at the end of the training")
    torch_trace = read_trace(folder.needs(folder.epoch_codes(config.training.epochs), "train"))
    tell(f"graph: the golden model over {len(x):,} samples")
    graph_trace = graph(x)
    tell(f"qonnx: executing model.onnx over {len(x):,} samples")
    qonnx_trace = execute(read_model(folder.needs(folder.model, "export")), x)
    if tier == "library":
        tell("rtl: compiling the design with Verilator")
        simulator_of_design = compile_design(accelerator, folder.path / "simulation", files)
        tell(f"rtl: simulating {len(x):,} frames")
        complaint = None
        simulation = simulator_of_design(
            x, workers=workers, progress=lambda done: tell(f"rtl: {done:,} of {len(x):,} frames simulated")
        )
    else:
        tell(f"rtl: building and simulating {len(x):,} frames under cocotb on {simulator}")
        work = folder.path / "cocotb"
        simulation, complaint = cosimulate(accelerator, x, graph_trace, work, simulator, design=files)
    traces = [torch_trace, qonnx_trace, graph_trace, simulation.trace]
    found = [first_mismatch(graph, torch_trace, trace, x) for trace in traces[1:]]
    mismatches = [str(mismatch) for mismatch in found if mismatch is not None]
    wrong = np.flatnonzero(simulation.classes != graph_trace.predictions())
    if len(wrong):
        sample = int(wrong[0])
        said, due = int(simulation.classes[sample]), int(graph_trace.predictions()[sample])
        mismatches.append(f"class: sample {sample}: graph says {due}, rtl says {said}")
    if complaint and not mismatches:
        mismatches.append(f"cocotb: {complaint}")
    verification = Verification(
        name=config.name,
        data_sha256=data.sha256,
        samples=len(x),
        layers=len(graph.layers),
        tier=tier if tier == "library" else f"cocotb on {simulator}",
        digests=digests(traces),
        mismatches=mismatches,
        accuracy=float((simulation.classes == y).mean()),
        latency_cycles=simulation.latency,
        cycles_per_frame=simulation.cycles_per_frame,
        promised_cycles=accelerator.cycles,
        seconds=simulation.seconds,
    )
    write_arrays(folder.trace, simulation.trace.arrays())
    _write_verification(folder, verification)
    return verification


def _trained_on(folder: RunFolder, config: RunConfig, data_dir: Path | None) -> Dataset:
    """The data set of the run. Raises RunError where it has become another since the training."""
    data = load(config.dataset, data_dir)
    trained_on = str(read_arrays(folder.needs(folder.checkpoint, "train"))["data"])
    if data.sha256 != trained_on:
        raise RunError(f"{folder.path} was trained on data of sha256 {trained_on}, {config.dataset} is {data.sha256}")
    return data


def _write_verification(folder: RunFolder, verification: Verification) -> None:
    write(folder.verification, json.dumps(asdict(verification) | {"equal": verification.equal}, indent=1))


def verify(
    folder: RunFolder, data_dir: Path | None = None, judges: bool = False, tell: Tell = silent
) -> tuple[Verification, list[str]]:
    """What `simulate` recorded, and in which places the run's files are no longer what it was recorded of, as lines.

    judges   where the files still are: let every independent tool that is here judge them, and record what it says
    """
    from .judges import JUDGES, Case, sentences

    config, graph = folder.config(), graph_of(folder)
    x, _ = chosen_samples(config, _trained_on(folder, config, data_dir))
    verification = verification_of(folder)
    tell(f"digests of the codes of {len(x):,} samples")
    reference = read_trace(folder.needs(folder.epoch_codes(config.training.epochs), "train"))
    found = digests([reference, graph(x), read_trace(folder.needs(folder.trace, "simulate"))])
    stale = [
        f"{layer}: {source} has sha256 {digest[:12]} now, verify.json says {recorded[:12]}; "
        f"`bitneck simulate {folder.path}` proves what is there"
        for layer, row in found.items()
        for source, digest in row.items()
        if digest != (recorded := verification.digests.get(layer, {}).get(source, "nothing"))
    ]
    if stale or not judges:
        return verification, stale
    accelerator, files = _built(folder, graph)
    model, streamlined, standard = (
        read_model(folder.needs(path, "export")) for path in (folder.model, folder.streamlined, folder.standard)
    )
    case = Case(graph, accelerator, model, streamlined, standard, files, x)
    judged = replace(verification, judges=list(sentences(case, reference, JUDGES, tell)))
    _write_verification(folder, judged)
    return judged, []


def synth(folder: RunFolder, target: str, pins: str | None = None, tell: Tell = silent) -> Synthesis:
    """A bitstream of the RTL that lies in rtl/, with open tools; for parts without an open placer, counts of cells.

    pins   text of a .pcf or .lpf file with the pins of the shell's ports; without it nextpnr chooses

    synth/TARGET/ holds what every tool wrote and said, and synth.json. It is left as it is while RTL, target and tools
    stay the same. A design too big for the part is a result too: ask `fits` of what returns.
    """
    accelerator, files = _built(folder, graph_of(folder))
    inputs = digest(accelerator, files, target_of(target), pins)
    done = synthesis_of(folder, target)
    if done is not None and done.inputs == inputs:
        return done
    final = folder.synthesis(target).parent
    work = final.with_name(f"{target}.unfinished")  # stays after a failure, for its logs
    shutil.rmtree(work, ignore_errors=True)
    try:
        estimated = {stage.name: estimate(stage, target).luts for stage in accelerator.stages}
        result = synthesise(accelerator, files, target, work, pins, estimated, tell)
    except KeyboardInterrupt:
        shutil.rmtree(work)
        raise
    write(work / "synth.json", json.dumps(asdict(result), indent=1))
    shutil.rmtree(final, ignore_errors=True)
    work.rename(final)
    return result


def too_big(folder: RunFolder, synthesis: Synthesis) -> str | None:
    """By how much the design exceeds the part and what would fit, as a line; None where it fits."""
    hardware = folder.config().hardware
    return complaint(graph_of(folder), synthesis, hardware.output, hardware.fifo_depth)


@threadpool_limits.wrap(limits=1)  # a sum over two threads rounds otherwise: the same codes, the same bytes everywhere
def analyze(folder: RunFolder, progress: Callable[[int, int], None] = lambda done, of: None) -> Analysis:
    """I(X;T) and I(T;Y) of every layer at every captured epoch; of the last, what its single bits do."""
    config = folder.config()
    labels = read_arrays(folder.needs(folder.codes / "labels.npz", "train"))["labels"]
    epochs = folder.captured_epochs()
    if not epochs:
        raise RunError(f"{folder.codes} holds no captured codes; `bitneck train {folder.path}` captures them")

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
    rows = {"points": to_rows(points), "population": to_rows(population), "bits": bits_to_rows(bits)}
    write(folder.plane, json.dumps(rows, indent=1))
    return Analysis(points, population, bits)


def analyze_captured(
    folder: RunFolder, path: Path, layer: str | None = None, beat_bits: int | None = None
) -> list[Comparison]:
    """Codes captured elsewhere beside the trained net's own; see `captured.read` for the files it takes."""
    config = folder.config()
    labels = read_arrays(folder.needs(folder.codes / "labels.npz", "train"))["labels"]
    software = read_trace(folder.needs(folder.epoch_codes(config.training.epochs), "train")).layers()
    given = captured.read(path, {name: codes.width for name, codes in software.items()}, layer, beat_bits)
    return captured.compare(software, given, labels, config.analysis.target)


def picture_page(folders: Sequence[RunFolder], path: Path) -> Path:
    """The information planes of these runs as one interactive page."""
    from .ib_analysis.shown import Shown
    from .interactive import distinct_names, page

    shown = []
    for folder, name in zip(folders, distinct_names(folder.path for folder in folders), strict=True):
        config = folder.config()
        epochs = history(folder) if folder.checkpoint.exists() else []
        shown.append(
            Shown(
                name,
                analysis_of(folder).points,
                f"{config.dataset}, {'-'.join(map(str, config.network.widths))}, seed {config.training.seed}",
                {int(row["epoch"]): row["test_accuracy"] for row in epochs},
            )
        )
    write(path, page(shown))
    return path


def picture_figure(folders: Sequence[RunFolder], path: Path) -> Path:
    """The information plane as a figure for a paper, in the format of the path's ending.

    Several runs have to be of one shape, as seeds are: drawn is their median, and from the lowest to the highest.
    """
    from .ib_analysis.across import across_runs, spread
    from .ib_analysis.plots import pdf, png, run_figure, svg
    from .interactive import distinct_names

    formats: dict[str, Callable[[Figure], bytes | str]] = {".pdf": pdf, ".svg": svg, ".png": png}
    if path.suffix not in formats:
        raise RunError(f"{path}: a figure ends in one of {', '.join(formats)}")
    distinct_names(folder.path for folder in folders)
    points = across_runs([analysis_of(folder).points for folder in folders])
    rows = [history(folder) for folder in folders if folder.checkpoint.exists()]
    if len(rows) < len(folders):
        rows = []
    epochs = [int(row["epoch"]) for row in min(rows, key=len, default=[])]
    train, test = (
        spread([[row[kind] for row in run[: len(epochs)]] for run in rows])
        for kind in ("train_accuracy", "test_accuracy")
    )
    write(path, formats[path.suffix](run_figure(points, epochs, train, test, runs=len(folders))))
    return path


def report(folder: RunFolder) -> Path:
    """One self-contained page of everything above, and beside it the information plane with its epoch slider."""
    from .report import page  # plots and templates cost a second that no other verb should wait for

    graph = graph_of(folder)
    accelerator = design(folder.config(), graph)
    folder.needs(folder.rtl, "build")
    synthesised = [done for target in TARGETS if (done := synthesis_of(folder, target)) is not None]
    verification, analysis = verification_of(folder), analysis_of(folder)
    content = page(folder, graph, accelerator, history(folder), verification, analysis, synthesised)
    picture_page([folder], folder.plane_page)
    write(folder.report, content)
    return folder.report
