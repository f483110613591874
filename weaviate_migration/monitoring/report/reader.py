"""Makes the report: from the record, Dagster's storage, and the files of the work folder."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError, ErrorCategory
from weaviate_migration.base.redaction import redacted
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.monitoring.alerts.incidents import IncidentBook
from weaviate_migration.monitoring.report.facts import LoadedCollection, MigrationReport, Refusals, StoredRun
from weaviate_migration.monitoring.report.next_steps import next_steps
from weaviate_migration.monitoring.report.runs import MigrationRuns
from weaviate_migration.phases.validation.certificate import read_certificate
from weaviate_migration.runs.checks import AssetGraph, CheckReport, CheckStatus, check_report
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.readiness import not_loaded
from weaviate_migration.work_folder.checklist import Checklist, Kind, read_checklist
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import total
from weaviate_migration.work_folder.phase import Phase, phase_of
from weaviate_migration.work_folder.quarantine import IndexedRow
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.timeline import LagMoment, Moment, read_history

EXAMPLES = 3
# Where the incidents are, in the work folder.
CHECKLISTS: tuple[Kind, ...] = ("preflight", "postflight")


def migration_report(
    instance: dg.DagsterInstance,
    names: DagsterNames,
    graph: AssetGraph,
    mapping: Mapping,
    work_folder: WorkFolder,
    target: str,
) -> MigrationReport:
    """What `read_migration_report` returns, for this instance and the checks of this graph.

    Args:
        target: the server's URL.
    """
    record = work_folder.records.newest()
    if record is not None:
        refuse_another_mapping(record, mapping)
    began_at = record.began_at if record else None
    runs = MigrationRuns(instance, OwnRuns.of(mapping, names, work_folder.path), began_at)
    stored = runs.stored()
    if record is None and not stored:
        raise ConfigurationError(
            f"Nothing was migrated in {work_folder.place}.",
            "`weaviate-migration migrate` begins a migration; --work-dir names another folder.",
        )
    history = tuple(read_history(work_folder.store, record.id)) if record else ()
    report = MigrationReport(
        made_at=datetime.now(UTC),
        phase=_phase(instance, names, mapping, record, history),
        source=str(record.source) if record else "",
        target=redacted(target),
        mapping_name=mapping.name,
        mapping_digest=mapping.digest,
        record=record,
        runs=stored,
        phases=runs.phases(mapping),
        failures=runs.failures(),
        collections=tuple(_collections(work_folder, mapping, record)) if record else (),
        quarantine=tuple(_quarantine(work_folder, mapping, record)) if record else (),
        audit=runs.audit(),
        checks=_checks_since(check_report(instance, graph), began_at, stored),
        certificate=_certificate(work_folder, record),
        history=history,
        checklists=tuple(_checklists(work_folder.store)),
        incidents=tuple(IncidentBook(work_folder).open_incidents()),
    )
    return replace(report, next_steps=tuple(next_steps(report)))


def _checks_since(found: CheckReport, began_at: datetime | None, runs: Sequence[StoredRun]) -> CheckReport:
    """The checks, without what they said of earlier migrations: the assets are the same for all."""
    since = min([each.began_at for each in runs if each.began_at] + ([began_at] if began_at else []))
    outcomes = (
        replace(each, status=CheckStatus.NEVER_RAN, description="Not in this migration.", metadata={}, timestamp=None)
        if each.timestamp is not None and each.timestamp < since
        else each
        for each in found.outcomes
    )
    return replace(found, outcomes=tuple(outcomes))


def _phase(
    instance: dg.DagsterInstance,
    names: DagsterNames,
    mapping: Mapping,
    record: MigrationRecord | None,
    history: tuple[Moment, ...],
) -> Phase:
    """The phase, with the lag that was noted last: the source may be away by now."""
    if record is None:
        return Phase.NOT_BEGUN
    lag = next((each.changes for each in reversed(history) if isinstance(each, LagMoment)), 0)
    return phase_of(record, loaded=not not_loaded(instance, names, mapping, record), lag=lag)


def _collections(work_folder: WorkFolder, mapping: Mapping, record: MigrationRecord) -> Iterator[LoadedCollection]:
    for each in mapping.collections:
        tally = total(work_folder.loaded(record, each).measured().values())
        made = work_folder.embedded(record, each).totals()
        yield LoadedCollection(record.alias(each), record.collection(each), each.table, tally, made)


def _quarantine(work_folder: WorkFolder, mapping: Mapping, record: MigrationRecord) -> Iterator[Refusals]:
    for each in mapping.collections:
        yield from _refusals(work_folder, record, each)


def _refusals(work_folder: WorkFolder, record: MigrationRecord, collection: CollectionMapping) -> Iterator[Refusals]:
    """The rows of one collection by their category; there may be many, and only the first of each are kept."""
    counts: dict[ErrorCategory, int] = {}
    first: dict[ErrorCategory, list[IndexedRow]] = {}
    for row in work_folder.quarantine(record, collection).index():
        counts[row.category] = counts.get(row.category, 0) + 1
        if counts[row.category] <= EXAMPLES:
            first.setdefault(row.category, []).append(row)
    for category, rows in counts.items():
        examples = tuple((row.key, redacted(row.reason)) for row in islice(first[category], EXAMPLES))
        yield Refusals(record.alias(collection), category, rows, examples)


def _certificate(work_folder: WorkFolder, record: MigrationRecord | None) -> dict[str, Any] | None:
    """The certificate of this migration; a damaged one is none."""
    with suppress(ValueError):
        found = read_certificate(work_folder)
        if record is not None and found is not None and found["migration_id"] == record.id:
            return found
    return None


def _checklists(store: StateStore) -> Iterator[Checklist]:
    for kind in CHECKLISTS:
        if found := read_checklist(store, kind):
            yield found
