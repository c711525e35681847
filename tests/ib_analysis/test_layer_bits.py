"""One row a layer: what its single bits do, and what may be said where counting is refused."""

from __future__ import annotations

import numpy as np
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.layer_bits import HEAD, cells, layer_bits, summary
from bitneck.ib_analysis.symbols import label_symbols

LABELS = np.arange(4000) % 4
LOW, HIGH = LABELS % 2 == 1, LABELS // 2 == 1


def of(*columns: np.ndarray):
    codes = Codes.from_array(np.stack(columns, axis=1))
    return layer_bits("dense1", codes, label_symbols(LABELS), np.random.default_rng(0))


def test_bits_that_divide_the_label_are_neither_redundant_nor_to_be_spared():
    found = of(LOW, HIGH)
    assert (found.redundancy, found.vulnerability) == (1.0, 1.0)
    assert found.best_bits == 1.0
    assert found.p_value == 0.005


def test_dead_neurons_and_copies_are_counted_and_the_best_neuron_is_named():
    noise = np.random.default_rng(1).random(4000) < 0.5
    found = of(noise, np.ones(4000, bool), HIGH, ~HIGH)
    assert (found.dead, found.copies, found.best, found.width) == (1, 1, 2, 4)


def test_noise_is_told_from_knowledge():
    found = of(np.random.default_rng(2).random(4000) < 0.5)
    assert found.p_value > 0.05
    assert found.probe.bits < 0.01


def test_a_saturated_layer_has_no_degrees_of_sharing_but_still_a_bound():
    wide = np.random.default_rng(3).random((4000, 60)) < 0.5
    found = of(LOW, HIGH, *wide.T)
    assert (found.redundancy, found.vulnerability) == (None, None)
    assert found.probe.bits > 1.9


def test_the_table_has_a_cell_for_every_column():
    found = of(LOW, HIGH)
    assert len(cells(found)) == len(HEAD)
    assert summary([found]).splitlines()[1].startswith("dense1  0 of 2")
