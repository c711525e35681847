"""The page in a real browser: what moves, what is said, what is not shown, and that nothing is asked of any network."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bitneck.flow.pages.plane_page import page, sections
from bitneck.flow.pages.planes_of_runs import distinct_names
from bitneck.ib_analysis.codes import Codes
from bitneck.ib_analysis.pictures.moving_plane import figure, words
from bitneck.ib_analysis.pictures.run_on_page import Shown, scales
from bitneck.ib_analysis.plane import PlaneError, plane

EPOCHS = (0, 1, 3, 8)


@pytest.fixture(scope="module")
def points():
    """target -> points: a wide layer that is saturated at first, one whose I(T;Y) is refused, and two plain ones."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 1500)
    latent, prototypes = rng.normal(size=(1500, 8)), rng.normal(size=(10, 8))
    weights = {name: rng.normal(size=(8, width)) for name, width in (("wide", 64), ("nine", 9), ("six", 6), ("two", 2))}

    def codes(epoch):
        h = latent + 0.3 * epoch * prototypes[labels]
        return {name: Codes.pack(h @ weight >= 0) for name, weight in weights.items()}

    return lambda target: plane({epoch: codes(epoch) for epoch in EPOCHS}, labels, target)


@pytest.fixture(scope="module")
def opened(browser, points, tmp_path_factory):
    """Two runs side by side: the same codes, counted, and as a sample of more; whatever the browser reported."""
    runs = [Shown("counted", points("dataset"), accuracy={8: 0.815}), Shown("estimated", points("population"))]
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(runs))
    return Opened(browser, path, runs)


class Opened:
    def __init__(self, browser, path: Path, runs: list[Shown]) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        self.browser, self.runs = browser, runs
        browser.get_log("performance"), browser.get_log("browser")
        browser.get(path.as_uri())
        WebDriverWait(browser, 60).until(lambda b: b.execute_script("return document.body.dataset.ready") == "yes")

    def press(self, *keys: str) -> None:
        """Into whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def marks(self, run: int) -> dict[str, list[tuple[str, float, float]]]:
        """By layer, the marks that move, as drawn: (axes, x, y), read back from their pixels."""
        script = """
            const picture = document.querySelectorAll(".picture")[arguments[0]], found = [];
            const layout = picture._fullLayout;
            for (const axes of Object.values(layout._plots)) {
              const node = axes.plot.node();
              if (!node) continue;
              for (const trace of node.querySelectorAll("g.trace.scatter")) {
                const data = trace.__data__[0].trace;
                if (!FIGURES[arguments[0]].moving.includes(data.index)) continue;
                for (const mark of trace.querySelectorAll(".points path.point")) {
                  const [x, y] = mark.getAttribute("transform").match(/-?\\d[\\d.e-]*/g).map(Number);
                  found.push([data.name, axes.id, axes.xaxis.p2c(x), axes.yaxis.p2c(y)]);
                }
              }
            }
            return found;"""
        by_layer: dict[str, list[tuple[str, float, float]]] = {layer: [] for layer in self.runs[run].layers}
        for name, axes, x, y in self.browser.execute_script(script, run):
            by_layer[name].append((axes, x, y))
        return by_layer

    def point_at(self, run: int, layer: str, axes: str) -> str:
        """Moves the mouse over a layer's mark; what the label says then."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.support.ui import WebDriverWait

        script = """
            const picture = document.querySelectorAll(".picture")[arguments[0]];
            window.scrollTo(0, 0);
            const node = picture._fullLayout._plots[arguments[2]].plot.node();
            for (const trace of node.querySelectorAll("g.trace.scatter")) {
              const data = trace.__data__[0].trace;
              const mark = trace.querySelector(".points path.point");
              if (data.name === arguments[1] && FIGURES[arguments[0]].moving.includes(data.index) && mark) {
                const box = mark.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
              }
            }"""
        x, y = self.browser.execute_script(script, run, layer, axes)
        mouse = ActionChains(self.browser)
        mouse.w3c_actions.pointer_action.move_to_location(5, 5).move_to_location(round(x), round(y))
        mouse.perform()
        said = "return document.querySelectorAll('.picture')[arguments[0]].querySelector('.hoverlayer').textContent"
        return WebDriverWait(self.browser, 10).until(lambda b: b.execute_script(said, run))


HOME, END, RIGHT, SPACE = "\ue011", "\ue010", "\ue014", " "


@pytest.mark.parametrize("epoch", EPOCHS)
def test_arrow_keys_move_every_mark_to_the_values_of_that_epoch(opened, epoch):
    opened.press(HOME, *[RIGHT] * EPOCHS.index(epoch))
    for number, run in enumerate(opened.runs):
        marks = opened.marks(number)
        for point in (point for point in run.points if point.epoch == epoch):
            placed = {axes: (x, y) for axes, x, y in marks[point.layer]}
            if point.i_xt.verdict.refused:
                assert set(placed) == {"x2y3", "x4y5"}, "in the margins only"
                continue
            if point.i_ty.verdict.refused:
                assert set(placed) == {"xy2", "x4y4"}
                assert placed["xy2"][0] == pytest.approx(point.i_xt.bits, abs=0.02)
            else:
                assert set(placed) == {"xy", "x4y4"}
                assert placed["xy"] == pytest.approx((point.i_xt.bits, point.i_ty.bits), abs=0.02)
            assert placed["x4y4"] == pytest.approx((np.log2(1 + epoch), point.i_xt.bits), abs=0.1)
    cursor = opened.browser.execute_script("return pictures.map(picture => picture.layout.shapes[0].x0)")
    assert cursor == pytest.approx([np.log2(1 + epoch)] * 2)
    slider = opened.browser.find_element("id", "epoch")
    assert slider.get_attribute("aria-valuetext") == f"epoch {epoch}"


def test_every_state_occurs_in_these_runs(opened):
    counted, estimated = (run.points for run in opened.runs)
    assert any(p.i_xt.saturated and not p.i_xt.verdict.refused for p in counted)
    assert any(p.i_xt.verdict.refused for p in estimated)
    assert any(p.i_ty.verdict.refused and not p.i_xt.verdict.refused for p in estimated)
    assert any(p.i_xt.solid and p.i_ty.solid for p in estimated)


def test_a_mark_says_layer_epoch_both_numbers_and_the_verdict_in_words(opened):
    opened.press(END)
    point = opened.runs[1].at("two", 8)
    said = opened.point_at(1, "two", "xy")
    assert "two, epoch 8" in said
    for one in (point.i_xt, point.i_ty):
        assert f"{one.bits:.3f} bits [{one.low:.3f}, {one.high:.3f}]: {one.verdict}" in said
    assert point.i_xt.verdict.explanation[:30] in said


def test_a_refused_mark_says_why_and_no_number(opened):
    opened.press(HOME)
    said = opened.point_at(1, "wide", "x2y3")
    assert "I(X;T) refused: SATURATED" in said
    assert "this would show the" in said
    assert not re.search(r"\d\.\d", said)


def test_the_text_of_a_refused_number_has_no_digits_of_it(points):
    for point in points("population"):
        for name, estimate in (("I(X;T)", point.i_xt), ("I(T;Y)", point.i_ty)):
            assert (f"{name} refused" in words(point)) == estimate.verdict.refused
            assert (f"{estimate.bits:.3f}" in words(point)) != estimate.verdict.refused


def test_no_refused_number_is_in_the_file(points):
    shown = points("population")
    refused = [one.bits for p in shown for one in (p.i_xt, p.i_ty) if one.verdict.refused]
    refused = [bits for bits in refused if abs(bits - shown[0].h_y_bits) > 1e-4]  # H(Y) itself is shown
    content = page([Shown("run", shown)])
    assert len(refused) > 4
    assert not [bits for bits in refused if f"{bits:.6f}"[:-1] in content]


def test_saturated_marks_are_hollow_and_grey_and_plain_ones_filled(opened):
    opened.press(HOME)
    looks = opened.browser.execute_script("""
        return FIGURES[0].moving.map(index => pictures[0]._fullData[index]).filter(trace => trace.x.length === 1 &&
          trace.xaxis === "x").map(trace => [trace.name, trace.marker.symbol[0], trace.marker.color[0]])""")
    looks = {name: (symbol, colour) for name, symbol, colour in looks}
    assert looks["wide"] == ("circle-open-dot", "#777777")
    assert looks["six"] == ("diamond", "#0072b2")


def test_layers_in_one_place_name_each_other_and_stand_out_behind_each_other(points):
    chosen = [p for p in points("dataset") if p.layer in ("six", "two")]
    copies = [replace(p, layer="copy") for p in chosen if p.layer == "six"]
    run = Shown("run", [*chosen, *copies])
    drawn = figure(run, scales([run]), [8])
    marks = {t["name"]: t for t in drawn["data"][-6:-3]}  # the last three are the series' marks
    said = {name: drawn["words"][mark["text"][0]] for name, mark in marks.items()}
    assert said["six"].endswith("In the same place: copy")
    assert said["copy"].endswith("In the same place: six")
    assert "same place" not in said["two"]
    assert marks["six"]["marker"]["size"] > marks["copy"]["marker"]["size"] + 5


def test_the_table_below_follows_the_slider(opened):
    for key, epoch in ((HOME, 0), (END, 8)):
        opened.press(key)
        for section, run in zip(opened.browser.find_elements("css selector", "section"), opened.runs, strict=True):
            rows = [row.text for row in section.find_elements("css selector", "tbody tr")]
            for row, layer in zip(rows, run.layers, strict=True):
                point = run.at(layer, epoch)
                assert row == f"{layer} {point.i_xt} {point.i_xt.standing} {point.i_ty} {point.i_ty.standing}"
    assert "test accuracy 81.5%" in opened.browser.find_element("css selector", ".says").text


def test_both_runs_have_equal_axes_before_and_after_a_zoom(opened):
    from selenium.webdriver.support.ui import WebDriverWait

    ranges = "return pictures.map(picture => ['xaxis', 'yaxis'].map(axis => picture._fullLayout[axis].range))"
    full, other = opened.browser.execute_script(ranges)
    assert full == other
    opened.browser.execute_script("return Plotly.relayout(pictures[0], {'xaxis.range': [1, 2]}).then(() => null)")
    one, other = WebDriverWait(opened.browser, 10).until(
        lambda b: (found := b.execute_script(ranges)) and found[0] == found[1] and found
    )
    assert one[0] == [1, 2]
    opened.browser.execute_script(
        "return Plotly.relayout(pictures[1], {'xaxis.range': arguments[0]}).then(() => null)", full[0]
    )
    WebDriverWait(opened.browser, 10).until(lambda b: b.execute_script(ranges) == [full, full])


def test_play_goes_from_the_first_epoch_to_the_last_and_stops_by_a_key(opened):
    from selenium.webdriver.support.ui import WebDriverWait

    now = opened.browser.find_element("id", "now")
    button = opened.browser.find_element("id", "play")
    opened.press(END)
    button.send_keys(SPACE)
    assert "Pause" in button.text
    assert now.text == "epoch 0"
    WebDriverWait(opened.browser, 20).until(lambda _: now.text == "epoch 8" and "Play" in button.text)
    button.send_keys(SPACE)
    opened.browser.find_element("id", "epoch").send_keys(RIGHT)
    assert "Play" in button.text


def test_a_run_of_other_epochs_shows_what_it_captured_last(points):
    few = [point for point in points("dataset") if point.epoch in (1, 3)]
    run = Shown("few", few)
    assert [run.captured(epoch) for epoch in (0, 1, 2, 3, 8)] == [1, 1, 1, 3, 3]
    content = page([run, Shown("all", points("dataset"))])
    assert "epoch 3 (captured last before 8)" in content
    assert "epoch 1 (the first captured, 0 was not)" in content


def state(opened) -> tuple:
    """Epoch, ends of the plane's I(X;T) axis in each run, hidden layers of each run; as drawn."""
    script = """return [document.getElementById("now").textContent,
      pictures.map(picture => picture._fullLayout.xaxis.range.map(Number)),
      pictures.map(picture => [...hidden(picture)])]"""
    return tuple(opened.browser.execute_script(script))


def test_the_address_keeps_epoch_zoom_and_hidden_layers_and_brings_them_back(opened):
    from selenium.webdriver.support.ui import WebDriverWait

    browser = opened.browser
    opened.press(HOME, RIGHT)
    browser.execute_script(
        """return Plotly.relayout(pictures[0], {"xaxis.range": [1, 2]})
        .then(() => Plotly.restyle(pictures[1], {visible: "legendonly"},
          pictures[1].data.flatMap((trace, index) => trace.legendgroup === "two" ? [index] : []))).then(() => null)"""
    )
    changed = ("epoch 1", [[1, 2], [1, 2]], [[], ["two"]])
    WebDriverWait(browser, 10).until(lambda _: state(opened) == changed)
    address = browser.current_url
    browser.get("about:blank")
    for place, due in ((address, changed), (address.partition("#")[0] + "#epoch=77&hide=1:nobody&xaxis=a,b", None)):
        browser.get(place)
        WebDriverWait(browser, 60).until(lambda b: b.execute_script("return document.body.dataset.ready") == "yes")
        if due is None:  # of another page, or of nothing: everything of the last epoch
            WebDriverWait(browser, 10).until(lambda _: state(opened)[0] == "epoch 8")
            assert state(opened)[2] == [[], []]
            assert state(opened)[1][0] == state(opened)[1][1] != [1, 2]
        else:
            assert state(opened) == due


def test_every_number_is_saved_as_csv_and_the_picture_under_a_name_that_says_what_it_is(opened, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    place = {"behavior": "allow", "downloadPath": str(tmp_path)}
    opened.browser.execute_cdp_cmd("Browser.setDownloadBehavior", place)
    opened.press(END)
    for button in opened.browser.find_elements("css selector", "section:nth-of-type(2) [data-as]"):
        opened.browser.execute_script("arguments[0].click()", button)
    due = {"estimated-plane.csv", "estimated-plane-epoch-8.svg", "estimated-plane-epoch-8.png"}
    WebDriverWait(opened.browser, 30).until(lambda _: due == {path.name for path in tmp_path.iterdir()})
    rows = list(csv.DictReader((tmp_path / "estimated-plane.csv").read_text().splitlines()))
    assert len(rows) == len(opened.runs[1].points)
    for row, point in zip(rows, opened.runs[1].points, strict=True):
        assert (row["layer"], int(row["epoch"]), row["target"]) == (point.layer, point.epoch, "population")
        assert (int(row["samples"]), row["estimator"]) == (point.i_xt.samples, point.i_xt.estimator)
        for name, one in (("i_xt", point.i_xt), ("i_ty", point.i_ty)):
            assert row[f"{name}_verdict"] == str(one.verdict)
            assert row[f"{name}_bits"] == ("" if one.verdict.refused else str(one.bits))
    picture = (tmp_path / "estimated-plane-epoch-8.svg").read_text()
    assert "epoch 8" in picture
    assert "Target: population. N = 1,500." in picture
    assert (tmp_path / "estimated-plane-epoch-8.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_asked_of_a_network_and_the_console_is_silent(opened):
    entries = [json.loads(entry["message"])["message"] for entry in opened.browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]
    assert asked, "the page itself, and the browser's own of chrome:"
    assert not [
        url for url in asked if not url.startswith(("file:", "data:", "blob:", "chrome"))
    ]  # chrome, chrome-untrusted …: its own pages
    assert opened.browser.get_log("browser") == []
    content = opened.browser.page_source
    assert "default-src 'none'" in content, "and none could be asked"


def test_same_runs_give_the_same_bytes(points):
    runs = [Shown("a", points("dataset")), Shown("b", points("population"))]
    assert page(runs) == page(runs)


def test_the_caption_states_target_samples_and_estimator_of_each_run(points):
    content = page([Shown("a", points("dataset")), Shown("b", points("population"))])
    assert "Target: dataset. N = 1,500. Estimator: plug-in, exact." in content
    assert "Target: population. N = 1,500. Estimator: Chao-Wang-Jost." in content


def test_names_are_as_short_as_tells_them_apart():
    assert distinct_names([Path("a/twelve"), Path("b/twelve"), Path("b/digits")]) == ["a/twelve", "b/twelve", "digits"]
    with pytest.raises(PlaneError, match="twelve is given twice"):
        distinct_names([Path("a/twelve"), Path("a/../a/twelve")])


def test_names_are_data_and_no_markup(points):
    content = page([Shown("</script><b>run", points("dataset"))])
    assert content.count("</script>") == 2
    assert "<b>run" not in content


def test_the_command_writes_a_page_of_the_runs_own_numbers(bitneck, finished_run, tmp_path):
    done = bitneck("plane", finished_run, "-o", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    content = (tmp_path / "page.html").read_text()
    rows = json.loads((finished_run / "plane.json").read_text())["points"]
    assert all(str(row["i_xt"]["bits"]) in content for row in rows)
    assert str(finished_run) not in content
    assert bitneck("plane", finished_run, "-o", tmp_path / "again.html").exit_code == 0
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "page.html").read_bytes()


def test_pages_that_lie_together_share_plotlys_script_and_say_where_it_is_missing(
    browser, bitneck, finished_run, tmp_path
):
    from selenium.webdriver.support.ui import WebDriverWait

    shutil.copytree(finished_run, tmp_path / "other")
    done = bitneck("plane", finished_run, tmp_path / "other", "--each", tmp_path / "pages")
    assert done.exit_code == 0, done.output
    pages = tmp_path / "pages"
    assert {path.name for path in pages.iterdir()} == {"digits.html", "other.html", "plotly.min.js"}
    assert (pages / "digits.html").stat().st_size < (finished_run / "plane.html").stat().st_size / 4
    ready = "return document.body.dataset.ready"
    browser.get((pages / "digits.html").as_uri())
    WebDriverWait(browser, 60).until(lambda b: b.execute_script(ready) == "yes")
    (pages / "plotly.min.js").unlink()
    browser.get((pages / "other.html").as_uri())
    assert "plotly.min.js is missing beside this page" in browser.find_element("tag name", "body").text
    browser.get_log("browser")


def test_the_command_draws_figures_for_papers_with_equal_bytes(bitneck, finished_run, tmp_path):
    page_of_the_report = (finished_run / "plane.html").stat().st_mtime_ns
    for ending, head in ((".pdf", b"%PDF"), (".svg", b"<?xml"), (".png", b"\x89PNG")):
        contents = []
        for name in ("one", "two"):
            path = tmp_path / (name + ending)
            assert bitneck("plane", finished_run, "--figure", path).exit_code == 0
            contents.append(path.read_bytes())
        assert contents[0] == contents[1]
        assert contents[0].startswith(head)
    assert (finished_run / "plane.html").stat().st_mtime_ns == page_of_the_report, (
        "a figure is drawn instead of the page"
    )
    done = bitneck("plane", finished_run, "--figure", tmp_path / "plane.gif")
    assert done.exit_code == 2
    assert "a figure ends in one of .pdf, .svg, .png" in done.output


def test_the_command_says_what_a_run_lacks(bitneck, tmp_path):
    done = bitneck("plane", tmp_path / "nothing")
    assert done.exit_code == 2
    assert "bitneck train" in done.output


def test_brackets_stand_beside_what_was_counted_and_reach_from_the_lower_to_the_upper_end(browser, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 400)
    latent = rng.normal(size=(400, 8)) + 2 * rng.normal(size=(10, 8))[labels]
    codes = {epoch: {"wide": Codes.pack(latent @ rng.normal(size=(8, 40)) >= 0)} for epoch in (0, 3)}
    population = plane(codes, labels, "population", brackets=True)
    runs = sections("net", plane(codes, labels), population)
    assert [run.name for run in runs] == ["net: dataset", "net: population"]
    assert sections("net", plane(codes, labels), plane(codes, labels, "population"))[0].name == "net"
    path = tmp_path / "page.html"
    path.write_text(page(runs))
    seen, last = Opened(browser, path, runs), population[-1]
    assert last.xt.bracketed
    assert last.ty.bracketed
    ends = last.xt_bracket, last.ty_bracket
    (_, *place), *_ = (mark for mark in seen.marks(1)["wide"] if mark[0] == "xy")
    assert place == pytest.approx([bracket.low_bits for bracket in ends], abs=0.05)
    bars = """
        const plot = pictures[1]._fullLayout._plots.xy;
        const box = kind => plot.plot.node().querySelector("path." + kind).getBBox(), across = box("xerror");
        return [plot.xaxis.p2c(across.x + across.width), plot.yaxis.p2c(box("yerror").y)];"""
    assert browser.execute_script(bars) == pytest.approx([bracket.high_bits for bracket in ends], abs=0.1)
    for bracket in ends:
        assert f"{bracket} bits, by {bracket.low_method} and {bracket.high_method}" in seen.point_at(1, "wide", "xy")
    assert str(last.xt_bracket) in browser.find_elements("css selector", "tbody")[1].text
