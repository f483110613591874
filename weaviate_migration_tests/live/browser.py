"""A real browser, without a window: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect, sync_playwright

SECONDS = 240  # for whatever is waited for; a test may take 600
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened_page() -> Iterator[Page]:
    """A page that waits for whatever it is asked for; no browser is a failure, unless it is left out on purpose."""
    if os.environ.get("WEAVIATE_MIGRATION_NO_BROWSER") == "1":
        pytest.skip("WEAVIATE_MIGRATION_NO_BROWSER=1")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail(
            "No Chromium is found. Install it, on Debian with `apt-get install chromium`; "
            "WEAVIATE_MIGRATION_NO_BROWSER=1 leaves out the tests that need it."
        )
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        expect.set_options(timeout=SECONDS * 1000)
        yield page
