"""A run without RTL: judges are asked all the same, and what is absent is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bitneck.export.judges import half_up
from bitneck.export.judges.finn_plus import RefusalError
from bitneck.export.reading.streamline import Streamlined, streamline
from bitneck.flow import importing
from bitneck.flow import judges as judging
from bitneck.flow.folder import RunFolder
from bitneck.flow.importing import import_model, read_again
from bitneck.flow.run import export

torch = pytest.importorskip("torch")
from brevitas_nets import random_net  # noqa: E402 - it needs torch
from stand_in_judge import reached_by  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*mapping.TENSOR_TYPE:DeprecationWarning")  # finn-base's own


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> RunFolder:
    """A small convolutional net of several bits, with ties."""
    run, net = RunFolder(tmp_path_factory.mktemp("runs") / "net"), random_net(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "SAMPLES", 40)
        import_model((net.module, torch.zeros(1, *net.shape)), run)
    export(run)
    return run


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(importing, "SAMPLES", 40)


@pytest.fixture
def finn_plus(monkeypatch):
    """finn_plus(answer) has FINN+ say what answer(how a file is read) gives: how it is read by FINN+, or an error.

    alone   it is the only one that is asked, and of the imported file only
    """

    def stand_in(answer, alone=False):
        def reached(content: bytes, x: np.ndarray):
            read = answer(streamline(content, None, margin="state"))
            levels = np.rint((x - read.pixels[0]) / (read.pixels[1] - read.pixels[0])).astype(np.uint8)
            stream = np.empty_like(levels.reshape(len(x), -1))
            stream[:, read.entering] = levels.reshape(len(x), -1)
            return reached_by(read, stream)

        monkeypatch.setattr(judging.finn_plus, "thresholds_reached", reached)
        for name in ("JUDGES", "JUDGES_OF_IMPORTED"):
            here = (
                replace(judge, missing=judging.installed) if judge.tool == "finn-plus" else judge
                for judge in getattr(judging, name)
                if not alone or (judge.tool, judge.reads) == ("finn-plus", judging.THEIR_FILE)
            )
            monkeypatch.setattr(judging, name, tuple(here))

    return stand_in


def rows(run: RunFolder) -> dict[str, dict]:
    return {f"{row['tool']} on {row['reads']}": row for row in json.loads(run.verification.read_text())["judges"]}


def test_every_source_that_there_is_agrees_and_the_law_of_another_is_counted(bitneck, imported, finn_plus):
    finn_plus(lambda read: half_up.half_up(read)[0])
    result = bitneck("verify", imported.path, "--judges")
    assert result.exit_code == 0, result.output
    found = rows(imported)
    assert {name for name, row in found.items() if row["skipped"]} == {
        "finn-base on model.onnx",
        "finn-base on streams and memories",
    } | {name for name in found if name.startswith("finn-base") and judging.finn.available() is not None}
    read = read_again(imported)
    x = importing.samples_of(read.graph, imported.config(), None).all()[0]
    by_law = half_up.half_up(read)[0].graph(x)
    theirs = found["finn-plus on the imported file"]
    assert theirs["law"] == "halves go up, where the file says ROUND"
    assert theirs["moved"] == half_up._different(read, read.graph(x), by_law)[0] > 0
    assert theirs["moved_classes"] == (by_law.predictions() != read.graph(x).predictions()).sum()
    assert f"moves {theirs['moved']:,} of {theirs['moved_of']:,} codes" in result.output
    assert all(not row["moved"] for name, row in found.items() if name != "finn-plus on the imported file")
    assert "absent    rtl  no RTL" in result.output
    again = bitneck("verify", imported.path)
    assert again.exit_code == 0, again.output
    assert "integers = graph" in again.output


def test_a_real_difference_beside_the_law_is_one(bitneck, imported, finn_plus):
    def broken(read: Streamlined) -> Streamlined:
        found = half_up.half_up(read)[0]
        first = found.graph["conv1"]
        moved = replace(first, threshold=np.minimum(first.threshold + 1, first.spans()[:, None] + 1).astype(np.int32))
        layers = tuple(moved if layer is first else layer for layer in found.graph.layers)
        return replace(found, graph=replace(found.graph, layers=layers))

    finn_plus(broken, alone=True)
    for words in (("--judges",), ()):
        result = bitneck("verify", imported.path, *words)
        assert result.exit_code == 1, result.output
        assert "different conv1: element " in result.output
    assert rows(imported)["finn-plus on the imported file"]["law"] == ""  # nothing is explained away
    assert not json.loads(imported.verification.read_text())["equal"]


def test_a_judge_that_does_not_take_the_file_is_a_row_with_the_reason(bitneck, imported, finn_plus):
    def refuse(read: Streamlined) -> Streamlined:
        raise RefusalError("FINN+ does not get through this file: AssertionError: Shape of new weights")

    finn_plus(refuse, alone=True)
    result = bitneck("verify", imported.path, "--judges")
    assert result.exit_code == 0, result.output
    assert "on the imported file  skipped: FINN+ does not get through this file: AssertionError: Shape" in result.output


def test_a_changed_file_and_a_lost_one_are_told_with_the_verb_that_helps(bitneck, imported, monkeypatch):
    monkeypatch.setattr(judging, "JUDGES", ())
    monkeypatch.setattr(judging, "JUDGES_OF_IMPORTED", ())
    content = imported.standard.read_bytes()
    imported.verification.unlink()
    result = bitneck("verify", imported.path)
    assert result.exit_code == 2
    assert f"`bitneck verify --judges {imported.path}` makes it" in result.output
    assert bitneck("verify", imported.path, "--judges").exit_code == 0
    try:
        imported.standard.write_bytes(content + b"\n\x00")
        result = bitneck("verify", imported.path)
        assert result.exit_code == 1
        assert f"`bitneck verify {imported.path} --judges` proves what is there" in result.output
        imported.standard.unlink()
        assert "bitneck export" in bitneck("verify", imported.path, "--judges").output
    finally:
        imported.standard.write_bytes(content)
    imported.rtl.mkdir()
    result = bitneck("verify", imported.path)
    imported.rtl.rmdir()
    assert result.exit_code == 2
    assert "is of a time without RTL; `bitneck simulate" in result.output
