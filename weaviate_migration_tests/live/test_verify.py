"""`verify` on a real server: what was damaged is found, named, mended; the certificate; the other checks."""

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pyarrow.parquet as pq
import pytest
import weaviate
from weaviate.classes.config import DataType, Property

from weaviate_migration.defs.build import build_definitions
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import empty, holdings, run_here
from weaviate_migration_tests.live.kept_migration import KeptMigration
from weaviate_migration_tests.live.library import (
    AUTHORS,
    BOOKS,
    LibraryMigration,
    author_uuid,
    book_rows,
    book_uuid,
)
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping

CHECKS = {"count", "every_object", "uuids", "types", "sample", "search"}


@pytest.fixture(scope="module")
def migrated(
    tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: weaviate.WeaviateClient
) -> KeptMigration:
    empty(connected)
    folder = tmp_path_factory.mktemp("verify") / "library"
    folder.mkdir()
    library = LibraryMigration.make(folder, server, connected)
    ended = library.migrate()
    assert ended.code == 0, ended.stderr
    return KeptMigration.of(library.folder, "kept", connected)


@pytest.fixture
def library(migrated: KeptMigration, server: ServerAddress, client: weaviate.WeaviateClient) -> LibraryMigration:
    """Migrated and cut over."""
    migrated.put_back(client)
    return LibraryMigration(migrated.folder, server, client)


def failed_checks(result: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(each["asset"], each["name"], each["severity"]) for each in result["checks"] if not each["passed"]}


def described(result: dict[str, Any], asset: str, name: str) -> str:
    (description,) = {
        each["description"] for each in result["checks"] if (each["asset"], each["name"]) == (asset, name)
    }
    return str(description)


def test_an_untouched_migration_has_no_difference(library: LibraryMigration) -> None:
    ended = library.verify()
    assert ended.code == 0, ended.stderr
    result = ended.json
    assert (result["success"], result["total_differences"], result["differences"]) == (True, 0, [])
    counts = {name: (each["rows"], each["objects"]) for name, each in result["collections"].items()}
    assert counts == {"Author": (AUTHORS, AUTHORS), "Book": (BOOKS, BOOKS)}
    assert failed_checks(result) == set()
    assert {each["name"] for each in result["checks"] if each["asset"] == "author"} == CHECKS
    assert {each["name"] for each in result["checks"] if each["asset"] == "book"} == CHECKS | {"relations"}
    by_partition = [each["name"] for each in result["checks"] if each["partition"] is not None]
    assert sorted(by_partition) == sorted(["count", "every_object"] * 16 * 2)


def test_the_certificate_can_be_computed_again(library: LibraryMigration) -> None:
    """By what the docs say: from the snapshot alone for one side; the other says the same."""
    result = library.verify().json
    certificate = json.loads(Path(result["certificate"]).read_text())
    assert certificate["statement"] == "100 % of rows and columns compared."
    assert certificate["identical"] is True
    snapshot = next((library.work_dir / "snapshots").glob("*.sqlite"))
    assert certificate["snapshot"]["sha256"] == hashlib.sha256(snapshot.read_bytes()).hexdigest()
    book = certificate["collections"]["Book"]
    assert (book["snapshot_rows"], book["rows"], book["objects"], len(book["partitions"])) == (BOOKS, BOOKS, BOOKS, 16)
    with closing(sqlite3.connect(snapshot)) as connection:
        rows = connection.execute(f"SELECT {', '.join(book['columns'])} FROM books").fetchall()
    lines = sorted(json.dumps([book_uuid(row[0]), *row], separators=(",", ":")) + "\n" for row in rows)
    digests = []
    for partition in book["partitions"]:
        own, lines = lines[: partition["rows"]], lines[partition["rows"] :]
        digests.append(hashlib.sha256("".join(own).encode()).hexdigest())
        assert partition["source_digest"] == partition["target_digest"] == digests[-1]
    assert not lines
    whole = hashlib.sha256("".join(f"{each}\n" for each in digests).encode()).hexdigest()
    assert book["source_digest"] == book["target_digest"] == whole
    assert set(certificate["versions"]) >= {"weaviate-migration", "weaviate", "weaviate-client", "dagster", "sqlite"}


def test_an_extract_that_lacks_rows_is_not_certified(library: LibraryMigration) -> None:
    """Both sides lack them, so that nothing else would show it."""
    path = next((library.work_dir / "extracts").glob("*/books_extract/03.parquet"))
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    library.books.data.delete_by_id(table.column("_weaviate_migration_uuid")[0].as_py())
    ended = library.verify()
    lacking = f"the extract of books has {BOOKS - 1} rows, the snapshot {BOOKS}"
    assert ended.code == 3
    assert ended.json["errors"] == [f"{lacking}: materialize the extract and its collection again"]
    certificate = json.loads((library.work_dir / "certificate.json").read_text())
    assert certificate["statement"] == f"Not everything was compared: {lacking}."


def damage(library: LibraryMigration) -> set[tuple[str, str, str]]:
    """One object missing, one extra, one altered: UUID, kind and property of each."""
    stranger = str(uuid4())
    library.books.data.delete_by_id(book_uuid(3))
    library.books.data.update(book_uuid(5), properties={"pages": 7})
    library.authors.data.insert({"name": "nobody"}, uuid=stranger)
    return {(book_uuid(3), "missing", ""), (book_uuid(5), "altered", "pages"), (stranger, "extra", "")}


def test_differences_are_found_named_and_mended(library: LibraryMigration) -> None:
    damaged = damage(library)
    ended = library.verify()
    assert ended.code == 3
    result = ended.json
    assert not result["success"]
    found = {(each["uuid"], each["kind"], each["property"]) for each in result["differences"]}
    # The row cannot be rebuilt either: the property is where the column is kept.
    assert found == damaged | {(book_uuid(5), "altered", "metadata.source_columns.pages")}
    assert result["total_differences"] == len(result["differences"]) == 4
    (altered,) = [each for each in result["differences"] if each["property"] == "pages"]
    assert (altered["collection"], altered["key"]) == ("Book", "5")
    assert (altered["expected"], altered["found"]) == ("105", "7")
    assert {(each["missing"], each["extra"], each["altered"]) for each in result["collections"].values()} == {
        (1, 0, 1),
        (0, 1, 0),
    }
    assert {("book", "every_object", "ERROR"), ("author", "every_object", "ERROR")} <= failed_checks(result)
    certificate = json.loads(Path(result["certificate"]).read_text())
    assert (certificate["identical"], certificate["differences"]) == (False, 4)

    repaired = library.verify("--repair")
    assert repaired.code == 0, repaired.stderr
    assert repaired.json["repaired"] == {"written": 2, "removed": 1, "refused": 0}
    assert repaired.json["total_differences"] == 0
    assert json.loads(Path(result["certificate"]).read_text())["identical"] is True
    assert library.verify().code == 0


def test_repair_of_what_is_whole_touches_nothing(library: LibraryMigration) -> None:
    assert library.verify("--repair").json["repaired"] is None


def test_what_a_person_reads(library: LibraryMigration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    library.books.data.update(book_uuid(5), properties={"title": "Adventures volume000006"})
    library.books.data.update(book_uuid(7), properties={"title": "[b] in brackets [/i]"})
    ended = run_here("verify", *library.options)
    assert (ended.code, ended.stdout) == (3, "")
    for told in ("Book", "altered", "title", "volume000005", "volume000006", "verify --repair", "certificate.json"):
        assert told in ended.stderr, told
    assert "'[b] in brackets [/i]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_rows_that_were_refused_stay_missing(notes: NoteMigration) -> None:
    notes.source.unlink()
    notes.source.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(notes.source)) as connection, connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE notes (id VARCHAR PRIMARY KEY, body TEXT, size INTEGER, created_at DATETIME)")
    add_notes(notes.source, [(None, "no key", 1, None), ("a", "key", 2, None)])
    make_mapping(notes.mapping)
    assert notes.migrate().code == 3
    options = [*notes.options[2:], "--json"]
    for more in ([], ["--repair"]):
        ended = run_here("verify", *options, *more)
        assert ended.code == 3
        (difference,) = ended.json["differences"]
        assert (difference["kind"], difference["uuid"]) == ("missing", None)
        assert "NULL" in difference["found"]
    assert ended.json["repaired"] == {"written": 0, "removed": 0, "refused": 1}
    assert sum(1 for _ in (notes.work_dir / "quarantine").glob("*.jsonl")) == 1


def test_orphans_are_a_warning(library: LibraryMigration) -> None:
    library.execute("DELETE FROM authors WHERE id = 'author-0'")
    assert library.migrate().code == 0, "orphans of the source block nothing"
    result = library.verify().json
    assert failed_checks(result) == {("book", "relations", "WARN")}
    told = described(result, "book", "relations")
    assert f"{BOOKS // AUTHORS} rows name 1 parents that the source does not have (first author-0)" in told


def test_a_lost_parent_is_an_error(library: LibraryMigration) -> None:
    """The check alone, as the UI runs it: the checks of the authors, which find it too, are not in the run."""
    library.execute("DELETE FROM authors WHERE id = 'author-0'")
    assert library.migrate().code == 0
    library.authors.data.delete_by_id(author_uuid(1))
    library.authors.data.insert({"name": "author-0"}, uuid=author_uuid(0))
    relations = {dg.AssetCheckKey(dg.AssetKey("book"), "relations")}
    with dagster_instance(library.work_dir) as instance:
        job = build_definitions(library.config).resolve_job_def("migrate")
        alone = job.get_subset(asset_selection=set(), asset_check_selection=relations)
        result = alone.execute_in_process(instance=instance, partition_key="00", raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert not result.success
    assert "1 are not in Author though the source has them (first author-1)" in (evaluation.description or "")
    assert "1 are there that the source does not have (first author-0)" in (evaluation.description or "")


def test_relations_wait_for_the_checks_of_the_parents(library: LibraryMigration) -> None:
    library.authors.data.delete_by_id(author_uuid(1))
    ended = library.verify()
    assert ended.code == 3
    assert ended.json["not_run"] == ["book: relations"]
    assert library.verify("--repair").json["not_run"] == []


def test_an_object_under_a_foreign_uuid_fails_uuids(library: LibraryMigration) -> None:
    found = library.books.query.fetch_object_by_id(book_uuid(7))
    foreign = str(uuid4())
    library.books.data.insert(dict(found.properties), uuid=foreign)
    result = library.verify().json
    assert ("book", "uuids", "ERROR") in failed_checks(result)
    assert "1 do not follow from their key" in described(result, "book", "uuids")
    (extra,) = result["differences"]
    assert (extra["kind"], extra["key"], extra["uuid"]) == ("extra", "7", foreign)


def test_a_schema_that_was_changed_fails_types(library: LibraryMigration) -> None:
    library.client.collections.use(library.versioned("Book")).config.add_property(
        Property(name="rating", data_type=DataType.INT)
    )
    ended = library.verify()
    assert ended.code == 3
    assert failed_checks(ended.json) == {("book", "types", "ERROR")}
    assert "`rating` should be absent, and is int" in described(ended.json, "book", "types")


def test_what_cannot_be_found_fails_search(library: LibraryMigration) -> None:
    """The same objects in a collection whose titles nobody indexed."""
    objects = [(each.uuid, dict(each.properties)) for each in library.books.iterator()]
    config = library.books.config.get().to_dict()
    library.client.collections.delete(library.versioned("Book"))
    for prop in config["properties"]:
        if prop["name"] in ("title", "number"):
            prop["indexSearchable"] = prop["indexFilterable"] = False
    library.client.collections.create_from_dict(config)
    with library.books.batch.fixed_size() as batch:
        for uuid, properties in objects:
            batch.add_object(properties, uuid=uuid)
    ended = library.verify()
    assert ended.code in (1, 3)
    assert {("book", "search", "ERROR"), ("book", "types", "ERROR")} <= failed_checks(ended.json)


def test_searches_are_named(library: LibraryMigration) -> None:
    told = described(library.verify().json, "book", "search")
    # `note` is NULL or empty everywhere: there is no word to search for.
    said = "3 searches found what they should. No sampled row has what to search for in note."
    assert told.startswith(f"{said} title: ")
    found = r" title: all \d+ hits of FTS5 over \d+ rows \(\d+ queries\) were found\."
    assert re.fullmatch(found, told.removeprefix(said))


def test_a_sample_larger_than_the_table_is_all_of_it(library: LibraryMigration) -> None:
    result = library.verify().json
    assert described(result, "book", "sample").startswith(f"{BOOKS} rows compared")


@pytest.mark.parametrize("command", [["verify"], ["verify", "--repair"]])
def test_verify_without_a_migration(tmp_path: Path, server: ServerAddress, command: list[str]) -> None:
    ended = run_here(*command, "--work-dir", tmp_path, "--weaviate-url", f"http://{server.host}:{server.http_port}")
    assert ended.code == 2
    assert ended.complaint[0].startswith("error: No migration is on record in")


def test_verify_with_another_mapping(library: LibraryMigration, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text((library.folder / "library.yaml").read_text().replace("type: boolean", "type: int"))
    ended = library.verify("--mapping", other)
    assert ended.code == 2
    assert "was begun with another mapping" in ended.stderr


def test_verify_without_the_extracts(library: LibraryMigration) -> None:
    shutil.rmtree(library.work_dir / "extracts")
    ended = library.verify()
    assert ended.code == 2
    assert "books_extract" in ended.stderr or "authors_extract" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_verify_where_a_collection_is_gone(library: LibraryMigration) -> None:
    """As on a server that is not the one that was migrated to."""
    gone = library.versioned("Book")
    library.client.collections.delete(gone)
    ended = run_here("verify", *library.options)
    assert ended.code == 2
    assert f"error: The collection `{gone}` of migration" in ended.stderr
    assert "Is --weaviate-url the server that was migrated to?" in ended.stderr


def test_verify_leaves_the_aliases_alone(library: LibraryMigration) -> None:
    before = holdings(library.client)
    damage(library)
    library.verify("--repair")
    assert holdings(library.client) == before
    expected = {row[0]: row[1] for row in book_rows()}
    assert {each.properties["number"]: each.properties["title"] for each in library.books.iterator()} == expected
