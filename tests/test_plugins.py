"""What packages and notebooks add by name: found, checked, and refused in one line that says who added it."""

from __future__ import annotations

import sys

import bitneck as bn
import numpy as np
import pytest
import torch
from bitneck import plugins
from bitneck.flow.config import RunConfig, RunError, changed, from_preset
from bitneck.flow.doctor import findings
from bitneck.flow.measured import decisive
from bitneck.hw.parts import PARTS, TARGETS, Part, part
from bitneck.hw.synthesis.targets import ice40, target_of
from bitneck.models import brevitas_net
from bitneck.models.config import ACTIVATIONS, NetworkConfig
from bitneck.models.datasets import DATASETS, DataError, load
from bitneck.models.label_rules import RULES
from bitneck.plugins import PluginError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Makes packages that can be found: a module, its version, and entry points by group."""

    def install(distribution: str, module: str, text: str, points: dict[str, str]) -> None:
        (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"[{group}]\n{point}\n" for group, point in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        plugins._installed.cache_clear()

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    plugins._installed.cache_clear()
    for name in ("signs", "others"):
        sys.modules.pop(name, None)


@pytest.fixture
def nothing_stays(monkeypatch):
    for kind in (ACTIVATIONS, DATASETS, RULES, TARGETS):
        monkeypatch.setattr(kind, "added", {})


pytestmark = pytest.mark.usefixtures("nothing_stays")
TRIANGLE = "def triangle(x):\n    return (1 - x.abs()).clamp(min=0)\n"


def test_a_package_is_imported_when_its_name_is_asked_for_and_not_before(installed):
    installed("my-signs", "signs", TRIANGLE, {"bitneck.activations": "triangle = signs:triangle"})
    assert "triangle" in ACTIVATIONS
    network = NetworkConfig(widths=(8, 4, 2), input_bits=1, activation="triangle")
    assert network.binary
    assert "signs" not in sys.modules
    x = torch.linspace(-2, 2, 9, requires_grad=True)
    brevitas_net.Sloped("triangle")(x, None, None).sum().backward()
    assert torch.equal(x.grad, (1 - x.detach().abs()).clamp(min=0))
    assert ACTIVATIONS.origin("triangle") == "my-signs 1.0"


def test_results_of_a_sweep_keep_the_versions_of_packages_that_add(installed):
    assert "my-signs" not in decisive("0")
    installed("my-signs", "signs", TRIANGLE, {"bitneck.activations": "triangle = signs:triangle"})
    assert decisive("0")["my-signs"] == "1.0"


def test_doctor_lists_what_was_added_and_what_of_it_is_broken(installed, monkeypatch):
    monkeypatch.setattr("bitneck.flow.doctor.JUDGES", ())
    points = {
        "bitneck.activations": "triangle = signs:triangle\ngone = signs:gone",
        "bitneck.targets": "x = signs:no.x",
    }
    installed("my-signs", "signs", TRIANGLE, points)
    found = {each.what: each for each in findings()}
    assert found["activation triangle"].found == "my-signs 1.0"
    assert found["activation gone"].found is None
    assert "signs:gone cannot be imported" in found["activation gone"].way_out
    assert "install the package anew" in found["target x"].way_out


def test_two_packages_of_one_name_are_told(installed):
    installed("my-signs", "signs", TRIANGLE, {"bitneck.activations": "triangle = signs:triangle"})
    installed("her-signs", "others", TRIANGLE, {"bitneck.activations": "triangle = others:triangle"})
    with pytest.raises(PluginError, match=r"her-signs 1.0 and my-signs 1.0.*uninstall one"):
        ACTIVATIONS["triangle"]


def test_a_name_of_ours_stays_ours(installed):
    installed("my-signs", "signs", TRIANGLE, {"bitneck.activations": "rsign = signs:triangle"})
    assert "rsign" not in ACTIVATIONS
    with pytest.raises(PluginError, match="'digits' is one of bitneck's own"):
        bn.dataset("digits")
    with pytest.raises(PluginError, match="small letters"):
        bn.target("UP 5K")


@pytest.mark.parametrize(
    ("slope", "got"),
    [
        (lambda x: 1, "gave int"),
        (lambda x: x.sum(), r"gave \(\) torch.float32"),
        (lambda x: x / 0, r"gave \(2, 7\)"),
    ],
)
def test_a_slope_that_is_none_is_refused_before_training(slope, got):
    bn.activation("odd")(slope)
    with pytest.raises(PluginError, match=f"'odd' of this process {got}.*finite slope for each"):
        brevitas_net.quantizer("odd")


def test_a_sign_nobody_knows_is_refused_with_the_nearest():
    bn.activation("triangle")(lambda x: x)
    with pytest.raises(RunError, match="no activation 'triangel'; did you mean 'triangle'"):
        changed(from_preset("digits"), network__activation="triangel")


def test_a_data_set_of_others_is_taken_like_arrays_from_python():
    @bn.dataset("halves")
    def halves():
        x = np.random.default_rng(0).normal(size=(200, 6))
        return x, np.where(x[:, 0] > 0, "up", "down")

    data = load("halves")
    assert data.taken.classes == ("down", "up")
    assert data.taken.loss.rule == "quantiles"
    assert load("halves").sha256 == data.sha256


def test_a_data_set_of_others_that_is_none_is_refused_by_its_name():
    bn.dataset("wrong")(lambda: (np.zeros((4, 2)), np.zeros(3)))
    with pytest.raises(DataError, match="data set 'wrong' of this process"):
        load("wrong")


def test_a_part_of_others_is_a_part():
    small = Part("lp1k", "iCE40 LP1K, QN84", "ice40", 1_280, 16)
    bn.target("lp1k")(lambda: ice40(small, "lp", "qn84", 48))
    assert part("lp1k") == small
    assert "-device lp" in target_of("lp1k").synthesis
    config: RunConfig = changed(from_preset("digits-tiny"), hardware__target="lp1k")
    assert config.hardware.target == "lp1k"


@pytest.mark.parametrize("wrong", [None, ice40(PARTS["up5k"], "u", "sg48", 48)])
def test_a_part_of_another_name_is_refused(wrong):
    bn.target("lp1k")(lambda: wrong)
    with pytest.raises(PluginError, match=r"target 'lp1k' of this process gave .*a Target of the part 'lp1k' is due"):
        part("lp1k")
