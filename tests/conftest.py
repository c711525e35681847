"""What several rooms' tests share: a run on digits, trained once a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

EPOCHS = 6


@pytest.fixture(scope="session")
def bitneck():
    """The command line, in this process: `bitneck("train", folder)` gives the result with exit_code and output."""
    from bitneck.flow.cli.verbs import app

    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


@pytest.fixture(scope="session")
def finished_run(bitneck, tmp_path_factory) -> Path:
    """A whole run on digits, briefly trained. Tests copy it and leave it as it is."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    result = bitneck("run", folder, "--epochs", EPOCHS, "--brackets", 1)
    assert result.exit_code == 0, result.output
    return folder


LONG = (  # each a minute and more on one core: begun last, one of them would keep a core waiting for the other
    *(
        "test_damaged_artefacts",
        "test_stages",
        "test_mutation_score",
        "test_sweep",
        "test_sweep_data",
        "test_synthesis",
    ),
    *("test_search", "test_shrink", "test_finn_plus", "test_vectors", "test_verb", "test_paper", "test_cli"),
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """What a test printed of paths that are no UTF-8, in a form that one worker of the suite can hand to another."""
    report = yield
    report.sections = [(title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections]
    return report


@pytest.fixture
def mnist_folder() -> Path:
    folder = os.environ.get("BITNECK_DATA")
    if not folder or not (Path(folder) / "mnist").is_dir():
        pytest.skip("set BITNECK_DATA to a folder that holds mnist/ to run this on the real MNIST")
    return Path(folder)
