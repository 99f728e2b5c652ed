"""A real browser, for tests of a browser's behaviour."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

REQUIRED = "ORDERS_TESTS_NEED_CHROMIUM"
_PROGRAMS = ("chromium", "chromedriver")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--no-proxy-server"),
)


@contextmanager
def chromium(profile: Path, *flags: str) -> Iterator[Chrome]:
    """Run a headless Chromium with a new profile. Without Chromium, skip the test or, if REQUIRED is set, fail it."""
    program, driver = (shutil.which(name) for name in _PROGRAMS)
    if program is None or driver is None:
        reason = f"{' and '.join(_PROGRAMS)} must be on the PATH (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{reason}, because {REQUIRED} is set")
        pytest.skip(reason)
    options = ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    browser = Chrome(options=options, service=ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()
