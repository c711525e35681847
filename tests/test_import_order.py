"""Who may import whom, strictly downward; and where torch may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOF = (  # from the ridge down: each may import those below it
    "__main__",
    "cli",
    "many",
    "console",
    "silicon",
    "proof",
    "flow",
    "report",
    "pictures",
    "interactive",
    "judges",
    "captured",
    "paper",
    "generalisation",
    "sweep",
    "artefacts",
    "files",
    "runs",
)
MAY_IMPORT = {  # room -> modules of ours outside of it, as prefixes
    "ib_analysis": set(),
    "models": {"ib_analysis"},
    "export": {"ib_analysis"},
    "hw": {"export.graph", "ib_analysis.codes"},
}
FILES = sorted(path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute dotted name within the project or outside, and whether it stands at the head of the module."""
    room = path.parent.relative_to(ROOT).parts
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [] if node.level == 0 else list(("bitneck", *room)[: len(room) + 2 - node.level])
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [module] if node.module else [f"{module}.{alias.name}" for alias in node.names]
            if node.module and node.level:
                names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node in tree.body) for name in names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_downward_only(path):
    room = path.relative_to(ROOT).parts[0]
    ours = [name.removeprefix("bitneck.") for name, _ in imports(path) if name.startswith("bitneck.")]
    allowed = {room, *MAY_IMPORT[room]}
    assert not [name for name in ours if not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_lives_in_models_and_is_lazy_in_the_exporter(path):
    torch = [(name, top) for name, top in imports(path) if name.partition(".")[0] in ("torch", "brevitas")]
    if path.parent.name == "export" and path.name == "qonnx.py":
        assert torch
        assert not any(top for _, top in torch)
    elif path.parent.name != "models":
        assert not torch


def test_every_python_file_at_the_root_is_part_of_the_roof():
    assert {path.stem for path in ROOT.glob("*.py")} == {*ROOF, "__init__"}


@pytest.mark.parametrize("module", ROOF)
def test_the_roof_imports_downward_only(module):
    ours = [name.removeprefix("bitneck.").partition(".")[0] for name, _ in imports(ROOT / f"{module}.py")]
    above = ROOF[: ROOF.index(module)]
    assert not [name for name in ours if name in above]


def test_analysis_hardware_and_roof_import_without_torch():
    program = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "brevitas"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import bitneck.cli, bitneck.flow, bitneck.report
import bitneck.ib_analysis.plane, bitneck.ib_analysis.plots, bitneck.hw.simulate, bitneck.hw.cosimulate
import bitneck.export.streamline, bitneck.models.datasets, bitneck.models.config
import numpy as np
from bitneck.export.graph import Graph, Scores
from bitneck.hw.accelerator import lower
from bitneck.hw.folding import fold
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.plane import plane
from bitneck.export.graph import Dense
rng = np.random.default_rng(0)
weight = rng.random((4, 6)) < 0.5
graph = Graph("net", 1, (Dense("dense1", weight, np.full(4, 3, np.int32)), Scores(rng.random((2, 4)) < 0.5)))
x = (rng.random((32, 6)) < 0.5).astype(np.uint8)
accelerator = lower(graph, fold(graph, 8))
assert accelerator.trace(accelerator(x)).codes["dense1"] == graph(x).codes["dense1"]
print(plane({0: graph(x).layers()}, x[:, 0], "dataset")[0].i_xt.bits)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0
