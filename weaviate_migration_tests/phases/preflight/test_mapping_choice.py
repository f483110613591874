"""Which mapping a migration begins with where nobody has named one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import SourceNotUsableError
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_capture, mapping_to_migrate, preset_fits
from weaviate_migration.source.connect import connect_to_read
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.source.databases import make

CONVERSATIONS = (
    "CREATE TABLE conversations (id VARCHAR NOT NULL PRIMARY KEY, title VARCHAR, user_id VARCHAR, created_at DATETIME, "
    "updated_at DATETIME, is_active BOOLEAN)"
)
MESSAGES = (
    "CREATE TABLE messages (ID VARCHAR PRIMARY KEY, conversation_id VARCHAR, Role VARCHAR, content TEXT, "
    "created_at DATETIME)"
)
DOCUMENTS = (
    "CREATE TABLE documents (id VARCHAR PRIMARY KEY, title VARCHAR, content TEXT, content_type VARCHAR, "
    "file_path VARCHAR, file_size INTEGER)"
)
CHUNKS = "CREATE TABLE document_chunks (id VARCHAR PRIMARY KEY, document_id VARCHAR, content TEXT, chunk_index INTEGER)"
# Of another application, which calls a table so, too.
SUPPORT = (
    "CREATE TABLE conversations (id INTEGER PRIMARY KEY, account_id INTEGER, status TEXT, created_at DATETIME)",
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT)",
    "INSERT INTO conversations VALUES (1, 1, 'open', '2024-02-03 04:05:06')",
    "INSERT INTO accounts VALUES (1, 'first')",
)
OTHER = ("CREATE TABLE other (id INTEGER PRIMARY KEY)", "INSERT INTO other VALUES (1)")


def fits(path: Path) -> bool:
    with closing(connect_to_read(path)) as connection:
        return preset_fits(read_mapping(), inspect_database(path), connection)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([CONVERSATIONS], True),
        ([CONVERSATIONS, MESSAGES], True),
        ([CONVERSATIONS.replace("conversations", "Conversations")], True),
        ([CONVERSATIONS, OTHER[0]], True),
        ([CONVERSATIONS, *OTHER], False),
        ([CONVERSATIONS, MESSAGES, DOCUMENTS, *OTHER], False),
        ([CONVERSATIONS, MESSAGES, DOCUMENTS, CHUNKS, *OTHER], True),
        ([CONVERSATIONS, "CREATE VIEW other AS SELECT 1"], True),
        ([CONVERSATIONS.replace(" PRIMARY KEY", "")], False),
        ([CONVERSATIONS.replace("id VARCHAR NOT NULL", "number INTEGER")], False),
        (["CREATE TABLE conversations (id VARCHAR PRIMARY KEY, title VARCHAR, user_id VARCHAR)"], False),
        (["CREATE TABLE conversations (id VARCHAR PRIMARY KEY, title, user_id, is_active)"], True),
        ([CONVERSATIONS, "CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT)"], False),
        (SUPPORT, False),
        (OTHER, False),
        (["VACUUM"], False),
    ],
)
def test_the_preset_fits_the_files_of_its_application_only(
    tmp_path: Path, statements: list[str], expected: bool
) -> None:
    assert fits(make(tmp_path / "app.db", "PRAGMA user_version = 1", *statements)) == expected


def test_a_table_that_only_the_application_can_read_may_have_rows(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", CONVERSATIONS)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        statement = "CREATE VIRTUAL TABLE near USING gone(a)"
        connection.execute("INSERT INTO sqlite_schema VALUES ('table', 'near', 'near', 0, ?)", (statement,))
    assert not fits(path)


@pytest.fixture
def work_folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path / "work")


def settings(path: Path, work_folder: WorkFolder, mapping: Path | None = None) -> MigrationConfig:
    return create_migration_config(str(path), work_dir=work_folder.path, mapping=mapping)


def tables_of(mapping: Mapping) -> list[str]:
    return sorted(each.table for each in mapping.collections)


def test_what_a_person_should_look_at_is_said_where_nobody_ran_init(
    tmp_path: Path, work_folder: WorkFolder, caplog: pytest.LogCaptureFixture
) -> None:
    path = make(
        tmp_path / "app.db", "CREATE TABLE tokens (token TEXT PRIMARY KEY)", f"INSERT INTO tokens VALUES ('{'a' * 40}')"
    )
    mapping_to_migrate(settings(path, work_folder), work_folder)
    (said,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert said == "tokens.token looks like a secret, by its name, but is the key: to keep it out, leave out the table"


def test_a_preset_that_fits_leaves_nothing_behind(tmp_path: Path, work_folder: WorkFolder) -> None:
    path = make(tmp_path / "app.db", CONVERSATIONS)
    assert mapping_to_migrate(settings(path, work_folder), work_folder) == read_mapping()
    assert not work_folder.mappings.drawn_path.exists()


def test_otherwise_one_is_drawn_up_and_taken_as_people_edit_it(
    tmp_path: Path, work_folder: WorkFolder, caplog: pytest.LogCaptureFixture
) -> None:
    path, config = make(tmp_path / "app.db", *SUPPORT), settings(tmp_path / "app.db", work_folder)
    caplog.set_level("INFO")
    mapping = mapping_to_migrate(config, work_folder)
    assert tables_of(mapping) == ["accounts", "conversations"]
    assert mapping.unmapped == "refuse"
    drawn = work_folder.mappings.drawn_path
    assert str(drawn) in caplog.text
    drawn.write_text(drawn.read_text(encoding="utf-8").replace("name: Account\n", "name: Customer\n"), encoding="utf-8")
    make(path, "CREATE TABLE later (id INTEGER PRIMARY KEY)")
    edited = mapping_to_migrate(config, work_folder)
    assert sorted(each.name for each in edited.collections) == ["Conversation", "Customer"]


def test_a_named_one_is_taken_whatever_was_drawn_up(tmp_path: Path, work_folder: WorkFolder) -> None:
    path = make(tmp_path / "app.db", *SUPPORT)
    mapping_to_migrate(settings(path, work_folder), work_folder)
    assert mapping_to_migrate(settings(path, work_folder, Path("conversations")), work_folder) == read_mapping()


def test_the_next_migration_of_the_file_has_the_mapping_of_the_last_one(
    tmp_path: Path, work_folder: WorkFolder
) -> None:
    path = make(tmp_path / "app.db", *SUPPORT)
    own = read_mapping().model_copy(update={"name": "own"})
    record = work_folder.records.resume_or_begin(path, own, "")
    assert mapping_to_migrate(settings(path, work_folder), work_folder).name == "own"
    work_folder.records.update(record, state="cut over")
    assert mapping_to_migrate(settings(path, work_folder), work_folder).name == "own"
    another = make(tmp_path / "another.db", CONVERSATIONS)
    assert mapping_to_migrate(settings(another, work_folder), work_folder) == read_mapping()
    work_folder.records.update(record, state="discarded")
    assert tables_of(mapping_to_migrate(settings(path, work_folder), work_folder)) == ["accounts", "conversations"]


def test_what_is_captured_is_what_the_migration_in_use_has(tmp_path: Path, work_folder: WorkFolder) -> None:
    """Whatever people have made since of the mapping that was drawn up: the next migration takes that."""
    path = make(tmp_path / "app.db", *SUPPORT)
    config = settings(path, work_folder)
    drawn = mapping_to_capture(config, work_folder)
    work_folder.records.resume_or_begin(path, drawn, "")
    edited = work_folder.mappings.drawn_path.read_text(encoding="utf-8").replace("name: Account\n", "name: Customer\n")
    work_folder.mappings.keep_drawn(edited)
    assert mapping_to_capture(config, work_folder) == drawn
    assert mapping_to_migrate(config, work_folder) != drawn


def test_a_file_without_tables_is_refused(tmp_path: Path, work_folder: WorkFolder) -> None:
    path = make(tmp_path / "app.db", "PRAGMA user_version = 1")
    with pytest.raises(SourceNotUsableError):
        mapping_to_migrate(settings(path, work_folder), work_folder)
    assert not work_folder.path.exists()
