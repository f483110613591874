"""A migration's own mapping is on record: what comes after `migrate` needs no `--mapping`, and refuses another one."""

from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping

# In the order of a migration.
AFTERWARDS = (
    *("status", "checks", "quarantine list", "capture status", "sync", "verify"),
    *("report", "cutover", "postflight", "sync", "status", "rollback"),
)
WITHOUT_SERVER = ("checks", "quarantine list", "capture status", "report")


def test_later_commands_need_no_mapping(notes: NoteMigration) -> None:
    migrated = run_here("migrate", *notes.options, "--live", "--no-cutover", "--json")
    assert migrated.code == 0, migrated.stderr
    notes.mapping.unlink()
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
        assert ended.code == 0, (command, ended.stderr)
        said[command] = ended.json
    assert said["checks"]["totals"]["never ran"] == 0
    assert said["report"]["mapping_name"] == "notes"
    assert said["verify"]["certificate"]
