"""The command line: the verbs of one run, and those of `many`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ...hw.costs.table import table
from ...hw.parts import PARTS, PartName
from ...hw.simulation.runner import SimulatorName
from ...hw.synthesis.bitstream import summary as synthesis_line
from ...models.config import PRESETS
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
from ..files import read_text
from ..folder import RunFolder, history
from ..held import held
from ..importing import PROVEN, design_name, import_model
from ..last_epochs import ending
from .analyze import analyze
from .around import compare, doctor, init
from .around import table as table_of_runs
from .console import CORES, DataDir, app, bar, err, out, refuse, say, verb
from .imported import import_lines, import_table
from .loss import loss_table
from .many_runs import paper, plane, sweep

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
Device = Annotated[str, typer.Option(help="where torch trains: cpu, cuda …")]
PartOption = Annotated[PartName | None, typer.Option(help="the part to fold for")]
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
    data_dir: DataDir = None,
    device: Device = "cpu",
    tier: TierOption = "library",
    simulator: SimulatorOption = "verilator",
    workers: Workers = CORES,
) -> None:
    """All of it: train, export, build, simulate, analyze, report. Goes on where it was interrupted."""
    with held(folder, "run", make=True):
        train(folder, preset, config, dataset, label, epochs, seed, cycles, samples, target, data_dir, device)
        export(folder)
        build(folder)
        simulate(folder, data_dir, tier, simulator, workers)
        analyze(folder, table=False)
        report(folder)


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
    data_dir: DataDir = None,
    device: Device = "cpu",
) -> None:
    """Train, capturing every layer's codes on a log-spaced schedule."""
    place = RunFolder(folder)
    changes = {
        "dataset": dataset,
        "data__label": label,
        "training__epochs": epochs,
        "training__seed": seed,
        "hardware__target_cycles": cycles,
        "analysis__samples": samples,
        "analysis__target": target,
    }
    wanted = changed(_start(place, preset, config, dataset, label, data_dir), **changes)
    with bar("train") as advance:
        last = None
        for last, total in flow.training(place, wanted, data_dir, device):
            advance(last.epoch, total, f"test {last.test_accuracy:.2%}")
    if (taken := taken_of(place)) is not None:
        for line in taken_lines(taken):
            say("data", line, "")
        if taken.loss is not None:
            out.print(loss_table(taken.loss, taken.bits), soft_wrap=True)
    rows = history(place)
    said = f"{rows[-1]['epoch']:.0f} epochs, test accuracy {rows[-1]['test_accuracy']:.2%}"
    ended = ending([row["test_accuracy"] for row in rows])
    say("train", f"{said}; {ended}" if ended else said, place.checkpoint)


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
) -> None:
    """Read your own net as exact integers, prove them against the file, and go on as with a trained one."""
    place, refused = RunFolder(folder), list[str]()
    with out.status("import") as status:
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
            lambda text: status.update(escape(text)),
        )
        if report.equal:
            status.update("export: the integers in three spellings")
            flow.export(place, refused.append)
    out.print(import_table(report))
    for line in [*import_lines(report), *refused]:
        out.print(escape(line), highlight=False, soft_wrap=True)
    if not report.equal:
        err.print("the integers differ from the file, and nothing was written")
        raise typer.Exit(1)
    say("import", f"{file.name}, {len(report.graph.layers)} layers; `bitneck build {folder}` goes on", place.path)


@verb
def export(
    folder: Run,
    directory: Annotated[Path | None, typer.Argument(help="of the vectors; by default RUN/vectors")] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="golden vectors for any simulator or board")] = False,
    frames: Annotated[int, typer.Option(min=1, help="of the vectors: the first samples of those analysed")] = 100,
    data_dir: DataDir = None,
) -> None:
    """Write the trained net as QONNX, and as the integer graph that hardware is built from.

    With --vectors [DIR]: what goes into the design and what every stream must then say, one beat a line of $readmemh,
    from the graph as it was exported.
    """
    place = RunFolder(folder)
    if directory is not None and not vectors:
        raise RunError(f"{directory} would hold vectors, but --vectors is missing")
    if not vectors or not place.graph.exists():
        with out.status("export: asking where every neuron fires"):
            graph = flow.export(place)
        where = "the file" if isinstance(place.config(), ImportedConfig) else "torch"
        say("export", f"{graph.name}, {len(graph.layers)} layers, every threshold asked of {where}", place.model)
    if vectors:
        with out.status("export: writing vectors"):
            path = flow.export_vectors(place, directory, frames, data_dir)
        say("export", f"vectors of {frames:,} frames", path)


@verb
def build(folder: Run) -> None:
    """Generate the RTL."""
    place = RunFolder(folder)
    with out.status("build: folding"):
        accelerator = flow.build(place)
    say("build", f"{len(accelerator.stages)} stages, {accelerator.cycles} cycles a frame", place.rtl)
    if (target := place.config().hardware.target) is not None:
        out.print(escape(table(accelerator, target)), soft_wrap=True)


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
) -> None:
    """Try a folding on a part: what each stage would take, the bottleneck, the next step's cost. Writes nothing.

    Options stand in for those of [hardware] in run.toml; the lines to put there are printed at the end.
    """
    place = RunFolder(folder)
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
    with out.status("fold: searching"):
        hardware, accelerator, remark = silicon.fold(place, wishes, replace_rate=rate)
    assert hardware.target is not None
    out.print(escape(table(accelerator, hardware.target)), soft_wrap=True)
    out.print(escape(remark), soft_wrap=True)
    out.print(escape(hardware_lines(hardware)), soft_wrap=True)


@verb
def simulate(
    folder: Run,
    data_dir: DataDir = None,
    tier: TierOption = "library",
    simulator: SimulatorOption = "verilator",
    workers: Workers = CORES,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
) -> None:
    """Simulate the RTL over every sample; compare every layer with torch, QONNX and graph. Exit 1 on a difference."""
    place = RunFolder(folder)
    with out.status("simulate") as status:
        done = proof.simulate(
            place,
            data_dir,
            tier,
            simulator,
            workers,
            tell=lambda text: status.update(f"simulate: {text}"),
            scheduler=scheduler,
        )
    if not done.equal:
        for line in done.mismatches:
            err.print(f"[bold red]different[/] {escape(line)}")
        raise typer.Exit(1)
    sources = next(iter(done.digests.values()))
    say(
        "simulate",
        f"{done.samples:,} samples, {done.layers} layers: {' = '.join(sources)}, "
        f"{done.cycles_per_frame:.2f} cycles a frame, {done.samples / done.seconds:,.0f} frames/s simulated",
        place.verification,
    )


@verb
def verify(
    folder: Run,
    judges: Annotated[bool, typer.Option("--judges", help="let every independent tool installed here judge")] = False,
    data_dir: DataDir = None,
) -> None:
    """Check that the recorded proof is of the files that lie there; with --judges, ask other people's tools too.

    Exit 1 on a difference.
    """
    place = RunFolder(folder)
    with out.status("verify") as status:
        done, stale = proof.verify(place, data_dir, judges, tell=lambda text: status.update(f"verify: {text}"))
    for judge in done.judges:
        if judge.equal:
            say("judge", f"{f'{judge.tool} {judge.version}'.strip()} on {judge.reads}", judge.said)
    for what, why in done.absent.items():
        say("absent", what, why)
    for line in [*stale, *done.mismatches, *(judge.mismatch for judge in done.judges if judge.mismatch)]:
        err.print(f"[bold red]different[/] {escape(line)}")
    if stale or not done.equal:
        raise typer.Exit(1)
    sources = " = ".join(next(iter(done.digests.values())))
    say("verify", f"{done.samples:,} samples, {done.layers} layers: {sources}, as recorded", place.verification)


@verb
def synth(
    folder: Run,
    target: Annotated[list[str], typer.Option(help=f"part to build for, one of {', '.join(PARTS)}; or several")],
    pins: Annotated[Path | None, typer.Option(help=".pcf or .lpf with the pins; without it they are chosen")] = None,
) -> None:
    """Make a bitstream with open tools; for xc7 and xcup count cells. Exit 2 where the net is too big for the part."""
    place = RunFolder(folder)
    for part in target:
        with out.status(f"synth: {part}") as status:
            text = None if pins is None else read_text(pins)
            done = silicon.synth(place, part, text, tell=lambda words: status.update(f"synth: {escape(words)}"))
        say("synth", synthesis_line(done), place.synthesis(part).parent)
        if (complaint := silicon.too_big(place, done)) is not None:
            refuse(complaint)


@verb
def report(folder: Run) -> None:
    """Write one self-contained page of the whole run."""
    place = RunFolder(folder)
    with out.status("report: drawing"):
        path = flow.report(place)
    say("report", f"{path.stat().st_size / 1e6:.1f} MB, self-contained", path)


for each in (analyze, plane, sweep, paper, init, compare, doctor):
    verb(each)
verb(table_of_runs)


def main() -> None:
    app()
