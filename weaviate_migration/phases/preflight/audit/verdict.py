"""Whether it makes sense to go on: what the check `writable` says of an audit."""

from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.phases.preflight.audit.report import TableReport
from weaviate_migration.phases.preflight.audit.source import SourceAudit


@dataclass(frozen=True)
class Verdict:
    """What the audit comes to.

    Attributes:
        passed: whether every row can become an object, and has its parent.
        stops: whether a migration makes no sense: more than half of a table's rows could not become objects.
        text: what was found, and what to do.
    """

    passed: bool
    stops: bool
    text: str


def verdict(audit: SourceAudit) -> Verdict:
    """Judges an audit."""
    hopeless = [each for each in audit.tables if 2 * each.refused > each.rows]
    orphans = [text for each in audit.tables for text in _orphans(each)]
    said = [_refused(each) for each in audit.tables if each.refused] + orphans
    if hopeless:
        tables = ", ".join(each.table for each in hopeless)
        said.append(f"Correct the mapping: as a rule the `key` of {tables} has to name columns that identify a row.")
    elif audit.refused:
        said.append("These rows will be in the quarantine, with reasons; correct them in the source first.")
    if orphans and not hopeless:
        said.append("Orphans are migrated as they are.")
    if not said:
        said = [f"All {audit.rows:,} rows can become objects."]
    return Verdict(passed=not (audit.refused or orphans), stops=bool(hopeless), text=" ".join(said))


def _refused(table: TableReport) -> str:
    assert table.key is not None
    reasons = [
        ("with NULL in the key", table.key.null, table.key.null_examples),
        ("whose key another row has, too", table.key.duplicate, table.key.duplicate_examples),
        ("larger than the server takes", table.too_large, table.too_large_examples),
        *(
            (f"with {each.sentence} in {column}", each.count, each.examples)
            for column, each in table.findings
            if each.fate == "quarantine"
        ),
    ]
    listed = "; ".join(
        f"{count:,} {reason}, such as {', '.join(examples)}" for reason, count, examples in reasons if count
    )
    key = ", ".join(table.key.columns)
    return f"{table.table}: {table.refused:,} of {table.rows:,} rows cannot become objects (key: {key}): {listed}."


def _orphans(table: TableReport) -> Iterator[str]:
    for each in table.orphans:
        if each.count:
            yield (
                f"{table.table}: {each.count:,} rows have no parent: their {each.column} is no key of {each.to_table}; "
                f"such as {', '.join(each.examples)}."
            )
