"""The preflight against real servers: it passes where all is well, each item can fail, and nothing of it stays."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.api.preflight import check_preflight
from weaviate_migration.phases.preflight.disk_and_memory import Need, disks, memory
from weaviate_migration.phases.preflight.server_side import CLOCK_SECONDS, TrialCollections, judge_clock
from weaviate_migration.phases.preflight.source_side import pause
from weaviate_migration.source.integrity import Integrity, quick_look
from weaviate_migration.source.snapshot import SourceLook
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.checklist import ChecklistItem, read_checklist
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import (
    WITHOUT_RIGHTS,
    Ended,
    at,
    end_of,
    holdings,
    on,
    run_command,
    run_here,
    started,
    until,
)
from weaviate_migration_tests.live.counting_proxy import run_counting_proxy
from weaviate_migration_tests.live.locked_server import KEY, READING_KEY
from weaviate_migration_tests.live.notes import TABLE, NoteMigration, add_notes, note_file
from weaviate_migration_tests.source.databases import read_only

ITEMS = (
    *("backup", "pause", "tables", "capture", "work folder", "server disk", "server memory"),
    *("server", "rights", "names", "clock", "collections", "duration"),
)
# Of a server that somebody else started nothing is known of its disk and its memory.
UNTOLD = {"capture": "skipped", "server disk": "skipped", "server memory": "skipped"}
WELL = dict.fromkeys(ITEMS, "passed") | UNTOLD
GIGABYTE = 10**9


def preflight(notes: NoteMigration, *more: object) -> Ended:
    return run_here("preflight", *on(notes.options, more), "--json")


def items_of(ended: Ended) -> dict[str, ChecklistItem]:
    return {each["name"]: ChecklistItem(**each) for each in ended.json["items"]}


def verdicts(ended: Ended) -> dict[str, str]:
    return {name: each.verdict for name, each in items_of(ended).items()}


def the_one_that_is_not_well(ended: Ended, name: str, verdict: str = "failed") -> ChecklistItem:
    assert verdicts(ended) == WELL | {name: verdict}, ended.stdout
    assert ended.code == (3 if verdict == "failed" else 0)
    assert items_of(ended)[name].remedy
    return items_of(ended)[name]


def test_all_is_well_and_nothing_stays(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    found = check_preflight(notes.config)
    assert found.success
    assert {each.name: each.verdict for each in found.items} == WELL
    assert "for 64 rows (Note " in found.items[-1].figure
    assert read_checklist(WorkFolder(notes.work_dir).store, "preflight") == found
    assert holdings(client) == ([], {})


def test_it_reads_well_on_a_narrow_terminal(notes: NoteMigration) -> None:
    ended = run_here("preflight", *notes.options)
    assert ended.code == 0
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert all(name in ended.stdout for name in ITEMS)
    assert "10 passed, 3 skipped." in ended.stdout


def test_an_embedded_server_is_on_a_disk_and_in_memory_that_are_looked_at(notes: NoteMigration) -> None:
    ended = run_here("preflight", *notes.source_options, "--json")
    assert verdicts(ended) == WELL | {"server disk": "passed", "server memory": "passed"}


def test_wrong_settings_are_no_item(notes: NoteMigration) -> None:
    ended = run_here("preflight", *notes.options, "--sqlite-url", notes.folder / "no.db")
    assert (ended.code, ended.stdout) == (2, "")
    assert "no.db: No such file" in ended.stderr


def test_a_damaged_file(notes: NoteMigration) -> None:
    notes.source.unlink()
    note_file(notes.source, rows=2000)
    with closing(sqlite3.connect(notes.source)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    content = bytearray(notes.source.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    notes.source.write_bytes(content)
    found = items_of(preflight(notes))["backup"]
    assert found.verdict == "failed"
    assert "damaged" in found.figure
    assert ".recover" in found.remedy


def test_a_file_too_large_for_the_disk_stops_a_migration_before_anything_is_made(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    """Its header claims, and its sparse end bears out, as many pages as the disk has room for."""
    with closing(sqlite3.connect(notes.source)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    disk = os.statvfs(notes.folder)
    pages = disk.f_bavail * disk.f_frsize // 4096
    with notes.source.open("r+b") as file:
        file.truncate(pages * 4096)
        file.seek(28)
        file.write(pages.to_bytes(4, "big"))
    ended = notes.migrate("--allow-pause")
    assert ended.code == 2
    assert "work folder: about" in ended.stderr
    assert "Make room there" in ended.stderr
    assert holdings(client) == ([], {})
    assert WorkFolder(notes.work_dir).records.all() == []
    stored = read_checklist(WorkFolder(notes.work_dir).store, "preflight")
    assert stored is not None
    assert [each.name for each in stored.having("failed")] == ["work folder"]


def test_a_row_too_large_for_the_memory_stops_a_migration_before_anything_is_made(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    add_notes(notes.source, [("huge", "x" * 8_000_000, 1, None)])
    audit = run_here("audit", *notes.source_options, "--memory-limit-mb", 384)
    for ended in (notes.migrate("--memory-limit-mb", 384), audit):
        assert ended.code == 2
        assert "notes: 1 row too large for --memory-limit-mb 384: huge (8.0 MB)" in ended.stderr
    assert holdings(client) == ([], {})
    assert WorkFolder(notes.work_dir).records.all() == []


def test_no_server(notes: NoteMigration) -> None:
    ended = preflight(notes, "--weaviate-url", "http://127.0.0.1:1")
    unasked = dict.fromkeys(("rights", "names", "clock", "collections", "duration"), "skipped")
    assert verdicts(ended) == WELL | unasked | {"server": "failed"}
    assert ended.code == 3
    assert "no Weaviate answers" in items_of(ended)["server"].figure


def test_a_key_that_is_refused_and_one_that_may_only_read(notes: NoteMigration, locked_server: ServerAddress) -> None:
    there = at(locked_server)
    refused = items_of(preflight(notes, *there, "--api-key", "wrong"))["server"]
    assert (refused.verdict, "refuses the API key" in refused.figure) == ("failed", True)
    assert "--api-key" in refused.remedy
    reading = preflight(notes, *there, "--api-key", READING_KEY)
    assert verdicts(reading) == WELL | {"rights": "failed", "collections": "skipped", "duration": "skipped"}
    assert "--api-key" in items_of(reading)["rights"].remedy
    assert verdicts(preflight(notes, *there, "--api-key", KEY)) == WELL
    migration = notes.migrate(*there, "--api-key", READING_KEY)
    assert (migration.code, "rights:" in migration.stderr) == (2, True)
    assert WorkFolder(notes.work_dir).records.all() == []


def test_names_that_somebody_else_has(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    client.collections.create("Note")
    found = the_one_that_is_not_well(preflight(notes), "names")
    assert "`Note` has the name of an alias" in found.figure
    assert "--prefix" in found.remedy


def test_rows_that_are_refused_are_counted_in_the_sample(notes: NoteMigration) -> None:
    notes.mapping.write_text(notes.mapping.read_text().replace("type: int}", "type: int, on_unfit: refuse}"))
    add_notes(notes.source, [("the one", "text", "not a number", "2024-02-03 04:05:06")])
    found = the_one_that_is_not_well(preflight(notes), "duration", "warned")
    assert "1 of 65 sampled rows" in found.figure
    assert "65 rows" in found.figure


def test_capture_needs_a_file_to_write_to_and_tables_with_keys(notes: NoteMigration) -> None:
    assert verdicts(preflight(notes, "--live")) == WELL | {"capture": "passed"}
    with read_only(notes.source.parent):
        ended = run_command("preflight", *notes.options, "--json", "--live", before=WITHOUT_RIGHTS)
    assert "write to both" in the_one_that_is_not_well(ended, "capture").remedy
    notes.source.unlink()
    note_file(notes.source, table=TABLE.replace("NOT NULL PRIMARY KEY", ""))
    found = the_one_that_is_not_well(preflight(notes, "--live"), "capture")
    assert found.figure.startswith("0 of 1 tables can be followed")


def test_what_was_made_is_removed_after_ctrl_c_and_what_was_left_the_next_time(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    trial = TrialCollections.of(client, "", notes.work_dir)

    def is_there() -> bool:
        return any(name.startswith(trial.name) for name in client.collections.list_all())

    add_notes(notes.source, [(f"more {number}", "x" * 100_000, number, None) for number in range(300)])
    with started("preflight", *notes.options) as command:
        until(is_there)
        command.send_signal(signal.SIGINT)
        assert end_of(command).code == 130
    assert not is_there()
    with started("preflight", *notes.options) as command:
        until(is_there)
        command.kill()
    assert preflight(notes).code == 0
    assert not is_there()


def test_a_quick_look_ends_in_time(tmp_path: Path) -> None:
    with closing(sqlite3.connect(note_file(tmp_path / "app.db", rows=2000))) as connection:
        assert quick_look(connection, 60) == Integrity()
        assert quick_look(connection, 0) == Integrity(finished=False)


@pytest.mark.parametrize(
    ("look", "allowed", "verdict"),
    [
        (SourceLook("wal", 9 * GIGABYTE, 0.0), False, "passed"),
        (SourceLook("delete", 9 * GIGABYTE, 1.9), False, "passed"),
        (SourceLook("delete", 9 * GIGABYTE, 45.0), False, "failed"),
        (SourceLook("delete", 9 * GIGABYTE, 45.0), True, "warned"),
    ],
)
def test_a_pause_of_the_writers_has_to_be_allowed(look: SourceLook, allowed: bool, verdict: str) -> None:
    found = pause(look, allowed=allowed)
    assert found.verdict == verdict
    assert ("--allow-pause" in found.remedy) == (verdict == "failed")


@pytest.mark.parametrize(
    ("free", "verdict"), [(9 * GIGABYTE, "failed"), (11 * GIGABYTE, "warned"), (21 * GIGABYTE, "passed")]
)
def test_room_on_one_disk_is_for_both(tmp_path: Path, free: int, verdict: str) -> None:
    need = Need(work_folder=3 * GIGABYTE, server_disk=7 * GIGABYTE, server_memory=10 * GIGABYTE)
    first, second = disks(need, tmp_path, tmp_path / "weaviate", free_bytes=lambda _: free)
    assert (first.name, first.verdict, second.verdict) == ("work folder", verdict, "passed")
    assert first.figure.startswith("about 10.0 GB needed")
    assert memory(need, embedded=True, available_bytes=free).verdict == verdict


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(0.5, "passed"), (-CLOCK_SECONDS - 1, "warned"), (CLOCK_SECONDS + 1, "warned")]
)
def test_clocks_that_do_not_agree(ahead: float, verdict: str) -> None:
    assert judge_clock(ahead).verdict == verdict


def test_vectors_are_counted_in_memory(notes: NoteMigration) -> None:
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("ALTER TABLE notes ADD COLUMN embedding BLOB")
        connection.execute("UPDATE notes SET embedding = zeroblob(4 * 1000)")
    more = "vectors: [{name: embedding, column: embedding}]"
    notes.mapping.write_text(notes.mapping.read_text().replace("    properties:", f"    {more}\n    properties:"))
    figure = items_of(preflight(notes))["server memory"].figure
    assert "about 200.5 MB" in figure  # Of 64 vectors of 1,000 dimensions 8 bytes for each.


@pytest.mark.parametrize(
    ("said", "told", "remedy"),
    [
        ("replication: 2", "too few nodes for its replication (1 available, 2 requested)", "`replication`"),
        ("tokenization: gse_ch", "ENABLE_TOKENIZER_GSE_CH", "Weaviate says why"),
        ("vectors: [{name: v, index: {type: dynamic}}]", "async indexing is enabled", "Weaviate says why"),
        (
            "vectors: [{name: v, from: [body], vectorizer: text2vec_cohere}]",
            'no module with name "text2vec-cohere" present',
            "Weaviate says why",
        ),
    ],
)
def test_what_this_server_cannot_make_stops_a_migration_before_it_begins(
    notes: NoteMigration, said: str, told: str, remedy: str
) -> None:
    """Though a collection before it can be made."""
    plain = notes.mapping.read_text()
    other = (
        plain.partition("collections:\n")[2].replace("name: Note", "name: Other").replace("table: notes", "table: more")
    )
    if not said.startswith("tokenization"):
        other = other.replace("    properties:", f"    {said}\n    properties:")
    else:
        other = other.replace("index: words", f"index: words, {said}")
    notes.mapping.write_text(plain.replace("missing: refuse", "missing: warn") + other)
    found = items_of(preflight(notes))["rights"]
    assert (found.verdict, told in found.figure, remedy in found.remedy) == ("failed", True, True)
    migration = notes.migrate()
    assert (migration.code, told in migration.stderr) == (2, True)
    assert WorkFolder(notes.work_dir).records.all() == []


def test_a_server_that_passes_over_what_it_does_not_know(notes: NoteMigration, server: ServerAddress) -> None:
    """As an older one does: its collections would be other ones than the mapping says, without a word."""
    notes.mapping.write_text(notes.mapping.read_text().replace("index: words", "index: words, ascii_fold: true"))
    assert items_of(preflight(notes))["rights"].verdict == "passed"
    with run_counting_proxy(server, unknown="textAnalyzer") as (_, older):
        found = items_of(preflight(notes, *at(older)))["rights"]
        assert found.verdict == "failed"
        assert "Note: `body` should be text, tokenized by word, folded to ASCII, searchable, and is" in found.figure
        assert "Upgrade it" in found.remedy
        assert notes.migrate(*at(older)).code == 2
    assert WorkFolder(notes.work_dir).records.all() == []
