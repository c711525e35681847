"""docs/python.md: its own code blocks, run one after the other as a reader would."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """(folder, names) after all blocks; every block is compiled with its own line numbers of the page."""
    folder = tmp_path_factory.mktemp("page")
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch, mpl.rc_context({"backend": "agg"}):
        patch.chdir(folder)
        for block in BLOCKS:
            above = PAGE.read_text().partition(block)[0].count("\n")
            exec(compile("\n" * above + block, str(PAGE), "exec"), names)
        pyplot.close("all")
    return folder, names


def test_every_block_of_the_page_runs(ran):
    folder, names = ran
    assert len(BLOCKS) == 7
    assert (folder / "runs" / "digits" / "report.html").is_file()
    assert (folder / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert set(names["frame"]["training.seed"]) == {0, 1}


def test_what_the_page_says_of_columns_is_so(ran):
    _, names = ran
    assert list(names["rows"][0]) == ["epoch", "loss", "train_accuracy", "test_accuracy"]
    assert list(names["layers"][0]) == ["layer", "torch", "qonnx", "graph", "rtl", "equal"]
    assert {"epoch", "layer", "width", "i_xt_bits", "i_xt_verdict", "i_ty_bits"} <= set(names["plane"].to_pandas())


def test_every_name_of_plots_that_the_page_promises_is_there(ran):
    _, names = ran
    promised = set(re.findall(r"`(\w+_\w+)`", PAGE.read_text().partition("## Pictures")[2].partition("## Many")[0]))
    assert promised <= set(names["bn"].plots.__all__)
