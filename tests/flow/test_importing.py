"""`bitneck import`: somebody's file becomes a run like any other, or one line says why not and nothing is left."""

from __future__ import annotations

import gzip

import numpy as np
import onnx
import pytest
from bitneck.flow import importing
from bitneck.flow.config import RunError
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import design_name, import_model, pixels_of
from bitneck.flow.trained import Imported
from bitneck.hw.names import check_names
from damaged_models import DAMAGES, damaged
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch")
from brevitas_nets import random_net  # noqa: E402 - it needs torch

CASES = 320


@pytest.fixture(scope="module")
def models() -> list[onnx.ModelProto]:
    """Small nets as Brevitas writes them: maps of one and two dimensions with pools, dense ones, several widths."""
    from bitneck.export.writing.qonnx import of_module

    nets = [random_net(seed) for seed in (1, 2, 4, 7)]
    return [of_module(net.module, torch.zeros(1, *net.shape)) for net in nets]


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(importing, "SAMPLES", 40)


@pytest.fixture
def dense() -> bytes:
    """x, ±1 → MatMul → sign → MatMul → y."""
    rng = np.random.default_rng(0)
    weights = {
        name: rng.choice([-1.0, 1.0], shape).astype(np.float32) for name, shape in (("w", (9, 6)), ("v", (6, 3)))
    }
    constants = [numpy_helper.from_array(value, name) for name, value in (*weights.items(), ("one", np.float32(1)))]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("BipolarQuant", ["a", "one"], ["c"], domain="onnx.brevitas"),
        helper.make_node("MatMul", ["c", "v"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, size)) for name, size in (("x", 9), ("y", 3))]
    graph = helper.make_graph(nodes, "strange name!", [ports[0]], [ports[1]], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()


def test_a_dense_net_goes_on_to_rtl_and_its_report_names_the_file(bitneck, dense, tmp_path):
    file, run = tmp_path / "theirs.onnx.gz", tmp_path / "mine"
    file.write_bytes(gzip.compress(dense))
    result = bitneck("import", file, run, "--pixels=-1..1:2")
    assert result.exit_code == 0, result.output
    assert "40 random inputs over the whole range: all equal" in result.output
    for verb in ("build", "simulate", "analyze", "report"):
        result = bitneck(verb, run)
        assert result.exit_code == 0, result.output
    assert "integers = qonnx = graph = rtl" in bitneck("verify", run).output
    page = (run / "report.html").read_text()
    origin = RunFolder(run).origin()
    assert isinstance(origin, Imported)
    assert origin.content == dense
    assert origin.sha256 in page
    assert "theirs.onnx.gz" in page
    assert bitneck("train", run).exit_code == 2


def test_another_file_does_not_take_the_place_of_the_first(bitneck, dense, tmp_path):
    import_model(dense, tmp_path / "mine", "-1..1:2")
    other = onnx.load_model_from_string(dense)
    other.graph.name = "other"
    with pytest.raises(RunError, match=r"holds model\.onnx, another file; choose another folder"):
        import_model(other.SerializeToString(), tmp_path / "mine", "-1..1:2")


def test_a_file_that_says_nothing_of_its_pixels_is_asked_for_them_and_leaves_nothing(bitneck, dense, tmp_path):
    (tmp_path / "theirs.onnx").write_bytes(dense)
    result = bitneck("import", tmp_path / "theirs.onnx", tmp_path / "mine")
    assert result.exit_code == 2
    assert "--pixels" in result.output
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("text", ["", "1", "0..", "0..1:1", "0..1:300", "1..1", "a..b", "0..inf"])
def test_pixels_are_two_ends_and_a_number_of_levels(text):
    with pytest.raises(RunError, match=r"LOW..HIGH\[:LEVELS\]|2 to 256 levels"):
        pixels_of(text)


def test_pixels_are_evenly_spaced():
    assert np.array_equal(pixels_of("0..255"), np.arange(256))
    assert pixels_of("-1..1:2").tolist() == [-1, 1]


def test_neurons_that_never_change_are_counted_and_folded_without_a_trace(models, tmp_path):
    whole = import_model(models[2], tmp_path / "whole")
    folded = import_model(models[2], tmp_path / "folded", fold_constants=True)
    assert folded.rows == whole.rows
    never = sum(int(row.never_change.split()[0]) for row in whole.rows if row.never_change)
    removed = [len(layer.weight) for layer in whole.graph.layers if hasattr(layer, "weight")]
    left = [len(layer.weight) for layer in folded.graph.layers if hasattr(layer, "weight")]
    assert sum(removed) - sum(left) <= never
    x = np.random.default_rng(1).integers(0, whole.graph.layers[0].takes, (500, whole.graph.inputs)).astype(np.uint8)
    assert np.array_equal(whole.graph(x).scores, folded.graph(x).scores)


def test_data_beside_the_file_are_read_from_its_own_folder_only(dense, tmp_path):
    def outside(location: str) -> bytes:
        model = onnx.load_model_from_string(dense)
        tensor = model.graph.initializer[0]
        (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        return model.SerializeToString()

    place = tmp_path / "models"
    place.mkdir()
    (place / "net.onnx").write_bytes(outside("weights.bin"))
    with pytest.raises(RunError, match=r"lies in 'weights\.bin', which is no file in its folder"):
        import_model(place / "net.onnx", tmp_path / "a", "-1..1:2")
    for elsewhere in ("../weights.bin", str(tmp_path / "weights.bin"), "/etc/passwd", ""):
        (place / "net.onnx").write_bytes(outside(elsewhere))
        with pytest.raises(RunError, match="which is no file in its folder"):
            import_model(place / "net.onnx", tmp_path / "a", "-1..1:2")
    (place / "weights.bin").write_bytes((tmp_path / "weights.bin").read_bytes())
    (place / "net.onnx").write_bytes(outside("weights.bin"))
    assert import_model(place / "net.onnx", tmp_path / "a", "-1..1:2").equal


def test_parameters_and_checkpoints_that_are_no_onnx_files_are_refused_with_the_way_out(bitneck, tmp_path):
    np.savez(tmp_path / "parameters.npz", w0=np.zeros((4, 2), np.uint8), t0=np.zeros((4, 1), np.int32))
    torch.save({"weight": torch.zeros(2)}, tmp_path / "new.pth")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name, said in (
        ("parameters.npz", "a NumPy archive, as BNN-PYNQ's parameters come, and no ONNX file"),
        ("new.pth", "a checkpoint of PyTorch and no ONNX file"),
        ("old.pth", "a checkpoint of PyTorch and no ONNX file"),
    ):
        result = bitneck("import", tmp_path / name, tmp_path / "mine")
        assert result.exit_code == 2
        assert f"{name} is {said}" in result.output
        assert "import that" in result.output
        assert len(result.output.strip().splitlines()) == 1
        assert not (tmp_path / "mine").exists()


def test_a_module_of_brevitas_is_imported_from_python(tmp_path):
    net = random_net(4)
    report = import_model((net.module, torch.zeros(1, *net.shape)), tmp_path / "run")
    assert report.equal
    assert RunFolder(tmp_path / "run").config().described() == "Sequential.onnx"
    with pytest.raises(RunError, match=r"give \(module, example\)"):
        import_model(net.module, tmp_path / "other")


def test_no_damaged_or_odd_file_ends_in_a_traceback_or_leaves_anything(models, tmp_path):
    """What is taken is what executors of the same file say, which `import_model` has asked."""
    rng = np.random.default_rng(0)
    taken = 0
    for case in range(CASES):
        damage = DAMAGES[case % len(DAMAGES)]
        content = damaged(models[case % len(models)], damage, rng)
        place = tmp_path / f"run{case}"
        where = (case, damage.__name__)
        try:
            report, said = import_model(content, place), None
        except Exception as error:
            report, said = None, error
        if report is not None:
            assert report.equal, (*where, report.executed)
            taken += 1
            continue
        assert isinstance(said, ValueError), (*where, repr(said))
        assert type(said).__module__.startswith("bitneck."), (*where, repr(said))
        assert len(str(said).splitlines()) == 1, (*where, str(said))
        assert len(str(said)) < 1500, (*where, str(said))
        assert not place.exists(), where
    assert taken < CASES / 2


@pytest.mark.parametrize("folder", ["TFC-1W1A..2", "a__b_", "7 seg", "x"])
def test_the_name_that_a_folder_gives_is_one_for_hardware(folder):
    check_names(design_name(folder), [])
