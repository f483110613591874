"""A migration's own mapping is on record: what comes after `migrate` needs no `--mapping`, and refuses another one."""

import json
from pathlib import Path

import pytest

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping
from weaviate_migration_tests.source.databases import make

# In the order of a migration.
AFTERWARDS = (
    *("status", "checks", "quarantine list", "capture status", "sync", "verify"),
    *("report", "cutover", "postflight", "sync", "status", "rollback"),
)
WITHOUT_SERVER = ("checks", "quarantine list", "capture status", "report")


@pytest.mark.usefixtures("client")
def test_a_file_of_another_application_gets_a_mapping_of_its_own(tmp_path: Path, server: ServerAddress) -> None:
    """It has a table of a name that the preset has, too."""
    source = make(
        tmp_path / "support.db",
        "PRAGMA journal_mode = wal",
        "CREATE TABLE conversations (id INTEGER PRIMARY KEY, account_id INTEGER REFERENCES accounts, status TEXT)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('0a1b2c')",
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT, password_hash TEXT)",
        "INSERT INTO accounts VALUES (1, 'first', '$2b$12$abcdefghijklmnopqrstuv0123456789ABCDEFGHIJKLMNOPQRSTU')",
        "INSERT INTO conversations VALUES (1, 1, 'open'), (2, 1, 'closed')",
    )
    where = ["--work-dir", tmp_path / "work", *at(server)]
    ended = run_here("migrate", "--sqlite-url", source, *where, "--json")
    assert ended.code == 0, ended.stderr
    found = {each["table"]: each["migrated"] for each in ended.json["collections"].values()}
    assert found == {"conversations": 2, "accounts": 1}
    drawn = tmp_path / "work" / "mapping.yaml"
    assert ended.json["drawn_mapping"] == str(drawn)
    assert f"Mapping: {drawn}, drawn up from the file." in ended.stderr
    (left_out,) = [text for text in ended.json["warnings"] if "accounts.password_hash" in text]
    assert "take such a column out of `omit`" in left_out
    assert any(text.startswith("Tables left out") and "alembic_version (" in text for text in ended.json["warnings"])
    certificate = json.loads(Path(ended.json["certificate"]).read_text(encoding="utf-8"))
    assert "accounts.password_hash" in certificate["statement"]
    assert (certificate["identical"], certificate["unmapped_tables"]) == (True, {})

    make(source, "CREATE TABLE notes (id INTEGER PRIMARY KEY)", "INSERT INTO notes VALUES (1)")
    refused = run_here("migrate", "--sqlite-url", source, *where)
    assert refused.code == 2
    assert "No collection takes the rows of notes (1 row)." in refused.stderr
    looked = run_here("postflight", *where, "--json")
    (item,) = [each for each in looked.json["items"] if each["name"] == "tables"]
    assert (looked.code, item["verdict"]) == (3, "failed")
    assert item["figure"].endswith("since the snapshot: notes")
    edited = drawn.read_text(encoding="utf-8").replace("omit_tables:\n", "omit_tables:\n  notes: not wanted\n")
    drawn.write_text(edited, encoding="utf-8")
    again = run_here("migrate", "--sqlite-url", source, *where, "--json")
    assert again.code == 0, again.stderr
    assert again.json["migration_id"] != ended.json["migration_id"]


def test_later_commands_need_no_mapping(notes: NoteMigration) -> None:
    """A table that has come since the snapshot stops none of them, though the mapping refuses to begin with it."""
    with notes.mapping.open("a", encoding="utf-8") as file:
        file.write("unmapped: refuse\n")
    migrated = run_here("migrate", *notes.options, "--live", "--no-cutover", "--json")
    assert migrated.code == 0, migrated.stderr
    notes.mapping.unlink()
    make(notes.source, "CREATE TABLE later (id INTEGER PRIMARY KEY)", "INSERT INTO later VALUES (1)")
    add_notes(notes.source, [("another", "one more", 1, "2024-02-03 04:05:06")])
    work_dir = ["--work-dir", notes.work_dir]
    other = make_mapping(notes.folder / "other.yaml", missing="warn")
    for command in ("sync", "checks", "status", "verify", "report"):
        refused = run_here(command, "--mapping", other, *work_dir)
        assert refused.code == 2, (command, refused.stdout)
        assert "Leave out --mapping (and WEAVIATE_MIGRATION_MAPPING): the migration's own" in refused.stderr, command

    said = {}
    for command in AFTERWARDS:
        server = [] if command in WITHOUT_SERVER else at(notes.server)
        source = ["--sqlite-url", notes.source] if command == "capture status" else []
        ended = run_here(*command.split(), *work_dir, *server, *source, "--json")
        assert ended.code == (3 if command == "postflight" else 0), (command, ended.stderr)
        said[command] = ended.json
    assert said["checks"]["totals"]["never ran"] == 0
    assert said["report"]["mapping_name"] == "notes"
    certificate = json.loads(Path(said["verify"]["certificate"]).read_text(encoding="utf-8"))
    assert said["verify"]["statement"] == certificate["statement"]
    assert certificate["statement"].endswith("compared. No collection takes the rows of later (1 row).")
    assert [each["name"] for each in said["postflight"]["items"] if each["verdict"] == "failed"] == ["tables"]
    assert said["status"]["passed_over"] == {"later": 1}
