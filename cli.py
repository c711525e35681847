"""The command line: verbs, progress, one-line errors."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from . import flow
from .artefacts import RunFolder, history, write
from .hw.costs import table
from .hw.synthesis import summary as synthesis_line
from .ib_analysis.layer_bits import summary as bits_summary
from .ib_analysis.plane import summary
from .models.config import PRESETS
from .models.datasets import ENVIRONMENT
from .runs import RunConfig, RunError, changed, from_preset, from_toml, hardware_lines

if TYPE_CHECKING:
    from .sweep import Task

app = typer.Typer(
    help="Train a one-bit network, turn it into RTL, prove it bit-exact, and see what each layer remembers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)


CORES = os.cpu_count() or 1


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A command that exits with 0 (done), 1 (hardware and software differ), 2 (a one-line error) or 130 (interrupt).

    Errors of ours and of the operating system are said; any other is a bug and keeps its traceback.
    """

    @functools.wraps(function)
    def wrapped(*arguments: object, **options: object) -> None:
        try:
            function(*arguments, **options)
        except KeyboardInterrupt:
            err.print("interrupted; what is finished is kept, and the same command goes on from there")
            raise typer.Exit(130) from None
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("torch", "brevitas"):
                raise
            _refuse(f"{error.name} is not installed here; `pip install 'bitneck[train]'` brings it")
        except (ValueError, OSError) as error:
            if not isinstance(error, OSError) and not type(error).__module__.startswith("bitneck."):
                raise
            _refuse(str(error))

    app.command()(wrapped)
    return wrapped


def _refuse(message: str) -> NoReturn:
    err.print(f"[bold red]bitneck:[/] {escape(message)}")
    raise typer.Exit(2) from None


class Tier(StrEnum):
    library = "library"
    cocotb = "cocotb"


class Simulator(StrEnum):
    verilator = "verilator"
    icarus = "icarus"


class Samples(StrEnum):
    train = "train"
    test = "test"
    all = "all"


class Target(StrEnum):
    dataset = "dataset"
    enumerated = "enumerated"
    population = "population"


class Part(StrEnum):  # the targets of hw/targets.py
    up5k = "up5k"
    hx8k = "hx8k"
    ecp5_25k = "ecp5-25k"
    ecp5_85k = "ecp5-85k"
    xc7 = "xc7"
    xcup = "xcup"


Run = Annotated[Path, typer.Argument(help="folder of the run, for example runs/digits")]
DataDir = Annotated[
    Path | None, typer.Option(help=f"folder of data sets made of IDX files; or the variable {ENVIRONMENT}")
]
Preset = Annotated[str | None, typer.Option(help=f"one of {', '.join(PRESETS)}; by default the folder's name")]
Config = Annotated[Path | None, typer.Option(help="a run.toml to take instead of a preset")]
Epochs = Annotated[int | None, typer.Option(help="epochs to train")]
Seed = Annotated[int | None, typer.Option(help="of weights and batches")]
Cycles = Annotated[int | None, typer.Option(help="clock cycles a frame, at most")]
SamplesOption = Annotated[Samples | None, typer.Option(help="which samples are verified and analysed")]
TargetOption = Annotated[Target | None, typer.Option(help="what these samples stand for")]
Device = Annotated[str, typer.Option(help="where torch trains: cpu, cuda …")]
PartOption = Annotated[Part | None, typer.Option(help="the part to fold for")]
TierOption = Annotated[Tier, typer.Option(help="how the whole set is simulated")]
SimulatorOption = Annotated[Simulator, typer.Option(help="for the cocotb tier")]
Workers = Annotated[int, typer.Option(min=1, help="threads of the library tier")]


@verb
def run(
    folder: Run,
    preset: Preset = None,
    config: Config = None,
    epochs: Epochs = None,
    seed: Seed = None,
    cycles: Cycles = None,
    samples: SamplesOption = None,
    target: TargetOption = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    tier: TierOption = Tier.library,
    simulator: SimulatorOption = Simulator.verilator,
    workers: Workers = CORES,
) -> None:
    """All of it: train, export, build, simulate, analyze, report. Goes on where it was interrupted."""
    train(folder, preset, config, epochs, seed, cycles, samples, target, data_dir, device)
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
        "training__epochs": epochs,
        "training__seed": seed,
        "hardware__target_cycles": cycles,
        "analysis__samples": samples,
        "analysis__target": target,
    }
    wanted = changed(_start(place, preset, config), **changes)
    with _bar("train") as advance:
        last = None
        for last, total in flow.train(place, wanted, data_dir, device):
            advance(last.epoch, total, f"test {last.test_accuracy:.2%}")
    rows = history(place)
    _say("train", f"{rows[-1]['epoch']:.0f} epochs, test accuracy {rows[-1]['test_accuracy']:.2%}", place.checkpoint)


def _start(place: RunFolder, preset: str | None, config: Path | None) -> RunConfig:
    """From the option given; without one, from the folder's own run.toml, or the preset of the folder's name."""
    if config is not None:
        return from_toml(config.read_text(), str(config))
    if preset is None and place.config_file.exists():
        return place.config()
    return from_preset(preset or place.path.name)


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
        with out.status("export: asking torch where every neuron fires"):
            graph = flow.export(place)
        widths = "-".join(map(str, place.config().network.widths))
        _say("export", f"{widths}, {len(graph.layers)} layers, every threshold asked of torch", place.model)
    if vectors:
        with out.status("export: writing vectors"):
            path = flow.export_vectors(place, directory, frames, data_dir)
        _say("export", f"vectors of {frames:,} frames", path)


@verb
def build(folder: Run) -> None:
    """Generate the RTL."""
    place = RunFolder(folder)
    with out.status("build: folding"):
        accelerator = flow.build(place)
    _say("build", f"{len(accelerator.stages)} stages, {accelerator.cycles} cycles a frame", place.rtl)
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
    rate = fastest or fps is not None or cycles is not None
    wishes = {
        "target": target and target.value,
        "target_fps": fps,
        "clock_mhz": clock,
        "target_cycles": cycles,
        "luts": luts,
        "brams": brams,
    }
    with out.status("fold: searching"):
        hardware, accelerator, remark = flow.fold(place, wishes, replace_rate=rate)
    assert hardware.target is not None
    out.print(escape(table(accelerator, hardware.target)), soft_wrap=True)
    out.print(escape(remark), soft_wrap=True)
    out.print(escape(hardware_lines(hardware)), soft_wrap=True)


@verb
def simulate(
    folder: Run,
    data_dir: DataDir = None,
    tier: TierOption = Tier.library,
    simulator: SimulatorOption = Simulator.verilator,
    workers: Workers = CORES,
) -> None:
    """Simulate the RTL over every sample; compare every layer with torch, QONNX and graph. Exit 1 on a difference."""
    place = RunFolder(folder)
    with out.status("simulate") as status:
        done = flow.simulate(
            place, data_dir, tier.value, simulator.value, workers, tell=lambda text: status.update(f"simulate: {text}")
        )
    if not done.equal:
        for line in done.mismatches:
            err.print(f"[bold red]different[/] {escape(line)}")
        raise typer.Exit(1)
    _say(
        "simulate",
        f"{done.samples:,} samples, {done.layers} layers: torch = qonnx = graph = rtl, "
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
        done, stale = flow.verify(place, data_dir, judges, tell=lambda text: status.update(f"verify: {text}"))
    for judge in done.judges:
        if judge.equal:
            said = f"skipped: {judge.skipped}" if judge.skipped else f"{judge.samples:,} samples, every layer equal"
            _say("judge", f"{f'{judge.tool} {judge.version}'.strip()} on {judge.reads}", said)
    for line in [*stale, *done.mismatches, *(judge.mismatch for judge in done.judges if judge.mismatch)]:
        err.print(f"[bold red]different[/] {escape(line)}")
    if stale or not done.equal:
        raise typer.Exit(1)
    sources = " = ".join(next(iter(done.digests.values())))
    _say("verify", f"{done.samples:,} samples, {done.layers} layers: {sources}, as recorded", place.verification)


@verb
def synth(
    folder: Run,
    target: Annotated[list[Part], typer.Option(help="part to build for; may be given more than once")],
    pins: Annotated[Path | None, typer.Option(help=".pcf or .lpf with the pins; without it they are chosen")] = None,
) -> None:
    """Make a bitstream with open tools; for xc7 and xcup count cells. Exit 2 where the net is too big for the part."""
    place = RunFolder(folder)
    for part in target:
        with out.status(f"synth: {part.value}") as status:
            text = None if pins is None else pins.read_text()
            done = flow.synth(place, part.value, text, tell=lambda words: status.update(f"synth: {escape(words)}"))
        _say("synth", synthesis_line(done), place.synthesis(part.value).parent)
        if (complaint := flow.too_big(place, done)) is not None:
            _refuse(complaint)


@verb
def analyze(
    folder: Run,
    table: Annotated[bool, typer.Option(help="print the last epoch's table")] = True,
    codes: Annotated[Path | None, typer.Option(help="captured codes: a trace .npz, .npz, .npy or raw stream")] = None,
    layer: Annotated[str | None, typer.Option(help="of the codes in a .npy or raw stream")] = None,
    beat_bits: Annotated[int | None, typer.Option(help="payload of a beat of a raw stream: the layer's PE")] = None,
) -> None:
    """Measure I(X;T) and I(T;Y) of every layer at every captured epoch, or of codes captured elsewhere.

    With --codes: those beside the software's own, exit 1 where any bit differs.
    """
    place = RunFolder(folder)
    if codes is not None:
        compared = flow.analyze_captured(place, codes, layer, beat_bits)
        for each in compared:
            out.print(escape(str(each)), soft_wrap=True)
        if any(each.first_difference is not None for each in compared):
            raise typer.Exit(1)
        return
    with _bar("analyze") as advance:
        analysis = flow.analyze(place, lambda done, total: advance(done, total, ""))
    _say("analyze", f"{len({point.epoch for point in analysis.points})} epochs", place.plane)
    if table:
        out.print(escape(summary(analysis.points)), soft_wrap=True)
        out.print()
        out.print(escape(bits_summary(analysis.bits)), soft_wrap=True)


@verb
def report(folder: Run) -> None:
    """Write one self-contained page of the whole run."""
    place = RunFolder(folder)
    with out.status("report: drawing"):
        path = flow.report(place)
    _say("report", f"{path.stat().st_size / 1e6:.1f} MB, self-contained", path)


@verb
def plane(
    runs: Annotated[list[Path], typer.Argument(help="folders of analysed runs", metavar="RUN...")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the page; by default plane.html, in the folder of a lone run")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="a static figure instead, .pdf, .svg or .png; several runs: their median")
    ] = None,
) -> None:
    """Draw information planes: a page with an epoch slider, runs side by side; or a figure for a paper."""
    places = [RunFolder(folder) for folder in runs]
    if figure is not None:
        with out.status("plane: drawing"):
            flow.picture_figure(places, figure)
        _say("plane", f"{len(places)} run{'s' * (len(places) > 1)}", figure)
    if figure is None or output is not None:
        path = output or (places[0].plane_page if len(places) == 1 else Path("plane.html"))
        flow.picture_page(places, path)
        _say("plane", f"{path.stat().st_size / 1e6:.1f} MB, self-contained", path)


@verb
def sweep(
    file: Annotated[Path, typer.Argument(help="what to vary: see the README")],
    folder: Annotated[Path | None, typer.Option(help="of the results; by default sweeps/NAME")] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes on this machine")] = CORES,
    data_dir: DataDir = None,
) -> None:
    """Train and measure many networks; one table of results. Exit 1 where a network failed."""
    from . import sweep as sweeping

    wanted = sweeping.tasks(file.read_text(), str(file))
    place = folder or Path("sweeps") / file.stem
    failed = _sweep(place, wanted, scheduler, workers, data_dir, "sweep")
    _say("sweep", f"{len(wanted) - failed} of {len(wanted)} networks", sweeping.collect(place, wanted))
    if failed:
        raise typer.Exit(1)


def _sweep(
    place: Path, wanted: list[Task], scheduler: str | None, workers: int, data_dir: Path | None, name: str
) -> int:
    """Runs the tasks under a bar; how many failed, each said."""
    from . import sweep as sweeping

    failed = 0
    with sweeping.connected(scheduler, workers) as client, _bar(name) as advance:
        for done, outcome in enumerate(sweeping.run(place, wanted, client, data_dir), 1):
            advance(done, len(wanted), str(outcome.task))
            if outcome.error is not None:
                failed += 1
                err.print(f"[bold red]failed[/] {escape(str(outcome.task))}: {escape(outcome.error)}")
    return failed


@verb
def paper(
    folder: Annotated[Path, typer.Option(help="of the results and the page")] = Path("papers/raj2020"),
    full: Annotated[
        bool, typer.Option(help="ten seeds and 3,000 epochs of the float twin, instead of three and 1,000")
    ] = False,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask cluster; without it, this machine")] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes on this machine")] = CORES,
    data_dir: DataDir = None,
) -> None:
    """Repeat Raj, Nayak and Kalyani 2020: binary nets of every sign, their float twins, one page with the verdict.

    On the 12-bit set; and on MNIST where --data-dir says where mnist/ lies.
    """
    from . import paper as papers
    from .generalisation import generalisation

    wanted = papers.parts(full, data_dir is not None or ENVIRONMENT in os.environ)
    others = generalisation(seeds=10, epochs=300) if full else generalisation(seeds=3, epochs=100)
    tasks = [*(task for part in wanted for task in part.tasks), *others]
    if _sweep(folder, tasks, scheduler, workers, data_dir, "paper"):
        raise typer.Exit(1)
    write(folder / "paper.html", papers.page(folder, wanted, others))
    _say("paper", f"{len(tasks)} networks", folder / "paper.html")


def _say(verb: str, what: str, where: Path | str) -> None:
    out.print(f"[bold]{verb:<9}[/] {escape(what)}  [dim]{escape(str(where))}[/]", soft_wrap=True)


class _bar:  # noqa: N801  # used as a function: `with _bar("train") as advance`
    """A progress bar that is gone when the work is done; `advance(done, total, remark)`."""

    def __init__(self, verb: str) -> None:
        columns = TextColumn(f"{verb:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self.progress = Progress(
            *columns, TextColumn("{task.description}"), console=out, transient=True, disable=not out.is_terminal
        )

    def __enter__(self) -> Callable[[int, int, str], None]:
        self.progress.start()
        task = self.progress.add_task("", total=None)
        return lambda done, total, remark: self.progress.update(task, completed=done, total=total, description=remark)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()


def main() -> None:
    app()


if __name__ == "__main__":
    main()
