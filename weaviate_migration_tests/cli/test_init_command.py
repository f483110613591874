"""`weaviate-migration init`: no server is needed."""

import json
from pathlib import Path

import pytest

from weaviate_migration import infer_mapping
from weaviate_migration.mapping import read_mapping
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.source.databases import make


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make(
        tmp_path / "app.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT)",
        "CREATE TABLE [odd notes] (id INTEGER PRIMARY KEY, title TEXT)",
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO users VALUES (1, 'Ann', 'hunter2'), (2, 'Bob', 'hunter3')",
        "INSERT INTO alembic_version VALUES ('0123')",
    )


def test_the_mapping_is_on_standard_output_alone(source: Path, tmp_path: Path) -> None:
    ended = run_here("init", "--sqlite-url", source)
    assert ended.code == 0, ended.stderr
    (tmp_path / "out.yaml").write_text(ended.stdout, encoding="utf-8")
    assert read_mapping(tmp_path / "out.yaml") == infer_mapping(str(source))
    assert ended.stderr.splitlines() == [
        "2 tables, 5 columns, 2 rows become 2 collections.",
        "left out: table alembic_version: Alembic keeps it for itself: which changes of the schema were made (1 row)",
        "left out: users.password: looks like a secret, by its name",
        "It is for you to decide: take such a column out of `omit` to migrate it, too.",
        "Next: save the mapping with `--output mapping.yaml`, edit it where you know better, then "
        f"`weaviate-migration migrate --sqlite-url {source} --mapping mapping.yaml`",
    ]


def test_a_file_is_written_once(source: Path, tmp_path: Path) -> None:
    file = tmp_path / "app map.yaml"
    ended = run_here("init", "--sqlite-url", source, "--output", file)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == (
        "Next: edit the mapping where you know better, then "
        f"`weaviate-migration migrate --sqlite-url {source} --mapping '{file}'`"
    )
    assert read_mapping(file) == infer_mapping(f"sqlite:///{source}")

    file.write_text("mine", encoding="utf-8")
    ended = run_here("init", "--sqlite-url", source, "--output", file)
    assert ended.code == 2
    assert "is there already" in ended.stderr
    assert file.read_text(encoding="utf-8") == "mine"

    assert run_here("init", "--sqlite-url", source, "--output", file, "--force").code == 0
    assert read_mapping(file) == infer_mapping(str(source))


def test_tables_are_named_between_commas_or_one_by_one(source: Path) -> None:
    ended = run_here("init", "--sqlite-url", source, "--tables", "users, odd notes", "--exclude", "users", "--json")
    assert ended.code == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["collections"] == [
        {"table": "odd notes", "collection": "OddNote", "rows": 0, "columns": 2, "key": ["id"]}
    ]
    assert document["omitted_tables"] == [
        {"table": "alembic_version", "rows": 1, "reason": "not named by --tables"},
        {"table": "users", "rows": 2, "reason": "named by --exclude"},
    ]
    assert "name: OddNote" in document["mapping"]
    both = run_here("init", "--sqlite-url", source, "--tables", "users", "--tables", "odd notes", "--json")
    assert [each["table"] for each in json.loads(both.stdout)["collections"]] == ["odd notes", "users"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tables", "nothing"], "--tables: there is no table `nothing`"),
        (["--output", "no/such/folder/mapping.yaml"], "cannot be written"),
        (["--output", "-", "--json"], "Only one of --json and --output -"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    ended = run_here("init", "--sqlite-url", source, *arguments)
    assert ended.code == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_database(tmp_path: Path) -> None:
    ended = run_here("init", "--sqlite-url", tmp_path / "none.db")
    assert (ended.code, ended.stdout) == (2, "")


def test_update_adds_to_the_file_itself(source: Path, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    assert run_here("init", "--sqlite-url", source, "--tables", "users", "--output", file).code == 0
    written = file.read_text(encoding="utf-8").replace("  odd notes: not named by --tables (0 rows)\n", "")
    file.write_text(f"# Ours.\n{written}", encoding="utf-8")

    other = tmp_path / "other.yaml"
    assert run_here("init", "--sqlite-url", source, "--update", file, "--output", other).code == 0
    assert "odd notes" not in file.read_text(encoding="utf-8")

    ended = run_here("init", "--sqlite-url", source, "--update", file)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[0] == "added: table odd notes as OddNote: 0 rows"
    updated = file.read_text(encoding="utf-8")
    assert updated == other.read_text(encoding="utf-8")
    assert updated.startswith(f"# Ours.\n{written}")

    ended = run_here("init", "--sqlite-url", source, "--update", file)
    assert ended.stdout.splitlines()[0].startswith("Nothing is to be added")
    assert file.read_text(encoding="utf-8") == updated


def test_update_of_a_mapping_that_is_wrong(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("name: a\n", encoding="utf-8")
    ended = run_here("init", "--sqlite-url", source, "--update", tmp_path / "mapping.yaml")
    assert ended.code == 2
    assert "collections: is missing" in ended.stderr
    missing = run_here("init", "--sqlite-url", source, "--update", tmp_path / "none.yaml")
    assert (missing.code, missing.stderr.splitlines()[-1]) == (2, "Correct --update.")


def test_a_parents_columns_beside_each_child(source: Path) -> None:
    make(source, "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users)")
    ended = run_here("init", "--sqlite-url", source, "--join", "posts:users", "--join", "posts.user_id:users", "--json")
    assert ended.code == 0, ended.stderr
    assert '"user"."name" AS "user_name"' in ended.json["mapping"]
    (posts,) = (each for each in ended.json["collections"] if each["table"] == "posts")
    assert (posts["columns"], posts["key"]) == (3, ["id"])
    assert infer_mapping(str(source), joins=["posts:users"]).collections[-1].select is not None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--join", "users:posts"), "has no table `posts`"),
        (("--update", "mapping.yaml", "--join", "posts:users"), "write `select` into yours"),
    ],
)
def test_a_join_that_cannot_be(source: Path, options: tuple[str, ...], told: str) -> None:
    ended = run_here("init", "--sqlite-url", source, *options)
    assert (ended.code, told in ended.stderr, ended.stdout) == (2, True, "")
