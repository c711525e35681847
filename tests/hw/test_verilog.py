"""The generated text: always the same, instances only, and memories that a second reading agrees with."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import Folding
from bitneck.hw.simulation.probe import bench, probe, taps
from bitneck.hw.simulation.verilator import call, find_verilator
from bitneck.hw.stages import Binarize, Mvtu, Scores
from bitneck.hw.verilog import OWN, library, memory_file, top, verilog
from random_nets import random_graph

GRAPH = random_graph([12, 10, 6, 3], 5)
FOLDINGS = {"binarize": Folding(3), "dense1": Folding(2, 4), "dense2": Folding(3, 5), "scores": Folding(3, 2)}
DESIGNS = {
    "class": lower(GRAPH, FOLDINGS),
    "scores": lower(GRAPH, FOLDINGS, output="scores"),
    "fifos": lower(GRAPH, FOLDINGS, fifo_depth=3),
    "bits": lower(random_graph([9, 5, 2], 1), {"dense1": Folding(5, 3), "scores": Folding(1, 1)}),
}
EVERY = pytest.mark.parametrize("accelerator", DESIGNS.values(), ids=DESIGNS)


def test_same_accelerator_gives_the_same_bytes():
    again = lower(random_graph([12, 10, 6, 3], 5), dict(reversed(FOLDINGS.items())))
    assert list(verilog(again).items()) == list(verilog(DESIGNS["class"]).items())


def test_other_weights_change_memories_and_nothing_else():
    other = verilog(lower(random_graph([12, 10, 6, 3], 5, seed=1), FOLDINGS))
    changed = {name for name, text in verilog(DESIGNS["class"]).items() if other[name] != text}
    assert changed == {name for name in other if name.endswith(".mem")}


@EVERY
def test_generator_writes_wires_and_instances_only(accelerator):
    _, _, body = re.sub("//.*", "", top(accelerator)).partition(");")
    *statements, end = (" ".join(statement.split()) for statement in body.split(";"))
    name, wires = r"\w+", r"\w+(, \w+)*"
    allowed = [
        rf"wire (\[\d+:0\] )?{wires}",
        rf"assign {name} = ({name}|{{\d+'b0, {name}}})",
        r"wire unused = &{1'b0, s_axis_tdata\[\d+:\d+\]}",
        rf"{name} #\([^;]*\) {name} \([^;]*\)",
    ]
    assert not [text for text in statements if not re.fullmatch("|".join(allowed), text)]
    assert end == "endmodule `default_nettype wire"


@EVERY
def test_every_stage_is_instantiated_once_with_its_own_parameters(accelerator):
    text = " ".join(top(accelerator).split())
    for stage in accelerator.stages:
        module = OWN.format(design=accelerator.name, name=stage.module)
        (found,) = re.findall(rf"{module} #\(([^;]*?)\) {stage.module}_{stage.name} \(", text)
        words = {name: memory_file(accelerator.name, name) for name in stage.memories()}
        values = {
            key: f'{{MEMORIES, "{words[value]}"}}' if value in words else json.dumps(value)
            for key, value in stage.parameters().items()
        }
        assert dict(re.findall(r"\.(\w+)\(([^)]*)\)", found)) == values


@EVERY
def test_every_memory_that_is_named_is_there(accelerator):
    files = verilog(accelerator)
    named = re.findall(r'{MEMORIES, "(\w+\.mem)"}', files[f"{accelerator.name}.sv"])
    assert sorted(named) == sorted(name for name in files if name.endswith(".mem"))


@EVERY
def test_memory_files_hold_what_a_second_reading_finds(accelerator):
    files = verilog(accelerator)

    def word(name: str, index: int) -> int:
        return int(files[memory_file(accelerator.name, name)].splitlines()[index], 16)

    for stage in accelerator.stages:
        if isinstance(stage, Mvtu | Scores):
            col_folds = stage.in_beats
            for (row, col), value in np.ndenumerate(stage.weight):
                address = row // stage.pe * col_folds + col // stage.simd
                bit = row % stage.pe * stage.simd + col % stage.simd
                assert word(f"{stage.name}_weights.mem", address) >> bit & 1 == value
        if isinstance(stage, Mvtu):
            width = int(np.ceil(np.log2(stage.weight.shape[1] + 1))) + 1
            for row, threshold in enumerate(stage.threshold):
                field = word(f"{stage.name}_thresholds.mem", row // stage.pe) >> row % stage.pe * width
                assert (field + threshold) % (1 << width) == 0
        if isinstance(stage, Binarize):
            for col, threshold in enumerate(stage.threshold):
                field = word(f"{stage.name}_thresholds.mem", col // stage.pe) >> col % stage.pe * (stage.bits + 1)
                assert field % (2 << stage.bits) == threshold


@EVERY
def test_no_generated_text_knows_where_or_when_it_was_made(accelerator):
    texts = {
        **verilog(accelerator),
        "probe": probe(accelerator),
        "bench": bench(accelerator),
        "taps": taps(accelerator),
    }
    for name, text in texts.items():
        assert not re.search(r"(?<![\w/)])/\w", text), name  # an absolute path
        assert not re.search(r"\b(19|20)\d\d\b|\d\d:\d\d:\d\d", text), name


def test_library_has_a_module_a_file_of_the_same_name():
    for name, text in library().items():
        assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [name.removesuffix(".sv")]


@EVERY
def test_modules_are_named_once_and_for_their_design(accelerator):
    files = verilog(accelerator)
    texts = [text for name, text in files.items() if name.endswith(".sv")]
    declared = [name for text in texts for name in re.findall(r"^module (\w+)", text, re.MULTILINE)]
    used = {name for text in texts for name in re.findall(r"^ *(\w+) #\(", text, re.MULTILINE)} - {"module"}
    assert len(set(declared)) == len(declared)
    assert {*declared} == {*used, accelerator.name}
    assert all(name.startswith(f"{accelerator.name}__") for name in {*declared, *used} - {accelerator.name})


@EVERY
def test_the_list_of_sources_declares_before_it_uses(accelerator):
    files = verilog(accelerator)
    listed = files[f"{accelerator.name}.f"].split()
    assert sorted(listed) == sorted(name for name in files if name.endswith(".sv"))
    seen: set[str] = set()
    for name in listed:
        inside = {f"{module}.sv" for module in re.findall(r"^ *(\w+) #\(", files[name], re.MULTILINE)}
        assert inside & set(listed) <= seen
        seen.add(name)


def test_two_designs_have_no_name_in_common():
    one, other = verilog(DESIGNS["class"]), verilog(replace(DESIGNS["class"], name="net_2"))
    assert not one.keys() & other.keys()


@EVERY
def test_fusesoc_takes_the_core_and_hands_every_file_on(accelerator, tmp_path):
    pytest.importorskip("fusesoc")
    files = verilog(accelerator)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tool = Path(sys.executable).with_name("fusesoc")
    options = ["run", "--setup", "--build-root", tmp_path / "build", "--tool", "icarus"]
    call([tool, "--cores-root", tmp_path, *options, f"bitneck::{accelerator.name}:0"], tmp_path)
    handed = {path.name for path in (tmp_path / "build").rglob("*") if path.is_file()}
    assert handed >= {name for name in files if name.endswith((".sv", ".mem"))}
    (script,) = (tmp_path / "build").rglob("*.scr")
    listed = [Path(line).name for line in script.read_text().splitlines() if line.endswith(".sv")]
    assert listed == files[f"{accelerator.name}.f"].split()


@EVERY
def test_the_instance_to_copy_elaborates_in_a_project_of_ones_own(accelerator, tmp_path):
    files = verilog(accelerator)
    copied = files[f"{accelerator.name}.instance.txt"]
    (tmp_path / "own.sv").write_text(f"module own (input wire clk, input wire rst);\n{copied}endmodule\n")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    sources = [*files[f"{accelerator.name}.f"].split(), "own.sv"]
    tool = find_verilator()
    quiet = ["--lint-only", "-Wall", "-Wno-UNUSEDSIGNAL", "-Wno-UNDRIVEN", "--top-module", "own"]
    call([tool.binary, *quiet, *sources], tmp_path, tool.environment())
