"""Which statements and conditions of a mapping are followed, by which tables, and why others are not."""

from pathlib import Path

import pytest

from weaviate_migration.source.inspect import Table, inspect_database
from weaviate_migration.source.joins import Joins, read_joins
from weaviate_migration_tests.source.databases import make, make_as_its_application

SCHEMA = """
CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, owner TEXT, org INTEGER);
CREATE TABLE people (name TEXT PRIMARY KEY COLLATE NOCASE, age INTEGER);
CREATE TABLE chunks (id TEXT PRIMARY KEY, document_id INTEGER, parent_id TEXT, body TEXT, org INTEGER);
CREATE TABLE parts (a, b, c, PRIMARY KEY (a, b));
CREATE VIEW titles AS SELECT id, title FROM documents;
CREATE VIRTUAL TABLE found USING fts5 (body);
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("joins") / "app.db", *filter(str.strip, SCHEMA.split(";")))


def joins_of(path: Path, select: str = "", *key: str, table: str = "rows", where: str = "") -> Joins:
    rows = Table(table, (), (), None, is_view=bool(select), select=select, where=where)
    return read_joins(rows, key or ("id",), inspect_database(path))


def followed_by(found: Joins) -> dict[str, tuple[str, ...]]:
    """The tables, each with the columns that its changes are logged by."""
    assert found.reason == ""
    assert found.main is not None
    return {found.main.name: found.key} | {link.table.name: link.key for link in found.links}


@pytest.mark.parametrize(
    ("statement", "joined"),
    [
        ("SELECT id, body FROM chunks", {}),
        ("SELECT c.*, d.title FROM chunks c LEFT JOIN documents d ON d.id = c.document_id", {"documents": ("id",)}),
        ("SELECT c.id FROM chunks AS c JOIN documents ON c.document_id == documents.id", {"documents": ("id",)}),
        ("SELECT C.ID FROM [Chunks] C JOIN Documents D ON ((d.id) = (c.Document_Id))", {"documents": ("id",)}),
        ("SELECT chunks.id FROM documents, chunks WHERE documents.id = document_id", {"documents": ("id",)}),
        ("SELECT c.id FROM documents d JOIN main.chunks c ON d.id = document_id", {"documents": ("id",)}),
        ("SELECT c.id FROM chunks c JOIN documents d USING (org)", {"documents": ("org",)}),
        # The primary key alone leads there; what else has to be equal makes no difference to it.
        (
            "SELECT c.id FROM chunks c JOIN documents d ON d.org = c.org AND d.id = c.document_id AND d.title > 'm'",
            {"documents": ("id",)},
        ),
        (
            "SELECT c.id, p.age FROM chunks c LEFT JOIN documents d ON d.id = c.document_id LEFT JOIN people p "
            "ON p.name = d.owner AND p.age > 3 WHERE c.body IS NOT NULL ORDER BY c.id",
            {"documents": ("id",), "people": ("name",)},
        ),
        ("SELECT c.id FROM chunks c LEFT JOIN parts p ON p.a = c.org AND p.b = c.body", {"parts": ("a", "b")}),
        ("SELECT c.id FROM chunks c LEFT JOIN parts p ON p.a = c.org", {"parts": ("a",)}),
        (
            "SELECT id, max(org, 3), min(org, 3), date(body, '+1 day'), strftime('%Y', body), body ->> '$.a', "
            "iif(org, 1, 2), printf('%d', org), 1 + org, x'00', 1e3, body GLOB 'x*', 1e+3 FROM chunks -- of one row",
            {},
        ),
    ],
)
def test_what_a_statement_is_followed_by(database: Path, statement: str, joined: dict[str, tuple[str, ...]]) -> None:
    assert followed_by(joins_of(database, statement)) == {"chunks": ("id",), **joined}


def test_the_key_may_be_of_any_table(database: Path) -> None:
    found = joins_of(database, "SELECT d.id, c.body FROM chunks c JOIN documents d ON c.document_id = d.id")
    assert followed_by(found) == {"documents": ("id",), "chunks": ("document_id",)}


def test_a_table_that_is_joined_to_itself_is_there_twice(database: Path) -> None:
    found = joins_of(database, "SELECT c.id, p.body AS above FROM chunks c LEFT JOIN chunks p ON p.id = c.parent_id")
    assert found.main is not None
    assert [(link.table.name, link.key) for link in found.links] == [("chunks", ("id",))]
    assert [step.equal[0].near for step in found.links[0].way] == ["parent_id"]


def test_a_way_leads_over_the_tables_between(database: Path) -> None:
    found = joins_of(
        database,
        "SELECT c.id FROM people p JOIN documents d ON d.owner = p.name JOIN chunks c ON c.document_id = d.id",
    )
    assert {link.table.name: [step.table.name for step in link.way] for link in found.links} == {
        "documents": ["chunks"],
        "people": ["documents", "chunks"],
    }


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT c.id, count(*) FROM chunks c JOIN documents d ON d.id = c.document_id GROUP BY c.id", "GROUP BY"),
        ("SELECT id, max(org) FROM chunks", "an aggregate"),
        ("SELECT id, total (org) FROM chunks", "an aggregate, `total`"),
        ('SELECT id, "json_group_array"(org) FROM chunks', "an aggregate, `json_group_array`"),
        ("SELECT DISTINCT id FROM chunks", "DISTINCT"),
        ("SELECT id FROM chunks LIMIT 3", "LIMIT"),
        ("SELECT id FROM chunks UNION ALL SELECT id FROM documents", "more than one SELECT"),
        ("VALUES (1)", "more than one SELECT"),
        ("WITH x AS (SELECT 1) SELECT id FROM chunks", "WITH"),
        ("SELECT id FROM (SELECT * FROM chunks)", "a subquery"),
        ("SELECT id, (SELECT title FROM documents) FROM chunks", "a subquery"),
        ("SELECT id FROM chunks WHERE document_id IN (SELECT id FROM documents)", "a subquery"),
        ("SELECT id FROM chunks WHERE document_id IN documents", "a subquery"),
        ("SELECT id FROM chunks WHERE EXISTS (SELECT 1 FROM documents)", "a subquery"),
        ("SELECT id, row_number() OVER (ORDER BY id) AS n FROM chunks", "a window function"),
        ("SELECT id, random ( ) FROM chunks", "`random` may give another value each time"),
        ("SELECT id, last_insert_rowid() FROM chunks", "`last_insert_rowid` may give another value"),
        ("SELECT id, date('NOW', '-1 day') FROM chunks", "`date` may give another value each time"),
        ("SELECT id, datetime(coalesce(body, 'now')) FROM chunks", "`datetime` may give another value each time"),
        ("SELECT id FROM chunks WHERE org > unixepoch()", "`unixepoch` may give another value each time"),
        ("SELECT id, strftime('%s') FROM chunks", "`strftime` may give another value each time"),
        ("SELECT id, Current_Timestamp AS at FROM chunks", "`current_timestamp` may give another value each time"),
        ("SELECT id FROM chunks c NATURAL JOIN people", "NATURAL JOIN"),
        ("SELECT c.id FROM chunks c RIGHT JOIN documents d ON d.id = c.document_id", "a RIGHT JOIN"),
        ("SELECT c.id FROM chunks c FULL OUTER JOIN documents d ON d.id = c.document_id", "a FULL JOIN"),
        ("SELECT c.id FROM documents d LEFT JOIN chunks c ON c.document_id = d.id", "stands behind LEFT JOIN"),
        ("SELECT c.id FROM chunks c JOIN titles t ON t.id = c.document_id", "the view `titles`"),
        ("SELECT c.id FROM chunks c JOIN found f ON f.body = c.body", "no triggers on virtual tables"),
        ("SELECT c.id FROM chunks c, json_each(c.body) j", "something else than tables"),
        ("SELECT c.id FROM chunks c JOIN sqlite_schema s ON s.name = c.body", "no table of the application's"),
        ("SELECT c.id FROM chunks c JOIN documents d", "no column of `documents` has to be equal"),
        ("SELECT c.id FROM chunks c JOIN documents d ON d.id > c.document_id", "no column of `documents`"),
        ("SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id OR d.org = 1", "no column of `documents`"),
        ("SELECT c.id FROM chunks c JOIN documents d ON d.rowid = c.document_id", "no column of `documents`"),
        ("SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id + 1", "no column of `documents`"),
        ("SELECT c.id FROM chunks c JOIN documents d ON d.id = +c.document_id", "a `+` with one operand"),
        ("SELECT c.id FROM chunks c JOIN documents d ON + d.id = c.document_id", "a `+` with one operand"),
        # In ON of a LEFT JOIN, what is equal of the tables before it holds in none of the rows for certain.
        (
            "SELECT c.id FROM chunks c JOIN documents d LEFT JOIN people p ON d.id = c.document_id AND p.name = c.body",
            "no column of `documents`",
        ),
        (
            "SELECT c.id FROM chunks c JOIN documents d LEFT JOIN people p ON p.name = c.body AND p.age = d.org",
            "no column of `documents`",
        ),
        ("SELECT upper(id) AS id FROM chunks", "`id` is computed"),
        ("SELECT rowid AS id FROM chunks", "`id` is computed"),
    ],
)
def test_why_a_statement_is_not_followed(database: Path, statement: str, reason: str) -> None:
    found = joins_of(database, statement)
    assert reason in found.reason
    assert (found.main, found.key, found.links) == (None, (), ())


def test_the_key_is_of_one_table(database: Path) -> None:
    statement = "SELECT c.id, d.org AS org FROM chunks c JOIN documents d ON d.id = c.document_id"
    assert joins_of(database, statement, "id", "org").reason == "`id` and `org` are columns of two tables"
    own = joins_of(database, statement.replace("d.org", "c.org"), "id", "org")
    assert followed_by(own) == {"chunks": ("id", "org"), "documents": ("id",)}


def test_the_key_is_known_by_the_name_that_it_has_in_its_table(database: Path) -> None:
    assert joins_of(database, "SELECT id AS chunk, body AS id FROM chunks", "chunk").key == ("id",)


def test_a_condition_is_followed_by_its_table(database: Path) -> None:
    assert followed_by(joins_of(database, table="chunks", where="org = 7 -- ours")) == {"chunks": ("id",)}
    found = joins_of(database, table="chunks", where="document_id IN (SELECT id FROM documents)")
    assert found.reason == "it has a subquery"
    assert "may give another value" in joins_of(database, table="chunks", where="random() > 0").reason


def test_a_condition_on_the_rows_of_a_statement_is_looked_at_too(database: Path) -> None:
    statement = "SELECT c.id, d.org FROM chunks c JOIN documents d ON d.id = c.document_id"
    assert joins_of(database, statement, where="org = 3").reason == ""
    assert joins_of(database, statement, where="org IN (SELECT age FROM people)").reason == "it has a subquery"


def test_what_is_joined_by_a_collation_of_the_applications_is_not_followed(tmp_path: Path) -> None:
    path = make_as_its_application(
        tmp_path / "app.db",
        "CREATE TABLE documents (name TEXT PRIMARY KEY COLLATE by_length, title)",
        "CREATE TABLE chunks (id TEXT PRIMARY KEY, document TEXT)",
    )
    found = joins_of(path, "SELECT c.id, d.title FROM chunks c JOIN documents d ON d.name = c.document")
    assert "only the application has the collation `by_length` of `documents.name`" in found.reason
