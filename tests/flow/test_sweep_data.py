"""A sweep answers for the data it was asked about: in the key, in the table, at every worker, whatever lies there."""

from __future__ import annotations

import os
import signal
import struct
from pathlib import Path

import numpy as np
import pytest
from bitneck.flow import measured, sweep
from bitneck.flow.config import RunError, changed, from_preset
from bitneck.flow.measured import Extras
from bitneck.flow.pages.paper_nets import Variant
from bitneck.models.datasets import load
from pyarrow import parquet

SWEEP = """
preset = "tfc"
[set]
"dataset" = "toy"
"network.widths" = [16, 8, 6, 3]
"training.epochs" = 2
"training.batch_size" = 32
[grid]
"training.seed" = [0, 1]
"""


def write_set(folder: Path, seed: int) -> Path:
    """IDX files of 4 x 4 pixels and three classes."""
    rng = np.random.default_rng(seed)
    (folder / "toy").mkdir(parents=True)
    for part, samples in (("train", 90), ("t10k", 30)):
        labels = np.arange(samples) % 3
        images = rng.integers(0, 256, (samples, 4, 4))
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">{array.ndim + 1}I", 0x0800 | array.ndim, *array.shape)
            (folder / "toy" / f"{part}-{kind}-ubyte").write_bytes(head + array.astype(np.uint8).tobytes())
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sets")
    return write_set(folder / "data", 1), write_set(folder / "there" / "data", 2)


@pytest.fixture(scope="module")
def client(sets):
    """Of a worker whose working folder is `there`, with other data at the same relative place."""
    with sweep.connected(None, 1) as client:
        client.run(os.chdir, sets[1].parent)
        yield client


def swept(folder: Path, client, data_dir: Path) -> bytes:
    tasks = sweep.tasks(SWEEP, "here", data_dir)
    assert [outcome.error for outcome in sweep.run(folder, tasks, client, data_dir)] == [None, None]
    return sweep.collect(folder, tasks).read_bytes()


def test_over_other_data_a_sweep_is_another_and_both_keep_their_results(client, sets, tmp_path):
    one, two = (swept(tmp_path / "both", client, data) for data in sets)
    assert one != two
    assert two == swept(tmp_path / "fresh", client, sets[1])
    assert len(list((tmp_path / "both" / "tasks").iterdir())) == 4
    assert one == swept(tmp_path / "both", client, sets[0])
    rows = parquet.read_table(tmp_path / "both" / "results.parquet").to_pylist()
    assert {row["data_sha256"] for row in rows} == {load("toy", sets[0]).sha256}


def test_a_relative_folder_is_the_callers_and_not_the_workers(client, sets, tmp_path, monkeypatch):
    monkeypatch.chdir(sets[0].parent)
    assert swept(tmp_path / "relative", client, Path("data")) == swept(tmp_path / "absolute", client, sets[0])
    monkeypatch.setenv("BITNECK_DATA", "data")
    tasks = sweep.tasks(SWEEP, "here")
    assert [outcome.error for outcome in sweep.run(tmp_path / "variable", tasks, client)] == [None, None]


def test_a_worker_that_reads_other_data_says_so_in_one_line(client, sets, tmp_path):
    asked = sweep.tasks(SWEEP, "here", sets[0])
    errors = [outcome.error for outcome in sweep.run(tmp_path, asked, client, sets[1])]
    here, there = (load("toy", data).sha256 for data in sets)
    for error in errors:
        assert f"would measure something else: it has data {there} and not {here}; " in error
        assert len(error.splitlines()) == 1
    assert not (tmp_path / "tasks").exists()


def test_a_worker_without_the_data_is_sent_them_and_gives_the_same_table(client, sets, tmp_path, monkeypatch):
    whole = swept(tmp_path / "read", client, sets[0])
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    monkeypatch.chdir(sets[0])  # the caller's toy/; the worker stands elsewhere, and has none
    tasks = sweep.tasks(SWEEP, "here")
    assert [outcome.error for outcome in sweep.run(tmp_path / "sent", tasks, client)] == [None, None]
    assert sweep.collect(tmp_path / "sent", tasks).read_bytes() == whole
    assert not client.futures


def test_data_that_were_sent_outlive_the_worker_that_had_them(sets, tmp_path, monkeypatch):
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    monkeypatch.chdir(sets[0])
    text = SWEEP.replace("[0, 1]", "[0, 1, 2, 3, 4, 5]").replace('epochs" = 2', 'epochs" = 30')
    tasks = sweep.tasks(text, "here")
    with sweep.connected(None, 2) as client:
        client.run(os.chdir, sets[1].parent)
        victims = iter(client.run(os.getpid).values())
        ended = []
        for outcome in sweep.outcomes(tmp_path, tasks, client):
            ended.append(outcome.error)
            if len(ended) in (1, 2):
                os.kill(next(victims), signal.SIGKILL)
    assert ended == [None] * 6


def test_a_worker_with_a_set_of_that_name_and_other_numbers_is_refused_in_one_line(client, sets, tmp_path, monkeypatch):
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    monkeypatch.chdir(sets[0])
    client.run(os.chdir, sets[1])
    try:
        ended = sweep.run(tmp_path, sweep.tasks(SWEEP, "here"), client)
    finally:
        client.run(os.chdir, sets[1].parent)
    here, there = (load("toy", data).sha256 for data in sets)
    for outcome in ended:
        assert f"it has data {there} and not {here}; give it" in outcome.error
        assert "the same data or none, for then they are sent" in outcome.error
        assert len(outcome.error.splitlines()) == 1


def test_a_worker_with_another_package_says_so(sets):
    (task, _) = sweep.tasks(SWEEP, "here", sets[0])
    data = measured.data_here(task.config, sets[0])
    with pytest.raises(RunError, match=rf"it has numpy {np.__version__} and not 1\.0;"):
        measured.measure(task.config, data, task.due | {"numpy": "1.0"})
    assert measured.measure(task.config, data, task.due) == measured.measure(task.config, data)


def test_a_worker_that_has_the_data_elsewhere_is_told_by_its_own_variable(sets, tmp_path, monkeypatch):
    (task, _) = sweep.tasks(SWEEP, "here", sets[0])
    monkeypatch.delenv("BITNECK_DATA", raising=False)
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        measured.data_here(task.config, tmp_path / "nowhere")
    monkeypatch.setenv("BITNECK_DATA", str(sets[0]))
    assert measured.data_here(task.config, tmp_path / "nowhere").sha256 == task.data_sha256


def cut(part: Path, other: Path) -> None:
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])


def of_another_task(part: Path, other: Path) -> None:
    part.write_bytes(other.read_bytes())


def another_number(part: Path, other: Path) -> None:
    table = parquet.read_table(part)
    rows = table.to_pylist()
    rows[3]["test_accuracy"] += 0.5
    parquet.write_table(type(table).from_pylist(rows).replace_schema_metadata(table.schema.metadata), part)


@pytest.mark.parametrize("damage", [cut, of_another_task, another_number])
def test_a_part_that_is_not_what_was_measured_is_made_anew_and_never_shown(client, sets, tmp_path, damage):
    whole = swept(tmp_path, client, sets[0])
    tasks = sweep.tasks(SWEEP, "here", sets[0])
    part, other = (tmp_path / "tasks" / f"{task.key}.parquet" for task in tasks)
    damage(part, other)
    with pytest.raises(RunError, match=r"holds no results of training\.seed=0; run it again"):
        sweep.rows_of(tmp_path, tasks[0])
    assert swept(tmp_path, client, sets[0]) == whole


def test_the_key_changes_with_everything_that_decides_and_needs_the_files_digest(monkeypatch):
    config = from_preset("twelve")
    first = sweep.Task(config, ()).key
    assert sweep.Task(config, (("seed", 3),)).key == first
    assert sweep.Task(config, (), "ab").key != first
    for name in ("numpy", "scikit-learn", "scipy", "torch", "brevitas"):
        with monkeypatch.context() as patched:
            patched.setattr(measured, "_version", lambda package, name=name: "0" if package == name else "1")
            one = sweep.Task(config, ()).key
            patched.setattr(measured, "_version", lambda package: "1")
            assert sweep.Task(config, ()).key != one
    with monkeypatch.context() as patched:
        patched.setattr(measured, "_code", lambda rooms: "other code")
        assert sweep.Task(config, ()).key != first
    assert sweep.Task(config, (), extras=Extras(hardware=True)).key != first
    with pytest.raises(RunError, match="mnist is made of files, and their sha256 is not given"):
        _ = sweep.Task(from_preset("tfc"), ()).key


def test_the_code_of_the_key_is_that_of_training_estimators_and_configuration(tmp_path, monkeypatch):
    rooms = ("models/a.py", "ib_analysis/b.py", "ib_analysis/pictures/c.py", "hw/d.py", "hw/e.json", "hw/f.sv")
    for name in (*rooms, "flow/config.py", "flow/measured.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.setattr(measured, "ROOT", tmp_path)
    always = ["config.py", "measured.py", "b.py", "a.py"]
    for more, due in (((), always), (measured.HARDWARE_ROOMS, [*always[:2], "d.py", "e.json", *always[2:]])):
        rooms = (*measured.ROOMS, *more)
        first, changed = measured._code.__wrapped__(rooms), []
        for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
            path.write_text("# changed")
            changed += [path.name] if measured._code.__wrapped__(rooms) != first else []
            path.write_text("")
        assert changed == due


def test_the_papers_nets_on_files_carry_the_digest_of_the_files():
    variants = [Variant("float twin", from_preset("narrow-mnist"), 2, sha256) for sha256 in ("aa", "bb")]
    assert {task.data_sha256 for task in variants[0].tasks} == {"aa"}
    assert not {task.key for task in variants[0].tasks} & {task.key for task in variants[1].tasks}


def test_a_data_set_that_is_not_there_is_one_line_before_anything_runs(bitneck, tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    words = ["sweep", tmp_path / "sweep.toml", "--folder", tmp_path / "out", "--data-dir", tmp_path / "nowhere"]
    result = bitneck(*words)
    assert result.exit_code == 2
    assert "nowhere: no such folder" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_epochs_of_a_teacher_are_no_rows():
    config = changed(from_preset("digits-tiny"), training__epochs=1, training__teacher_epochs=2)
    rows = measured.measure(config, load("digits"))
    assert [(row["epoch"], row["layer"]) for row in rows] == [
        (epoch, layer) for epoch in (0, 1) for layer in config.network.names
    ]
