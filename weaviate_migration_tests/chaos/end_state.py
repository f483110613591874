"""What has to hold at the end, found out without the product's own code: both sides are read, and compared as rows."""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from model2vec import StaticModel
from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration_tests.chaos.record import row_text
from weaviate_migration_tests.chaos.tables import (
    EMBEDDED,
    MAPPED,
    TABLES,
    VECTOR,
    WRITERS,
    Row,
    Table,
    Value,
    embedded_text,
    open_file,
    property_name,
    tenant_of,
)
from weaviate_migration_tests.chaos.writer import rows_of
from weaviate_migration_tests.chaos.writers import Writers
from weaviate_migration_tests.live.command_line import holdings


def assert_sqlite_holds_what_was_committed(writers: Writers) -> None:
    """Every row of the file is one that its writer's record knows, and every row of the records is in the file."""
    with closing(open_file(writers.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = [rows_of(connection, number) for number in range(WRITERS)]
        for table in TABLES:
            (rows,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
            assert rows == sum(len(each[table.name]) for each in found), f"{table.name} has rows that no writer wrote"
    differing = [number for number in range(WRITERS) if not writers.record(number).read().agrees_with(found[number])]
    assert not differing, f"of these writers SQLite does not hold what they committed: {differing}"


def assert_weaviate_holds_the_rows(client: WeaviateClient, path: Path, collections: Mapping[str, str]) -> None:
    """There is one object for each row, and every value of the row can be read from it, exactly.

    Args:
        collections: where the objects are, by the names of the collections in the mapping.
    """
    with closing(open_file(path)) as connection:
        for table in MAPPED:
            expected = sorted(map(row_text, connection.execute(table.rows)))
            found = sorted(row_text(row) for row in _rows_told(client, table, collections))
            assert found == expected, (
                f"{table.collection}: {len(found)} objects, {len(expected)} rows; not in Weaviate: "
                f"{sorted(set(expected) - set(found))[:5]}; not in SQLite: {sorted(set(found) - set(expected))[:5]}"
            )


def assert_vectors_are_of_the_bodies(
    client: WeaviateClient, path: Path, collections: Mapping[str, str], model: StaticModel
) -> None:
    """Each document whose body has a text has the vector that the model makes of it, and no other has any."""
    (table,) = (each for each in TABLES if each.name == EMBEDDED)
    with closing(open_file(path)) as connection:
        bodies: dict[str, Value] = dict(connection.execute("SELECT id, body FROM documents"))
    texts = {key: text for key, body in bodies.items() if (text := embedded_text(body)) is not None}
    rows = model.encode(list(texts.values()), use_multiprocessing=False)
    wanted = {key: row.astype(np.float32).tobytes() for key, row in zip(texts, rows, strict=True)}
    stored = client.collections.use(collections[table.collection]).iterator(include_vector=True, cache_size=1000)
    found = {str(each.uuid): np.asarray(each.vector[VECTOR], np.float32) for each in stored if each.vector}
    assert {key: each.tobytes() for key, each in found.items()} == wanted


def assert_nothing_is_left_over(client: WeaviateClient, work_dir: Path, known: set[str]) -> None:
    """No collection that the work folder does not know, no half-written file, no lock that somebody holds.

    Args:
        known: the collections of the migrations on record.
    """
    collections, aliases = holdings(client)
    assert set(collections) <= known
    assert set(aliases.values()) <= set(collections)
    files = [path for path in work_dir.rglob("*") if path.is_file()]
    half_written = [path for path in files if path.suffix in (".tmp", ".partial", ".new")]
    assert half_written == [], f"half written: {half_written}"
    scratch = [path for path in files if work_dir / "scratch" in path.parents]
    assert scratch == [], f"left in the folder for what a command needs while it runs: {scratch}"
    for path in files:
        if path.suffix == ".lock":
            FileLock(path).acquire(blocking=False).lock.release()


def _rows_told(client: WeaviateClient, table: Table, collections: Mapping[str, str]) -> Iterator[Row]:
    """The rows that the objects tell of."""
    for tenant, each in _objects(client.collections.use(collections[table.collection]), table):
        provenance = each.properties["metadata"]
        assert isinstance(provenance, dict)
        kept = {name: _value(held) for name, held in json.loads(str(provenance["source_columns"])).items()}
        row = tuple(_column(kept, each.properties, column) for column in table.columns)
        assert table.name != "documents" or row[0] == str(each.uuid)
        assert tenant is None or tenant == tenant_of(table.value(row, "label"))
        yield row


def _objects(collection: Collection[Any, Any], table: Table) -> Iterator[tuple[str | None, Any]]:
    """All objects, with the name of their tenant where there are tenants."""
    if not table.has_tenants:
        yield from ((None, each) for each in collection.iterator(cache_size=1000))
        return
    for tenant in collection.tenants.get():
        yield from ((tenant, each) for each in collection.with_tenant(tenant).iterator(cache_size=1000))


def _column(kept: Mapping[str, Value], properties: Mapping[str, Any], column: str) -> Value:
    found: Value = kept[column] if column in kept else properties[property_name(column)]
    return found


def _value(held: Any) -> Value:
    if not isinstance(held, dict):
        plain: Value = held
        return plain
    return b64decode(held["base64"])
