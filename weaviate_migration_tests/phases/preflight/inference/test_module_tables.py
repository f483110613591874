from contextlib import closing
from pathlib import Path

from weaviate_migration.phases.preflight.inference.module_tables import tables_of_modules
from weaviate_migration.source.connect import connect_to_read
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration_tests.source.databases import make, make_as_its_application


def left_out(source: Path) -> dict[str, str]:
    with closing(connect_to_read(source)) as connection:
        return tables_of_modules(connection, inspect_database(source).tables)


def test_tables_of_sqlite_and_of_modules(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, title UNIQUE)",
        "CREATE TABLE sqliteish (id)",
        "CREATE TABLE words_of_others (id)",
        "CREATE VIRTUAL TABLE words USING fts5(title)",
        "INSERT INTO notes VALUES (1, 'a')",
        "ANALYZE",
    )
    found = left_out(source)
    of_sqlite = {"sqlite_sequence", "sqlite_stat1"}
    of_fts = {f"words_{part}" for part in ("config", "content", "data", "docsize", "idx")}
    assert of_sqlite | of_fts <= found.keys()
    assert not found.keys() & {"notes", "sqliteish", "words", "words_of_others", "sqlite_schema"}
    assert {found[name] for name in of_sqlite} == {"SQLite keeps it for itself"}
    assert {found[name] for name in of_fts} == {"the module of a virtual table keeps it for itself"}


def test_a_full_text_index_of_another_table_holds_nothing_of_its_own(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, title)",
        "CREATE VIRTUAL TABLE of_notes USING fts5(title, content='notes', content_rowid='id')",
        'CREATE VIRTUAL TABLE "using (x" USING FTS4 ("title", content="notes")',
        "CREATE VIRTUAL TABLE without USING fts5(title, content='')",
        "CREATE VIRTUAL TABLE with_texts USING fts5(title, tokenize = 'porter ascii')",
        "CREATE VIRTUAL TABLE terms USING fts5vocab('with_texts', 'row')",
    )
    found = left_out(source)
    assert {name: found.get(name) for name in ("of_notes", "using (x", "without", "with_texts", "terms")} == {
        "of_notes": "a full-text index of notes, where its texts are",
        "using (x": "a full-text index of notes, where its texts are",
        "without": "a full-text index without texts",
        "with_texts": None,
        "terms": "shows what a full-text index holds",
    }


def test_what_a_module_keeps_that_sqlite_does_not_have(tmp_path: Path) -> None:
    source = make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE docs_chunks (chunk_id INTEGER PRIMARY KEY)",
        "CREATE TABLE docs_vector_chunks00 (vectors BLOB)",
        "CREATE TABLE docs_archive (id)",
        "CREATE TABLE other_chunks (id)",
        "CREATE TABLE places_rows (id)",
        "CREATE VIRTUAL TABLE docs USING vec0(embedding float[4])",
        "CREATE VIRTUAL TABLE places USING unheard_of(a)",
    )
    assert left_out(source) == dict.fromkeys(("docs_chunks", "docs_vector_chunks00"), "module vec0 keeps it for docs")
