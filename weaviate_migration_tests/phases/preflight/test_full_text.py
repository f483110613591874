"""What becomes of texts that a full-text index of SQLite searches: in a draft, and in the audit of a mapping."""

import json
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.preflight.full_text import not_to_be_had, search_gaps
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import MappingDraft, draft_of_file
from weaviate_migration.phases.preflight.inference.update import update_of_file
from weaviate_migration.source.full_text import FullTextIndex, TextTokenizer
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.source.databases import make

TABLE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, kind TEXT, body TEXT, at TEXT)"
ROWS = "INSERT INTO notes VALUES " + ", ".join(
    f"({at}, 'plain', 'one text of {at} words', '2026-01-01')" for at in range(9)
)


def drafted(tmp_path: Path, *statements: str) -> MappingDraft:
    return draft_of_file(make(tmp_path / "app.db", TABLE, ROWS, *statements), tmp_path / "scratch", Choice())


def text_fields(draft: MappingDraft, column: str) -> dict[str, Any]:
    (notes,) = (each for each in draft.mapping.collections if each.table == "notes")
    (prop,) = (each for each in notes.properties if each.column == column)
    return prop.model_dump(exclude_defaults=True, exclude={"name", "column"})


def test_without_an_index_no_word_is_passed_over_and_no_accent_counts(tmp_path: Path) -> None:
    draft = drafted(tmp_path)
    assert [each.stopwords for each in draft.mapping.collections] == ["none"]
    assert text_fields(draft, "body") == {"index": "words", "ascii_fold": True}
    assert text_fields(draft, "kind") == {"index": "whole"}
    assert draft.remarks == []


@pytest.mark.parametrize(
    ("tokenize", "fields", "not_had"),
    [
        ("unicode61", {"ascii_fold": True}, ""),
        ("unicode61 remove_diacritics 0", {}, ""),
        ("unicode61 tokenchars '-_'", {"ascii_fold": True}, ""),
        ("ascii", {}, ""),
        ("porter", {"ascii_fold": True}, "Weaviate has no stems"),
        ("trigram", {"tokenization": "trigram"}, "ask for several words one by one"),
    ],
)
def test_what_an_index_finds_is_found(tmp_path: Path, tokenize: str, fields: dict[str, Any], not_had: str) -> None:
    """Also where the texts look like a choice from a list: who indexes them searches them."""
    made = tokenize.replace("'", "''")
    draft = drafted(
        tmp_path, f"CREATE VIRTUAL TABLE found USING fts5 (kind, at, content = 'notes', tokenize = '{made}')"
    )
    assert text_fields(draft, "kind") == {"index": "words", **fields}
    assert text_fields(draft, "body") == {"index": "words", "ascii_fold": True}
    told = f"found (FTS5, {tokenize})".replace("'", "").replace("porter", "porter unicode61")
    assert f"searched by {told}" in draft.text
    remarks = [each for each in draft.remarks if each.startswith("notes.kind")]
    assert [not_had in each for each in remarks] == ([True] if not_had else [])
    assert f"notes.at is searched by {told}, and becomes nothing that a search of words finds" in draft.remarks


def test_what_another_index_of_the_same_column_finds_is_said(tmp_path: Path) -> None:
    beside = "CREATE VIRTUAL TABLE {} USING fts5 (body, content = 'notes', tokenize = '{}')"
    draft = drafted(tmp_path, beside.format("parts", "trigram"), beside.format("words", "unicode61"))
    assert text_fields(draft, "body") == {"index": "words", "ascii_fold": True}
    assert draft.remarks == [
        "notes.body is searched by parts (FTS5, trigram), too: body is tokenized otherwise: write "
        "`tokenization: trigram`, or add a property of the same column that has it"
    ]


def test_a_new_column_gets_what_finds_the_same(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db", TABLE, ROWS, "CREATE VIRTUAL TABLE found USING fts5 (kind, body, content = 'notes')"
    )
    collection = "collections: [{name: Note, table: notes, STOPproperties: [{name: at, column: at, type: date}]}]\n"
    for stop, stopwords in (("", {"stopwords": "none"}), ("stopwords: none, ", {})):
        text = "name: app\n" + collection.replace("STOP", stop)
        (notes,) = update_of_file(source, tmp_path / "scratch", Choice(), text, "m.yaml").mapping.collections
        fields = [each.model_dump(exclude_defaults=True) for each in notes.properties if each.index]
        for name, each in zip(("kind", "body"), fields, strict=True):
            assert each == {"name": name, "column": name, "index": "words", "ascii_fold": True, **stopwords}


@pytest.mark.parametrize(
    ("tokenizer", "told"),
    [
        (TextTokenizer("unicode61"), []),
        (TextTokenizer("simple"), []),
        (TextTokenizer("simple", stems=True), ["Weaviate has no stems"]),
        (TextTokenizer("trigram", ("case_sensitive", "1")), ["pass over case", "one by one"]),
        (TextTokenizer("icu", ("zh_CN",)), ["`tokenization: gse_ch`"]),
        (TextTokenizer("mecab"), ["`tokenization: kagome_ja`"]),
        (TextTokenizer("icu", ("de_DE",)), ["no tokenizer `icu`: its words may be others"]),
        (TextTokenizer("own_one"), ["no tokenizer `own_one`"]),
    ],
)
def test_what_cannot_be_had_is_said(tokenizer: TextTokenizer, told: list[str]) -> None:
    found = list(not_to_be_had(tokenizer))
    assert len(found) == len(told)
    assert all(part in each for part, each in zip(told, found, strict=True))


def index(tokenizer: str) -> FullTextIndex:
    return FullTextIndex("found", "fts5", ("body",), ("notes",), None, TextTokenizer(tokenizer))


@pytest.mark.parametrize(
    ("tokenizer", "stopwords", "prop", "told"),
    [
        ("unicode61", "none", {"index": "words", "ascii_fold": True}, []),
        ("unicode61", "none", {"index": "words"}, ["write `ascii_fold: true`"]),
        ("unicode61", None, {"index": "words", "ascii_fold": True}, ["write `stopwords: none`"]),
        ("unicode61", "en", {"index": "words", "stopwords": "none", "ascii_fold": True}, []),
        ("unicode61", ["und"], {"index": "words"}, ["write `stopwords: none`", "write `ascii_fold: true`"]),
        ("ascii", "none", {"index": "words"}, []),
        ("unicode61", "none", {"index": "whole"}, ["write `index: words`"]),
        ("unicode61", "none", {"type": "date"}, ["no text property"]),
        ("unicode61", "none", {"index": "words", "tokenization": "lowercase"}, ["write `tokenization: word`"]),
        ("trigram", "none", {"index": "words"}, ["write `tokenization: trigram`"]),
        ("trigram", "none", {"index": "words", "tokenization": "trigram"}, []),
    ],
)
def test_what_a_mapping_would_not_find(tokenizer: str, stopwords: Any, prop: dict[str, Any], told: list[str]) -> None:
    fields = {"name": "Note", "table": "notes", "properties": [{"name": "body", "column": "body", **prop}]}
    collection = CollectionMapping.model_validate(fields | ({"stopwords": stopwords} if stopwords else {}))
    found = list(search_gaps(index(tokenizer), "body", collection.stopwords, collection.properties))
    assert len(found) == len(told)
    assert all(part in each for part, each in zip(told, found, strict=True))


AUDITED = """\
name: app
collections:
  - name: Note
    table: notes
    stopwords: none
    properties:
      - {name: kind, column: KIND, index: words}
      - {name: body, column: body, index: words, ascii_fold: true}
"""


def test_the_audit_says_what_a_search_would_not_find(tmp_path: Path) -> None:
    source = make(
        tmp_path / "app.db",
        TABLE,
        ROWS,
        "CREATE VIRTUAL TABLE both USING fts5 (kind, body, content = 'notes')",
        'CREATE VIRTUAL TABLE bodies USING fts4 (body, content="notes", tokenize=unicode61)',
        "CREATE VIRTUAL TABLE stems USING fts5 (body, content = 'notes', tokenize = 'porter')",
        "CREATE VIRTUAL TABLE elsewhere USING fts5 (body)",
    )
    mapping = tmp_path / "app.yaml"
    mapping.write_text(AUDITED, encoding="utf-8")
    options = ["--sqlite-url", source, "--mapping", mapping, "--work-dir", tmp_path / "work"]
    ended = run_here("audit", *options, "--json")
    assert ended.code == 0, ended.stderr
    (notes,) = json.loads(ended.stdout)["tables"]
    assert {each["index"]: (each["columns"], each["gaps"]) for each in notes["full_text"]} == {
        "bodies": (["body"], []),
        "both": (["kind", "body"], ["kind is found only with its accents: write `ascii_fold: true`"]),
        "stems": (["body"], []),
    }
    shown = " ".join(run_here("audit", *options).stdout.split())
    assert "notes: body searched by bodies (FTS4, unicode61): a search finds the same" in shown
    assert "notes: kind, body searched by both (FTS5, unicode61): kind is found only with its accents" in shown
    assert "notes: body searched by stems (FTS5, porter unicode61): Weaviate has no stems" in shown
    assert "elsewhere (FTS5" not in shown
