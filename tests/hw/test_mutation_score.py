"""The benches kill what a slip of the pen makes of the RTL: a sample of `make mutants`; and the mutants are sound."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from bitneck.hw.verilog import library
from execute import MEMORY_BYTES, Fate, benched, cases_of, every_mutant, execute_all, limit
from link_benches import cases as link_cases
from operators import mutants
from score import SURVIVORS, explained, known, line, sample, table, verdict

EVERY = [mutant for name in benched() for mutant in every_mutant(name)]
SIZED = ("cut", "late", "last", "tie")  # operators whose faults no small bench shows, but for ties
REASONS = explained(SURVIVORS.read_text())
SMALL = """
// a > b
module small (input wire a, input wire b, output wire c);
  assign c = a && b;  // a && b
  initial if (a) $fatal(1, "a + 1");
endmodule
"""

COUNTED = """
module counted #(parameter int BEATS = 2) (input wire clk, input wire rst, output wire last);
  localparam int WIDTH = $clog2(BEATS);
  logic [WIDTH-1:0] beat;
  assign last = beat == WIDTH'(BEATS - 1);
  always_ff @(posedge clk) begin
    beat <= beat + 1'b1;
    if (rst) beat <= '0;
  end
endmodule
"""


@pytest.mark.skipif(not shutil.which("iverilog"), reason="no Icarus")
def test_no_mutant_of_the_sample_survives_unexplained():
    chosen = sample(EVERY, 7, seed=1)
    fates = list(execute_all(chosen, workers=2))
    assert verdict(fates, REASONS) == []
    assert sum(fate.state == "killed" for fate in fates) > 3


def test_what_a_mutant_starts_gets_no_more_memory_than_the_machine_can_spare():
    with ProcessPoolExecutor(1, get_context("spawn"), limit) as pool:
        command = [sys.executable, "-c", f"bytearray({MEMORY_BYTES})"]
        done = pool.submit(subprocess.run, command, capture_output=True, text=True).result()
    assert done.returncode == 1
    assert "MemoryError" in done.stderr


def test_every_explanation_has_a_reason():
    assert all(reason.strip() for reason in REASONS.values())


def test_every_module_of_the_library_has_mutants_and_a_bench():
    modules = set(benched())
    assert modules == {name.removesuffix(".sv") for name in library()}
    assert {mutant.module for mutant in EVERY} == modules
    of_links = {module for case in link_cases() for module in case.modules}
    assert [module for module in sorted(modules - of_links) if not cases_of(module)] == []


def test_mutants_are_all_different_and_touch_no_comment_string_or_message():
    found = mutants("small", SMALL)
    texts = [mutant.mutated for mutant in found]
    assert len(set(texts)) == len({mutant.key for mutant in found}) == len(texts)
    assert {mutant.key.partition("=> ")[2] for mutant in found} >= {
        "assign c = a || b;",
        "assign c = a;",
        "assign c = b;",
        "assign c = '1;",
        "assign c = '0;",
        "assign c = ~(a && b);",
        'initial if (1\'b0) $fatal(1, "a + 1");',
    }
    for text in texts:
        assert text.count("// a > b") == text.count("// a && b") == text.count('(1, "a + 1")') == 1


def test_faults_of_the_largest_are_as_the_text_says_below():
    found = mutants("counted", COUNTED, {"WIDTH": 4, "WIDTH-1": 3, "BEATS": 16, "$clog2(BEATS)": 4}.get)
    sized = {mutant.key.partition("=> ")[2] for mutant in found if mutant.operator in SIZED}
    assert sized >= {
        "localparam int WIDTH = ($clog2(BEATS) == 4 ? 3 : $clog2(BEATS));",
        "logic [(WIDTH-1) == 3 ? 2 : (WIDTH-1):0] beat;",
        "assign last = beat == WIDTH'(BEATS - (BEATS == 16 ? 2 : 1));",
        "assign last = beat == WIDTH'(BEATS - (BEATS == 16 ? 0 : 1));",
        "assign last = (((beat) ^ (WIDTH'(BEATS - 1))) & ~($bits(beat) == 4 ? 1 << 3 : 0)) == 0;",
    }
    assert "if (rst) beat <= $bits(beat) == 4 ? beat & (1 << 3) : '0;" in {m.key.partition("=> ")[2] for m in found}
    assert not [mutant for mutant in mutants("counted", COUNTED) if mutant.operator in SIZED]


def test_every_module_that_counts_or_repeats_has_faults_of_its_largest():
    assert {mutant.module for mutant in EVERY if mutant.operator in SIZED} == {mutant.module for mutant in EVERY}


def test_a_survivor_needs_an_explanation_and_an_explanation_a_survivor():
    first, second = mutants("small", SMALL)[:2]
    known = {first.key: "of no consequence"}
    assert verdict([Fate(first, "survived"), Fate(second, "killed")], known) == []
    assert verdict([Fate(second, "survived")], known) == [f"survived: {second.key}"]
    assert verdict([Fate(first, "killed")], known) == [f"explained, but killed: {first.key}"]
    assert table([Fate(first, "survived"), Fate(second, "killed", True)], known).splitlines()[-2].split() == [
        *("all", "2", "1", "1", "0", "=", "0.0", "%", "100.0", "%")
    ]


def test_sample_is_the_same_again_and_spread_over_the_modules():
    chosen = sample(EVERY, 60, seed=1)
    assert chosen == sample(EVERY, 60, seed=1) != sample(EVERY, 60, seed=2)
    assert {mutant.module for mutant in chosen} == {mutant.module for mutant in EVERY}


def test_a_process_outlives_the_time_that_what_it_starts_gets():
    """Each second over the limit ends what it starts, and only tells the process."""
    spin = "while True: pass"
    with ProcessPoolExecutor(1, get_context("spawn"), limit) as pool:
        pool.submit(resource.setrlimit, resource.RLIMIT_CPU, (1, resource.RLIM_INFINITY)).result()
        assert pool.submit(sum, range(10**8)).result() == sum(range(10**8))
        assert pool.submit(subprocess.call, [sys.executable, "-c", spin]).result() == -signal.SIGXCPU


def test_a_file_of_fates_is_continued_and_a_line_that_was_cut_off_runs_again(tmp_path):
    some = EVERY[:3]
    fates = [Fate(some[0], "killed", True, "two\nlines"), Fate(some[1], "survived"), Fate(some[2], "killed")]
    file = tmp_path / "fates.tsv"
    file.write_text("".join(map(line, fates))[:-1])
    assert known(file, EVERY) == [Fate(some[0], "killed", True, "two lines"), fates[1]]
    assert known(tmp_path / "none.tsv", EVERY) == []
