"""Verifies a migration: runs the checks in this process, repairs if asked to, and writes the certificate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from upath import UPath
from weaviate import WeaviateClient

from weaviate_migration.api.job_session import JobSession, opened_for_jobs
from weaviate_migration.base.errors import ConfigurationError, DifferencesError
from weaviate_migration.base.logs import in_own_context, note_failure
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.monitoring.alerts import under_way
from weaviate_migration.phases.history.changes import collection_changes
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.phases.history.written_vectors import written_vectors
from weaviate_migration.phases.validation.certificate import ComparedCollection, lacking_rows, statement
from weaviate_migration.phases.validation.changed_rows import ChangeComparison
from weaviate_migration.phases.validation.collection_proof import CollectionProof
from weaviate_migration.phases.validation.differences import SHOWN_DIFFERENCES, Difference
from weaviate_migration.phases.validation.full_comparison import (
    certify,
    compared_collections,
    discard_comparisons,
    is_whole,
)
from weaviate_migration.phases.validation.live_comparison import LiveComparison, agree_on_history, is_live
from weaviate_migration.phases.validation.partition_comparison import kept_comparisons
from weaviate_migration.phases.validation.repair import PartitionRepair, RepairTally
from weaviate_migration.runs.events import CheckResult, check_results, run_verdict
from weaviate_migration.runs.jobs import VERIFY, VERIFY_LIVE
from weaviate_migration.runs.runner import JobRun
from weaviate_migration.target.calls import level_of
from weaviate_migration.target.connect import server_version
from weaviate_migration.target.schema import refuse_lost_collection
from weaviate_migration.target.write import WriteSettings, write_settings
from weaviate_migration.work_folder.progress import forget_progress
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.storage import remove, stored_path, url_of


@dataclass(frozen=True)
class CollectionVerification:
    """What the comparison of one collection found; counts are of rows and objects."""

    collection: str
    rows: int
    objects: int
    missing: int
    extra: int
    altered: int


@dataclass(frozen=True)
class VerificationResult:
    """What a verification found.

    Attributes:
        success: both sides say the same, and no blocking check failed.
        exit_code: what the command line ends with: 0, 1 failed, 2 wrong settings, 3 differences.
        total_differences: all of them; `differences` are the first 1,000.
        repaired: what `repair` did before the last comparison; None where it had nothing to do, or was not asked for.
        checks: the evaluations that were stored.
        not_run: checks of relations that did not run, since those of the parents failed: `book: relations`.
        certificate: path of the certificate; None where not everything was compared.
        statement: what the certificate says was compared, and what was left out; '' without one.
        compared_since: of a source in use, rows that changed after the snapshot, and were compared by themselves.
        position: of the change log, up to which all changes were in Weaviate at the end; None if it is not followed.
    """

    success: bool
    exit_code: int
    migration_id: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    run_id: str | None = None
    collections: Mapping[str, CollectionVerification] = field(default_factory=dict)
    total_differences: int = 0
    differences: Sequence[Difference] = ()
    repaired: RepairTally | None = None
    checks: Sequence[CheckResult] = ()
    not_run: Sequence[str] = ()
    errors: Sequence[str] = ()
    certificate: str | None = None
    statement: str = ""
    compared_since: int = 0
    position: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values: what `verify --json` prints. Times are ISO 8601 in UTC."""
        times = {"started_at": self.started_at, "completed_at": self.completed_at}
        return asdict(self) | {name: value.isoformat() if value else None for name, value in times.items()}


@in_own_context
def verify_migration(
    config: MigrationConfig, repair: bool = False, on_start: Callable[[], None] | None = None
) -> VerificationResult:
    """Compares every object with its row, and runs the other checks.

    Args:
        config: the settings; of the source only the mapping is read.
        repair: write missing and altered objects again, remove extra ones, and compare once more.
        on_start: called when a run of the checks begins: start showing progress there.

    Returns:
        What was found. A verification that failed is a result too: nothing is raised for it.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    began = datetime.now(UTC)
    try:
        with opened_for_jobs(config, under_way.VERIFY) as session:
            result = session.concluded(_verify(session, on_start, repair=repair))
    except Exception as error:
        failure = note_failure(error)
        result = VerificationResult(success=False, exit_code=failure.exit_code, errors=[failure.text])
    return replace(result, started_at=began, completed_at=datetime.now(UTC))


def _verify(session: JobSession, on_start: Callable[[], None] | None, *, repair: bool) -> VerificationResult:
    """Does what `verify_migration` promises.

    Raises:
        MigrationError: there is no migration, another mapping is given, extracts or server cannot be had.
    """
    record = session.current_migration()
    if not record.bounds:
        raise ConfigurationError(f"Migration {record.id} has loaded nothing yet.", "Run `migrate` first.")
    if record.state == "cleaned up":
        raise ConfigurationError(
            f"Migration {record.id} was cleaned up: snapshot and extracts, which its objects would be compared with, "
            "are gone.",
            "`migrate` begins another one, which compares each row; the certificate says what was compared before.",
        )
    queries = session.work_folder.queries.current(session.config.queries, session.mapping)
    session.lock("verify")
    session.work_folder.queries.keep(queries)
    client = session.connect(session.mapping.headers)
    for each in session.mapping.collections:
        refuse_lost_collection(client, record.collection(each), maker_of(record))
    verifier = MigrationVerifier(session, client, on_start)
    if is_live(session.work_folder, record, repair):
        return verifier.verify_live(record, repair)
    return verifier.verify(VERIFY, repair)


class MigrationVerifier:
    """Verifies the unfinished migration of a work folder, or else the one that the aliases point at.

    Args:
        session: of the command, which has the lock.
        client: connected to the migration's server.
        on_start: called when a run of the checks begins.
    """

    def __init__(self, session: JobSession, client: WeaviateClient, on_start: Callable[[], None] | None) -> None:
        self._session = session
        self._work_folder = session.work_folder
        self._mapping = session.mapping
        self._client = client
        self._on_start = on_start

    def verify(self, job: str, repair: bool) -> VerificationResult:
        """Compares; repairs what differs, if asked to, and compares once more."""
        result = self._compare(job)
        if not repair or not result.total_differences:
            return result
        repaired = self._repair(self._work_folder.records.current())
        return replace(self._compare(VERIFY), repaired=repaired)

    def verify_live(self, record: MigrationRecord, repair: bool) -> VerificationResult:
        """Compares with a new snapshot of the source in use, and by itself what has changed since it was taken."""
        agree_on_history(self._work_folder, record, self._mapping, repair=repair)
        models, settings = self._session.models, self._write_settings()
        live = LiveComparison(self._work_folder, self._mapping, record, self._client, settings, models)
        live.catch_up()
        result = self.verify(VERIFY_LIVE, repair)
        if result.certificate is None:  # The run broke off.
            return result
        return _with_changes(result, live.compare_rest(result.total_differences, repair))

    def _compare(self, job: str) -> VerificationResult:
        """Runs all checks in a Dagster run, and reads what it found."""
        mapping, record = self._mapping, self._work_folder.records.current()
        forget_progress(self._work_folder.store)
        for each in mapping.collections:
            if job == VERIFY:
                self._work_folder.extract_paths(record, each, record.partition_keys)
        discard_comparisons(self._work_folder, mapping, record)
        run = self._run(job, record)
        record = self._work_folder.records.current()
        compared = compared_collections(self._work_folder, mapping, record)
        path: UPath | None = None
        if is_whole(record, compared):
            path = certify(
                self._work_folder, mapping, record, compared, server_version(self._client), level_of(self._client)
            )
        exit_code, errors = run_verdict(run.events)
        # A comparison that broke off has read less of the extracts than they have.
        if is_whole(record, compared) and (lacking := lacking_rows(compared)):
            exit_code = exit_code or DifferencesError.exit_code
            errors += [f"{each}: materialize the extract and its collection again" for each in lacking]
        checks = check_results(run.events)
        ran = {(each.asset, each.name) for each in checks}
        names = self._session.names
        related = [names.asset(each.asset_name).to_user_string() for each in mapping.collections if each.relations]
        return VerificationResult(
            success=exit_code == 0,
            exit_code=exit_code,
            migration_id=record.id,
            run_id=run.run_id,
            collections={each.alias: _verification(each) for each in compared},
            total_differences=sum(each.differences for each in compared),
            differences=_first_differences(compared),
            checks=checks,
            not_run=[f"{asset}: relations" for asset in related if (asset, "relations") not in ran],
            errors=errors,
            certificate=url_of(path) if path else None,
            statement=statement(compared, record) if path else "",
        )

    def _run(self, job: str, record: MigrationRecord) -> JobRun:
        """The run; in ranges of partitions where they are wanted, and the source need not be followed meanwhile."""
        number = self._session.config.partitions_per_task
        if number is not None and job == VERIFY:
            return self._session.check_parted(number, source=record.source, on_start=self._on_start)
        return self._session.run(job, source=record.source, on_start=self._on_start)

    def _repair(self, record: MigrationRecord) -> RepairTally:
        """Repairs the partitions that differ, and no others."""
        total = RepairTally()
        settings = self._write_settings()
        for each in self._mapping.collections:
            compared = kept_comparisons(self._work_folder, record, each).all()
            damaged = [partition for partition, found in compared.items() if found.total]
            extracts = self._work_folder.extract_paths(record, each, damaged)
            vectors = written_vectors(
                self._client, self._work_folder, record, self._mapping, each, self._session.models
            )
            with self._work_folder.quarantine(record, each) as quarantine:
                for partition in damaged:
                    with collection_changes(self._work_folder, record, self._mapping, each) as changes:
                        extract = {partition: extracts[partition]}
                        proof = CollectionProof(each, record, extract, self._client, changes, vectors)
                        total += PartitionRepair(proof, partition, settings, quarantine, vectors).run()
        return total

    def _write_settings(self) -> WriteSettings:
        return write_settings(self._session.config, self._client)


def _with_changes(result: VerificationResult, changed: ChangeComparison) -> VerificationResult:
    """The same result, with what the comparison of the rows that changed since the snapshot found."""
    differences = [*result.differences, *(one for each in changed.collections for one in each.differences)]
    found = changed.differences
    if found and result.certificate is not None:
        remove(stored_path(result.certificate))  # It knows of the snapshot only.
    repaired = result.repaired
    if changed.repaired is not None:
        done = changed.repaired
        repaired = (repaired or RepairTally()) + RepairTally(done.written, done.removed, done.refused)
    return replace(
        result,
        certificate=None if found else result.certificate,
        repaired=repaired,
        success=result.success and not found,
        exit_code=result.exit_code or (DifferencesError.exit_code if found else 0),
        total_differences=result.total_differences + found,
        differences=differences[:SHOWN_DIFFERENCES],
        compared_since=sum(each.rows for each in changed.collections),
        position=changed.position,
    )


def _verification(compared: ComparedCollection) -> CollectionVerification:
    return CollectionVerification(
        collection=compared.collection,
        rows=compared.rows,
        objects=compared.objects,
        missing=sum(each.missing for each in compared.partitions),
        extra=sum(each.extra for each in compared.partitions),
        altered=sum(each.altered for each in compared.partitions),
    )


def _first_differences(compared: Sequence[ComparedCollection]) -> list[Difference]:
    found = (each for collection in compared for partition in collection.partitions for each in partition.differences)
    return list(islice(found, SHOWN_DIFFERENCES))
