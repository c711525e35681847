"""The paper's page: its words follow from the numbers, whichever way they fall."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bitneck.flow import sweep
from bitneck.flow.config import changed, from_preset
from bitneck.flow.pages import paper
from bitneck.flow.pages.earlier_numbers import Check, checks
from bitneck.flow.pages.generalisation import Generalisation, generalisation
from bitneck.flow.pages.paper_brackets import WideLayer, wide_part
from bitneck.flow.pages.paper_found import Found, LayerFigures, found
from bitneck.flow.pages.paper_nets import Part, Variant, twelve
from bitneck.ib_analysis.dynamics import RankCorrelation, Trajectory

EPOCHS = np.array([0, 1, 2, 4, 8])


def layer(name: str, i_xt: list[float], i_ty: list[float]) -> LayerFigures:
    t = Trajectory(name, EPOCHS, np.array(i_xt), np.array(i_ty))
    share = t.compression_while_fitting()
    once = [(v, v, v) for v in (t.i_xt[0], t.i_xt[-1], t.rise_bits, t.peak_epoch, t.compression_bits)]
    return LayerFigures(name, *once, None if share is None else (share,) * 3, (t.i_ty[-1],) * 3)


def kind(activation: str, *layers: LayerFigures) -> Found:
    config = changed(from_preset("twelve"), network__activation=activation)
    return Found(Variant(activation, config, 1), layers, (0.9, 0.8, 1.0), 0)


AT_ONCE = layer("dense1", [8, 7, 6, 4.5, 4], [0, 0.3, 0.6, 0.95, 1])
TWO_PHASES = layer("dense1", [5, 7, 8, 6, 4], [0, 0.5, 0.95, 1, 1])
NOTHING = layer("dense1", [5, 5, 5, 5, 5], [0, 0.5, 0.95, 1, 1])


def test_nets_that_do_both_at_once_confirm_the_claim_and_others_are_named():
    both = [kind("ste-clipped", AT_ONCE), kind("rsign", AT_ONCE), kind("tanh", TWO_PHASES)]
    assert paper.verdicts(both)["binary_verdict"].startswith("In 2 of 2 kinds I(X;T) falls and hardly rises before")
    assert "Not so" not in paper.verdicts(both)["binary_verdict"]
    assert paper.verdicts(both)["float_verdict"].startswith("In 1 of 1 ")
    other_way = [kind("ste-clipped", TWO_PHASES), kind("rsign", AT_ONCE), kind("tanh", AT_ONCE)]
    assert paper.verdicts(other_way)["binary_verdict"].startswith(
        "In 1 of 2 kinds I(X;T) falls and hardly rises before"
    )
    assert "ste-clipped rises in dense1" in paper.verdicts(other_way)["binary_verdict"]
    assert paper.verdicts(other_way)["float_verdict"].startswith("In 0 of 1 ")


def test_the_title_is_answered_in_one_sentence_whichever_way_the_numbers_fall():
    at_once, two_phases, tanh = kind("rsign", AT_ONCE), kind("ste-clipped", TWO_PHASES), kind("tanh", TWO_PHASES)
    assert paper.answer([at_once, tanh]).startswith("Yes: I(X;T) falls without rising first in 1 of 1 kinds")
    assert paper.answer([at_once, two_phases]).startswith("In part: I(X;T) falls without rising first in 1 of 2 kinds")
    assert paper.answer([two_phases, tanh]).startswith("No: I(X;T) falls without rising first in 0 of 1 kinds")
    assert paper.answer([at_once, tanh]).endswith("rises first, and falls later, in 1 of 1.")


def test_sentences_say_what_rises_what_falls_and_when():
    assert "rises first in 1 of 1 layers (dense1 (+3.00 bit))" in kind("rsign", TWO_PHASES).sentence()
    assert "of the fall, 0% (median over layers)" in kind("rsign", TWO_PHASES).sentence()
    assert "rises first in 0 of 1 layers (none)" in kind("rsign", AT_ONCE).sentence()
    assert "of the fall, 88% (median over layers)" in kind("rsign", AT_ONCE).sentence()
    assert "no layer loses" in kind("rsign", NOTHING).sentence()


def test_an_earlier_number_is_within_or_outside_the_spread_of_the_seeds():
    assert Check("x", (4.0, 4.0), (4.1, 3.9, 4.2), 2).within
    assert Check("rounded as it was given", (4.21, 4.21), (4.1, 3.9, 4.206), 2).within
    assert not Check("x", (4.3, 4.3), (4.1, 3.9, 4.2), 2).within
    assert Check("an interval that meets the spread", (28, 34), (30, 33, 40), 0).within
    assert not Check("an interval beside it", (28, 34), (38, 36, 40), 0).within


def test_what_is_checked_is_the_reference_kind_and_only_after_as_long_a_training(results):
    folder, part, _ = results
    by_name = {variant.name: found(folder, variant)[0] for variant in part.variants}
    of_bnn = [check.what for check in checks(by_name["BNN, ste-clipped"])]
    assert "BNN, ste-clipped: I(X;T) of dense1, untrained" in of_bnn
    assert "BNN, ste-clipped: rise of scores" in of_bnn
    assert not [what for what in of_bnn if "trained" in what and "untrained" not in what]  # 3 epochs, not 300
    assert [check.what for check in checks(by_name["float twin, tanh"]) if "rise" in check.what] == [
        f"float twin, tanh: rise of {layer}" for layer in ("dense4", "dense5", "scores")
    ]
    assert not checks(by_name["BNN, rsign"])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    part, folder = twelve(seeds=2, epochs=3, float_epochs=4), tmp_path_factory.mktemp("paper")
    others = generalisation(seeds=1, epochs=2)
    with sweep.connected(None, 2) as client:
        ended = list(sweep.run(folder, [*part.tasks, *others], client))
    assert [outcome.error for outcome in ended] == [None] * (14 + 9)
    return folder, part, others


def test_the_page_of_real_nets_shows_every_kind_and_is_the_same_bytes_again(results):
    folder, part, others = results
    page = paper.page(folder, [part], others)
    for variant in part.variants:
        assert page.count(f"<h3>{variant.name}</h3>") == 1
    assert page.count("<svg") == 2
    assert "Over 9 nets" in page
    assert not re.findall(r"<(?:link|iframe|img)|src=", page)
    assert page.count("fails 0 times") >= 5  # exact codes of a chain keep the data-processing inequality
    assert "12-10-7-5-4-3-2" in page
    assert page == paper.page(folder, [part], others)


def test_the_page_of_the_paper_fits_every_screen(results, fits_every_screen, tmp_path):
    folder, part, others = results
    (tmp_path / "paper.html").write_text(paper.page(folder, [part], others))
    fits_every_screen(tmp_path / "paper.html")


def test_the_page_answers_first_then_defines_its_letters_and_its_links_lead_somewhere(results):
    folder, part, others = results
    page = paper.page(folder, [part], others, full=True)
    answer = paper.answer([found(folder, variant)[0] for variant in part.variants])
    places = [page.index(text) for text in ("<h1>", answer, "<dt>X</dt>", "<dt>T</dt>", "<nav", "<h2")]
    assert places == sorted(places)
    assert set(re.findall(r'<a href="#([^"]+)"', page)) == set(re.findall(r'<h2 id="([^"]+)"', page))
    assert "<pre>bitneck paper --full</pre>" in page
    assert "arxiv.org/abs/2006.07522" in page


def test_seeds_of_a_kind_are_medians_with_their_smallest_and_largest(results):
    folder, part, _ = results
    of_first, seeds = found(folder, part.variants[0])
    untrained = sorted(layers[0].i_xt[0] for layers in seeds)
    assert of_first.layers[0].first == (sum(untrained) / 2, *untrained)
    assert [each.layer for each in of_first.layers] == ["dense1", "dense2", "dense3", "dense4", "dense5", "scores"]


def test_a_link_between_late_compression_and_accuracy_is_said_only_where_its_interval_leaves_out_zero():
    sure, unsure = RankCorrelation(0.8, 0.5, 0.9, 27), RankCorrelation(0.1, -0.3, 0.5, 27)
    assert "no hidden layer" in Generalisation(27, {}, {"dense1": unsure, "dense2": unsure}).sentence()
    assert "in dense2 (+0.80); in 1 layers not" in Generalisation(27, {}, {"dense1": unsure, "dense2": sure}).sentence()


def wide(i_xt, i_ty=((0, 1.0, 3.3), (9, 1.2, 3.3))) -> WideLayer:
    return WideLayer("dense1", 64, *({epoch: (low, high) for epoch, low, high in ends} for ends in (i_xt, i_ty)))


def test_brackets_say_only_what_no_place_between_their_ends_undoes():
    assert wide([(0, 10, 20), (3, 21, 30), (9, 12, 18)]).rises == "rises, then loses 3.0 bits and more"
    assert wide([(0, 16, 20), (3, 15, 30), (9, 10, 13)]).rises == "loses 3.0 bits and more"
    at_once = "falls below the untrained net's at once and loses 6.0 bits and more"
    assert wide([(0, 13.3, 15.6), (3, 7.9, 9.8), (9, 5.8, 7.3)]).rises == at_once
    assert wide([(0, 10, 20), (3, 12, 19), (9, 9, 15)]).rises == "undecided: the ends overlap"
    assert wide([(0, 1, 2)] * 2, [(0, 0.1, 1.0), (9, 2.5, 3.3)]).fits == "gains 1.5 bits and more"
    assert wide([(0, 1, 2)] * 2).fits == "undecided: a probe finds 1.0, later 1.2, of 3.3"


def test_wide_layers_are_told_by_brackets_on_the_page(tmp_path):
    base = changed(from_preset("digits-tiny"), training__epochs=3, analysis__brackets=2)
    part = Part("Digits", "", (Variant("BNN", base, 2, brackets=True),))
    assert all(outcome.error is None for outcome in sweep.run(tmp_path, part.tasks))
    (table,) = wide_part(tmp_path, part.variants)
    assert (table["name"], table["epochs"]) == ("BNN", [0, 3])
    assert {layer.layer for layer in table["layers"]} >= {"dense1", "dense2"}
    for layer in table["layers"]:
        assert all(0 <= low < high for ends in (layer.i_xt, layer.i_ty) for low, high in ends.values())
    with_none = [row for row in sweep.rows_of(tmp_path, part.tasks[1]) if row.get("i_xt_at_least_bits") is not None]
    assert not with_none, "only the first seed's"
