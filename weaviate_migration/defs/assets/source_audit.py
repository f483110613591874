"""What the source holds and what of it does not fit, before anything is written."""

import logging
from typing import Any

import dagster as dg

from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings, SQLiteSource
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.preflight.audit import SourceAudit, audit_source, verdict
from weaviate_migration.phases.preflight.large_rows import refuse_large_rows
from weaviate_migration.runs.jobs import CHANGE_CAPTURE, MISFITS, SOURCE_AUDIT
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.source.other_tables import refuse_passed_over
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)

WRITABLE = "writable"


def build_source_audit_asset(
    mapping: Mapping, names: DagsterNames, partitions: int, source_tags: groups.SourceTags = ()
) -> dg.AssetsDefinition:
    """The asset `source_audit`, with its check `writable`, which stops a migration that makes no sense."""

    @dg.asset(
        key=names.asset(SOURCE_AUDIT),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.SCHEMA),
        kinds={"sqlite"},
        owners=groups.OWNERS,
        tags=groups.stage("audit"),
        op_tags=dict(source_tags),
        deps=[names.asset(CHANGE_CAPTURE)],
        check_specs=[
            dg.AssetCheckSpec(
                WRITABLE,
                asset=names.asset(SOURCE_AUDIT),
                blocking=True,
                description=(
                    "Rows can become objects: fails where more than half of a table's rows have no usable key or are "
                    "too large, and where a vector has several lengths; warns where some rows are, and where rows have "
                    "no parent. If it fails: most likely the mapping names the wrong key column; `weaviate-migration "
                    "audit` shows every table."
                ),
            )
        ],
        description=(
            "What the source holds, and what of it does not fit: every value of the mapped columns of the live file is "
            "read once. For each column it says what its property cannot hold exactly, and what becomes of that; "
            "nothing is written."
        ),
    )
    @with_resources_of(names)
    def source_audit(
        source: SQLiteSource, batches: BatchSettings, work_folder: dg.ResourceParam[WorkFolder]
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]  # beside a check, Dagster takes only the plain class
        refuse_large_rows(source.path, mapping, work_folder.scratch, batches.memory_limit_mb)
        audit = audit_source(source.path, mapping, work_folder.scratch, partitions)
        if work_folder.records.unfinished() is None:  # One that is gone on with has its snapshot, which is checked.
            refuse_passed_over(audit.other_tables, mapping)
        found = verdict(audit)
        logger.info("%d rows read, %d would be refused", audit.rows, audit.refused)
        return dg.MaterializeResult(
            metadata=_metadata(audit),
            check_results=[
                dg.AssetCheckResult(
                    check_name=WRITABLE,
                    passed=found.passed,
                    severity=dg.AssetCheckSeverity.ERROR if found.stops or found.passed else dg.AssetCheckSeverity.WARN,
                    description=found.text,
                    metadata={"refused": audit.refused},
                )
            ],
        )

    return source_audit


def _metadata(audit: SourceAudit) -> dict[str, Any]:
    """The report as numbers and tables, and in whole as JSON."""
    tables: dict[str, list[dict[str, str | int | None]]] = {
        "tables": [
            {"table": each.table, "collection": each.collection, "rows": each.rows, "would_refuse": each.refused}
            for each in audit.tables
        ],
        "does_not_fit": [
            {
                "column": f"{each.table}.{column}",
                "property": finding.property,
                "values": finding.count,
                "what": finding.sentence,
                "fate": finding.fate,
                "first_keys": ", ".join(finding.examples),
            }
            for each in audit.tables
            for column, finding in each.findings
        ],
        MISFITS: [{"what": text} for text in audit.misfits],
        "not_migrated": [{"table": name, "rows": rows} for name, rows in audit.not_migrated.items()],
        "left_out": [{"table": name, **each.model_dump()} for name, each in audit.omitted_tables.items()],
    }
    shown = {
        name: dg.MetadataValue.table([dg.TableRecord(row) for row in rows]) for name, rows in tables.items() if rows
    }
    numbers = {"rows": audit.rows, "would_refuse": audit.refused, "kinds_of_unfit_values": len(tables["does_not_fit"])}
    return {**numbers, **shown, "report": dg.MetadataValue.json(audit.to_dict())}
