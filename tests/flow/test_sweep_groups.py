"""Networks of a sweep that are trained together: the rows that each has alone, and errors of its own."""

from __future__ import annotations

import pytest
from bitneck.flow import sweep
from bitneck.flow.measured import measure, measure_together
from bitneck.flow.sweep_groups import MOST, at_once, grouped
from bitneck.models.datasets import load

GRID = """
preset = "twelve"
[set]
"training.epochs" = 2
[grid]
"training.learning_rate" = [0.01, 0.003]
"training.seed" = [0, 1, 2, 3, 4]
"""


def sizes(text: str, workers: int) -> list[int]:
    return [len(group) for group in grouped(sweep.tasks(text, "here"), workers)]


def test_those_that_differ_in_the_seed_alone_are_grouped_so_that_every_worker_has_work():
    assert sizes(GRID, 1) == [5, 5]
    assert sizes(GRID, 2) == [3, 2, 3, 2]
    assert sizes(GRID, 10) == [1] * 10
    tasks = sweep.tasks(GRID, "here")
    groups = grouped(tasks, 2)
    assert [task.key for group in groups for task in group] == [task.key for task in tasks]
    assert {len({task.config.training.learning_rate for task in group}) for group in groups} == {1}
    assert at_once(tasks, 2) == 5
    assert grouped([], 2) == []


def test_a_group_is_never_so_large_that_an_interruption_loses_much():
    many = GRID.replace("[0, 1, 2, 3, 4]", str(list(range(2 * MOST + 2))))
    assert sizes(many, 1) == [34, 34, 34] * 2


def test_no_worker_is_idle_in_the_last_of_several_rounds():
    one_kind = GRID.replace("[0.01, 0.003]", "[0.01]").replace("[0, 1, 2, 3, 4]", str(list(range(9 * MOST))))
    assert sizes(one_kind, 2) == [45] * 10
    assert sizes(one_kind, 4) == [38] * 11 + [32]


@pytest.mark.parametrize(
    "other", ['"training.optimizer" = "sgd"', '"training.readout_weight" = 1.0', '"network.activation" = "tanh"']
)
def test_what_cannot_be_trained_together_is_trained_alone(other):
    assert sizes(GRID.replace("[set]", f"[set]\n{other}"), 1) == [1] * 10


def test_rows_are_those_of_each_net_alone():
    (group, *_) = grouped(sweep.tasks("brackets = true\nhardware = true\n" + GRID, "here"), 2)
    data, first = load("twelve"), group[0]
    together = measure_together([task.config for task in group], data, first.due, first.extras)
    assert together == [measure(task.config, data, task.due, task.extras) for task in group]
    assert together[0] != together[1]


def test_an_error_of_one_net_is_its_own_and_the_others_have_their_rows(tmp_path, monkeypatch):
    def failing(configs, *others):
        if any(config.training.seed == 3 for config in configs):
            raise ValueError(f"{len(configs)} nets, and seed 3 among them")
        return measure_together(configs, *others)

    tasks = sweep.tasks(GRID, "here")[:5]
    monkeypatch.setattr(sweep, "measure_together", failing)
    ended = {outcome.task.config.training.seed: outcome.error for outcome in sweep.run(tmp_path, tasks)}
    assert ended == dict.fromkeys((0, 1, 2, 4)) | {3: "ValueError: 1 nets, and seed 3 among them"}
