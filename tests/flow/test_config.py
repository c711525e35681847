"""A run's configuration: every preset makes one, it survives its own file, and changes are checked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from bitneck.export.graph import Binarize, Dense, Graph, Scores
from bitneck.flow.config import (
    HardwareConfig,
    RunConfig,
    RunError,
    changed,
    chosen_samples,
    design,
    from_preset,
    from_toml,
    loaded,
)
from bitneck.hw.costs.resources import total
from bitneck.models.config import PRESETS
from bitneck.models.datasets import Dataset, load
from bitneck.models.idx import DataError
from bitneck.models.label_rules import EMBEDDED_RULES, every_input, twelve


def random_graph(config: RunConfig) -> Graph:
    rng, widths = np.random.default_rng(0), config.network.widths
    bits = config.network.input_bits
    head = [Binarize("binarize", np.full(widths[0], 3, np.int32), bits)] if bits > 1 else []
    dense = [
        Dense(f"dense{i}", rng.random((rows, cols)) < 0.5, np.full(rows, cols // 2, np.int32))
        for i, (cols, rows) in enumerate(pairwise(widths[:-1]), 1)
    ]
    layers = (*head, *dense, Scores(rng.random((widths[-1], widths[-2])) < 0.5))
    return Graph(config.name, bits, layers)


@pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].network.widths])
def test_every_preset_is_a_run_whose_hardware_keeps_its_cycles(name):
    config = from_preset(name)
    accelerator = design(config, random_graph(config))
    assert accelerator.cycles <= config.hardware.target_cycles


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_survives_its_own_file(name):
    config = from_preset(name)
    assert from_toml(config.toml(), "here") == config


def test_some_of_the_samples_are_not_enumerated():
    with pytest.raises(RunError, match="samples=test are some of them"):
        changed(from_preset("twelve"), analysis__samples="test")
    assert changed(from_preset("twelve"), analysis__samples="test", analysis__target="dataset")
    with pytest.raises(RunError, match="samples=all, at_most=50 are some of them"):
        changed(from_preset("twelve"), analysis__at_most=50)


def test_enumerated_is_every_input_once_and_not_what_a_data_set_happens_to_hold():
    x = (np.arange(64)[:, None] >> np.arange(6) & 1).astype(np.uint8)
    y = (x.sum(axis=1) > 3).astype(np.int64)
    config = changed(from_preset("twelve"), network__widths=(6, 4, 2))
    assert len(chosen_samples(config, Dataset("all", x[:48], y[:48], x[48:], y[48:], 2, 1))[0]) == 64
    wide = np.tile(x[:, ::2] + 2 * x[:, 1::2], 2)
    assert len(chosen_samples(config, Dataset("grey", wide[:48], y[:48], wide[48:], y[48:], 2, 2, copies=2))[0]) == 64
    with pytest.raises(RunError, match=r"every input there is, 2\^6, and these are 60 samples"):
        chosen_samples(config, Dataset("some", x[:48], y[:48], x[48:60], y[48:60], 2, 1))
    with pytest.raises(RunError, match="64 samples, 49 different ones at most"):
        chosen_samples(config, Dataset("twice", x[:48], y[:48], x[[48] * 16], y[48:], 2, 1))
    with pytest.raises(
        RunError, match=r"digits: target enumerated .*2\^320, and these are 1,797 samples.*analysis.labels"
    ):
        chosen_samples(config, load("digits"))


def test_a_rule_gives_every_input_a_label_whatever_the_data_set_holds():
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 2, (40, 12)).astype(np.uint8), np.arange(40) % 2
    few = Dataset("few", x[:30], y[:30], x[30:], y[30:], 2, 1)
    config = changed(from_preset("twelve"), analysis__labels="twelve")
    every, labels = chosen_samples(config, few)
    assert len(np.unique(every, axis=0)) == len(every) == 4096
    assert np.array_equal(labels, twelve(every))
    with pytest.raises(DataError, match=r"64 inputs of 5 bits are 2\^320 different ones.*bitneck exact RUN --free all"):
        chosen_samples(config, load("digits"))
    with pytest.raises(RunError, match="target dataset says that X is samples"):
        changed(from_preset("digits"), analysis__labels="twelve")


def test_every_input_of_levels_and_copies_is_there_once(monkeypatch):
    monkeypatch.setitem(EMBEDDED_RULES, "bright", lambda x: x[:, :2].sum(axis=1))
    x, y = every_input("bright", 2, 3, copies=2)
    assert x.shape == (64, 4)
    assert np.array_equal(x[:, :2], x[:, 2:])
    assert len(np.unique(x, axis=0)) == 64
    assert np.array_equal(y, x[:, 0].astype(int) + x[:, 1])


def test_of_many_samples_the_first_may_be_enough():
    few = changed(from_preset("digits-conv"), analysis__samples="test", analysis__at_most=50)
    data = loaded(few, None)
    x, y = chosen_samples(few, data)
    assert np.array_equal(x, data.test_x[:50])
    assert np.array_equal(y, data.test_y[:50])
    assert from_preset("cnv").analysis.at_most == 1000
    assert from_preset("tfc").analysis.at_most is None


def test_a_change_is_checked_like_the_rest():
    config = from_preset("twelve")
    assert changed(config, training__seed=3, training__epochs=None).training.seed == 3
    with pytest.raises(RunError, match="seed: Input should be"):
        changed(config, training__seed=-1)
    with pytest.raises(RunError, match="no section 'trainin'"):
        changed(config, trainin__seed=1)


@pytest.mark.parametrize(
    ("hardware", "said"),
    [
        ({"luts": 100}, "luts and brams are of a part; give target, one of up5k"),
        ({"target_fps": 10.0}, "without clock_mhz"),
        ({"target_fps": 10.0, "clock_mhz": 1.0, "target_cycles": 5}, "give one of them"),
        ({"target": "xc7", "brams": 3, "folding": {"scores": (1, 1)}}, "give one or the other"),
    ],
)
def test_a_wish_for_hardware_that_contradicts_itself_is_refused(hardware, said):
    with pytest.raises(RunError, match=said):
        changed(from_preset("twelve"), hardware=hardware)


def test_frames_a_second_at_a_clock_are_cycles_a_frame():
    assert HardwareConfig(target_fps=1e6, clock_mhz=48.5).cycles == 48
    assert HardwareConfig(target_cycles=7).cycles == 7
    assert HardwareConfig().cycles is None


def test_without_a_part_the_folding_has_the_fewest_lanes_and_with_one_it_is_cheaper_on_that_part():
    config = from_preset("digits")
    graph = random_graph(config)
    lanes = design(config, graph)
    searched = design(changed(config, hardware__target="ecp5-25k"), graph)
    assert searched.cycles <= lanes.cycles
    assert total(searched.stages, "ecp5-25k").cells < total(lanes.stages, "ecp5-25k").cells
