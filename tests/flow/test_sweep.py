"""Sweeps: each network once, whatever is interrupted or killed, and the same numbers as a run of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from bitneck.flow import sweep
from bitneck.flow.belonging import graph_of
from bitneck.flow.config import RunError, design, from_preset
from bitneck.flow.folder import RunFolder
from bitneck.hw.costs.resources import total
from pyarrow import parquet

GRID = """
preset = "twelve"
[set]
"training.epochs" = 2
[grid]
"training.seed" = [0, 1, 2]
"training.learning_rate" = [0.01, 0.003]
"""
HARDWARE = GRID.replace("[set]", 'hardware = true\n[set]\n"hardware.target" = "up5k"')
RANDOM = 'preset = "twelve"\n[random]\ncount = 2\n[random.fields]\n"training.seed" = {}'


def table(folder) -> list[dict]:
    return parquet.read_table(folder / "results.parquet").to_pylist()


def test_a_grid_is_every_combination_once_and_in_order():
    tasks = sweep.tasks(GRID + '"analysis.samples" = ["all", "all"]', "here")
    assert [dict(task.varied)["training.seed"] for task in tasks] == [0, 0, 1, 1, 2, 2]
    assert len({task.key for task in tasks}) == 6
    assert {task.config.training.epochs for task in tasks} == {2}


def test_a_random_set_keeps_to_its_spans_and_its_seed():
    text = """
preset = "twelve"
[random]
count = 40
seed = 3
[random.fields]
"training.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
"training.seed" = { low = 5, high = 7 }
"training.batch_size" = [64, 256]
"""
    tasks = sweep.tasks(text, "here")
    rates = sorted(task.config.training.learning_rate for task in tasks)
    assert 1e-4 <= rates[0] < 1e-3
    assert 1e-2 < rates[-1] <= 1e-1
    assert {task.config.training.seed for task in tasks} == {5, 6, 7}
    assert {task.config.training.batch_size for task in tasks} == {64, 256}
    assert [task.key for task in tasks] == [task.key for task in sweep.tasks(text, "there")]
    assert [task.key for task in tasks] != [task.key for task in sweep.tasks(text.replace("= 3", "= 4"), "here")]


def test_a_logarithmic_span_of_whole_numbers_gives_whole_numbers_in_all_its_decades():
    text = RANDOM.format("{ low = 1, high = 1000, log = true }").replace("= 2\n", "= 60\n")
    seeds = [task.config.training.seed for task in sweep.tasks(text, "here")]
    assert 1 <= min(seeds) < 10 < 100 < max(seeds) <= 1000
    assert sum(seed < 32 for seed in seeds) > len(seeds) / 4


def test_a_file_beside_the_sweeps_own_is_varied_like_a_preset(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(from_preset("twelve").toml())
    text = GRID.replace('preset = "twelve"', 'config = "mine.toml"')
    place = str(tmp_path / "sweep.toml")
    assert [t.key for t in sweep.tasks(text, place)] == [t.key for t in sweep.tasks(GRID, "here")]
    (tmp_path / "mine.toml").write_text(from_preset("twelve").toml().replace("epochs", "epoch"))
    with pytest.raises(RunError, match=r"sweep\.toml: config: .*mine\.toml: .*did you mean 'epochs'"):
        sweep.tasks(text, place)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GRID.replace("training.seed", "training.sede"), "here: .*did you mean 'seed'"),
        (GRID.replace("training.seed", "trainin.seed"), "here: no section 'trainin'.*did you mean 'training'"),
        (GRID.replace("[grid]", "[gird]"), "here: .*did you mean 'grid'"),
        (GRID.replace("[grid]", "[random]"), "here: .*random"),
        (GRID.replace('"twelve"', '"twelfe"'), "did you mean 'twelve'"),
        ('preset = "twelve"', "either \\[grid\\] or \\[random\\]"),
        ("preset = ", "here: "),
        (GRID.replace("[0, 1, 2]", "[]"), "here: grid.training.seed: .*at least 1 item"),
        (RANDOM.format("[]"), "here: random.fields.training.seed.*at least 1 item"),
        (RANDOM.format("{ low = 9, high = 2 }"), "here: .*nothing between low=9 and high=2"),
        (RANDOM.format("{ low = 0, high = 2, log = true }"), "here: .*nothing between low=0 .* both above 0"),
        ("[grid]\n", "here: .*grid.*at least 1 item"),
        (GRID.replace('preset = "twelve"', ""), "here gives neither preset nor config; .* one of them, as preset ="),
        ('config = "a.toml"\n' + GRID, "here gives both preset and config; say what to vary with one of them"),
        (GRID.replace("preset", "config"), "here: config: twelve: No such file .*; name a file like a run's run.toml"),
    ],
)
def test_a_wrong_sweep_file_is_refused_with_its_place(text, said):
    with pytest.raises(ValueError, match=said):
        sweep.tasks(text, "here")


def test_a_sweep_gives_the_numbers_of_a_run_of_its_own_and_continues_where_it_stopped(bitneck, tmp_path):
    (tmp_path / "sweep.toml").write_text(HARDWARE)
    words = ["sweep", tmp_path / "sweep.toml", "--folder", tmp_path / "out", "--workers", 2]
    result = bitneck(*words)
    assert result.exit_code == 0
    assert [line.split()[1:4] for line in result.stderr.splitlines()] == [[str(n), "of", "6"] for n in range(1, 7)]
    assert len(result.stdout.splitlines()) == 2
    assert (tmp_path / "out" / "sweep.html").is_file()
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 1 + 6 * 3 * 6
    rows = table(tmp_path / "out")
    assert Counter((row["training.seed"], row["training.learning_rate"]) for row in rows) == dict.fromkeys(
        [(seed, rate) for seed in (0, 1, 2) for rate in (0.01, 0.003)], 3 * 6
    )

    config = tmp_path / "single.toml"
    (task,) = [
        t
        for t in sweep.tasks(HARDWARE, "here")
        if dict(t.varied) == {"training.seed": 1, "training.learning_rate": 0.003}
    ]
    config.write_text(task.config.toml())
    single = RunFolder(tmp_path / "single")
    assert bitneck("train", single.path, "--config", config).exit_code == 0
    assert bitneck("analyze", single.path).exit_code == 0
    assert bitneck("export", single.path).exit_code == 0
    analysis = json.loads(single.plane.read_text())
    mine = [row for row in rows if row["task"] == task.key]
    ends = {"bits": "_bits", "low": "_low_bits", "high": "_high_bits"}
    for point, row in zip(analysis["points"], mine, strict=True):
        assert all(point[name] == row[name] for name in ("epoch", "layer", "chance_bits"))
        for of in ("i_xt", "i_ty"):
            assert {name: point[of][name] for name in ends} == {name: row[of + end] for name, end in ends.items()}
    last = [row for row in mine if row["epoch"] == 2]
    assert [layer["dead"] for layer in analysis["bits"]] == [row["dead"] for row in last]
    assert last[0]["p_value"] == analysis["bits"][0]["p_value"]
    accelerator = design(task.config, graph_of(single))
    cost = total(accelerator.stages, "up5k")
    due = (accelerator.cycles, "up5k", cost.cells, cost.ffs, cost.brams)
    assert {tuple(row[name] for name in ("cycles", "part", "luts", "ffs", "brams")) for row in last} == {due}
    assert {row["cycles"] for row in mine if row["epoch"] < 2} == {None}

    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "tasks").iterdir()}
    lost = tmp_path / "out" / "tasks" / f"{task.key}.parquet"
    lost.unlink()
    (tmp_path / "out" / "results.parquet").unlink()
    assert bitneck(*words).exit_code == 0
    assert table(tmp_path / "out") == rows
    assert {path: time for path, time in kept.items() if path != lost} == {
        path: path.stat().st_mtime_ns for path in kept if path != lost
    }


def test_a_net_that_fits_no_part_keeps_its_numbers_and_the_table_says_why_it_has_no_hardware(tmp_path):
    (task, *_) = sweep.tasks(HARDWARE.replace("[grid]", '"hardware.luts" = 20\n[grid]'), "here")
    assert [outcome.error for outcome in sweep.run(tmp_path, [task])] == [None]
    last = sweep.rows_of(tmp_path, task)[-1]
    assert last["cycles"] is None
    assert "20 allowed" in last["no_hardware"]
    assert last["i_xt_bits"] > 0


def test_a_killed_worker_costs_nothing_and_gives_nothing_twice(tmp_path):
    tasks = sweep.tasks(GRID.replace("[0, 1, 2]", "[0, 1, 2, 3, 4]").replace("= 2", "= 12"), "here")
    with sweep.connected(None, 2) as client:
        victims = iter(client.run(os.getpid).values())
        ended = []
        for outcome in sweep.outcomes(tmp_path, tasks, client):
            ended.append(outcome)
            if len(ended) == 2:
                os.kill(next(victims), signal.SIGKILL)
    assert Counter(outcome.task.key for outcome in ended) == dict.fromkeys([task.key for task in tasks], 1)
    assert [outcome.error for outcome in ended] == [None] * 10
    sweep.collect(tmp_path, tasks)
    rows = table(tmp_path)
    assert list(dict.fromkeys(row["task"] for row in rows)) == [task.key for task in tasks]
    assert len({(row["task"], row["epoch"], row["layer"]) for row in rows}) == len(rows)


def test_on_a_cluster_by_its_address_a_failing_network_is_named_and_the_rest_goes_on(bitneck, tmp_path):
    (tmp_path / "sweep.toml").write_text(GRID.replace('"training.seed" = [0, 1, 2]', '"network.input_bits" = [1, 2]'))
    with sweep.connected(None, 1) as cluster:  # stands for one that somebody else started
        words = ["sweep", tmp_path / "sweep.toml", "--folder", tmp_path / "out"]
        result = bitneck(*words, "--scheduler", cluster.scheduler.address)
    assert result.exit_code == 1
    assert (
        "failed network.input_bits=2, training.learning_rate=0.01: TrainingError: twelve has 12 inputs" in result.output
    )
    assert "2 of 4 networks" in result.output
    assert {row["network.input_bits"] for row in table(tmp_path / "out")} == {1}


@pytest.mark.parametrize("address", ["nowhere", "post://office:1"])
def test_an_absent_scheduler_is_said_in_one_line(address):
    with (
        pytest.raises(RunError, match=f"no dask scheduler answers at {address}"),
        sweep.connected(address, 1),
    ):
        pass


@pytest.mark.parametrize("seconds", [0.7, 1.5, 3, 6])
def test_an_interrupt_of_the_whole_group_at_any_moment_is_one_line(tmp_path, seconds):
    (tmp_path / "sweep.toml").write_text(GRID.replace("= 2\n", "= 2000\n"))
    command = [
        sys.executable,
        "-m",
        "bitneck",
        "sweep",
        str(tmp_path / "sweep.toml"),
        "--folder",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(
        [*command, "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.startswith("interrupted"), said
    assert len(said.strip().splitlines()) == 1, said
