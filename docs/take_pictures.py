"""Takes the docs' pictures of Dagster's UI: `make demo`, `make ui`, then beside it this file; needs Chromium.

Usage: .venv/bin/python docs/take_pictures.py [URL of the UI]
"""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "pictures"
WIDTH = 1200
COLORS = 128  # of the UI's few; a third of the bytes


def graph(page: Page) -> None:
    """The phases, the second of them opened, without the lists beside them."""
    page.goto("/asset-groups")
    page.get_by_text("phase_4_cutover").last.wait_for()
    page.get_by_text("Hide navigation").click()
    page.get_by_placeholder("Jump to").locator("xpath=following::button[1]").click()
    page.get_by_text("phase_2_history").last.click()
    page.get_by_text("agent_interaction", exact=True).wait_for()
    page.wait_for_timeout(2000)  # until the drawing has moved
    page.mouse.move(200, 700)
    page.mouse.down()
    page.mouse.move(200, 330, steps=5)
    page.mouse.up()
    page.wait_for_timeout(10_000)  # the state of what has come into sight is asked for bit by bit


def partitions(page: Page) -> None:
    """A collection's page, with the figures of one partition."""
    page.set_viewport_size({"width": WIDTH, "height": 950})
    page.goto("/assets/message?view=partitions&partition=06")
    page.get_by_text("objects_per_second").wait_for()


def checks(page: Page) -> None:
    """A collection's checks, one of them with its figures over time."""
    page.goto("/assets/message?view=checks&checkDetail=every_object")
    page.get_by_text("every property and column compared").wait_for()


PICTURES: dict[str, Callable[[Page], None]] = {"graph": graph, "partitions": partitions, "checks": checks}


def main(url: str) -> None:
    """Writes each picture, 1200 pixels wide, with few colors."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"]) as browser,
    ):
        for name, show in PICTURES.items():
            page = browser.new_page(base_url=url, viewport={"width": WIDTH, "height": 750})
            show(page)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(2000)  # icons come last
            picture = Image.open(io.BytesIO(page.screenshot()))
            picture.convert("RGB").quantize(COLORS).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000")
