"""Which mapping a command works with: the one that is named, or the migration's own, or the default."""

from pathlib import Path

import pytest

from weaviate_migration.base.errors import MappingError, MigrationConflictError
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.own_mapping import current_mapping, mapping_of
from weaviate_migration.work_folder.record import MigrationRecord

SOURCE = Path("/data/app.db")
TEXT = """\
name: {name}
collections:
  - name: Note
    table: notes
    properties:
      - {{name: title, column: title, index: words}}
"""


@pytest.fixture
def work_folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path / "work")


def named(folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(TEXT.format(name=name), encoding="utf-8")
    return path


def settings(work_folder: WorkFolder, mapping: Path | None = None) -> MigrationConfig:
    return create_migration_config("", work_dir=work_folder.path, mapping=mapping)


def begun(work_folder: WorkFolder, mapping: Mapping) -> MigrationRecord:
    return work_folder.records.resume_or_begin(SOURCE, mapping, "")


def without_kept_mapping(work_folder: WorkFolder, record: MigrationRecord) -> None:
    """As an older version has left it."""
    work_folder.store.remove("mapping", record.mapping_digest)


def test_before_a_migration_it_is_the_named_one_or_the_default(work_folder: WorkFolder, tmp_path: Path) -> None:
    assert current_mapping(settings(work_folder), work_folder) == read_mapping()
    path = named(tmp_path, "notes")
    assert current_mapping(settings(work_folder, path), work_folder).name == "notes"
    work_folder.mappings.keep_drawn(TEXT.format(name="drawn"))
    assert current_mapping(settings(work_folder), work_folder).name == "drawn"
    assert current_mapping(settings(work_folder, path), work_folder).name == "notes"


def test_afterwards_it_is_the_migrations_own_whatever_becomes_of_the_file(
    work_folder: WorkFolder, tmp_path: Path
) -> None:
    path = named(tmp_path, "notes")
    mapping = read_mapping(path)
    record = begun(work_folder, mapping)
    work_folder.mappings.keep_drawn("wrong by now")
    path.unlink()
    for found in (
        current_mapping(settings(work_folder), work_folder),
        mapping_of(record, settings(work_folder), work_folder),
    ):
        assert found == mapping
        assert found.digest == record.mapping_digest
    with pytest.raises(MappingError, match="No such file"):
        mapping_of(record, settings(work_folder, path), work_folder)


def test_of_several_migrations_it_is_that_of_the_one_in_use(work_folder: WorkFolder, tmp_path: Path) -> None:
    first, second, third = (read_mapping(named(tmp_path, name)) for name in ("first", "second", "third"))
    for mapping, state in ((first, "cut over"), (second, "discarded")):
        work_folder.records.update(begun(work_folder, mapping), state=state)
    assert current_mapping(settings(work_folder), work_folder) == first
    record = begun(work_folder, third)
    assert current_mapping(settings(work_folder), work_folder) == third
    work_folder.records.update(record, state="rolled back")
    assert current_mapping(settings(work_folder), work_folder) == first


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("unfinished", "begin again: `weaviate-migration rollback --discard`."),
        ("cut over", "begin another migration: `weaviate-migration migrate`."),
    ],
)
def test_another_one_is_refused_with_what_to_do(
    work_folder: WorkFolder, tmp_path: Path, state: str, remedy: str
) -> None:
    own, other = named(tmp_path, "own"), named(tmp_path, "other")
    record = work_folder.records.update(begun(work_folder, read_mapping(own)), state=state)
    assert mapping_of(record, settings(work_folder, own), work_folder).name == "own"
    with pytest.raises(MigrationConflictError, match="was begun with another mapping") as error:
        mapping_of(record, settings(work_folder, other), work_folder)
    assert error.value.hint == (
        "Leave out --mapping (and WEAVIATE_MIGRATION_MAPPING): the migration's own is on record; "
        f"to use this one, {remedy}"
    )


def test_the_mapping_of_an_older_record_has_to_be_named(work_folder: WorkFolder, tmp_path: Path) -> None:
    path = named(tmp_path, "notes")
    record = begun(work_folder, read_mapping(path))
    without_kept_mapping(work_folder, record)
    with pytest.raises(MigrationConflictError) as error:
        mapping_of(record, settings(work_folder), work_folder)
    assert error.value.hint.startswith("Give its own with --mapping; to use this one")
    assert mapping_of(record, settings(work_folder, path), work_folder).digest == record.mapping_digest


def test_an_older_record_of_the_preset_needs_no_name(work_folder: WorkFolder) -> None:
    record = begun(work_folder, read_mapping())
    without_kept_mapping(work_folder, record)
    assert mapping_of(record, settings(work_folder), work_folder) == read_mapping()


def test_a_migration_that_is_gone_on_with_has_its_mapping_on_record_from_then_on(
    work_folder: WorkFolder, tmp_path: Path
) -> None:
    mapping = read_mapping(named(tmp_path, "notes"))
    without_kept_mapping(work_folder, begun(work_folder, mapping))
    record = begun(work_folder, mapping)
    assert work_folder.mappings.read(record.mapping_digest) == mapping
