"""Dagster's UI in a browser: what a person clicks to mend two partitions, and what they see of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import weaviate
from playwright.sync_api import Page, expect

import weaviate_migration
from weaviate_migration_tests.live.browser import opened_page
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.free_ports import free_port
from weaviate_migration_tests.live.lasting_commands import lasting, wait_for_page
from weaviate_migration_tests.live.notes import NoteMigration, note_id, note_rows

CHECKOUT = Path(weaviate_migration.__file__).parents[1]
CHECKS = ["count", "every_object", "sample", "search", "types", "uuids"]
EACH = 4  # 64 notes in 16 partitions


@contextmanager
def dagster_ui(notes: NoteMigration) -> Iterator[str]:
    """Its address, with the daemon that runs backfills."""
    port = free_port()
    command = [
        str(Path(sys.executable).parent / "dagster"),
        "dev",
        "--workspace",
        "workspace.yaml",
        "--port",
        str(port),
    ]
    environment = {
        "DAGSTER_HOME": str(notes.work_dir / "dagster_home"),
        "WEAVIATE_MIGRATION_SQLITE_URL": str(notes.source),
        "WEAVIATE_MIGRATION_MAPPING": str(notes.mapping),
        "WEAVIATE_MIGRATION_WORK_DIR": str(notes.work_dir),
        "WEAVIATE_MIGRATION_WEAVIATE_URL": notes.config.weaviate_url,
        "WEAVIATE_MIGRATION_GRPC_PORT": str(notes.config.grpc_port),
    }
    with lasting(command, CHECKOUT, notes.folder / "dagster.log", **environment):
        url = f"http://127.0.0.1:{port}"
        wait_for_page(url)
        yield url


def backfill(page: Page, url: str, *partitions: str) -> None:
    """Clicks through the dialog of the asset `note`, with these partitions chosen."""
    page.goto(f"{url}/assets/note?view=partitions")
    page.get_by_role("button", name="Materialize").click()
    # Found by its title: the list of partitions is a dialog, too, and takes its time to close.
    title = page.get_by_text("Launch runs to materialize note", exact=True)
    dialog = page.get_by_role("dialog").filter(has=title)
    dialog.get_by_text("Select a partition").click()
    choices = page.get_by_role("menuitem")
    for partition in partitions:
        choices.filter(has_text=partition).click()
    title.click()
    expect(choices).to_have_count(0)
    expect(dialog.get_by_text(f"{len(partitions)} partitions", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()
    expect(dialog).to_be_hidden()  # It closes when the backfill is stored, and stays open where that failed.


def expect_verdict(page: Page, check: str, verdict: str) -> None:
    """In the list of an asset's checks: the word below the check's name."""
    expect(page.locator("span", has=page.get_by_title(check, exact=True)).last).to_contain_text(verdict)


@pytest.mark.usefixtures("client")
def test_two_partitions_are_mended_by_clicking(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    assert notes.migrate().code == 0
    collection = client.collections.use("Note")
    for number in (3 * EACH, 4 * EACH):
        collection.data.update(note_id(number), properties={"body": "altered"})
    server = at(notes.server)
    assert run_here("verify", "--work-dir", notes.work_dir, "--mapping", notes.mapping, *server).code == 3

    with opened_page() as page, dagster_ui(notes) as url:
        page.goto(f"{url}/assets/note?view=checks")
        expect_verdict(page, "sample", "Failed")
        backfill(page, url, "03", "04")
        page.goto(f"{url}/runs?view=backfills")
        expect(page.get_by_text("2 partitions", exact=True)).to_be_visible()
        expect(page.get_by_text("Success", exact=True)).to_be_visible()
        page.goto(f"{url}/assets/note?view=checks")
        for check in CHECKS:
            expect_verdict(page, check, "Succeeded")
    assert {item.properties["body"] for item in collection.iterator()} == {body for _, body, *_ in note_rows()}
