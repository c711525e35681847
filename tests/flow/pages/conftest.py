"""What the pages' tests share: a real browser."""

from __future__ import annotations

import shutil

import pytest

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,800"),
)


@pytest.fixture(scope="module")
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
