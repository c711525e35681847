"""The command line: the verbs of one run, and those of `many`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...hw.costs.table import stage_rows, table
from ...hw.parts import PARTS, part_names
from ...hw.simulation.runner import SimulatorName
from ...models.config import PRESETS
from ...models.history import TeacherEpoch
from .. import proof, silicon
from .. import run as flow
from ..config import (
    RANDOM,
    ImportedConfig,
    RunConfig,
    RunError,
    Samples,
    Target,
    changed,
    from_preset,
    from_toml,
    hardware_lines,
)
from ..data import suited_to, taken_lines, taken_of
from ..done import done_before
from ..files import read_text
from ..folder import Agreement, RunFolder, history
from ..held import held
from ..importing import PROVEN, design_name, import_model
from ..last_epochs import ending
from .analyze import BRACKETS, analyze
from .around import compare, doctor, init, schema
from .around import table as table_of_runs
from .attack import attack
from .board import board
from .console import CORES, DataDir, app, bar, say, show, step, wrong
from .energy import energy
from .exact import exact
from .faults import faults
from .imported import import_lines, import_table
from .loss import loss_table
from .many_runs import paper, plane, sweep
from .package import package
from .prove import prove
from .search import search
from .shrink import shrink
from .synth import synth
from .verb import Facts, FailedError, verb
from .zoo import zoo

Run = Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")]
Preset = Annotated[str | None, typer.Option(help=f"one of {', '.join(PRESETS)}; by default the folder's name")]
Config = Annotated[Path | None, typer.Option(help="a run.toml to take instead of a preset")]
DatasetOption = Annotated[
    str | None, typer.Option(help="name or path; without --config and --preset a net that suits it is trained")
]
Label = Annotated[str | None, typer.Option(help="column of a CSV that holds the class; by default label")]
Epochs = Annotated[int | None, typer.Option(help="epochs to train")]
Seed = Annotated[int | None, typer.Option(help="of weights and batches")]
Cycles = Annotated[int | None, typer.Option(help="clock cycles a frame, at most")]
SamplesOption = Annotated[Samples | None, typer.Option(help="which samples are verified and analysed")]
TargetOption = Annotated[Target | None, typer.Option(help="what these samples stand for")]
Brackets = Annotated[int | None, typer.Option(min=0, help=BRACKETS)]
Device = Annotated[str, typer.Option(help="where torch trains: cpu, cuda …")]
PART_HELP = f"one of {', '.join(PARTS)}, or a plug-in's"
PartOption = Annotated[str | None, typer.Option(help=f"the part to fold for, {PART_HELP}", autocompletion=part_names)]
TierOption = Annotated[proof.Tier, typer.Option(help="how the whole set is simulated")]
SimulatorOption = Annotated[SimulatorName, typer.Option(help="for the cocotb tier")]
Workers = Annotated[int, typer.Option(min=1, help="threads of the library tier")]


@verb
def run(
    folder: Run,
    preset: Preset = None,
    config: Config = None,
    dataset: DatasetOption = None,
    label: Label = None,
    epochs: Epochs = None,
    seed: Seed = None,
    cycles: Cycles = None,
    samples: SamplesOption = None,
    target: TargetOption = None,
    brackets: Brackets = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    tier: TierOption = "library",
    simulator: SimulatorOption = "verilator",
    workers: Workers = CORES,
) -> Facts:
    """All of it: train, export, build, simulate, analyze, report. Goes on where it was interrupted; what is done stays.

    - `bitneck run runs/digits`
    - `bitneck run runs/mine --dataset flowers.csv --label species`
    """
    place = RunFolder(folder)
    with held(folder, "run", make=True):
        wanted = _wanted(
            place, preset, config, dataset, label, epochs, seed, cycles, samples, target, brackets, data_dir
        )
        if done_before(place, wanted, tier):
            say("done", "trained, proven and drawn already, of the files that lie there", place.report)
            return {"done": True, "page": place.report}
        return {
            "done": False,
            "train": _train(place, wanted, data_dir, device),
            "export": export(folder),
            "build": build(folder),
            "simulate": simulate(folder, data_dir, tier, simulator, workers),
            "analyze": analyze(folder, table=False),
            "report": report(folder),
        }


@verb
def train(
    folder: Run,
    preset: Preset = None,
    config: Config = None,
    dataset: DatasetOption = None,
    label: Label = None,
    epochs: Epochs = None,
    seed: Seed = None,
    cycles: Cycles = None,
    samples: SamplesOption = None,
    target: TargetOption = None,
    brackets: Brackets = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
) -> Facts:
    """Train, capturing every layer's codes on a log-spaced schedule.

    - `bitneck train runs/tfc --data-dir data`
    - `bitneck train runs/mine --config mine.toml --epochs 100`
    """
    place = RunFolder(folder)
    wanted = _wanted(place, preset, config, dataset, label, epochs, seed, cycles, samples, target, brackets, data_dir)
    return _train(place, wanted, data_dir, device)


def _train(place: RunFolder, wanted: RunConfig, data_dir: Path | None, device: str) -> Facts:
    with bar("train") as advance:
        for last, total in flow.training(place, wanted, data_dir, device):
            who = "teacher" if isinstance(last, TeacherEpoch) else "test"
            advance(last.epoch, total, f"{who} {last.test_accuracy:.2%}")
    if (taken := taken_of(place)) is not None:
        for line in taken_lines(taken):
            say("data", line)
        if taken.loss is not None:
            show(loss_table(taken.loss, taken.bits))
    rows = history(place)
    ended = ending([row["test_accuracy"] for row in rows])
    said = f"{rows[-1]['epoch']:.0f} epochs, test accuracy {rows[-1]['test_accuracy']:.2%}"
    say("train", f"{said}; {ended}" if ended else said, place.checkpoint)
    return {**rows[-1], "checkpoint": place.checkpoint}


def _wanted(
    place: RunFolder,
    preset: str | None,
    config: Path | None,
    dataset: str | None,
    label: str | None,
    epochs: int | None,
    seed: int | None,
    cycles: int | None,
    samples: Samples | None,
    target: Target | None,
    brackets: int | None,
    data_dir: Path | None,
) -> RunConfig:
    """What is to be trained, with what the options change of it."""
    changes = {
        "dataset": dataset,
        "data__label": label,
        "training__epochs": epochs,
        "training__seed": seed,
        "hardware__target_cycles": cycles,
        "analysis__samples": samples,
        "analysis__target": target,
        "analysis__brackets": brackets,
    }
    return changed(_start(place, preset, config, dataset, label, data_dir), **changes)


def _start(
    place: RunFolder,
    preset: str | None,
    config: Path | None,
    dataset: str | None,
    label: str | None,
    data_dir: Path | None,
) -> RunConfig:
    """From the option given; without one, from the folder's own run.toml, or a net that suits the data set, or the
    preset of the folder's name.
    """
    if config is not None:
        return from_toml(read_text(config), str(config))
    if preset is None and place.config_file.exists():
        return place.trainable()
    if preset is None and dataset is not None:
        return suited_to(dataset, data_dir, label, design_name(place.path.name))
    return from_preset(preset or place.path.name)


@verb
def import_(
    file: Annotated[Path, typer.Argument(help="an ONNX file of QONNX, Brevitas or FINN; .gz is read too")],
    folder: Run,
    pixels: Annotated[
        str | None,
        typer.Option(help="floats of the input, LOW..HIGH[:LEVELS], where the file does not say: 0..1, -1..1:2"),
    ] = None,
    dataset: Annotated[str, typer.Option(help="labelled samples to prove and analyse on")] = RANDOM,
    data_dir: DataDir = None,
    samples: SamplesOption = "test",
    name: Annotated[str | None, typer.Option(help="of the top module; by default the folder's")] = None,
    fold_constants: Annotated[bool, typer.Option("--fold-constants", help="remove neurons that never change")] = False,
    prove: Annotated[int, typer.Option(min=1, help="samples that executors of the file are asked for")] = PROVEN,
) -> Facts:
    """Read your own net as exact integers, prove them against the file, and go on as with a trained one.

    - `bitneck import model.onnx runs/mine`
    - `bitneck import model.onnx runs/mine --pixels 0..1 --dataset mnist --data-dir data`
    """
    place, refused = RunFolder(folder), list[str]()
    with step("import") as tell:
        report = import_model(
            file,
            place,
            pixels,
            dataset,
            data_dir,
            samples or "test",
            name,
            fold_constants,
            prove,
            tell,
        )
        if report.equal:
            tell("the integers in three spellings")
            flow.export(place, refused.append)
    show(import_table(report))
    show("\n".join([*import_lines(report), *refused]))
    facts = {
        "layers": report.rows,
        "dropped": report.dropped,
        "samples": report.samples,
        "proven": report.proven,
        "accuracy": report.accuracy,
        "sources": report.executed,
        "warnings": [*report.warnings, *refused],
        "equal": report.equal,
    }
    if not report.equal:
        wrong("different", "the integers differ from the file, and nothing was written")
        raise FailedError(facts)
    say("import", f"{file.name}, {len(report.graph.layers)} layers; `bitneck build {folder}` goes on", place.path)
    return facts


@verb
def export(
    folder: Run,
    directory: Annotated[Path | None, typer.Argument(help="of the vectors; by default RUN/vectors")] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="golden vectors for any simulator or board")] = False,
    frames: Annotated[int, typer.Option(min=1, help="of the vectors: the first samples of those analysed")] = 100,
    data_dir: DataDir = None,
) -> Facts:
    """Write the trained net as QONNX, and as the integer graph that hardware is built from.

    With --vectors [DIR]: what goes into the design and what every stream must then say, one beat a line of $readmemh,
    from the graph as it was exported.

    - `bitneck export runs/digits`
    - `bitneck export runs/digits golden --vectors --frames 20`
    """
    facts: dict[str, object] = {}
    place = RunFolder(folder)
    if directory is not None and not vectors:
        raise RunError(f"{directory} would hold vectors, but --vectors is missing")
    if not vectors or not place.graph.exists():
        with step("export", "asking where every neuron fires"):
            graph = flow.export(place)
        where = "the file" if isinstance(place.config(), ImportedConfig) else "torch"
        say("export", f"{graph.name}, {len(graph.layers)} layers, every threshold asked of {where}", place.model)
        facts |= {"name": graph.name, "layers": len(graph.layers), "model": place.model, "graph": place.graph}
    if vectors:
        with step("export", "writing vectors"):
            path = flow.export_vectors(place, directory, frames, data_dir)
        say("export", f"vectors of {frames:,} frames", path)
        facts |= {"vectors": path, "frames": frames}
    return facts


@verb
def build(folder: Run) -> Facts:
    """Generate the RTL.

    - `bitneck build runs/digits`
    - `bitneck build runs/digits --json`
    """
    place = RunFolder(folder)
    with step("build", "folding"):
        accelerator = flow.build(place)
    say("build", f"{len(accelerator.stages)} stages, {accelerator.cycles} cycles a frame", place.rtl)
    if (target := place.config().hardware.target) is not None:
        show(table(accelerator, target))
    return {"cycles": accelerator.cycles, "stages": stage_rows(accelerator, target), "rtl": place.rtl}


@verb
def fold(
    folder: Run,
    target: PartOption = None,
    fps: Annotated[float | None, typer.Option(help="frames a second, at least; with --clock")] = None,
    clock: Annotated[float | None, typer.Option(help="of the part, in MHz")] = None,
    cycles: Cycles = None,
    fastest: Annotated[bool, typer.Option(help="as fast as fits, whatever run.toml asks")] = False,
    luts: Annotated[int | None, typer.Option(help="logic cells or LUTs to spend; by default the part's")] = None,
    brams: Annotated[int | None, typer.Option(help="memory blocks to spend; by default the part's")] = None,
) -> Facts:
    """Try a folding on a part: what each stage would take, the bottleneck, the next step's cost. Writes nothing.

    Options stand in for those of [hardware] in run.toml; the lines to put there are printed at the end.

    - `bitneck fold runs/digits --target up5k --fastest`
    - `bitneck fold runs/tfc --target xc7 --fps 100000 --clock 100`
    """
    place = RunFolder(folder)
    if fps is not None and cycles is not None:
        raise RunError(f"--fps {fps:g} and --cycles {cycles} both say how fast; give one of them")
    if fps is not None and clock is None and place.config().hardware.clock_mhz is None:
        raise RunError(f"--fps {fps:g} is no number of cycles without a clock; give --clock, in MHz, too")
    if fastest and (fps is not None or cycles is not None):
        raise RunError("--fastest asks for no rate; leave --fps and --cycles out, or --fastest")
    rate = fastest or fps is not None or cycles is not None
    wishes = {
        "target": target,
        "target_fps": fps,
        "clock_mhz": clock,
        "target_cycles": cycles,
        "luts": luts,
        "brams": brams,
    }
    with step("fold", "searching"):
        hardware, accelerator, remark = silicon.fold(place, wishes, replace_rate=rate)
    assert hardware.target is not None
    show(table(accelerator, hardware.target))
    show(remark)
    show(hardware_lines(hardware))
    return {
        "cycles": accelerator.cycles,
        "stages": stage_rows(accelerator, hardware.target),
        "next": remark,
        "hardware": hardware.model_dump(mode="json", exclude_none=True),
    }


@verb
def simulate(
    folder: Run,
    data_dir: DataDir = None,
    tier: TierOption = "library",
    simulator: SimulatorOption = "verilator",
    workers: Workers = CORES,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
) -> Facts:
    """Simulate the RTL over every sample; compare every layer with torch, QONNX and graph. Exit 1 on a difference.

    - `bitneck simulate runs/digits`
    - `bitneck simulate runs/digits --tier cocotb --simulator icarus`
    """
    place = RunFolder(folder)
    with step("simulate") as tell:
        done = proof.simulate(place, data_dir, tier, simulator, workers, tell=tell, scheduler=scheduler)
    if not done.equal:
        for line in done.mismatches:
            wrong("different", line)
        raise FailedError(_proven(done))
    sources = next(iter(done.digests.values()))
    say(
        "simulate",
        f"{done.samples:,} samples, {done.layers} layers: {' = '.join(sources)}, "
        f"{done.cycles_per_frame:.2f} cycles a frame, {done.samples / done.seconds:,.0f} frames/s simulated",
        place.verification,
    )
    return _proven(done)


def _proven(done: Agreement) -> Facts:
    """What verify.json holds, but for the digests of files."""
    return {"equal": done.equal, **{name: value for name, value in asdict(done).items() if name != "files"}}


@verb
def verify(
    folder: Run,
    judges: Annotated[bool, typer.Option("--judges", help="let every independent tool installed here judge")] = False,
    netlist: Annotated[
        bool, typer.Option("--netlist", help="every sample through the gates of every netlist and bitstream in synth/")
    ] = False,
    data_dir: DataDir = None,
) -> Facts:
    """Check that the recorded proof is of the files that lie there; with --judges, ask other people's tools too.

    With --netlist, of what was synthesised too: gate by gate, every layer of every sample. Exit 1 on a difference.

    - `bitneck verify runs/digits --judges`
    - `bitneck verify runs/digits --netlist`
    """
    place = RunFolder(folder)
    with step("verify") as tell:
        done, stale = proof.verify(place, data_dir, judges, tell, netlist)
    for judge in done.judges:
        if judge.equal:
            say("judge", f"{f'{judge.tool} {judge.version}'.strip()} on {judge.reads}", judge.said)
    for what, why in done.absent.items():
        say("absent", what, why)
    for line in [*stale, *done.mismatches, *(judge.mismatch for judge in done.judges if judge.mismatch)]:
        wrong("different", line)
    facts = {**_proven(done), "equal": done.equal and not stale, "stale": stale}
    if not facts["equal"]:
        raise FailedError(facts)
    sources = " = ".join(next(iter(done.digests.values())))
    say("verify", f"{done.samples:,} samples, {done.layers} layers: {sources}, as recorded", place.verification)
    return facts


verb(synth)


@verb
def report(folder: Run) -> Facts:
    """Write one self-contained page of the whole run.

    - `bitneck report runs/digits`
    - `bitneck report runs/digits --quiet`
    """
    place = RunFolder(folder)
    with step("report", "drawing"):
        path = flow.report(place)
    say("report", f"{path.stat().st_size / 1e6:.1f} MB, self-contained", path)
    return {"page": path, "plane": place.plane_page}


for each in (
    analyze,
    attack,
    board,
    package,
    energy,
    exact,
    prove,
    faults,
    plane,
    sweep,
    shrink,
    search,
    paper,
    init,
    schema,
    compare,
    doctor,
    zoo,
):
    verb(each)
verb(table_of_runs)


def main() -> None:
    app()
