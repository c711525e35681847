"""Every file of a run, damaged by chance: the verb that reads it says so in a line, or does what it did before."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tomli_w
from bitneck.flow.config import changed, from_preset
from bitneck.flow.files import write_arrays, write_record
from bitneck.flow.folder import RunFolder
from bitneck.flow.trained import checkpoint_arrays
from bitneck.hw.synthesis.bitstream import design_digest
from onnx import numpy_helper

SEED, CASES = 1, 150
Snapshot = dict[str, bytes]

BUILD, FOLD, VERIFY, SIMULATE = (("build",), ("fold", "--target", "up5k"), ("verify",), ("simulate",))
ANALYZE, PLANE, REPORT, VECTORS = (("analyze",), ("plane",), ("report",), ("export", "--vectors"))
COMPARE = ("analyze", "--codes", "trace.npz")
READERS = {  # artefact -> verbs that read it, the cheap ones more than once
    "run.toml": [BUILD, BUILD, FOLD, VERIFY, PLANE, VECTORS],
    "checkpoint/checkpoint.npz": [BUILD, VERIFY, PLANE, COMPARE],
    "codes/epoch-00000.npz": [ANALYZE],
    "codes/epoch-00006.npz": [VERIFY, COMPARE, ANALYZE],
    "codes/labels.npz": [COMPARE, ANALYZE],
    "model.onnx": [VERIFY, VERIFY, SIMULATE],
    "streamlined.onnx": [VERIFY],
    "standard.onnx": [VERIFY],
    "graph.npz": [BUILD, FOLD, VERIFY, VECTORS],
    "rtl/digits__mvtu.sv": [VERIFY],
    "rtl/digits__dense1_weights.mem": [VERIFY, SIMULATE],
    "rtl/build.json": [VERIFY, VECTORS],
    "trace.npz": [VERIFY, COMPARE],
    "verify.json": [VERIFY, REPORT],
    "plane.json": [PLANE, PLANE, REPORT],
    "synth/up5k/synth.json": [REPORT],
    "vectors/vectors.json": [VECTORS],
}


@pytest.fixture(scope="module")
def runs(bitneck, finished_run, tmp_path_factory) -> tuple[RunFolder, Snapshot, Snapshot]:
    """A whole run, what lies in it, and what lies in another of the same shape."""
    here = tmp_path_factory.mktemp("damaged")
    mine, other = RunFolder(here / "digits"), RunFolder(here / "other" / "digits")
    shutil.copytree(finished_run, mine.path)
    assert bitneck("run", other.path, "--epochs", 6, "--seed", 1, "--brackets", 1).exit_code == 0
    for run in (mine, other):
        assert bitneck(*VECTORS, run.path).exit_code == 0
        stage = {"name": "dense1", "luts": 1728, "carries": 342, "ffs": 678, "brams": 1, "estimated": 1900.0}
        row = {"target": "up5k", "inputs": "12" * 32, "top": "digits__shell", "cycles": 32, "port_cycles": 128}
        row |= {"resources": [{"name": name, "used": 3, "available": 30} for name in ("ICESTORM_LC", "ICESTORM_RAM")]}
        row |= {"stages": [stage], "fmax_mhz": 48.0, "slowest": [], "bitstream": ["design.bin", "ab" * 32], "tools": {}}
        row["design"] = design_digest({file.name: file.read_text() for file in run.rtl.iterdir()})
        write_record(run.synthesis("up5k"), row | {"seconds": {"yosys": 6.5}})
    return mine, snapshot(mine.path), snapshot(other.path)


def snapshot(folder: Path) -> Snapshot:
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items()}


def put_back(folder: Path, files: Snapshot) -> None:
    wanted = {folder / name for name in files}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_symlink() or (path.is_file() and path not in wanted):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, content in files.items():
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def outcome(bitneck, folder: Path, verb: tuple[str, ...], damaged: str) -> tuple[str, Snapshot, Any]:
    """What a verb says and leaves; and the result itself. What tells of time is left out, and the damaged file."""
    words = [folder / word if word == "trace.npz" else word for word in verb[1:]]
    result = bitneck(verb[0], folder, *words)
    left = snapshot(folder)
    left.pop(damaged, None)
    if "verify.json" in left:
        row = json.loads(left["verify.json"])
        kept = {key: row[key] for key in row if key not in ("seconds", "files", "sha256")}
        left["verify.json"] = json.dumps(kept).encode()
    return re.sub(r"[\d,]+ frames/s|\d\.\d MB|.* after \d+:\d+:\d+.*\n", "", result.output), left, result


def bits(content: bytes, rng: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def directory_bits(content: bytes, rng: random.Random) -> bytes:
    """One bit of the last part, where a zip has its directory."""
    place = rng.randrange(len(content) - min(len(content), 900), len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, rng: random.Random) -> bytes:
    low, high = sorted(rng.randrange(len(content)) for _ in "ab")
    return rng.choice([content[:high], content[low:], content[:low] + content[high:]])


def noise(content: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"", b"\0", b"hello\n", rng.randbytes(500), content + content, content[::-1], b"[" * 5000])


ODD = [True, None, "x", -1, 0, 0.5, 10**30, [], {}, [[1]], float("nan"), 1e999, "a" * 64]


def wrong_content(name: str, content: bytes, rng: random.Random) -> bytes:
    """Of the file's own kind, with something else in it."""
    if name.endswith(".npz"):
        return wrong_arrays(content, rng)
    if name.endswith(".onnx"):
        return wrong_net(content, rng)
    if name.endswith((".json", ".toml")):
        row = json.loads(content) if name.endswith(".json") else tomllib.loads(content.decode())
        wrong_value(row, rng)
        if name.endswith(".json"):
            return json.dumps(row, indent=1).encode()
        try:
            return tomli_w.dumps(row).encode()
        except TypeError:  # TOML has no None
            return b"name = "
    return rng.choice([content.replace(b"0", b"1", 1), content + b"// more\n", content.upper()])


def wrong_value(row: Any, rng: random.Random) -> None:
    """In place: one leaf is another, gone or new."""
    while True:
        key = rng.choice(list(row) if isinstance(row, dict) else range(len(row)))
        if not isinstance(row[key], dict | list) or not row[key] or rng.random() < 0.15:
            break
        row = row[key]
    match rng.randrange(4):
        case 0:
            del row[key]
        case 1 if isinstance(row, dict):
            row[rng.choice(["x", "a/b", ""])] = rng.choice(ODD)
        case _:
            row[key] = rng.choice([value for value in ODD if value != row[key] or type(value) is not type(row[key])])


def wrong_arrays(content: bytes, rng: random.Random) -> bytes:
    with np.load(io.BytesIO(content)) as opened:
        arrays = dict(opened)
    name = rng.choice(list(arrays))
    array = arrays[name]
    match rng.randrange(7):
        case 0:
            del arrays[name]
        case 1:
            arrays[rng.choice(["a/b", "x", "00/Dense/x", "codes/x", "net/x"])] = arrays.pop(name)
        case 2:
            arrays[name] = np.full(array.shape, rng.choice([np.nan, np.inf, -1.5, 3e9]))
        case 3:
            arrays[name] = np.array(["x"] * max(1, array.size))
        case 4:
            arrays[name] = array.reshape(-1)[: array.size // 2]
        case 5:
            arrays[name] = array.astype("U9") if array.dtype.kind != "U" else np.zeros(3, np.int64)
        case 6 if array.dtype.kind in "biuf" and array.size:
            other = array.copy()
            other.reshape(-1)[rng.randrange(array.size)] = not other.reshape(-1)[0]
            arrays[name] = other if not np.array_equal(other, array) else other + other.dtype.type(1)
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def wrong_net(content: bytes, rng: random.Random) -> bytes:
    model = onnx.load_model_from_string(content)
    graph = model.graph
    node, constant = rng.choice(graph.node), rng.choice(graph.initializer)
    match rng.randrange(10):
        case 0:
            graph.node.remove(node)
        case 1:
            node.domain = rng.choice(["foreign", "finn.custom_op.general"])
        case 2:
            constant.raw_data = constant.raw_data[: rng.randrange(len(constant.raw_data))]
        case 3:
            constant.data_type = rng.choice([0, 2, 8, 10, 11, 14, 20, 26])
        case 4:
            graph.input[0].type.tensor_type.ClearField("shape")
        case 5:
            node.op_type = rng.choice(["Relu", "Foo", "Add", "Loop", "Reshape"])
        case 6:
            del node.input[rng.randrange(len(node.input)) :]
        case 7:
            node.output[0] = rng.choice(["", "x", constant.name])
        case 8:
            del model.opset_import[:]
        case 9:
            values = numpy_helper.to_array(constant).astype("float64") * np.nan
            constant.CopyFrom(numpy_helper.from_array(values.astype(rng.choice(["f4", "f8"])), constant.name))
    return model.SerializeToString()


def damage(run: RunFolder, mine: Snapshot, other: Snapshot, name: str, rng: random.Random) -> str:
    """Damages one file in place; what was done to it."""
    path, content = run.path / name, mine[name]
    kinds: list[Callable[[bytes, random.Random], bytes]] = [bits, cut, noise, directory_bits]
    kind = rng.choice(["bytes", "bytes", "wrong", "wrong", "other run", "other file", "folder", "loop"])
    path.unlink()
    match kind:
        case "bytes":
            chosen = rng.choice(kinds)
            path.write_bytes(chosen(content, rng))
            return chosen.__name__
        case "wrong":
            path.write_bytes(wrong_content(name, content, rng))
        case "other run":
            path.write_bytes(other[name])
        case "other file":
            path.write_bytes(mine[rng.choice(sorted(mine))])
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)
    return kind


def complaint(bitneck, run: RunFolder, mine: Snapshot, other: Snapshot, due: dict, rng: random.Random) -> str | None:
    """One case; None where all is well."""
    name = rng.choice(list(READERS))
    verb = rng.choice(READERS[name])
    put_back(run.path, mine)
    if verb not in due:
        due[verb] = outcome(bitneck, run.path, verb, "")[:2]
        put_back(run.path, mine)
    kind = damage(run, mine, other, name, rng)
    said, left, result = outcome(bitneck, run.path, verb, name)
    case = f"{name}, {kind}: bitneck {' '.join(verb)} exits {result.exit_code}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"{case}, traceback {result.exception!r}"
    if result.exit_code not in (0, 1, 2) or (result.exit_code and not said.strip()):
        return f"{case} and says {said!r}"
    if result.exit_code == 2 and len(said.strip().splitlines()) > 1:
        return f"{case} with {len(said.splitlines())} lines: {said[:300]}"
    path = run.path / name
    if kind == "other run" and name.startswith("synth/") and b"synthesised from other files" in left["report.html"]:
        return None  # the page says so
    if kind == "loop" and path.is_file() and path.read_bytes() == mine[name]:
        return None  # made anew
    if result.exit_code == 0 and (said != due[verb][0] or left != {k: v for k, v in due[verb][1].items() if k != name}):
        changed = [key for key in due[verb][1] if key != name and left.get(key) != due[verb][1][key]]
        return f"{case} and nobody is told: {changed or said[:300]}"
    return None


def test_no_damage_ends_in_a_traceback_or_in_a_silently_wrong_answer(bitneck, runs):
    rng, due = random.Random(SEED), {}
    found = [said for _ in range(CASES) if (said := complaint(bitneck, *runs, due, rng)) is not None]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("swapped", "verb"),
    [
        ("checkpoint", BUILD),
        ("checkpoint", VERIFY),
        ("checkpoint", PLANE),
        ("checkpoint", ("export",)),
        ("codes", ANALYZE),
        ("codes", COMPARE),
        ("graph.npz", BUILD),
        ("graph.npz", ("synth", "--target", "up5k")),
        ("graph.npz", SIMULATE),
        ("model.onnx", SIMULATE),
        ("model.onnx", REPORT),
        ("streamlined.onnx", VERIFY),
        ("standard.onnx", REPORT),
        ("rtl", SIMULATE),
        ("rtl", ("synth", "--target", "up5k")),
        ("rtl", REPORT),
        ("trace.npz", COMPARE),
        ("trace.npz", VERIFY),
        ("trace.npz", REPORT),
        ("verify.json", VERIFY),
        ("verify.json", REPORT),
        ("plane.json", PLANE),
        ("plane.json", REPORT),
        ("run.toml", VERIFY),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_is_of_another_run_is_noticed_by_who_reads_it(bitneck, runs, swapped, verb):
    run, mine, other = runs
    put_back(run.path, mine)
    put_back(
        run.path, mine | {name: content for name, content in other.items() if f"{name}/".startswith(f"{swapped}/")}
    )
    result = bitneck(verb[0], run.path, *(run.path / word if word == "trace.npz" else word for word in verb[1:]))
    assert isinstance(result.exception, SystemExit), result.output
    assert result.exit_code == (1 if verb in (VERIFY, SIMULATE, COMPARE) and result.exit_code == 1 else 2)


@pytest.mark.parametrize("parameter", ["net/hidden.1.norm.running_var", "net/hidden.0.linear.weight"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_in_a_checkpoint_is_named_with_its_place(bitneck, runs, parameter, value):
    run, mine, _ = runs
    put_back(run.path, mine)
    arrays, record = checkpoint_arrays(run.checkpoint)
    arrays[parameter][..., 3] = value
    write_arrays(run.checkpoint, record.beside(arrays))
    before = snapshot(run.path)
    for verb in ("export", "train"):
        result = bitneck(verb, run.path)
        assert result.exit_code == 2
        place = "[0, 3]" if arrays[parameter].ndim == 2 else "[3]"
        assert f"{parameter}{place} of the checkpoint is {value}" in result.output
        assert len(result.output.strip().splitlines()) == 1
    assert snapshot(run.path) == before


def test_a_training_that_diverged_is_named_by_export(bitneck, tmp_path):
    config = changed(from_preset("twelve"), training__epochs=1, training__learning_rate=1e38)
    (tmp_path / "wild.toml").write_text(config.toml())
    assert bitneck("train", tmp_path / "twelve", "--config", tmp_path / "wild.toml").exit_code == 0
    result = bitneck("export", tmp_path / "twelve")
    assert result.exit_code == 2
    assert "net/hidden.0.linear.weight[0, 0] of the checkpoint is nan" in result.output
    assert "the training diverged" in result.output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("target_cycles = true", "hardware.target_cycles: Input should be a valid integer"),
        ("target_cycles = 32.0", "hardware.target_cycles: Input should be a valid integer"),
        ("folding = {dense1 = [true, 1]}", "hardware.folding.dense1.0: Input should be a valid integer"),
        (f"target_cycles = {'[' * 500}", "nested deeper than any run.toml needs"),
    ],
)
def test_a_run_toml_of_wrong_types_is_one_line(bitneck, runs, line, said):
    run, mine, _ = runs
    put_back(run.path, mine)
    text = re.sub("target_cycles = .*", line, run.config_file.read_text())
    run.config_file.write_text(text)
    result = bitneck("build", run.path)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_record_may_not_be_edited_between_writing_and_reading(bitneck, runs):
    run, mine, _ = runs
    put_back(run.path, mine)
    for path, verb, code in ((run.verification, "verify", 1), (run.verification, "report", 2), (run.plane, "plane", 2)):
        path.write_text(re.sub(r"(\d)\.(\d)", r"\1.1\2", path.read_text(), count=1))
        result = bitneck(verb, run.path)
        assert result.exit_code == code
        assert f"{path.name} " in result.output
        assert "changed after it was written" in result.output


def test_names_that_are_no_text_and_links_to_themselves_are_one_line(bitneck, runs, tmp_path):
    run, mine, _ = runs
    put_back(run.path, mine)
    (tmp_path / "loop").symlink_to("loop")
    shutil.rmtree(run.rtl)
    run.rtl.symlink_to("rtl")
    np.savez(tmp_path / "zip.npz", dense1=np.zeros((3, 64), bool))
    (tmp_path / "zip.npz").rename(tmp_path / "zip.npy")
    for words in (
        ["report", tmp_path / os.fsdecode(b"r\xff")],
        ["plane", run.path, "--output", tmp_path / os.fsdecode(b"r\xff.html")],
        ["plane", tmp_path / "loop", run.path],
        ["build", run.path],
        ["analyze", run.path, "--codes", tmp_path / "zip.npy", "--layer", "dense1"],
    ):
        result = bitneck(*words)
        assert result.exit_code == 2, result.output
        assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize("end", ["", "zz\n", "0\n"])
def test_a_memory_file_of_another_form_does_not_end_the_process(bitneck, runs, end):
    run, mine, _ = runs
    put_back(run.path, mine)
    path = run.rtl / "digits__dense1_weights.mem"
    path.write_text("\n".join(path.read_text().split("\n")[:-2]) + "\n" + end)
    result = bitneck("simulate", run.path)
    assert result.exit_code == 2
    assert "digits__dense1_weights.mem in rtl/ is damaged: 32 words of 64 hex digits belong there" in result.output
