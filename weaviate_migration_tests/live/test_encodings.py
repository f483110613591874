"""The commands that need a server, on a terminal that takes ASCII only; `cli/test_encodings.py` has the others."""

from pathlib import Path

import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.cli.test_encodings import MAPPING, TEXT
from weaviate_migration_tests.live.command_line import at, run_encoded
from weaviate_migration_tests.source.databases import make


def test_every_command_of_a_migration(tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient) -> None:
    """Keys, values, names and paths hold letters that ASCII has not."""
    file = make(tmp_path / f"{TEXT}.db", f'CREATE TABLE "{TEXT}" (id TEXT PRIMARY KEY, "size {TEXT}")')
    make(file, f"INSERT INTO \"{TEXT}\" VALUES ('{TEXT}', '{TEXT}'), ('b', 1)")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    options = ["--sqlite-url", file, "--work-dir", tmp_path / TEXT, *at(server)]
    mapped = [*options, "--mapping", mapping]
    migrated = run_encoded("ascii", "migrate", *mapped, "--live", "--no-cutover", "--json")
    assert migrated.code == 0, migrated.stderr
    assert migrated.json["collections"]["Note"]["table"] == TEXT
    for command in ("sync", "verify", "cutover", "postflight", "status", "report"):
        ended = run_encoded("ascii", command, *mapped)
        assert ended.code == 0, ended.stderr
    for command, more in (("rollback", ()), ("cleanup", ("--yes", "--force"))):
        ended = run_encoded("ascii", command, *options, *more)
        assert ended.code == 0, ended.stderr
    assert list(client.alias.list_all()) == []
