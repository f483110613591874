"""What `plan` says of how texts are indexed, and of tenants."""

from pathlib import Path

import pytest

from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.source.databases import make

MAPPING = """\
name: notes
collections:
  - name: Note
    table: notes
    properties:
      - {name: body, column: body, index: words, tokenization: trigram, ascii_fold: true}
      - {name: title, column: title, index: words, stopwords: [der, die]}
      - {name: code, column: code, index: whole, ascii_fold: true}
      - {name: size, column: size, type: int}
"""


def test_how_texts_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = make(tmp_path / "app.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body, title, code, size)")
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    ended = run_here("plan", "--sqlite-url", file, "--mapping", mapping, "--work-dir", tmp_path / "work")
    assert ended.code == 0, ended.stderr
    shown = {line.split()[0]: line for line in ended.stdout.splitlines() if line.startswith(("body", "title", "code"))}
    assert "words, trigram, ascii_fold" in shown["body"]
    assert "words, stopwords: der die" in shown["title"]
    assert "whole, ascii_fold" in shown["code"]


@pytest.mark.parametrize(
    ("tenant", "told"), [("{column: ORG}", "tenant: org"), ("{column: org, only: acme}", "tenant: org, acme alone")]
)
def test_what_names_the_tenant(tmp_path: Path, tenant: str, told: str) -> None:
    file = make(tmp_path / "app.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY, org, body, title, code, size)")
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(MAPPING.replace("    table: notes", f"    table: notes\n    tenant: {tenant}"), encoding="utf-8")
    ended = run_here("plan", "--sqlite-url", file, "--mapping", mapping, "--work-dir", tmp_path / "work")
    assert ended.code == 0, ended.stderr
    assert f"notes → Note (key: id; {told})" in ended.stdout


def test_where_each_vector_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = make(tmp_path / "app.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY, body, title, code, size, embedding)")
    mapping = tmp_path / "notes.yaml"
    vectors = """\
    table: notes
    vectors:
      - {name: carried, column: embedding}
      - {name: content, from: [title, BODY], model: minilm}
      - {name: served, from: [title], vectorizer: text2vec_openai}
"""
    models = "models: {minilm: {folder: minilm}}\n"
    mapping.write_text(MAPPING.replace("    table: notes\n", vectors) + models, encoding="utf-8")
    ended = run_here("plan", "--sqlite-url", file, "--mapping", mapping, "--work-dir", tmp_path / "work")
    assert ended.code == 0, ended.stderr
    shown = [" ".join(line.split()) for line in ended.stdout.splitlines() if " vector " in line]
    assert sorted(shown) == [
        "body vector content made by the model minilm",
        "embedding vector carried float32",
        "title vector content made by the model minilm",
        "title vector served made by the server's text2vec_openai",
    ]
