from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.errors import MappingError, SourceNotUsableError
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plan_migration
from weaviate_migration_tests.source.databases import make

NOTES = "CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, secret TEXT, extra TEXT, loud AS (upper(title)))"


def collection(**fields: Any) -> dict[str, Any]:
    properties = [{"name": "title", "column": "title", "index": "words"}]
    return {"name": "Note", "table": "notes", "properties": properties, **fields}


def planned(
    folder: Path, statements: list[str], *collections: dict[str, Any], missing: str = "refuse"
) -> MigrationPlan:
    mapping = Mapping.model_validate({"name": "test", "missing": missing, "collections": collections})
    return plan_migration(mapping, inspect_database(make(folder / "app.db", *statements)))


def only_plan(folder: Path, statement: str, **fields: Any) -> CollectionPlan:
    (plan,) = planned(folder, [statement], collection(**fields)).collections
    return plan


def mistakes(error: pytest.ExceptionInfo[MappingError]) -> list[str]:
    first, *others = str(error.value).splitlines()
    assert first.startswith("the mapping does not fit ")
    assert first.endswith("app.db:")
    return others


def test_what_is_read(tmp_path: Path) -> None:
    plan = only_plan(tmp_path, NOTES, omit={"secret": "passwords"})
    assert plan.tenant is None
    assert plan.logged_key == plan.key
    assert plan.columns == ("id", "title", "extra", "loud")
    assert plan.unmapped_columns == ("id", "extra", "loud")
    assert (plan.key, plan.uses_rowid, plan.missing_columns) == (("id",), False, ())
    assert plan.table is not None
    assert plan.table.name == "notes"


def test_the_column_of_a_tenant_is_logged_beside_the_key(tmp_path: Path) -> None:
    tenant = {"column": "ORG", "of_null": "none"}
    plan = only_plan(tmp_path, "CREATE TABLE notes (id PRIMARY KEY, org, title)", tenant=tenant)
    assert plan.tenant == "org"
    assert plan.logged_key == ("id", "org")


def test_a_tenant_that_is_part_of_the_key_is_logged_once(tmp_path: Path) -> None:
    table = "CREATE TABLE notes (org, title, PRIMARY KEY (org, title))"
    plan = only_plan(tmp_path, table, tenant={"column": "org"})
    assert plan.logged_key == plan.key == ("org", "title")


@pytest.mark.parametrize("missing", ["refuse", "warn"])
def test_a_tenant_needs_its_column(tmp_path: Path, missing: str) -> None:
    lacking = collection(tenant={"column": "orgs"})
    with pytest.raises(MappingError) as error:
        planned(tmp_path, ["CREATE TABLE notes (id PRIMARY KEY, org, title)"], lacking, missing=missing)
    (mistake,) = mistakes(error)
    assert mistake.startswith("Note: tenant: table `notes` has no column `orgs`")


def test_names_in_another_case_are_spelled_as_in_the_table(tmp_path: Path) -> None:
    other = collection(name="Page", table="pages", relations=[{"column": "NOTE_ID", "to_table": "Notes"}])
    plan = planned(
        tmp_path,
        ["CREATE TABLE Notes (ID, Title, Secret)", "CREATE TABLE pages (id PRIMARY KEY, title, note_id)"],
        collection(key=["id"], omit={"SECRET": "passwords"}),
        other,
    )
    notes, pages = plan.collections
    assert notes.columns == ("ID", "Title")
    assert notes.key == notes.mapping.key == ("ID",)
    assert notes.mapping.omit == {"Secret": "passwords"}
    assert notes.mapping.properties[0].column == "Title"
    assert notes.unmapped_columns == ("ID",)
    assert notes.mapping.table == "notes", "assets are named after the mapping's own spelling"
    assert [(each.column, each.to_table) for each in pages.mapping.relations] == [("note_id", "notes")]
    assert plan.warnings == ()


def test_the_column_of_a_vector_is_spelled_as_in_the_table_and_mapped(tmp_path: Path) -> None:
    vectors = ["own", {"name": "made", "column": "EXTRA"}]
    plan = only_plan(tmp_path, NOTES, vectors=vectors)
    assert plan.mapping.column_vectors == {"made": "extra"}
    assert plan.mapping.provided_vectors == ("own",)
    assert plan.unmapped_columns == ("id", "secret", "loud")


def test_the_column_of_a_vector_may_be_missing(tmp_path: Path) -> None:
    fields = collection(vectors=["own", {"name": "made", "column": "embedding"}])
    (plan,) = planned(tmp_path, [NOTES], fields, missing="warn").collections
    assert plan.missing_columns == ("embedding",)
    with pytest.raises(MappingError) as error:
        planned(tmp_path, [], fields)
    assert mistakes(error) == ["Note: table `notes` has no column `embedding`; Allowed: id, title, secret, extra, loud"]


def test_the_mappings_key_comes_first(tmp_path: Path) -> None:
    plan = only_plan(tmp_path, NOTES, key=["title", "id"])
    assert (plan.key, plan.uses_rowid) == (("title", "id"), False)


def test_a_composite_key(tmp_path: Path) -> None:
    assert only_plan(tmp_path, "CREATE TABLE notes (a, title, PRIMARY KEY (title, a))").key == ("title", "a")


@pytest.mark.parametrize(("definition", "rowid"), [("(title)", "rowid"), ("(title, RowId)", "_rowid_")])
def test_the_rowid_where_there_is_no_key_and_a_warning(tmp_path: Path, definition: str, rowid: str) -> None:
    plan = planned(tmp_path, [f"CREATE TABLE notes {definition}"], collection())
    assert (plan.collections[0].key, plan.collections[0].uses_rowid) == ((rowid,), True)
    (warning,) = plan.warnings
    assert warning.startswith("table `notes` has no primary key: its rows are told apart by their rowid. Changes")


def test_a_view_needs_a_key(tmp_path: Path) -> None:
    statements = [NOTES, "CREATE VIEW latest AS SELECT * FROM notes"]
    with pytest.raises(MappingError) as error:
        planned(tmp_path, statements, collection(table="latest"), missing="warn")
    assert mistakes(error) == ["Note: view `latest` has no key of its own: name its columns in `key`"]
    assert planned(tmp_path, [], collection(table="latest", key=["id"])).collections[0].key == ("id",)


def test_a_table_whose_rowid_has_no_name_left_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as error:
        only_plan(tmp_path, "CREATE TABLE notes (title, rowid, _rowid_, oid)")
    assert mistakes(error) == ["Note: table `notes` has no key of its own: name its columns in `key`"]


@pytest.mark.parametrize("missing", ["refuse", "warn"])
def test_key_columns_must_exist(tmp_path: Path, missing: str) -> None:
    with pytest.raises(MappingError) as error:
        planned(tmp_path, ["CREATE TABLE notes (note_id, title)"], collection(key=["noteid", "title"]), missing=missing)
    assert mistakes(error) == [
        "Note: key: table `notes` has no column `noteid`; did you mean `note_id`? Allowed: note_id, title"
    ]


def test_a_declared_key_cannot_be_omitted(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as error:
        only_plan(tmp_path, "CREATE TABLE notes (Mail TEXT PRIMARY KEY, title)", omit={"mail": "personal"})
    assert mistakes(error) == ["Note: omit: column `Mail` is part of the table's primary key"]


MISSING = [
    collection(
        properties=[
            {"name": "title", "column": "titel", "index": "words"},
            {"name": "heading", "column": "titel", "index": "whole"},
        ],
        relations=[{"column": "page_id", "to_table": "pagse"}],
        omit={"sekret": "passwords"},
    ),
    collection(name="Page", table="pagse"),
]
GAPS = [
    "Note: table `notes` has no column `titel`; did you mean `title`? Allowed: id, title, secret, extra, loud",
    "Note: table `notes` has no column `page_id`; Allowed: id, title, secret, extra, loud",
    "Note: table `notes` has no column `sekret`; did you mean `secret`? Allowed: id, title, secret, extra, loud",
    "Page: there is no table `pagse`; did you mean `pages`? Allowed: notes, pages",
]


@pytest.mark.parametrize("name", ["_weaviate_migration_uuid", "_Weaviate_Migration_x"])
def test_a_column_named_as_this_projects_own_is_refused_unless_omitted(tmp_path: Path, name: str) -> None:
    table = f"CREATE TABLE notes (id PRIMARY KEY, title, {name})"
    with pytest.raises(MappingError) as error:
        only_plan(tmp_path, table)
    (mistake,) = mistakes(error)
    assert mistake.startswith(f"Note: column `{name}` has a name that only this project's own may have")
    (tmp_path / "app.db").unlink()
    assert only_plan(tmp_path, table, omit={name: "not ours"}).columns == ("id", "title")


def test_all_that_is_missing_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as error:
        planned(tmp_path, [NOTES, "CREATE TABLE pages (title)"], *MISSING)
    assert mistakes(error) == GAPS


def test_all_that_is_missing_is_warned_of(tmp_path: Path) -> None:
    plan = planned(tmp_path, [NOTES, "CREATE TABLE pages (title)"], *MISSING, missing="warn")
    assert plan.warnings == tuple(GAPS)
    notes, pages = plan.collections
    assert notes.missing_columns == ("titel", "page_id", "sekret")
    assert notes.columns == ("id", "title", "secret", "extra", "loud")
    assert pages == CollectionPlan(pages.mapping, None)
    assert plan.unmapped_tables == ("pages",)


@pytest.mark.parametrize("missing", ["refuse", "warn"])
@pytest.mark.parametrize(("statement", "held"), [("CREATE TABLE users (a)", "users"), ("VACUUM", "no table at all")])
def test_none_of_the_mapped_tables(tmp_path: Path, missing: str, statement: str, held: str) -> None:
    with pytest.raises(SourceNotUsableError) as error:
        planned(tmp_path, [statement, "PRAGMA user_version = 1"], collection(), missing=missing)
    assert error.value.message.endswith(f"app.db: has none of the mapped tables (notes); it has {held}")


def test_views_are_no_unmapped_tables(tmp_path: Path) -> None:
    statements = [NOTES, "CREATE TABLE users (a)", "CREATE VIEW latest AS SELECT * FROM notes"]
    assert planned(tmp_path, statements, collection()).unmapped_tables == ("users",)


def test_omitted_tables_are_named_with_their_reason_as_the_file_spells_them(tmp_path: Path) -> None:
    path = make(tmp_path / "app.db", NOTES, "CREATE TABLE Users (a)", "CREATE TABLE users2 (a)")
    mapping = Mapping.model_validate(
        {"name": "test", "collections": [collection()], "omit_tables": {"USERS": "private", "gone": "private"}}
    )
    plan = plan_migration(mapping, inspect_database(path))
    assert plan.unmapped_tables == ("users2",)
    assert plan.omitted_tables == {"Users": "private"}
    assert plan.warnings == ()


def test_the_shipped_mapping_on_a_part_of_its_tables(tmp_path: Path) -> None:
    path = make(
        tmp_path / "app.db",
        "CREATE TABLE conversations (id VARCHAR NOT NULL PRIMARY KEY, title VARCHAR(255), created_at DATETIME)",
        "CREATE TABLE alembic_version (version_num VARCHAR)",
    )
    plan = plan_migration(read_mapping(), inspect_database(path))
    assert [each.mapping.name for each in plan.collections if each.table] == ["Conversation"]
    assert plan.collections[0].missing_columns == ("user_id", "updated_at", "is_active")
    assert plan.unmapped_tables == ("alembic_version",)
    assert len(plan.warnings) == 3 + 5
