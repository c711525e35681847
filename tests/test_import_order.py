"""Who may import whom, strictly downward; and where torch may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {  # room -> modules of ours outside of it, as prefixes; the roof may import every room
    "ib_analysis": set(),
    "models": {"ib_analysis"},
    "export": {"ib_analysis"},
    "hw": {"export.graph", "ib_analysis.codes"},
    "flow": {"models", "export", "hw", "ib_analysis"},
}
FILES = sorted(path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py"))
PACKAGES = sorted({path.parent for path in FILES})


def module_of(path: Path) -> str:
    """Dotted, within the project; a package is its own name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {"plugins", *map(module_of, FILES)}


def imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute dotted name, `bitneck.` where it is ours, and whether it stands at the head of the module."""
    inside = path.parent.relative_to(ROOT).parts
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            module = ".".join(["bitneck", *inside[: len(inside) + 1 - node.level], *filter(None, [node.module])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node in tree.body) for name in names]
    return found


def imported_modules(path: Path) -> set[str]:
    """Those of ours, within the project: `a.b` for `from .b import name` in package a."""
    ours = {name.removeprefix("bitneck.") for name, _ in imports(path) if name.startswith("bitneck.")}
    return {name if name in MODULES else name.rpartition(".")[0] for name in ours}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_downward_only(path):
    room = path.relative_to(ROOT).parts[0]
    allowed = {room, "plugins", *MAY_IMPORT[room]}
    ours = imported_modules(path)
    assert not [name for name in ours if not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_imports_in_a_circle(package):
    """Between the members of a room, its files and its sub-rooms, each with everything inside."""
    prefix = f"{module_of(package / '__init__.py')}."
    arrows: dict[str, set[str]] = {}
    for path in package.rglob("*.py"):
        member = module_of(path).removeprefix(prefix).partition(".")[0]
        if path == package / "__init__.py":
            continue  # the face of the room: it may import all of it
        inside = {name for name in imported_modules(path) if name.startswith(prefix)}
        arrows.setdefault(member, set()).update(name.removeprefix(prefix).partition(".")[0] for name in inside)
    for member, targets in arrows.items():
        targets.discard(member)
    assert not circle(arrows), " → ".join(circle(arrows))


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Members that import each other in a circle; none where each can be taken away once nothing it imports is left."""
    left = dict(arrows)
    while bottom := [member for member, targets in left.items() if not targets & left.keys()]:
        for member in bottom:
            del left[member]
    return sorted(left)


def test_the_test_of_circles_sees_one():
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_lives_in_models_and_is_lazy_in_the_exporter(path):
    torch = [(name, top) for name, top in imports(path) if name.partition(".")[0] in ("torch", "brevitas")]
    if module_of(path) == "export.writing.qonnx":
        assert torch
        assert not any(top for _, top in torch)
    elif path.parent.name != "models":
        assert not torch


def test_nothing_lies_at_the_root_but_the_way_in_and_what_others_add_by():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "plugins.py", "setup.py"}


def test_analysis_hardware_and_roof_import_without_torch():
    program = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "brevitas"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import bitneck.flow.cli.verbs, bitneck.flow, bitneck.flow.pages.report, bitneck.ib_analysis.pictures.plots
import bitneck.ib_analysis.plane, bitneck.hw.simulation.library, bitneck.hw.simulation.cocotb_tier
import bitneck.export.reading.streamline, bitneck.models.datasets, bitneck.models.config
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
