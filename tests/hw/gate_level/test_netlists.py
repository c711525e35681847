"""Netlists and bitstreams as vector code: the golden codes of every layer, and whoever differs is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bitneck.export import graph as g
from bitneck.hw.accelerator import Accelerator, lower
from bitneck.hw.exact.compiled import forms
from bitneck.hw.folding import Folding, fold
from bitneck.hw.gate_level.circuit import Circuit, Lut, NetlistError
from bitneck.hw.gate_level.code import code
from bitneck.hw.gate_level.fault import answers, culprits
from bitneck.hw.gate_level.simulator import BehaviourError, case_of, gate_level, interface
from bitneck.hw.gate_level.terms import term
from bitneck.hw.gate_level.yosys_json import circuit
from bitneck.hw.synthesis.bitstream import YOSYS, sources
from bitneck.hw.synthesis.shell import Shell
from bitneck.hw.synthesis.targets import NETLIST, target_of
from bitneck.hw.synthesis.yowasp import run
from bitneck.hw.verilog import verilog
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import random_frames, random_graph

GRAPH = random_graph([24, 8, 6, 3], 3, name="little")
ACCELERATOR = lower(GRAPH, fold(GRAPH, 24))
FRAMES = 30_100  # no multiple of a vector, and so many a lane that control is played again


@pytest.fixture(scope="session")
def netlists(tmp_path_factory):
    """A function: the netlist for a part, of the little net or another."""
    made: dict[tuple[str, str], Circuit] = {}

    def of(part: str, accelerator: Accelerator = ACCELERATOR) -> Circuit:
        if (part, accelerator.name) not in made:
            target, folder = target_of(part), tmp_path_factory.mktemp(part)
            around = None if target.place is None else Shell(accelerator)
            for name, text in sources(accelerator, verilog(accelerator), target, None, around).items():
                (folder / name).write_text(text)
            run(YOSYS, folder)
            top = accelerator.name if around is None else around.name
            netlist = json.loads((folder / NETLIST).read_text())
            made[part, accelerator.name] = circuit(netlist, top, target.part.family)
        return made[part, accelerator.name]

    return of


@pytest.mark.parametrize("part", ["up5k", "ecp5-25k", "gw1nr-9c", "xc7"])
def test_the_netlist_says_what_the_net_says_in_every_layer_of_every_frame(netlists, part):
    x = random_frames(GRAPH, FRAMES)
    expected = GRAPH(x)
    said = gate_level(netlists(part), ACCELERATOR, "netlist")(x)
    assert said.trace.source == "netlist"
    assert said.trace.layers() == expected.layers()
    assert (said.classes == expected.predictions()).all()
    assert said.cycles_per_frame == (Shell(ACCELERATOR).cycles if part != "xc7" else ACCELERATOR.cycles)


def test_of_a_net_of_steps_it_says_the_scores_and_the_spread_too(netlists):
    rng = np.random.default_rng(3)
    hidden = g.IntegrateDense("dense1", rng.random((4, 8)) < 0.5, *rng.integers(1, 4, (2, 4), np.int32), 2)
    last = (g.PassScores(rng.random((3, 4)) < 0.5, 2, "steps"), g.PassSum(3, 2, 5))
    graph = g.Graph("stepping", 3, (g.StepCuts("binarize", np.array([5, 2], np.int32), 8, 3), hidden, *last))
    accelerator, x = lower(graph, fold(graph, 16)), rng.integers(0, 8, (700, 8)).astype(np.uint8)
    said, expected = gate_level(netlists("ecp5-25k", accelerator), accelerator, "netlist")(x), graph(x)
    assert said.trace.source == "netlist"
    assert said.trace.layers() == expected.layers()
    assert (said.classes == expected.predictions()).all()


def test_every_form_of_vectors_says_the_same(netlists):
    x = random_frames(GRAPH, FRAMES)
    said = [gate_level(netlists("up5k"), ACCELERATOR, "netlist", form)(x).trace.layers() for form in forms()]
    assert all(each == said[0] for each in said)


def test_one_frame_is_enough(netlists):
    x = random_frames(GRAPH, 1)
    assert gate_level(netlists("up5k"), ACCELERATOR, "netlist")(x).trace.layers() == GRAPH(x).layers()


def test_the_slow_machine_agrees_without_knowing_that_control_is_shared(netlists):
    found, x = netlists("up5k"), random_frames(GRAPH, 3)
    case = case_of(found, ACCELERATOR, x, GRAPH(x))
    assert answers(found, *interface(found, ACCELERATOR), case, 300, 100).all()


def test_a_planted_bit_is_found_and_named_by_its_cell(netlists):
    right, x = netlists("up5k"), random_frames(GRAPH, 64)
    expected = GRAPH(x)
    at = next(i for i, lut in enumerate(right.luts) if "mvtu_dense1" in lut.name and len(set(lut.inputs)) == 4)
    for row in range(16):  # some row that the frames come by
        wrong = with_table(right, at, right.luts[at].table ^ 1 << row)
        said = gate_level(wrong, ACCELERATOR, "netlist")(x).trace
        differs = np.flatnonzero((said.codes["dense1"].packed != expected.codes["dense1"].packed).any(axis=1))
        if len(differs):
            break
    cases = [case_of(wrong, ACCELERATOR, x[some], GRAPH(x[some])) for some in (differs[:1], np.arange(12))]
    found = culprits(wrong, *interface(wrong, ACCELERATOR), *cases, cycles=300)
    assert (right.luts[at].name, row) in [(each.part.name, each.row) for each in found]
    assert f"bit {row} of {right.luts[at].name} is " in " ".join(map(str, found))


BLOCKS = random_graph([64, 16, 6, 3], 3, name="blocks")
IN_BLOCKS = lower(BLOCKS, {"dense1": Folding(1, 8, "block"), "dense2": Folding(1, 8), "scores": Folding(1, 2, "block")})


@pytest.mark.parametrize("part", [pytest.param("gw1nr-9c", marks=pytest.mark.long), "xc7"])
def test_weights_in_blocks_are_those_of_the_net_and_a_planted_bit_of_one_is_found(netlists, part):
    right, x = netlists(part, IN_BLOCKS), random_frames(BLOCKS, 600)
    expected = BLOCKS(x)
    said = gate_level(right, IN_BLOCKS, "netlist")(x)
    assert said.trace.layers() == expected.layers()
    at = next(i for i, memory in enumerate(right.memories) if "mvtu_dense1" in memory.name and not memory.is_written)
    memory, fired = right.memories[at], expected.codes["dense1"].levels(1).mean(axis=0)
    word = 8 * int(np.abs(fired - 0.5).argmin()) + 1  # of a neuron that is close to its threshold
    words = (*memory.words[:word], memory.words[word] ^ 1 << 3, *memory.words[word + 1 :])
    wrong = replace(right, memories=(*right.memories[:at], replace(memory, words=words), *right.memories[at + 1 :]))
    other = gate_level(wrong, IN_BLOCKS, "netlist")(x).trace
    differs = np.flatnonzero((other.codes["dense1"].packed != expected.codes["dense1"].packed).any(axis=1))
    assert 0 < len(differs) < len(x)
    some = [differs[:1], np.concatenate([differs[:4], np.arange(8)])]
    cases = [case_of(wrong, IN_BLOCKS, x[each], BLOCKS(x[each])) for each in some]
    found = culprits(wrong, *interface(wrong, IN_BLOCKS), *cases, cycles=1000)
    assert (memory.name, word, 3) in [(each.part.name, each.row, each.bit) for each in found]
    assert f"bit 3 of word {word} of {memory.name} is " in " ".join(map(str, found))


def with_table(of: Circuit, at: int, table: int) -> Circuit:
    return replace(of, luts=(*of.luts[:at], replace(of.luts[at], table=table), *of.luts[at + 1 :]))


def test_control_that_a_frame_can_change_is_an_error_that_names_stream_and_cycle(netlists):
    """The first layer's valid made to hang on a pixel."""
    right = netlists("up5k")
    (valid,), data = right.nets["core.binarize_tvalid"], right.nets["core.binarize_tdata"]
    driver = next(ff for ff in right.flip_flops if ff.output == valid)
    old = right.size
    wrong = replace(
        right,
        luts=(*right.luts, Lut("leak", valid, (old, data[0]), 0b1000)),
        flip_flops=tuple(replace(ff, output=old) if ff is driver else ff for ff in right.flip_flops),
    )
    with pytest.raises(
        BehaviourError, match=r"other control in frame \d+ .* than in frame 0: binarize: valid, in cycle"
    ):
        gate_level(wrong, ACCELERATOR, "netlist")(random_frames(GRAPH, 64))


def test_control_of_our_designs_needs_no_check_and_an_address_that_hangs_on_data_has_one(netlists):
    right = netlists("ecp5-25k")
    pins, streams = interface(right, ACCELERATOR)
    assert code(right, pins, streams).checks == ()
    pixel = right.nets["core.binarize_tdata"][0]
    wrong = replace(right, memories=tuple(replace(each, read=(pixel, *each.read[1:])) for each in right.memories))
    said = code(wrong, pins, streams).checks
    assert {f"{each.name}: read address, bit 0" for each in right.memories} & {*said}


def test_a_netlist_that_hangs_says_how_far_it_came(netlists):
    right = netlists("up5k")
    (valid,) = right.nets["core.dense1_tvalid"]
    stuck = replace(
        right, flip_flops=tuple(replace(ff, enable=0) if ff.output == valid else ff for ff in right.flip_flops)
    )
    with pytest.raises(BehaviourError, match=r"hangs; beats seen: binarize .*, dense1 0/"):
        gate_level(stuck, ACCELERATOR, "netlist")(random_frames(GRAPH, 2))


def test_two_drivers_two_clocks_loops_and_strange_cells_are_refused():
    with pytest.raises(NetlistError, match="b drives a net that a drives too"):
        Circuit("net", (Lut("a", 4, (2,), 1), Lut("b", 4, (3,), 1)), (), (), {}, (), ()).driven()
    with pytest.raises(NetlistError, match=r"logic forms a loop, [ab] in it"):
        Circuit("net", (Lut("a", 4, (5,), 1), Lut("b", 5, (4,), 1)), (), (), {}, (), ()).in_order()
    module = {"ports": {}, "netnames": {"n": {"bits": [2]}}, "cells": {}}
    cell = {"type": "SB_PLL40_CORE", "parameters": {}, "connections": {}}
    with pytest.raises(NetlistError, match="pll: SB_PLL40_CORE is not modelled"):
        circuit({"modules": {"top": module | {"cells": {"pll": cell}}}}, "top", "ice40")
    ffs = {
        name: {"type": "SB_DFF", "parameters": {}, "connections": {"C": [c], "D": [2], "Q": [q]}}
        for name, c, q in (("a", 3, 5), ("b", 4, 6))
    }
    with pytest.raises(NetlistError, match="2 clocks, where one is simulated"):
        circuit({"modules": {"top": module | {"cells": ffs}}}, "top", "ice40")


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6).flatmap(lambda inputs: st.tuples(st.just(inputs), st.integers(0, 2 ** (1 << inputs) - 1))))
def test_a_table_in_steps_of_three_inputs_is_the_table(of):
    inputs, table = of
    found = term(table, inputs)
    for row in range(1 << inputs):
        assert answer(found, row) == table >> row & 1


def answer(of, row: int) -> int:
    if isinstance(of, bool):
        return int(of)
    if isinstance(of, int):
        return row >> of & 1
    table, *rest = of
    a, b, c = (answer(each, row) for each in rest)
    return table >> (4 * a + 2 * b + c) & 1
