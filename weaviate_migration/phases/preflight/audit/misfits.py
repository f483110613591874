"""Columns of which hardly a value fits what the mapping makes of them: as a rule the mapping is wrong."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from weaviate_migration.phases.preflight.audit.report import ColumnReport, Finding, TableReport
from weaviate_migration.phases.preflight.audit.vectors import OF_LENGTHS

# Where fewer values fit, something else is in the column than the mapping says.
HARDLY = 0.1


def misfits(table: TableReport) -> Iterator[str]:
    """A sentence for each property and vector that hardly a value of its column fits, with figures and remedy.

    NULL is no value; a vector of another length than others is one.
    """
    for column in table.columns:
        for name, findings in groupby(column.findings, key=lambda each: each.property):
            if sentence := _misfit(column, name, list(findings)):
                yield f"{table.collection}: {sentence}"


def _misfit(column: ColumnReport, name: str, findings: Sequence[Finding]) -> str | None:
    values = sum(column.storage_classes.values()) - column.storage_classes.get("null", 0)
    unfit = [each for each in findings if each.fate not in ("filled", "default") and each.kind not in OF_LENGTHS]
    fit = values - sum(each.count for each in unfit)
    if not unfit or fit >= HARDLY * values:
        return None
    most = max(unfit, key=lambda each: each.count)
    target = name if name.startswith("vector ") else f"property {name}"
    return (
        f"hardly a value of column {column.name} fits {target}: {fit:,} of {values:,} do; "
        f"{most.count:,} are {most.sentence}"
    )
