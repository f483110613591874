"""The full-text indexes of a file, held to what SQLite itself makes of the same statements."""

from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.source.full_text import FullTextIndex, full_text_indexes, index_of
from weaviate_migration_tests.source.databases import connect, make

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, body TEXT)"


def found(tmp_path: Path, *statements: str) -> dict[str, FullTextIndex]:
    source = make(tmp_path / "app.db", NOTES, *statements)
    with closing(connect(source)) as connection:
        return {each.name: each for each in full_text_indexes(connection)}


@pytest.mark.parametrize(
    ("module", "arguments", "told"),
    [
        ("fts5", "body", "unicode61"),
        ("FTS5", "body, tokenize = 'porter'", "porter unicode61"),
        ("fts5", "body, tokenize = \"porter unicode61 remove_diacritics 0 tokenchars '-_'\"", ""),
        ("fts5", "body, tokenize = 'unicode61 tokenchars ''-_'' '", "unicode61 tokenchars -_"),
        ("fts5", "body, tokenize = 'porter ascii', prefix = '2 3'", "porter ascii"),
        ("fts5", "body, tokenize = trigram", "trigram"),
        ("fts5", "body, tokenize = 'trigram case_sensitive 1'", "trigram case_sensitive 1"),
        ("fts4", "body", "simple"),
        ("fts3", "body TEXT, tokenize porter", "porter simple"),
        ("fts4", "body, tokenize=porter, order=desc, prefix='2'", "porter simple"),
        ("fts4", 'body, tokenize=unicode61 "remove_diacritics=0" "tokenchars=-_"', ""),
    ],
)
def test_the_tokenizer_is_what_the_statement_says(tmp_path: Path, module: str, arguments: str, told: str) -> None:
    index = found(tmp_path, f"CREATE VIRTUAL TABLE words USING {module} ({arguments})")["words"]
    expected = {"fts4": "unicode61 remove_diacritics 0 tokenchars -_"}.get(
        module, "porter unicode61 remove_diacritics 0 tokenchars -_"
    )
    assert str(index.tokenizer) == (told or expected)
    assert index.columns == ("body",)
    assert index.told == f"words ({module.upper()}, {index.tokenizer})"


@pytest.mark.parametrize("tokenize", ["unicode61", "unicode61 remove_diacritics 0", "unicode61 remove_diacritics 2"])
def test_whether_accents_count_is_what_sqlite_does(tmp_path: Path, tokenize: str) -> None:
    statement = f"CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = '{tokenize}')"
    index = found(tmp_path, statement, "INSERT INTO words VALUES ('naïve')")["words"]
    with closing(connect(tmp_path / "app.db")) as connection:
        hits = connection.execute("SELECT count(*) FROM words WHERE words MATCH 'naive'").fetchone()[0]
    assert index.tokenizer.takes_accents == bool(hits)


def test_columns_are_those_that_sqlite_indexes(tmp_path: Path) -> None:
    indexes = found(
        tmp_path,
        'CREATE VIRTUAL TABLE five USING fts5 (title, [body] UNINDEXED, "a ""b", content = \'\', columnsize = 0)',
        "CREATE VIRTUAL TABLE four USING fts4 (title TEXT, tokens, body, notindexed=body, matchinfo=fts3)",
        "CREATE VIRTUAL TABLE unnamed USING fts4",
        "CREATE TABLE no_index (title)",
    )
    assert {name: each.columns for name, each in indexes.items()} == {
        "five": ("title", 'a "b'),
        "four": ("title", "tokens"),
        "unnamed": ("content",),
    }


def test_whose_rows_they_index(tmp_path: Path) -> None:
    indexes = found(
        tmp_path,
        "CREATE VIRTUAL TABLE outside USING fts5 (title, content = 'notes', content_rowid = 'id')",
        'CREATE VIRTUAL TABLE older USING fts4 (title, content="notes")',
        "CREATE VIRTUAL TABLE own USING fts5 (title)",
        "CREATE VIRTUAL TABLE fed USING fts5 (TITLE, body)",
        "CREATE VIRTUAL TABLE bare USING fts5 (title, content = '')",
        "CREATE TRIGGER a AFTER INSERT ON notes BEGIN INSERT INTO fed (rowid, title) VALUES (new.id, new.title); "
        "INSERT INTO bare (rowid, title) VALUES (new.id, new.title); END",
    )
    assert {name: (each.tables, each.rowid) for name, each in indexes.items()} == {
        "outside": (("notes",), "id"),
        "older": (("notes",), None),
        "own": (("own",), None),
        "fed": (("fed", "notes"), None),
        "bare": (("notes",), None),
    }
    assert indexes["fed"].indexes("NOTES", "Title")
    assert not indexes["fed"].indexes("own", "title")
    assert not indexes["outside"].indexes("notes", "body")


def test_of_several_the_one_that_finds_most_words_as_they_are_written(tmp_path: Path) -> None:
    def statement(name: str, tokenize: str) -> str:
        return f"CREATE VIRTUAL TABLE {name} USING fts5 (title, content = 'notes', tokenize = '{tokenize}')"

    indexes = found(tmp_path, statement("a", "trigram"), statement("b", "porter"), statement("c", "ascii")).values()
    assert [each.name for each in (index_of(indexes, "notes", "title"),) if each] == ["c"]
    assert index_of(indexes, "notes", "body") is None
