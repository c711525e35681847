"""The page of a sweep, in a real browser: every number has its place and its mark, and what was refused has neither."""

from __future__ import annotations

import pytest
from bitneck.flow.config import RunError, changed, from_preset
from bitneck.flow.pages.sweep_columns import columns, net
from bitneck.flow.pages.sweep_page import page
from bitneck.flow.sweep import Task

RATES = (0.001, 0.01, 0.1, 0.1)
VERDICTS = ("EXACT", "EXACT", "UNRELIABLE", "WEAK")  # of the four networks' last layers


def rows(seed: int) -> list[dict]:
    """Of a net of two layers, as `measure` gives them; of the second net the last layer is saturated."""
    common = {"samples": 90, "test_accuracy": 0.5 + seed / 10, "train_accuracy": 0.9, "target": "dataset"}
    common |= {"estimator": "plug_in", "dead": seed, "chance_bits": 0.25, "p_value": 0.005, "i_xt_coverage": 1.0}
    hardware = {"cycles": 12 + seed, "part": "up5k", "luts": None if seed == 3 else 100 * seed, "brams": 0}
    hardware["no_hardware"] = "20 logic cells are too few" if seed == 3 else None
    made = []
    for layer, verdict in (("dense1", "EXACT"), ("dense2", VERDICTS[seed]), ("scores", "EXACT")):
        row = {"layer": layer, "saturated": layer == "dense2" and seed == 1, "i_xt_verdict": verdict}
        for name, bits in (("i_xt", 2.0 + seed), ("i_ty", 1.0 + seed / 8)):
            of = {"bits": bits, "low_bits": bits - 0.125, "high_bits": bits + 0.25}
            refused = verdict == "UNRELIABLE"
            row |= {f"{name}_{end}": None if refused else value for end, value in of.items()}
            row[f"{name}_verdict"] = verdict
        made += [common | hardware | row | {"epoch": epoch} for epoch in (0, 4)]
    for row in made:
        row["test_accuracy"] -= 0.1 * (row["epoch"] == 0)
    return made


@pytest.fixture(scope="module")
def nets():
    config = from_preset("digits-tiny")
    varied = [
        (("training.learning_rate", rate), ("network.widths", [64, 32, 8 * seed])) for seed, rate in enumerate(RATES)
    ]
    made = [Task(changed(config, training__seed=seed), fields) for seed, fields in enumerate(varied)]
    return [net(task, rows(seed)) for seed, task in enumerate(made)]


@pytest.fixture(scope="module")
def opened(browser, nets, tmp_path_factory):
    from selenium.webdriver.support.ui import WebDriverWait

    path = tmp_path_factory.mktemp("page") / "sweep.html"
    path.write_text(page("rates", nets, failed=2))
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(lambda b: b.execute_script("return document.body.dataset.ready") == "yes")
    return browser


def test_columns_are_of_the_last_epoch_and_carry_numbers_intervals_and_verdicts(nets):
    by_title = {column.title: column for column in columns(nets)}
    assert by_title["test set right, %"].values == pytest.approx((50, 60, 70, 80))
    bits = by_title["I(X;T) bits, last layer"]
    assert bits.values == (2.0, 3.0, None, 5.0)
    assert (bits.low, bits.high) == ((1.875, 2.875, None, 4.875), (2.25, 3.25, None, 5.25))
    assert bits.kinds == ("plain", "saturated", "refused", "WEAK")
    assert bits.says[0] == "2.000 [1.875, 2.250] EXACT"
    assert bits.says[1].endswith("EXACT (saturated)")
    assert bits.says[2] == "refused (UNRELIABLE)"
    assert by_title["dead neurons"].values == (0, 2, 4, 6)
    assert by_title["logic cells, estimated"].values == (0, 100, 200, None)
    assert by_title["training.learning_rate"].log
    widths = by_title["network.widths"]
    assert widths.named
    assert [text for _, text in widths.ticks] == [f"[64, 32, {8 * seed}]" for seed in range(4)]


def test_bins_of_float_nets_are_no_mutual_information_and_have_no_number_on_its_axes(nets):
    binned = [row | {"i_xt_verdict": "NOT MI: 30 bins", "i_ty_verdict": "NOT MI: 30 bins"} for row in rows(0)]
    for row in binned:
        del row["saturated"], row["dead"], row["chance_bits"], row["estimator"], row["cycles"]
    mixed = {column.title: column for column in columns([*nets, net(nets[0].task, binned)])}
    bits = mixed["I(X;T) bits, last layer"]
    assert (bits.values[-1], bits.kinds[-1], bits.says[-1]) == (None, "not MI", "NOT MI: 30 bins")
    assert mixed["dead neurons"].values[-1] is None
    assert "NOT MI: 30 bins" in page("mixed", [net(nets[0].task, binned)])


def test_ticks_that_would_lie_on_each_other_are_spread_and_differ_in_their_texts(nets):
    near = [
        net(each.task, [row | {"test_accuracy": 0.5 + 1e-6 * number} for row in rows(0)])
        for number, each in enumerate(nets)
    ]
    (column,) = [column for column in columns(near) if column.title == "test set right, %"]
    assert len({text for _, text in column.ticks}) == len(column.ticks)
    crowded = [
        net(each.task, [row | {"test_accuracy": share} for row in rows(0)])
        for each, share in zip(nets, (0.01, 0.0101, 0.5, 0.9), strict=True)
    ]
    (column,) = [column for column in columns(crowded) if column.title == "test set right, %"]
    assert [place for place, _ in column.ticks] == pytest.approx([1, 23.25, 45.5, 67.75, 90])


def test_a_sweep_without_a_network_has_no_page():
    with pytest.raises(RunError, match="rates: no network has ended well"):
        page("rates", [])


def test_the_same_networks_give_the_same_bytes_and_nothing_from_any_network_is_asked_for(opened, nets):
    assert page("rates", nets, 2) == page("rates", nets, 2)
    asked = [
        entry["message"] for entry in opened.get_log("performance") if "Network.requestWillBeSent" in entry["message"]
    ]
    assert not [message for message in asked if "http" in message.partition('"url":"')[2][:8]]
    assert opened.get_log("browser") == []


def drawn(browser, picture: str) -> list[list]:
    """(x, y, symbol) of every mark, trace by trace, as plotly was given them."""
    script = "return at(arguments[0]).data.map(({x, y, marker}) => x.map((each, n) => [each, y[n], marker.symbol[n]]))"
    return browser.execute_script(script, picture)


def test_the_scatter_has_every_number_with_its_mark_and_names_what_has_no_place(opened):
    (marks,) = drawn(opened, "scatter")
    assert marks == [[2.0, 1.0, "circle"], [3.0, 1.125, "circle-open-dot"], [5.0, 1.375, "circle-open"]]
    said = opened.execute_script("return at('gone').textContent")
    assert said.startswith("1 of 4 have no place here: training.learning_rate=0.1")
    assert "refused (UNRELIABLE)" in said
    bars = opened.execute_script("const bar = at('scatter').data[0].error_x; return [bar.array, bar.arrayminus]")
    assert bars == [[0.25] * 3, [0.125] * 3]


def test_the_axes_of_the_scatter_are_chosen(opened):
    choose = """
        for (const [name, title] of Object.entries(arguments[0])) {
          at(name).value = COLUMNS.findIndex(column => column.title === title);
          at(name).dispatchEvent(new Event("change"));
        }"""
    opened.execute_script(choose, {"across": "cycles a frame", "up": "test set right, %"})
    (marks,) = drawn(opened, "scatter")
    assert [mark[0] for mark in marks] == [12, 13, 14, 15]
    assert {mark[2] for mark in marks} == {"circle"}
    opened.execute_script(choose, {"across": "I(X;T) bits, last layer", "up": "I(T;Y) bits, last layer"})


def test_on_parallel_axes_a_refused_number_stands_below_the_scale_as_a_cross(opened):
    lines = drawn(opened, "parallel")
    titles = opened.execute_script("return AXES.map(column => column.title)")
    place = titles.index("I(X;T) bits, last layer")
    assert [line[place][2] for line in lines] == ["circle", "circle-open-dot", "x-thin-open", "circle-open"]
    assert [line[place][1] for line in lines] == [0, pytest.approx(1 / 3), pytest.approx(-0.14), 1]
    assert all(0 <= mark[1] <= 1 for line in lines for mark in line if mark[2] != "x-thin-open")


def test_dragging_along_axes_chooses_networks_and_the_button_shows_all(opened):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.support.ui import WebDriverWait

    corners = """
        const picture = at("parallel"), { xaxis, yaxis } = picture._fullLayout, box = picture.getBoundingClientRect();
        const axis = AXES.findIndex(column => column.title === arguments[0]);
        return [[axis - 0.1, arguments[1]], [axis + 0.1, arguments[2]]].map(([x, y]) =>
          [box.x + xaxis._offset + xaxis.l2p(x), box.y + yaxis._offset + yaxis.l2p(y)].map(Math.round));"""
    shown = "return [at('chosen').textContent, rows.map(row => !row.hidden)]"
    for title, low, high, due in (
        ("test set right, %", 0.2, 1.05, [False, True, True, True]),
        ("cycles a frame", -0.05, 0.8, [False, True, True, False]),
    ):
        opened.execute_script("scrollTo(0, 0)")
        one, other = opened.execute_script(corners, title, low, high)
        mouse = ActionChains(opened)
        mouse.w3c_actions.pointer_action.move_to_location(*one).pointer_down().move_to_location(*other).pointer_up()
        mouse.perform()
        said = [f"{sum(due)} of 4 networks", due]
        WebDriverWait(opened, 10).until(lambda b, said=said: b.execute_script(shown) == said)
    opened.execute_script("at('all').click()")
    assert opened.execute_script(shown) == ["", [True] * 4]


def test_the_table_says_everything_and_the_notes_what_was_not_built(opened):
    text = opened.execute_script("return document.body.innerText")
    assert "4 networks; 2 more gave no numbers." in text
    assert "2.000 [1.875, 2.250] EXACT" in text
    assert "no hardware: 20 logic cells are too few" in text
    assert "Target: dataset. N = 90. Estimator: plug-in." in text
