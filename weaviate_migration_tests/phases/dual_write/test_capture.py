"""What is captured for a work folder: what its next migration needs, and what those need that readers have."""

from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.one_tenant import of_one_tenant
from weaviate_migration.phases.dual_write.capture import begin_change_capture
from weaviate_migration.source.capture import Capture
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.source.databases import make


def mapping_of(*tables: str, **fields: Any) -> Mapping:
    collections = [
        {
            "name": table.capitalize(),
            "table": table,
            "properties": [{"name": "body", "column": "body", "index": "words"}],
            **fields,
        }
        for table in tables
    ]
    return Mapping.model_validate({"name": "test", "collections": collections})


PLAIN = mapping_of("notes", "pages")
TENANTS = mapping_of("notes", "pages", tenant={"column": "org"})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, org, body)",
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, org, body)",
    )


@pytest.fixture
def work_folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path / "work", "")


def captured(capture: Capture) -> set[tuple[str, tuple[str, ...]]]:
    assert len({each.number for each in capture.tables}) == len(capture.tables)
    return {(each.name, each.key) for each in capture.tables}


def follow(work_folder: WorkFolder, source: Path, mapping: Mapping, state: str = "cut over") -> None:
    """A migration that readers have, and that is followed."""
    work_folder.mappings.keep(mapping)
    record = work_folder.records.resume_or_begin(source, mapping, "")
    work_folder.sync_positions.save(record.id, LogPosition(capture="0123abcd", epoch=1, position=1, entry=None))
    work_folder.records.update(record, state=state)


BY_KEY = {("notes", ("id",)), ("pages", ("id",))}
BY_TENANT = {("notes", ("id", "org")), ("pages", ("id", "org"))}


def test_a_mapping_that_begins_to_have_tenants_leaves_the_other_one_followed(
    source: Path, work_folder: WorkFolder
) -> None:
    capture, _ = begin_change_capture(source, PLAIN, work_folder)
    assert captured(capture) == BY_KEY
    follow(work_folder, source, PLAIN)
    capture, _ = begin_change_capture(source, TENANTS, work_folder)
    assert (captured(capture), capture.epoch) == (BY_KEY | BY_TENANT, 2)
    follow(work_folder, source, TENANTS)
    for mapping in (PLAIN, TENANTS):
        again, _ = begin_change_capture(source, mapping, work_folder)
        assert (captured(again), again.epoch) == (BY_KEY | BY_TENANT, 2)


def test_a_table_that_the_next_mapping_leaves_out_is_captured_for_the_one_in_use(
    source: Path, work_folder: WorkFolder
) -> None:
    follow(work_folder, source, PLAIN)
    capture, _ = begin_change_capture(source, mapping_of("notes"), work_folder)
    assert captured(capture) == BY_KEY


def test_a_migration_of_one_tenant_leaves_that_of_all_followed(source: Path, work_folder: WorkFolder) -> None:
    follow(work_folder, source, TENANTS)
    capture, _ = begin_change_capture(source, of_one_tenant(TENANTS, "acme"), work_folder)
    assert captured(capture) == BY_TENANT


@pytest.mark.parametrize("state", ["discarded", "cleaned up", "rolled back"])
def test_what_nobody_has_any_more_is_captured_no_longer(source: Path, work_folder: WorkFolder, state: str) -> None:
    follow(work_folder, source, PLAIN, state)
    capture, _ = begin_change_capture(source, TENANTS, work_folder)
    assert captured(capture) == BY_TENANT


def test_a_mapping_that_fits_the_file_no_longer_needs_nothing(source: Path, work_folder: WorkFolder) -> None:
    follow(work_folder, source, mapping_of("gone"))
    follow_other = mapping_of("notes", key=["gone"])
    follow(work_folder, source, follow_other)
    capture, _ = begin_change_capture(source, TENANTS, work_folder)
    assert captured(capture) == BY_TENANT


def test_a_migration_of_another_file_needs_nothing_of_this_one(source: Path, work_folder: WorkFolder) -> None:
    follow(work_folder, source.with_name("other.db"), PLAIN)
    capture, _ = begin_change_capture(source, TENANTS, work_folder)
    assert captured(capture) == BY_TENANT
