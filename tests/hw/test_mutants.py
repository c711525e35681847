"""Deliberate faults in the RTL, each of which a bench must catch: a bench that catches nothing proves nothing.

All mutants of the stages live in one simulation, each as its own copy of the library under another prefix, beside the
unharmed stages that must pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.hw.simulation.cocotb_tier import cosimulate
from bitneck.hw.simulation.library import Stalls, build
from bitneck.hw.stages import Argmax, ArgmaxTree, DwcDown, DwcUp, Fifo, Mvlu, ScaledScores, Stage
from bitneck.hw.verilog import OWN, library, verilog
from level_cases import coded, matrix_of, steps
from map_cases import WINDOWS, cut, pool, pool_sum, window
from member_cases import argmax_spread, integrate, pass_sum, thresholding
from random_nets import random_frames, random_graph
from stage_bench import FASTEST, prefixed, run_bench
from stage_cases import Replay, Skid, binarize, dense, dense_scores, mvtu, scores
from turned_cases import turned_mvtu

RNG = np.random.default_rng(1)
STAGES: dict[str, Stage] = {
    "binarize": binarize(RNG, 12, 8, 4),
    "mvtu": mvtu(RNG, 6, 16, 2, 8),
    "mvtu_at_once": mvtu(RNG, 6, 8, 2, 8),  # a vector a beat
    "mvtu_one_row_fold": mvtu(RNG, 6, 16, 6, 4),  # nothing is replayed
    "scores": scores(RNG, 6, 8, 2, 4),
    "skid": Skid("skid", 9),
    "replay": Replay("replay", 5, 3, 2),
    "dwc_up": DwcUp("dwc_up", 4, 12, 6),
    "dwc_down": DwcDown("dwc_down", 12, 4, 2),
    "fifo": Fifo("fifo", 8, 5, 5),
    "argmax": Argmax("argmax", 10, 3),
    "dense": dense(RNG, 6, 98, 32),
    "dense_scores": dense_scores(RNG, 3, 8, 128),
    "argmax_tree": ArgmaxTree("argmax_tree", 10, 3),
    "window": window("in_turn", *WINDOWS["prime_channels_in_turn"]),
    "pool": pool(RNG, 6, 2, 3, 3, 1),
    "pool_sum": pool_sum(3, 1, 1, 4, 1),
    "integrate": integrate(np.random.default_rng(4), 8, 2, 4, 4),
    "thresholding": thresholding(RNG, 3, 4, 2, 3),
    "pass_sum": pass_sum(6, 3, 2, 3),
    "argmax_spread": argmax_spread(5, 3, 2),
    "cut": cut(RNG, 6, 12, 2, 2, 2, 3),
    "step": steps(RNG, 3, 3, 5, 6, 1),
    "coded": coded(np.random.default_rng(8), 4, 6, 2, 3, 12),
    "turned": turned_mvtu(np.random.default_rng(9), 12, 8, 2, 2),
    "mvlu_of_products": matrix_of(Mvlu, RNG, 4, 4, 2, 2, 3, 4),
    "mvlu_of_planes": matrix_of(Mvlu, RNG, 2, 13, 1, 13, 3, 4),
    "scaled_scores": matrix_of(ScaledScores, RNG, 4, 6, 2, 1, 2, 3, factor=5, offset=9),
}
ORDER, THROUGHPUT, RESET, FULL = "every_beat_arrives", "throughput_is", "reset_in_mid_frame", "reset_of_one_cycle"
TIES = "extremes_and_ties_are_answered"


@dataclass(frozen=True)
class Mutant:
    """why   what a chip with this fault would do; stage   in whose bench it shows; test   that must fail"""

    why: str
    file: str
    original: str
    mutated: str
    stage: str
    test: str = ORDER

    def applied(self, files: Mapping[str, str], design: str | None = None) -> dict[str, str]:
        """design   whose own modules the files are; None for the library's"""
        file = self.file if design is None else OWN.format(design=design, name=self.file)
        assert files[file].count(self.original) == 1, f"{file} has changed: {self.original}"
        return {**files, file: files[file].replace(self.original, self.mutated)}


MUTANTS = [
    Mutant("a pixel at its threshold is dark", "binarize.sv", "]} >= threshold[", "]} > threshold[", "binarize"),
    Mutant(
        "thresholds run on while the stage is stalled",
        "binarize.sv",
        "if (take)          fold <=",
        "if (s_axis_tvalid) fold <=",
        "binarize",
    ),
    Mutant("a frame cut by reset shifts the thresholds", "binarize.sv", "fold  <= '0;", "", "binarize", RESET),
    Mutant(
        "a sum at its threshold does not fire",
        "mvtu.sv",
        "!accumulators[p*ACC_WIDTH + ACC_WIDTH - 1]",
        "$signed(accumulators[p*ACC_WIDTH +: ACC_WIDTH]) > 0",
        "mvtu",
    ),
    Mutant(
        "XOR counts what disagrees",
        "planes.sv",
        "~(w ^ x)",
        "w ^ x",
        "mvtu",
    ),
    Mutant("thresholds of the next row fold", "mvu.sv", "starts[row_fold_2]", "starts[row_fold_1]", "mvtu_at_once"),
    Mutant(
        "thresholds of the first row fold for all", "mvu.sv", "starts[row_fold_2]", "starts[row_fold_2 & '0]", "mvtu"
    ),
    Mutant(
        "the accumulator restarts with the frame, not with the row",
        "mvu.sv",
        "first_1    <= first_0;",
        "first_1    <= first_0 && row_fold_0 == '0;",
        "mvtu",
    ),
    Mutant(
        "weights of the first row fold for all", "mvu.sv", "weights[address]", "weights[WORD_WIDTH'(col_fold)]", "mvtu"
    ),
    Mutant("partial sums leave the unit", "mvu.sv", "<= valid_3 && last_3;", "<= valid_3;", "mvtu"),
    Mutant(
        "the nine of a kernel lie side by side",
        "mvu.sv",
        "k / KERNELS * SIMD + t * KERNELS + k % KERNELS",
        "k * TAPS + t",
        "coded",
    ),
    Mutant(
        "all kernels of a lane are the first",
        "mvu.sv",
        "stored[k*CODE_BITS",
        "stored[k/KERNELS*KERNELS*CODE_BITS",
        "coded",
    ),
    Mutant(
        "decoders forget a stall",
        "mvu.sv",
        ".clk, .enable(advance), .address(stored[",
        ".clk, .enable(1'b1), .address(stored[",
        "coded",
    ),
    Mutant(
        "inputs come before their decoded weights", "mvu.sv", "x_1        <= x_0;", "x_1        <= x_data;", "coded"
    ),
    Mutant(
        "a vector waits for its codebook through the reset",
        "mvu.sv",
        "if (rst)          valid_0 <= 1'b0;\n      else if",
        "if",
        "coded",
        RESET,
    ),
    Mutant(
        "an imaginary row goes on where it turns back",
        "mvu.sv",
        "(middle_col ? PAIR_WIDTH'(1 - HALF) : PAIR_WIDTH'(1))",
        "PAIR_WIDTH'(1)",
        "turned",
    ),
    Mutant("imaginary rows read as real ones", "mvu.sv", "(last_col && !last_pair)", "last_col", "turned"),
    Mutant("every imaginary input is inverted", "mvu.sv", "imaginary && second;", "imaginary;", "turned"),
    Mutant("a frame cut by reset leaves an imaginary row", "mvu.sv", "imaginary <= 1'b0;", "", "turned", RESET),
    Mutant("bubbles are added up", "mvu.sv", "if (advance && valid_3)", "if (advance)", "mvtu_one_row_fold"),
    Mutant("a frame cut by reset shifts the columns", "mvu.sv", "col_fold      <= '0;", "", "mvtu", RESET),
    Mutant(
        "a popcount of its last branch only",
        "popcount.sv",
        "branch[i-1].sum + COUNT_WIDTH'(ones)",
        "COUNT_WIDTH'(ones)",
        "mvtu",
    ),
    Mutant(
        "the popcount's leaves do not wait for the sums",
        "popcount.sv",
        "if (enable) ones <= LEAF_WIDTH",
        "ones <= LEAF_WIDTH",
        "mvtu",
    ),
    Mutant(
        "the popcount's branches do not wait for the sums",
        "popcount.sv",
        "if (enable) ones <= BRANCH_WIDTH'(leaf[2*i].ones) +",
        "ones <= BRANCH_WIDTH'(leaf[2*i].ones) +",
        "mvtu",
    ),
    Mutant("scores count what disagrees", "scores.sv", ".s_axis_tdata(score)", ".s_axis_tdata(~score)", "scores"),
    Mutant(
        "the beat that came last before the stall is lost",
        "skid.sv",
        "s_axis_tready ? s_axis_tdata : spare",
        "s_axis_tdata",
        "skid",
    ),
    Mutant(
        "the spare beat is overwritten",
        "skid.sv",
        "s_axis_tready <= output_free || (s_axis_tready && !take);",
        "s_axis_tready <= 1'b1;",
        "skid",
    ),
    Mutant("data changes under a stall", "skid.sv", "if (output_free) m_axis_tdata", "m_axis_tdata", "skid"),
    Mutant("a full spare is forgotten", "skid.sv", "take || !s_axis_tready;", "take;", "skid"),
    Mutant("plays the bank that is being written", "replay.sv", "memory[{read_bank,", "memory[{write_bank,", "replay"),
    Mutant("a played vector is never given back", "replay.sv", "full[read_bank] <= 1'b0;", "", "replay"),
    Mutant("every vector once too few", "replay.sv", "read_time == TIME_WIDTH'(TIMES - 2);", "1'b1;", "replay"),
    Mutant(
        "correct with one bank, but slow",
        "replay.sv",
        "s_axis_tready = !full[write_bank];",
        "s_axis_tready = full == '0;",
        "replay",
        THROUGHPUT,
    ),
    Mutant(
        "the first beat becomes the highest bits",
        "dwc_up.sv",
        "{s_axis_tdata, m_axis_tdata[M_WIDTH-1:S_WIDTH]}",
        "{m_axis_tdata[M_WIDTH-S_WIDTH-1:0], s_axis_tdata}",
        "dwc_up",
    ),
    Mutant("a word cut by reset shifts the next", "dwc_up.sv", "fill          <= '0;", "", "dwc_up", RESET),
    Mutant(
        "the last beat of a word is missing",
        "dwc_down.sv",
        "COUNT_WIDTH'(RATIO - 1)",
        "COUNT_WIDTH'(RATIO - 2)",
        "dwc_down",
    ),
    Mutant("the highest bits go first", "dwc_down.sv", "word[M_WIDTH-1:0];", "word[S_WIDTH-1 -: M_WIDTH];", "dwc_down"),
    Mutant(
        "full one beat too late", "fifo.sv", "count == COUNT_WIDTH'(DEPTH - 1)", "count == COUNT_WIDTH'(DEPTH)", "fifo"
    ),
    Mutant(
        "the last maximum wins", "argmax.sv", "|| lead[SCORE_WIDTH];", "|| lead[SCORE_WIDTH] || lead == '0;", "argmax"
    ),
    Mutant("the class is off by one", "argmax.sv", "m_axis_tdata <= index;", "m_axis_tdata <= index + 1'b1;", "argmax"),
    Mutant("the best of the frame before stays", "argmax.sv", "index == '0 || lead", "lead", "argmax"),
    Mutant("a ring of a beat less", "window.sv", "ADDRESS_WIDTH'(WORDS - 1)", "ADDRESS_WIDTH'(WORDS - 2)", "window"),
    Mutant("room for one window", "window.sv", "RING       = 2 * K", "RING       = K", "window", THROUGHPUT),
    Mutant("the ring lies beside the map", "window.sv", "beside ? pad : data", "data", "window"),
    Mutant("rows of before the reset", "window.sv", "filled      <= '0;", "", "window", RESET),
    Mutant("the largest of the window before stays", "pool.sv", "(tap == '0 || level", "(level", "pool"),
    Mutant("the choice of the group behind", "pool.sv", "{BITS{inverted[p]}}", "{BITS{invert[p]}}", "pool"),
    Mutant("the sum of the window before stays", "pool_sum.sv", "(tap == '0 ? '0 : sum)", "sum", "pool_sum"),
    Mutant("the sums of the frame before stay", "pass_sum.sv", "(first_pass ? '0 : sum)", "sum", "pass_sum"),
    Mutant(
        "the lowest of the frame before stays", "pass_sum.sv", "first_pass || below[BITS]", "below[BITS]", "pass_sum"
    ),
    Mutant("a member too many", "pass_sum.sv", "PASS_WIDTH'(PASSES - 1)", "PASS_WIDTH'(PASSES)", "pass_sum"),
    Mutant("a frame cut by reset leaves a member", "pass_sum.sv", "pass          <= '0;", "", "pass_sum", RESET),
    Mutant(
        "the last of equal sums wins",
        "argmax_spread.sv",
        "|| lead[SCORE_WIDTH];",
        "|| $signed(lead) <= 0;",
        "argmax_spread",
    ),
    Mutant("the spread of all frames", "argmax_spread.sv", "(first ? '0 : total)", "total", "argmax_spread"),
    Mutant(
        "the first pass's thresholds for all", "thresholding.sv", "thresholds[fold]", "thresholds[0]", "thresholding"
    ),
    Mutant(
        "states of the frame before stay", "integrate.sv", "first ? '0 : states[", "1'b0 ? '0 : states[", "integrate"
    ),
    Mutant(
        "one state for all rows of a lane",
        "integrate.sv",
        "FOLDS*STATE_BITS-1:0] states;",
        "STATE_BITS-1:0] states;",
        "integrate",
    ),
    Mutant("a row that fires stays up", "integrate.sv", "fires ? above[STATE_BITS-1:0] : v", "v", "integrate"),
    Mutant(
        "a state at its theta does not fire", "integrate.sv", "!above[STATE_BITS];", "above > 0;", "integrate", TIES
    ),
    Mutant("a step too many", "integrate.sv", "STEP_WIDTH'(STEPS - 1)", "STEP_WIDTH'(STEPS)", "integrate"),
    Mutant("a frame cut by reset leaves its step", "integrate.sv", "step  <= '0;", "", "integrate", RESET),
    Mutant("the first table for all", "cut.sv", "levels[(row << IN_BITS) |", "levels[", "cut"),
    Mutant("thresholds of the first row", "threshold_step.sv", "(ADDRESS_WIDTH'(row) << DONE) |", "", "step"),
    Mutant(
        "a sum at its threshold does not reach it",
        "thresholding.sv",
        "= !lacking[WIDTH];",
        "= !lacking[WIDTH] && lacking != 0;",
        "mvlu_of_products",
        TIES,
    ),
    Mutant(
        "weights without their sign",
        "products.sv",
        "wire signed [W_BITS-1:0] w",
        "wire [W_BITS-1:0] w",
        "mvlu_of_products",
    ),
    Mutant("the plane of the sign like others", "planes.sv", "~(w & x)", "(w & x)", "mvlu_of_planes"),
    Mutant(
        "the offset of the next row",
        "scaled_scores.sv",
        "offset_2     <= offset_1;",
        "offset_2     <= offsets[fold];",
        "scaled_scores",
    ),
    Mutant("constants count what disagrees", "unrolled.sv", "~(weights[0]", "(weights[0]", "dense"),
    Mutant(
        "a constant row of its last group only",
        "unrolled.sv",
        "group[g-1].total + ACC_WIDTH'(ones)",
        "ACC_WIDTH'(ones)",
        "dense",
    ),
    Mutant("a group of its last leaf only", "unrolled.sv", "leaf[l-1].sum + WIDTH'", "WIDTH'", "dense"),
    Mutant(
        "a frame of before the reset comes out",
        "unrolled.sv",
        "if (rst)           m_axis_tvalid <= 1'b0;",
        "",
        "dense",
        FULL,
    ),
    Mutant("the groups do not wait", "unrolled.sv", "if (s_axis_tready) ones", "ones", "dense"),
    Mutant(
        "a sum one below its constant threshold fires",
        "dense.sv",
        "!accumulators[r*ACC_WIDTH + ACC_WIDTH - 1]",
        "$signed(accumulators[r*ACC_WIDTH +: ACC_WIDTH]) >= -1",
        "dense",
    ),
    Mutant(
        "constant scores disagree", "dense_scores.sv", ".s_axis_tdata(score)", ".s_axis_tdata(~score)", "dense_scores"
    ),
    Mutant(
        "the right one of two maxima wins",
        "argmax_tree.sv",
        "= lead[SCORE_WIDTH];",
        "= lead[SCORE_WIDTH] || lead == '0;",
        "argmax_tree",
    ),
    Mutant(
        "the winner's score stays behind",
        "argmax_tree.sv",
        "score <= greater ? node[2*n+1]",
        "score <= greater ? node[2*n]",
        "argmax_tree",
    ),
    Mutant("rounds run on under a stall", "argmax_tree.sv", "if (s_axis_tready) valid", "valid", "argmax_tree"),
    Mutant(
        "a round before the reset comes out",
        "argmax_tree.sv",
        "if (rst)           valid <= '0;",
        "",
        "argmax_tree",
        RESET,
    ),
    Mutant(
        "a class is overwritten before it is taken",
        "argmax.sv",
        "s_axis_tready = m_axis_tready || !m_axis_tvalid;",
        "s_axis_tready = 1'b1;",
        "argmax",
    ),
]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory) -> dict[str, dict[str, str | None]]:
    """By case: the unharmed stages, then a stage a mutant."""
    cases = {f"whole_{name}": replace(stage, name=f"whole_{name}") for name, stage in STAGES.items()}  # type: ignore[type-var]
    others: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for index, mutant in enumerate(MUTANTS):
        name = f"mutant{index}"
        cases[name] = replace(STAGES[mutant.stage], name=name)  # type: ignore[type-var]
        prefixes[name] = f"{name}_"
        others |= prefixed(mutant.applied(library()), prefixes[name])
    return run_bench(FASTEST, cases, tmp_path_factory.mktemp("mutants"), others, prefixes)


@pytest.mark.parametrize("name", STAGES)
def test_bench_finds_nothing_in_an_unharmed_stage(complaints, name):
    assert set(complaints[f"whole_{name}"].values()) == {None}


@pytest.mark.parametrize("index", range(len(MUTANTS)), ids=[mutant.why.replace(" ", "-") for mutant in MUTANTS])
def test_bench_catches_the_mutant(complaints, index):
    found = complaints[f"mutant{index}"]
    assert [test for test, complaint in found.items() if complaint and test.startswith(MUTANTS[index].test)], found


NET = random_graph([12, 9, 6, 3], 4, name="net")
ACCELERATOR = lower(NET, fold(NET, 18))
SCORES_OUT = lower(NET, fold(NET, 18), output="scores")
X = random_frames(NET, 60)


def mutated(accelerator, why: str) -> dict[str, str]:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.why == why)
    return mutant.applied(verilog(accelerator), accelerator.name)


def test_library_tier_shows_in_which_layer_a_threshold_is_misread(tmp_path):
    simulator = build(ACCELERATOR, tmp_path, design=mutated(ACCELERATOR, "thresholds of the first row fold for all"))
    layers, expected = simulator(X, Stalls(0.3, 0.3)).trace.layers(), NET(X).layers()
    assert layers["binarize"] == expected["binarize"]
    assert layers["dense1"] != expected["dense1"]


def test_library_tier_answers_the_wrong_class_where_the_last_maximum_wins(tmp_path):
    simulation = build(ACCELERATOR, tmp_path, design=mutated(ACCELERATOR, "the last maximum wins"))(X)
    expected = NET(X)
    assert simulation.trace.layers() == expected.layers()
    ties = (expected.scores == expected.scores.max(axis=1, keepdims=True)).sum(axis=1) > 1
    assert ties.any()
    assert np.array_equal(simulation.classes != expected.predictions(), ties)


def test_cocotb_tier_compares_what_leaves_the_chip(tmp_path):
    design = mutated(ACCELERATOR, "the last maximum wins")
    _, complaint = cosimulate(ACCELERATOR, X, NET(X), tmp_path, FASTEST, design=design)
    assert complaint is not None
    assert complaint.startswith("argmax: ")


def test_cocotb_tier_sees_tlast_on_the_wrong_beat(tmp_path):
    mutant = Mutant(
        "a frame ends a beat early", "frame_end.sv", "COUNT_WIDTH'(BEATS - 1)", "COUNT_WIDTH'(BEATS - 2)", ""
    )
    design = mutant.applied(verilog(SCORES_OUT), SCORES_OUT.name)
    _, complaint = cosimulate(SCORES_OUT, X, NET(X), tmp_path, FASTEST, design=design)
    assert complaint == "TLAST does not mark the frames, or a stream sent a beat too many"
