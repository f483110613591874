"""Tables that SQLite and the modules of virtual tables keep for themselves, or that hold nothing of their own."""

import re
import sqlite3
from collections.abc import Iterable, Iterator

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.inspect import Table
from weaviate_migration.source.virtual_tables import FULL_TEXT_MODULES, VirtualTable, virtual_tables

_SQLITE = "SQLite keeps it for itself"
_SHADOW = "the module of a virtual table keeps it for itself"
# Modules that show what a full-text index holds.
_VOCABULARY = ("fts5vocab", "fts4aux", "fts3tokenize")
# SQLite knows the tables that a module keeps only while it has the module. Of those that it seldom has: what stands
# behind the virtual table's name and an underscore.
_KEPT_BY = {
    "vec0": re.compile(r"chunks|rowids|info|auxiliary|vector_chunks\d+|metadatachunks\d+|metadatatext\d+"),
    "vss0": re.compile("index|data"),
    "spellfix1": re.compile("vocab"),
    "rtree": re.compile("node|parent|rowid"),
    "rtree_i32": re.compile("node|parent|rowid"),
    "geopoly": re.compile("node|parent|rowid"),
    "fts3": re.compile("content|segments|segdir"),
    "fts4": re.compile("content|segments|segdir|docsize|stat"),
    "fts5": re.compile("config|content|data|docsize|idx"),
}


def tables_of_modules(connection: sqlite3.Connection, tables: Iterable[Table]) -> dict[str, str]:
    """The tables that are nobody's data, or another table's, each with the reason to leave it out.

    Args:
        tables: of the file.
    """
    found = dict(_hidden(connection))
    by_name = {folded(table.name): table for table in tables}
    for virtual in virtual_tables(connection):
        if reason := _why_no_data(virtual):
            found[virtual.name] = reason
        table = by_name.get(folded(virtual.name))
        if table is not None and table.unreadable:
            found |= dict.fromkeys(_kept(virtual, by_name), f"module {virtual.module} keeps it for {virtual.name}")
    return found


def _hidden(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    statement = """
SELECT name, type FROM pragma_table_list
WHERE schema = 'main' AND (type = 'shadow' OR name LIKE 'sqlite!_%' ESCAPE '!') AND name <> 'sqlite_schema'
"""
    for name, kind in connection.execute(statement).fetchall():
        yield name, _SHADOW if kind == "shadow" else _SQLITE


def _why_no_data(virtual: VirtualTable) -> str | None:
    if virtual.module in _VOCABULARY:
        return "shows what a full-text index holds"
    content = virtual.argument("content") if virtual.module in FULL_TEXT_MODULES else None
    if content is None:
        return None
    return f"a full-text index of {content}, where its texts are" if content else "a full-text index without texts"


def _kept(virtual: VirtualTable, tables: dict[str, Table]) -> Iterator[str]:
    """The tables that the module of an unreadable virtual table keeps."""
    suffix = _KEPT_BY.get(virtual.module)
    prefix = f"{folded(virtual.name)}_"
    for name, table in tables.items():
        if suffix is not None and name.startswith(prefix) and suffix.fullmatch(name.removeprefix(prefix)):
            yield table.name
