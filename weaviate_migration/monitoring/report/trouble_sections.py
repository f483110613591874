"""The sections on what went wrong, or might: errors, what the audit found, alerts."""

from collections.abc import Iterator, Mapping
from typing import Any

from weaviate_migration.base.texts import time_text
from weaviate_migration.monitoring.report.document import Cell, Section, Table
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.phases.preflight.audit.kinds import FATES

_EXAMPLES = 3
# Of a table's keys: what is counted, and the field with examples.
_KEYS = {"null": "null_examples", "duplicate": "duplicate_examples", "case_only": "case_only_examples"}
_KEY_WORDS = {
    "null": ("NULL in the key", "no object: in the quarantine"),
    "duplicate": ("a key that another row has, too", "no object: in the quarantine"),
    "case_only": ("a key that differs from another one only in upper and lower case", "an object of its own"),
}


def errors_section(report: MigrationReport) -> Section:
    """Errors by category, with examples: rows in the quarantine, and steps that failed."""
    refused = tuple((each.alias, each.category, each.rows) for each in report.quarantine)
    examples = tuple(
        (each.alias, each.category, key, reason) for each in report.quarantine for key, reason in each.examples
    )
    failed = tuple(
        (time_text(each.at), each.step, each.category, each.message, each.run_id) for each in report.failures
    )
    tables = (
        Table("Rows in the quarantine", ("collection", "category", "rows"), refused),
        Table("The first of them", ("collection", "category", "key", "reason"), examples),
        Table("Steps that failed", ("at", "step", "category", "error", "run"), failed),
    )
    found = tuple(each for each in tables if each.rows)
    told = () if found else ("No row is in the quarantine, and no step has failed.",)
    return Section("Errors", told, (), found)


def audit_section(report: MigrationReport) -> Section:
    """What the audit found in the source, and what became of it."""
    title = "What the audit found"
    if (audit := report.audit) is None:
        return Section(title, ("There was no audit.",))
    rows = tuple(row for table in audit["tables"] for row in _findings(table))
    told = (
        f"{audit['rows']:,} rows were read; {audit['refused']:,} of them could not become objects."
        f"{'' if rows else ' Everything fits.'}"
    )
    left_out = tuple(
        (f"{table['table']}.{column}", reason)
        for table in audit["tables"]
        for column, reason in (table["left_out"] or {}).items()
    )
    elsewhere = tuple((each["table"], each["rows"]) for each in audit["not_migrated"])
    omitted = tuple(
        (each["table"], "" if each["rows"] is None else each["rows"], each["reason"])
        for each in audit.get("omitted_tables", ())
    )
    tables = (
        Table("What does not fit", ("where", "rows", "what", "what became of it", "first keys"), rows),
        Table("Columns that go nowhere", ("column", "reason"), left_out),
        Table("Tables that were not migrated", ("table", "rows"), elsewhere),
        Table("Tables that the mapping leaves out", ("table", "rows", "reason"), omitted),
    )
    return Section(title, (told, *audit["warnings"]), (), tuple(each for each in tables if each.rows))


def _findings(table: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    name = table["table"]
    for column in table["columns"]:
        for each in column["findings"]:
            where = f"{name}.{column['name']}"
            yield where, each["count"], each["sentence"], FATES[each["fate"]], _keys(each["examples"])
    for kind, (what, fate) in _KEY_WORDS.items():
        if count := (table["key"] or {}).get(kind, 0):
            yield name, count, what, fate, _keys(table["key"][_KEYS[kind]])
    if table["too_large"]:
        fate = "no object: in the quarantine"
        yield name, table["too_large"], "larger than the server takes", fate, _keys(table["too_large_examples"])
    for each in (orphan for orphan in table["orphans"] if orphan["count"]):
        what = f"{each['column']}: no such row in {each['to_table']}"
        yield name, each["count"], what, "an object without that parent", _keys(each["examples"])


def _keys(examples: list[str]) -> str:
    return ", ".join(examples[:_EXAMPLES])


def alerts_section(report: MigrationReport) -> Section:
    """What alerts told of, and what still holds."""
    rows = tuple((time_text(each.opened_at), each.urgency, each.title, each.text) for each in report.incidents)
    if not rows:
        return Section("Alerts", ("None is open.",))
    return Section("Alerts", (), (), (Table("Open alerts", ("since", "urgency", "what", "more"), rows),))
