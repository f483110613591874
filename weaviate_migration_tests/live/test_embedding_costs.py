"""What vectors cost: said before anything is spent, bounded while it is, and not spent twice afterwards."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.embedding_service import embedding_service
from weaviate_migration_tests.live.command_line import Ended, empty
from weaviate_migration_tests.live.embedded_notes import EmbeddedNotes, vectors_by_body
from weaviate_migration_tests.live.notes import note_rows

TEXTS = [f"passage: {body}" for _, body, _, _ in note_rows()]
# Two texts each.
CALLS = len(TEXTS) // 2
FEW = 5


@dataclass(frozen=True)
class Spent:
    """What commands have said, one after the other, and how often the service was asked until then."""

    embedded: EmbeddedNotes
    audit: Ended
    preflight: Ended
    asked_beforehand: int
    limited: Ended
    asked_by_limited: int
    finished: Ended


@pytest.fixture(scope="module")
def spent(
    tmp_path_factory: pytest.TempPathFactory,
    server: ServerAddress,
    connected: weaviate.WeaviateClient,
    static_model: Path,
) -> Iterator[Spent]:
    """A migration that was looked at beforehand, stopped by its limit, and then went on to its end."""
    empty(connected)
    with embedding_service(static_model) as service:
        embedded = EmbeddedNotes.fresh(tmp_path_factory.mktemp("spent"), server, service)
        audit = embedded.look("audit")
        preflight = embedded.look("preflight", "--json", "--max-embedding-calls", CALLS - 1)
        asked_beforehand = service.calls
        limited = embedded.migrate("--max-embedding-calls", FEW)
        asked_by_limited = service.calls
        finished = embedded.migrate("--json", "--max-embedding-calls", CALLS)
        yield Spent(embedded, audit, preflight, asked_beforehand, limited, asked_by_limited, finished)


def test_it_is_said_before_anything_is_spent(spent: Spent) -> None:
    assert spent.audit.code == 0, spent.audit.stderr
    said = " ".join(spent.audit.stdout.split())
    assert (
        "embedding with served: 64 texts, 64 distinct, 0 in the cache; "
        "about 254 tokens in 32 calls at least, price 0.000635" in said
    )
    assert spent.asked_beforehand == 0


def test_preflight_fails_where_more_calls_are_needed_than_allowed(spent: Spent) -> None:
    assert spent.preflight.code == 3
    (item,) = (each for each in spent.preflight.json["items"] if each["name"] == "embedding")
    assert item["verdict"] == "failed"
    assert item["figure"].endswith(f"{CALLS - 1} calls are allowed")


def test_a_limit_stops_it_in_a_line_and_what_was_made_is_kept(spent: Spent) -> None:
    assert (spent.limited.code, spent.asked_by_limited) == (1, FEW)
    (error,) = (line for line in spent.limited.complaint if line.startswith("error: "))
    assert f"vectors were asked for {FEW} times, as --max-embedding-calls allows" in error
    assert "Traceback" not in spent.limited.stderr
    assert spent.finished.code == 0, spent.finished.stderr
    assert Counter(spent.embedded.service.texts) == Counter(TEXTS)


def test_a_repair_asks_for_nothing(spent: Spent, connected: weaviate.WeaviateClient) -> None:
    before = vectors_by_body(connected)
    notes = connected.collections.use("Note")
    first, second, *_ = notes.iterator()
    notes.data.delete_by_id(first.uuid)
    notes.data.update(second.uuid, properties={"body": "altered"})
    spent.embedded.service.forget()
    repaired = spent.embedded.run("verify", "--repair")
    assert repaired.code == 0, repaired.stderr
    assert vectors_by_body(connected) == before
    assert spent.embedded.service.calls == 0


def test_what_is_in_the_cache_is_counted(spent: Spent) -> None:
    assert "64 in the cache; nothing is to be made" in " ".join(spent.embedded.look("audit").stdout.split())


def test_another_work_folder_shares_the_cache(spent: Spent, tmp_path: Path) -> None:
    """Without a migration: the audit counts by the same file."""
    cache = spent.embedded.notes.work_dir / "vectors.sqlite"
    options = ("--work-dir", tmp_path, "--vector-cache", cache, "--json")
    (cost,) = spent.embedded.look("audit", *options).json["embedding"]
    assert (cost["distinct"], cost["cached"], cost["calls"]) == (64, 64, 0)


def test_machines_share_the_cache_in_the_database_of_a_state(
    server: ServerAddress,
    connected: weaviate.WeaviateClient,
    static_model: Path,
    postgres_server: PostgresServer,
    tmp_path: Path,
) -> None:
    url = postgres_server.new_database()
    with embedding_service(static_model) as service:
        for name, options in {"first": ("--state-url", url), "second": ("--vector-cache", url)}.items():
            empty(connected)
            (tmp_path / name).mkdir()
            embedded = EmbeddedNotes.fresh(tmp_path / name, server, service)
            migrated = embedded.migrate(*options)
            assert migrated.code == 0, migrated.stderr
            assert service.calls == CALLS
            assert not list(embedded.notes.work_dir.glob("vectors.sqlite*"))
            status = embedded.look("status", *options, "--json")
            assert status.json["disk"]["vectors"] > 64 * 256 * 4, status.stderr


def test_a_cache_that_cannot_be_made_or_used_is_told_before_anything_begins(
    server: ServerAddress, static_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("no database, and longer than a header of one would be" * 40, encoding="utf-8")
    with embedding_service(static_model) as service:
        (tmp_path / "notes").mkdir()
        embedded = EmbeddedNotes.fresh(tmp_path / "notes", server, service)
        for path in ("", "a file", "a file/vectors.sqlite"):
            ended = embedded.migrate("--vector-cache", tmp_path / path)
            assert ended.code == 2, ended.stderr
            assert str(tmp_path / path) in ended.stderr
            assert "--vector-cache" in ended.stderr
        assert service.calls == 0
    assert WorkFolder(embedded.notes.work_dir).records.all() == []
