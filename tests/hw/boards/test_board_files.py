"""Board files: their pins are other people's pins, their clocks and bauds are exact, and a mistake in one is a line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from bitneck.hw.boards.board import Board, BoardFileError, board, board_names, read_board
from bitneck.hw.synthesis.constraints import WRITERS, Pin, constraints
from bitneck.hw.synthesis.targets import TARGETS

BOARDS = [board(name) for name in board_names()]
AMARANTH = {
    "icebreaker": "icebreaker",
    "icesugar": "icesugar",
    "hx8k_breakout": "ice40_hx8k_b_evn",
    "ulx3s_12f": "ulx3s",
    "ulx3s_25f": "ulx3s",
    "ulx3s_45f": "ulx3s",
    "ulx3s_85f": "ulx3s",
    "icepi_zero": "icepi_zero",
    "tang_nano_9k": "tang_nano_9k",
}
LITEX = {
    "icebreaker": "icebreaker",
    "icesugar": "muselab_icesugar",
    "ulx3s_85f": "radiona_ulx3s",
    "colorlight_i5": "colorlight_i5",
    "colorlight_i9": "colorlight_i5",
    "crosslink_nx_vip": "lattice_crosslink_nx_vip",
    "tang_nano_9k": "sipeed_tang_nano_9k",
    "tang_nano_20k": "sipeed_tang_nano_20k",
}
LITEX_ETHERNET = {"colorlight_i5_udp": "colorlight_i5", "colorlight_5a_75b": "colorlight_5a_75b"}
REVISION = "_io_v7_0"  # of both
NOBODYS = {"gatemate_evb"}  # younger than the last litex-boards on the index; its pins are from the repository


def test_every_board_is_held_against_somebody_elses_file_but_one():
    assert set(board_names()) - set(AMARANTH) - set(LITEX) - set(LITEX_ETHERNET) == NOBODYS


def _calls(package: str, file: str) -> list[ast.Call]:
    """All calls in a file of a package."""
    return [node for node in ast.walk(ast.parse(_text(package, file))) if isinstance(node, ast.Call | ast.Tuple)]


def _text(package: str, file: str) -> str:
    """A file of a package, which is read and not run."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"no {package} here")
    return (Path(next(iter(spec.submodule_search_locations))) / file).read_text()


def _words(node: ast.AST | None) -> tuple[str, ...]:
    """Of the first text in a node: pins."""
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return tuple(texts[0].split())


def _name(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _constants(nodes: list[ast.AST], value: object) -> Iterator[ast.AST]:
    """Calls and tuples that begin with a text."""
    for node in nodes:
        items = node.args if isinstance(node, ast.Call) else node.elts
        if items and isinstance(items[0], ast.Constant) and items[0].value == value:
            yield node


@pytest.mark.parametrize("name", AMARANTH)
def test_pins_and_clock_are_those_of_amaranth_boards(name):
    ours, nodes = board(name), _calls("amaranth_boards", f"{AMARANTH[name]}.py")
    uarts = [node for node in nodes if _name(node) == "UARTResource"]
    assert {key.arg: key.value.value for key in uarts[0].keywords if key.arg in ("rx", "tx")} == {
        "rx": ours.uart.rx,
        "tx": ours.uart.tx,
    }
    leds = next(node for node in nodes if _name(node) == "LEDResources")
    given = {key.arg: key.value for key in leds.keywords}
    assert ours.leds.pins == tuple(given["pins"].value.split())
    assert ours.leds.low == ("invert" in given)
    clock = next(_constants(nodes, f"clk{ours.clock.mhz:g}"))
    pins, hertz = (next(each for each in clock.args if _name(each) == kind) for kind in ("Pins", "Clock"))
    assert (_words(pins), hertz.args[0].value) == ((ours.clock.pin,), ours.clock.mhz * 1e6)


@pytest.mark.parametrize("name", LITEX)
def test_pins_and_clock_are_those_of_litex_boards(name):
    ours, nodes = board(name), _calls("litex_boards", f"platforms/{LITEX[name]}.py")
    tuples = [node for node in nodes if isinstance(node, ast.Tuple)]
    serial = next(_constants(tuples, "serial"))
    signals = {node.args[0].value: _words(node.args[1]) for node in serial.elts if _name(node) == "Subsignal"}
    assert (signals["rx"], signals["tx"]) == ((ours.uart.rx,), (ours.uart.tx,))
    assert _words(next(_constants(tuples, f"clk{ours.clock.mhz:g}")).elts[2]) == (ours.clock.pin,)
    leds = {
        _words(node.elts[2])
        for kind in ("user_led", "user_led_n", "led_n")
        for node in _constants(tuples, kind)
        if len(node.elts) > 2 and _name(node.elts[2]) == "Pins"
    }
    assert {(pin,) for pin in ours.leds.pins} <= leds


@pytest.mark.parametrize("name", LITEX_ETHERNET)
def test_pins_of_ethernet_are_those_of_litex_boards(name):
    ours, text = board(name), _text("litex_boards", f"platforms/{LITEX_ETHERNET[name]}.py")
    own = next(
        node.value for node in ast.parse(text).body if isinstance(node, ast.Assign) and node.targets[0].id == REVISION
    )
    resources = {(node.elts[0].value, node.elts[1].value): node for node in own.elts}
    signals = {
        f"{kind}_{node.args[0].value}": _words(node.args[1])
        for kind in ("eth_clocks", "eth")
        for node in resources[kind, 0].elts
        if _name(node) == "Subsignal"
    }
    net, one = ours.ethernet, lambda site: () if site is None else (site,)
    assert signals == {
        "eth_clocks_rx": one(net.rx_clk),
        "eth_clocks_tx": one(net.tx_clk),
        **{f"eth_{name}": one(getattr(net, name)) for name in ("rx_ctl", "tx_ctl", "mdc", "mdio")},
        **({"eth_rst_n": one(net.rst_n)} if net.rst_n else {}),
        "eth_rx_data": net.rx_data,
        "eth_tx_data": net.tx_data,
    }
    assert _words(resources[f"clk{ours.clock.mhz:g}", 0].elts[2]) == (ours.clock.pin,)
    assert _words(resources["user_led_n", 0].elts[2]) == ours.leds.pins
    assert net.device in text or ours.package is None


@pytest.mark.parametrize("of", [of for of in BOARDS if of.uart], ids=lambda each: each.name)
def test_a_bit_is_a_whole_number_of_cycles_and_the_placer_is_told_the_clock(of):
    assert of.divider * of.uart.baud == of.clock_mhz * 1e6
    arguments = of.target.place.arguments
    assert float(arguments[arguments.index("--freq") + 1]) == of.clock_mhz
    lines = of.pins()
    assert all(site in lines for site in (of.clock.pin, of.uart.rx, of.uart.tx, *of.leds.pins))


def test_every_family_that_is_placed_has_a_writer_of_pins():
    assert set(WRITERS) == {target.part.family for target in TARGETS.values() if target.place is not None}


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("ice40", "set_io tx 9\n"),
        ("ecp5", 'LOCATE COMP "tx" SITE "9";\nIOBUF PORT "tx" IO_TYPE=LVCMOS33;\n'),
        ("gowin", 'IO_LOC "tx" 9;\nIO_PORT "tx" IO_TYPE=LVCMOS33;\n'),
        ("gatemate", 'Pin_out "tx" Loc = "9";\n'),
        (
            "nexus",
            "ldc_set_location -site {9} [get_ports {tx}]\nldc_set_port -iobuf {IO_TYPE=LVCMOS33} [get_ports {tx}]\n",
        ),
    ],
)
def test_each_family_has_its_own_words_for_a_pin(family, text):
    assert constraints([Pin("tx", "9", "out")], family) == text


FILES = Path(find_spec("bitneck.hw.boards").origin).parent
GOOD = (FILES / "icebreaker.toml").read_text()
ETHERNET = "[ethernet]" + (FILES / "colorlight_i5_udp.toml").read_text().split("[ethernet]")[1].split("[leds]")[0]
MISTAKES = {
    "a part's name": ('name = "icebreaker"', 'name = "up5k"', "name: up5k is a part's; give the board another"),
    "no such part": ('part = "up5k"', 'part = "up6k"', "part: no target 'up6k'; choose one of up5k, hx8k, "),
    "a part that nobody places": ('part = "up5k"', 'part = "xc7"', "part: nothing is placed on Zynq XC7Z020"),
    "an unknown key": ('title = "', 'titel = ""\ntitle = "', "titel: Unexpected keyword argument"),
    "a pin left out": ('rx = "6"\n', "", "uart.rx: Field required"),
    "a pin that is none": ('rx = "6"', 'rx = "6;"', "uart.rx: String should match pattern"),
    "a baud of no divider": ("baud = 3_000_000", "baud = 921600", "36 MHz are 39.06 cycles a bit at 921,600 baud"),
    "a bit too short": ("\nbaud = 3_000_000", "\nbaud = 12_000_000", "36 MHz are 3.00 cycles a bit at 12,000,000 baud"),
    "more than the bridge": ("\nbaud = 3_0", "\nbaud = 36_0", "36,000,000 is more than the bridge's 12,000,000"),
    "no way to a host": ("[uart]", "[serial]", "serial: Unexpected keyword argument"),
    "two ways to a host": ("[leds]", ETHERNET + "[leds]", "uart, ethernet: one of the two leads to a host; give that"),
    "a clock that no PLL makes": ("mhz = 36", "mhz = 47.11", "SB_PLL40_PAD makes no 47.11 MHz of 12 MHz exactly"),
    "an unknown PLL": ('"SB_PLL40_PAD"', '"PLL"', "pll.cell: no cell 'PLL'; choose one of SB_PLL40_PAD, "),
    "a command without a file": ("{bitstream}", "it", "program: the command says nowhere {bitstream}"),
    "no TOML": ("[clock]", "[clock", "my.toml: Expected ']'"),
    "no source": ("sources = [\n", "sources = []\nmore = [\n", "sources: Tuple should have at least 1 item"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_board_file_is_a_line_that_names_the_place(mistake):
    before, after, said = MISTAKES[mistake]
    assert before in GOOD
    with pytest.raises(BoardFileError) as error:
        read_board("my.toml", GOOD.replace(before, after))
    assert said in str(error.value)
    assert str(error.value).startswith("my.toml")
    assert "\n" not in str(error.value)


def test_what_has_ethernet_has_no_uart_and_a_core_for_its_family():
    of = board("colorlight_i5_udp")
    assert of.reached == "--port udp://192.168.1.50"
    assert board("colorlight_i5").reached == "--baud 1000000"
    with pytest.raises(BoardFileError, match="has no UART here; its link is Ethernet"):
        of.divider  # noqa: B018
    neither, *_ = GOOD.partition("[uart]")
    with pytest.raises(BoardFileError, match="uart, ethernet: one of the two leads to a host"):
        read_board("my.toml", neither)
    with pytest.raises(BoardFileError, match="ethernet: there is no core for iCE40"):
        read_board("my.toml", neither + ETHERNET)


def test_a_file_of_ones_own_is_as_good_as_ours(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace('name = "icebreaker"', 'name = "mine"'))
    mine = board(str(file))
    assert isinstance(mine, Board)
    assert mine.pins() == board("icebreaker").pins()
    with pytest.raises(BoardFileError, match=r"no board 'icebraker'; choose one of .* a \.toml of your own"):
        board("icebraker")
