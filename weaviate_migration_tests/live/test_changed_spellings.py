"""Changed rows go the way of all others: read as the mapping says, written, and compared with the source as it is."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here

MAPPING = """\
name: orders
collections:
  - name: Order
    table: orders
    properties:
      - {name: paid, column: paid, type: boolean, values: {true: [t, yes], false: [f, no]}}
      - {name: total, column: total, type: number, decimal: text}
      - {name: cents, column: cents, type: number, decimal: {scale: 2}}
      - {name: placed, column: placed, type: date, date_format: "%d.%m.%Y"}
      - {name: seen, column: seen, type: date, date_format: epoch_nanoseconds}
    vectors:
      - {name: plain, column: vector, bytes: float64, length: 2, distance: l2-squared}
      - {name: long, column: vector, bytes: float64, length: 3}
"""
SEEN = 1767322800123456789


def doubles(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


def test_rows_that_change_are_read_as_the_mapping_says(
    client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path
) -> None:
    source, mapping = tmp_path / "app.db", tmp_path / "orders.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    options = ["--mapping", mapping, "--work-dir", tmp_path / "work", *at(server), "--json"]
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, paid, total TEXT, cents, placed, seen, vector)")
        insert = "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)"
        connection.execute(insert, ("1", "f", "12.50", 1250, "02.01.2026", SEEN, doubles(0.5, 1)))
        migrated = run_here("migrate", "--live", "--sqlite-url", source, *options)
        assert migrated.code == 0, migrated.stderr
        connection.execute(insert, ("2", "yes", "1e2", 7, "2.1.2026", 0, doubles(1, 2, 3)))
        connection.execute("UPDATE orders SET paid = 't', total = '0.1', cents = NULL, vector = ?", (doubles(2, 4),))
        synced = run_here("sync", *options)
        assert synced.code == 0, synced.stderr
        connection.execute("UPDATE orders SET paid = 'maybe', placed = 'soon' WHERE id = '2'")
        verified = run_here("verify", *options)
    assert (verified.code, verified.json["total_differences"]) == (0, 0), verified.stderr
    objects: list[Any] = list(client.collections.use("Order").iterator(include_vector=True))
    found = {each.properties["metadata"]["original_id"]: (each.properties, each.vector) for each in objects}
    assert {key: vectors for key, (_, vectors) in found.items()} == {"1": {"plain": [2, 4]}, "2": {"plain": [2, 4]}}
    first, second = (found[key][0] for key in "12")
    assert (first["paid"], first["total"], first["cents"]) == (True, 0.1, None)
    assert (second["paid"], second["total"], second["placed"]) == (None, 0.1, None)
    assert [str(each["seen"]) for each in (first, second)] == [
        "2026-01-02 03:00:00.123457+00:00",
        "1970-01-01 00:00:00+00:00",
    ]
