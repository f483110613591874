"""Rows of a table that its collections leave out, or take twice: every command tells, from `plan` to `postflight`."""

import json
from pathlib import Path

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.test_cases import CASES, make_database, mapping_of

TOLD = "messages: 1 row is in no collection, such as 5; 1 row is in several, such as 4"


def test_every_command_tells_which_rows_are_in_none_and_which_in_several(server: ServerAddress, tmp_path: Path) -> None:
    case, work_dir = CASES / "where_two_collections", ["--work-dir", tmp_path / "work"]
    source = ["--sqlite-url", make_database(case, tmp_path), "--mapping", mapping_of(case)]
    planned = run_here("plan", *source, *work_dir)
    assert planned.code == 0, planned.stderr
    assert "messages where role IN ('user', 'both') → Question" in " ".join(planned.stdout.split())
    assert f"warning: {TOLD}" in " ".join(planned.stdout.split())
    audited = run_here("audit", *source, *work_dir)
    assert TOLD in " ".join(audited.stdout.split())
    assert "messages (Question)" in audited.stdout

    migrated = run_here("migrate", *source, *work_dir, *at(server), "--json")
    assert migrated.code == 0, migrated.stderr
    orphans = [each for each in migrated.json["warnings"] if each.startswith("question: relations: ")]
    assert orphans == [
        "question: relations: reply_to → Question: 1 parents looked up; 1 rows name 1 parents that the source does not "
        "have (first 99); reply_to → Answer: 2 parents looked up."
    ]
    said = {name: run_here(name, *work_dir, *at(server), "--json").json for name in ("status", "verify", "postflight")}
    assert said["status"]["parted_tables"] == {"messages": TOLD.removeprefix("messages: ")}
    certificate = json.loads(Path(said["verify"]["certificate"]).read_text(encoding="utf-8"))
    assert certificate["statement"] == (
        "100 % of rows and columns compared, but for the rows that the mapping's conditions and statements leave out: "
        f"messages (1 row). {TOLD}."
    )
    assert certificate["parted_tables"]["messages"]["in_none"] == {"count": 1, "examples": ["5"]}
    assert {name: each["rows"] for name, each in certificate["collections"].items()} == {"Question": 3, "Answer": 2}
    (tables,) = [each for each in said["postflight"]["items"] if each["name"] == "tables"]
    assert (tables["verdict"], tables["figure"]) == ("warned", TOLD)
