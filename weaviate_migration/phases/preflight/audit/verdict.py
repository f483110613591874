"""Whether it makes sense to go on: what the check `writable` says of an audit."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from weaviate_migration.phases.preflight.audit.report import TableReport
from weaviate_migration.phases.preflight.audit.source import SourceAudit

_SHOWN_LENGTHS = 4


@dataclass(frozen=True)
class Verdict:
    """What the audit comes to.

    Attributes:
        passed: whether every row can become an object, and has its parent.
        stops: whether a migration makes no sense: more than half of a table's rows could not become objects, or a
            vector has several lengths, and which of them Weaviate takes would be chance.
        text: what was found, and what to do.
    """

    passed: bool
    stops: bool
    text: str


def verdict(audit: SourceAudit) -> Verdict:
    """Judges an audit."""
    parted = [text for each in audit.tables for text in _lengths(each)]
    hopeless = [each for each in audit.tables if 2 * each.refused > each.rows and not any(_lengths(each))]
    orphans = [text for each in audit.tables for text in _orphans(each)]
    said = [_refused(each) for each in audit.tables if each.refused] + orphans
    if hopeless:
        tables = ", ".join(each.title for each in hopeless)
        said.append(f"Correct the mapping: as a rule the `key` of {tables} has to name columns that identify a row.")
    elif audit.refused and not parted:
        said.append("These rows will be in the quarantine, with reasons; correct them in the source first.")
    said += parted
    if orphans and not (hopeless or parted):
        said.append("Orphans are migrated as they are.")
    if not said:
        said = [f"All {audit.rows:,} rows can become objects."]
    return Verdict(passed=not (audit.refused or orphans), stops=bool(hopeless or parted), text=" ".join(said))


def _refused(table: TableReport) -> str:
    assert table.key is not None
    tenants = [table.tenants] if table.tenants is not None else []
    reasons = [
        ("with NULL in the key", table.key.null, table.key.null_examples),
        ("whose key another row has, too", table.key.duplicate, table.key.duplicate_examples),
        *((f"without a tenant: their {each.column} is NULL", each.refused, each.null_examples) for each in tenants),
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
    return f"{table.title}: {table.refused:,} of {table.rows:,} rows cannot become objects (key: {key}): {listed}."


def _lengths(table: TableReport) -> Iterator[str]:
    """A sentence for each vector that has several lengths, and what parts them."""
    for each in table.vectors:
        if len(each.lengths) > 1:
            told = ", ".join(
                f"{count:,} of {length:,}" for length, count in islice(each.lengths.items(), _SHOWN_LENGTHS)
            )
            more = ", …" if len(each.lengths) > _SHOWN_LENGTHS else ""
            most = next(iter(each.lengths))
            yield (
                f"{table.title}: vector {each.name} has several lengths ({told} numbers{more}); Weaviate would "
                f"take the one that comes first. Say in the mapping which it has, as `length: {most}`; "
                "another vector of the same column can have the others."
            )


def _orphans(table: TableReport) -> Iterator[str]:
    for each in table.orphans:
        if each.count:
            yield (
                f"{table.title}: {each.count:,} rows have no parent: their {each.column} is no key of "
                f"{each.to_table}; such as {', '.join(each.examples)}."
            )
