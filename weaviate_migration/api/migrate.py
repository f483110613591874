"""The Python API: runs the Dagster job in this process, as the command line does and as the UI would."""

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import dagster as dg
from structlog.contextvars import bind_contextvars
from weaviate import WeaviateClient

from weaviate_migration.api.job_session import JobSession, opened_for_jobs
from weaviate_migration.api.outcome import MigrationResult, dry_run_outcome, migration_outcome
from weaviate_migration.api.postflight import failures_after
from weaviate_migration.base.errors import ConfigurationError, MigrationError, StorageError
from weaviate_migration.base.logs import TOLD, in_own_context, logs_are_set_up, note_failure
from weaviate_migration.base.settings import MigrationConfig, create_migration_config, refuse_unset
from weaviate_migration.mapping import Mapping
from weaviate_migration.monitoring.alerts import under_way
from weaviate_migration.monitoring.metrics.gathering import migration_metrics
from weaviate_migration.phases.cutover.way_back import roll_back
from weaviate_migration.phases.preflight.look import check_quickly, refuse_impossible
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_migrate
from weaviate_migration.phases.preflight.tenant_choice import refuse_absent_tenant
from weaviate_migration.phases.validation.certificate import discard_certificate, lacking_rows
from weaviate_migration.phases.validation.full_comparison import (
    certify,
    compared_collections,
    discard_comparisons,
    is_whole,
)
from weaviate_migration.runs.events import StepFailure, run_failures
from weaviate_migration.runs.jobs import DRY_RUN, MIGRATE, MIGRATE_LIVE, collection_steps, migrate_assets
from weaviate_migration.runs.runner import JobRun
from weaviate_migration.source.capture import uncaptured_tables
from weaviate_migration.source.connect import sqlite_path
from weaviate_migration.source.other_tables import OtherTables, read_other_tables, refuse_passed_over
from weaviate_migration.source.plan import MigrationPlan, planned_source
from weaviate_migration.target.aliases import refuse_foreign_names, refuse_other_tenants
from weaviate_migration.target.calls import level_of
from weaviate_migration.target.connect import answers, server_version
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.vectors.cache_move import move_vectors
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import command_name
from weaviate_migration.work_folder.phase import Phase, next_step
from weaviate_migration.work_folder.progress import forget_progress
from weaviate_migration.work_folder.record import MigrationRecord, SnapshotRecord, refuse_another_migration
from weaviate_migration.work_folder.storage import remove, url_of

logger = logging.getLogger(__name__)

# Of the rows that were refused, so many are named in a result; all are in the quarantine.
NAMED_ROWS = 3


class SQLiteToWeaviateMigrator:
    """Migrates one SQLite file into Weaviate.

    Args:
        config: the settings; a copy is taken, so what is changed in them later changes nothing here.
        on_start: called with the plan when the run begins: start showing progress there.
        terminal: the handler for log records on the terminal; plain lines on standard error by default.
    """

    def __init__(
        self,
        config: MigrationConfig,
        on_start: Callable[[MigrationPlan], None] | None = None,
        terminal: logging.Handler | None = None,
    ) -> None:
        self.config = config.model_copy()
        self._on_start = on_start
        self._terminal = terminal

    @in_own_context
    def migrate(self) -> MigrationResult:
        """Runs the whole migration, or a dry run of it; continues an unfinished one.

        Returns:
            What became of it. A migration that failed is a result too: nothing is raised for it.

        Raises:
            KeyboardInterrupt: Ctrl-C; the migration stays unfinished, and the same call continues it.
        """
        began = datetime.now(UTC)
        result = self._outcome()
        if logs_are_set_up():
            _note_end(result)
        return result.with_(
            started_at=began,
            completed_at=datetime.now(UTC),
            dry_run=self.config.dry_run,
            peak_memory_mb=_peak_memory_mb(),
        )

    def _outcome(self) -> MigrationResult:
        """What became of it, also where it failed; without what is measured of the whole call."""
        name = None if self.config.dry_run else under_way.MIGRATE
        try:
            with opened_for_jobs(self.config, name, self._terminal, mapping_to_migrate) as session:
                mapping, scratch = session.mapping, self.config.work_dir.absolute() / "scratch"
                path = sqlite_path(self.config.sqlite_url)
                with planned_source(path, mapping, scratch) as (database, plan):
                    others = read_other_tables(path, database, plan)
                    if self.config.tenant is not None and session.work_folder.records.unfinished() is None:
                        refuse_absent_tenant(database, plan)
                if self.config.dry_run or session.work_folder.records.unfinished() is None:
                    refuse_passed_over(others, mapping)
                queries = session.work_folder.queries.current(self.config.queries, mapping)
                session.lock("migrate")
                if not self.config.dry_run:
                    session.work_folder.queries.keep(queries)
                    _move_vectors(session.work_folder)
                call = _MigrateCall(session, plan, others, self._on_start)
                result = call.rehearse() if self.config.dry_run else call.migrate()
                if (drawn := session.drawn_mapping) is not None:
                    warnings = [*result.warnings, *_left_out_unasked(mapping, others)]
                    result = result.with_(drawn_mapping=str(drawn), warnings=warnings)
                return session.concluded(result)
        except Exception as error:
            failure = note_failure(error)
            return MigrationResult(success=False, exit_code=failure.exit_code, errors=[failure.text])


def _move_vectors(work_folder: WorkFolder) -> None:
    """Has the workers of all machines find what models have made before the state was moved.

    While a sync goes on, which writes to the file, the next migration does.
    """
    if (file := work_folder.vectors_left_behind) is None:
        return
    lock = work_folder.sync_lock(command_name("migrate"))
    if lock.acquire():
        try:
            move_vectors(file, work_folder.state_url)
        finally:
            lock.release()


class _MigrateCall:
    """One call of `migrate`, which has the lock, and the plan of the source."""

    def __init__(
        self,
        session: JobSession,
        plan: MigrationPlan,
        others: OtherTables,
        on_start: Callable[[MigrationPlan], None] | None,
    ) -> None:
        self._session = session
        self._config = session.config
        self._mapping = session.mapping
        self._work_folder = session.work_folder
        self._plan = plan
        self._other_tables = others
        self._on_start = on_start

    def migrate(self) -> MigrationResult:
        """Moves the rows, has them proven, and points the aliases at the new collections."""
        config, mapping, plan, records = self._config, self._mapping, self._plan, self._work_folder.records
        if (unfinished := records.unfinished()) is not None:
            source = sqlite_path(config.sqlite_url).absolute()
            refuse_another_migration(unfinished, source, mapping, config.prefix, config.partitions)
            discard_comparisons(self._work_folder, mapping, unfinished)
            discard_certificate(self._work_folder, unfinished.id)
        refuse_unset(mapping.variables)
        self._session.models.refuse_unusable_cache(mapping)
        began, cpu_before = time.monotonic(), _cpu_seconds()
        address = self._session.start_server()
        client = self._session.connect_to(address, mapping.headers)
        connect_seconds = round(time.monotonic() - began, 3)
        refuse_foreign_names(client, [f"{config.prefix}{each.name}" for each in mapping.collections])
        refuse_other_tenants(client, mapping.lone_tenants(config.prefix))
        if unfinished is None:
            _look_before(self._session, client, address)
        run = self._run_migration()
        result = migration_outcome(run.events, mapping, self._session.names, records.newest())
        if result.migration_id is None and unfinished is None and (begun := records.unfinished()) is not None:
            result = result.with_(migration_id=begun.id)  # It failed while its collections were made.
        bind_contextvars(migration_id=result.migration_id)  # A child process of the run may have begun it.
        not_followed = uncaptured_tables(plan) if config.live else []
        warnings = [*plan.warnings, *not_followed, *_remarks(records.newest()), *result.warnings]
        phases = {"connect": connect_seconds, **self._session.phase_seconds(run)}
        result = result.with_(run_id=run.run_id, warnings=warnings, phases=phases)
        result = self._measured(self._certified(result, client), cpu_before)
        try:
            result = self._closed(result, client, run_failures(run.events))
        except MigrationError as error:  # What failed first is in the result.
            result = result.with_(
                success=False,
                exit_code=result.exit_code or MigrationError.exit_code,
                errors=[*result.errors, f"What was left to do failed, too: {error}"],
            )
        if result.success and config.cutover:
            result = result.with_(warnings=[*result.warnings, *failures_after(self._session, client)])
        return result

    def rehearse(self) -> MigrationResult:
        """Does all but write to Weaviate."""
        run = self._run(DRY_RUN)
        outcome = dry_run_outcome(run.events, self._mapping, self._config.prefix)
        phases = self._session.phase_seconds(run)
        warnings = [*self._plan.warnings, *self._other_tables.warnings]
        return outcome.with_(run_id=run.run_id, warnings=warnings, phases=phases)

    def _run_migration(self) -> JobRun:
        config, records = self._config, self._work_folder.records
        assets = migrate_assets(self._mapping, self._session.names, live=config.live, cutover=config.cutover)
        before = records.newest()
        try:
            return self._run(MIGRATE_LIVE if config.live else MIGRATE, assets)
        except StorageError as error:
            newest = records.newest()
            if newest is None or newest == before or newest.state != "cut over":
                raise
            raise StorageError(
                f"{error.message} Migration {newest.id} is cut over: readers find its collections.",
                "Make room there; `weaviate-migration verify` then compares everything, and writes the certificate.",
            ) from error

    def _run(self, job: str, selection: Sequence[dg.AssetKey] | None = None) -> JobRun:
        forget_progress(self._work_folder.store)
        begin = partial(self._on_start, self._plan) if self._on_start else None
        if self._config.partitions_per_task is not None and selection is not None:
            return self._session.run_parted(job, selection, self._config.partitions_per_task, on_start=begin)
        return self._session.run(job, selection, _resuming(self._session, selection), on_start=begin)

    @property
    def _newest(self) -> MigrationRecord:
        newest = self._work_folder.records.newest()
        assert newest is not None, "one was begun, or taken up"
        return newest

    def _certified(self, result: MigrationResult, client: WeaviateClient) -> MigrationResult:
        """With the certificate, as `verify` writes it: where everything was compared, and no change is pending."""
        if not result.success:
            return result
        record = self._newest
        compared = compared_collections(self._work_folder, self._mapping, record)
        if lacking := lacking_rows(compared):
            return result.with_(warnings=[*result.warnings, f"There is no certificate: {'; '.join(lacking)}."])
        if not is_whole(record, compared) or any(each.pending or each.differences for each in compared):
            return result
        try:
            path = certify(self._work_folder, self._mapping, record, compared, server_version(client), level_of(client))
        except StorageError as error:  # Readers may have the new collections already: the migration is done.
            told = f"There is no certificate: {error.message} `weaviate-migration verify` makes one once there is room."
            return result.with_(warnings=[*result.warnings, told])
        return result.with_(certificate=url_of(path))

    def _measured(self, result: MigrationResult, cpu_before: float) -> MigrationResult:
        """With what was measured; also of a migration that failed."""
        if result.migration_id is None:
            return result
        record = self._newest
        cpu_seconds = _cpu_seconds() - cpu_before
        return result.with_(metrics=migration_metrics(self._config, self._work_folder, record, cpu_seconds))

    def _closed(
        self, result: MigrationResult, client: WeaviateClient, failures: Sequence[StepFailure]
    ) -> MigrationResult:
        """What is left to do: give up what failed, or remove a snapshot that was wanted for reading only.

        Args:
            failures: of the run.
        """
        if result.migration_id is None:
            return result
        record = self._newest
        if result.failed_records:
            result = result.with_(errors=[*result.errors, *self._refusals(record)])
        if result.exit_code == MigrationError.exit_code:
            next_step = self._give_up(client, record, failures)
            return result.with_(errors=_told_for_migrate(result.errors, failures, record), next_step=next_step)
        if not result.success or record.snapshot is None:
            return result
        result = result.with_(next_step=f"{result.next_step} {_about_changes(record.snapshot)}")
        if self._config.backup_before_migration:
            return result
        remove(record.snapshot.path)
        return result.with_(backup=None)

    def _refusals(self, record: MigrationRecord) -> Iterator[str]:
        """For each collection with quarantined rows: the first of them, and where they all are."""
        for each in self._mapping.collections:
            rows = list(islice(self._work_folder.quarantine(record, each).index(), NAMED_ROWS))
            if rows:
                named = "; ".join(f"{row.key}: {row.reason}" for row in rows)
                files = self._work_folder.quarantine_folder / f"{record.collection(each)}.*.jsonl"
                yield (
                    f"{record.alias(each)}: rows were refused, with key, reason and payload in {url_of(files)}; "
                    f"`weaviate-migration quarantine list` shows them; first {named}"
                )

    def _give_up(self, client: WeaviateClient, record: MigrationRecord, failures: Sequence[StepFailure]) -> str:
        """Removes what it has made, unless the same command can go on with it; says what comes next."""
        is_another = any(each.is_about_capture for each in failures)
        begins = "`weaviate-migration migrate --live` begins another one, with the file as it is"
        stays = f"Migration {record.id} stays unfinished"
        if record.cutover is not None:
            return f"{stays}, since its cutover had begun. {next_step(Phase.VALIDATION)}"
        if not self._config.rollback_on_failure:
            removed = f"`weaviate-migration rollback --discard` removes it, and then {begins}"
            return f"{stays}; {removed if is_another else 'the same command goes on with it'}."
        if not answers(client):
            return f"Weaviate is gone. {stays}; the same command goes on with it once the server is back."
        if any(each.is_about_models for each in failures):
            return f"{stays}; once its cause is gone, the same command goes on with it: no vector is made twice."
        if any(each.may_pass for each in failures):
            return f"The cause may pass. {stays}; the same command goes on with it."
        roll_back(client, self._work_folder, record, discard=True)
        snapshot = "; the snapshot stays" if record.snapshot else ""
        then = f"; {begins}" if is_another else ""
        return f"Rolled back: the collections of migration {record.id} are removed{snapshot}{then}."


def run_migration(
    config: MigrationConfig | str | None = None, weaviate_url: str | None = None, **options: Any
) -> MigrationResult:
    """Migrates one SQLite file into Weaviate.

    Args:
        config: the settings; or the SQLite file, a path or a URL `sqlite:///path`, with the others beside it.
        weaviate_url: where to; otherwise what the environment says, or an embedded server.
        options: other fields of `MigrationConfig`.

    Returns:
        What became of it; a migration that failed is a result too.

    Raises:
        ConfigurationError: a setting is wrong, or is given beside settings that are complete.
    """
    if not isinstance(config, MigrationConfig):
        source = {} if config is None else {"sqlite_url": config}
        config = create_migration_config(weaviate_url=weaviate_url, **source, **options)
    elif given := [*(["weaviate_url"] if weaviate_url is not None else []), *options]:
        raise ConfigurationError(
            f"{', '.join(given)}: given beside a config, which has all settings.",
            f"Set it there: `config.{given[0]} = …`.",
        )
    return SQLiteToWeaviateMigrator(config).migrate()


def _told_for_migrate(errors: Sequence[str], failures: Sequence[StepFailure], record: MigrationRecord) -> list[str]:
    """The errors; without what mends a loaded migration, where `migrate` begins another one."""
    if record.cutover is not None:
        return list(errors)
    shortened = {each.message: each.without_hint for each in failures if each.is_about_capture}
    return [shortened.get(each, each) for each in errors]


def _note_end(result: MigrationResult) -> None:
    """Writes the end to the logs. On the terminal the command shows it."""
    for warning in result.warnings:
        logger.warning("%s", warning, extra={TOLD: True})
    logger.log(
        logging.INFO if result.success else logging.ERROR,
        "ended with exit code %d: %d of %d rows are in Weaviate, %d refused. %s",
        *(result.exit_code, result.migrated_records, result.total_records, result.failed_records, result.next_step),
        extra={TOLD: True},
    )


def _look_before(session: JobSession, client: WeaviateClient, address: ServerAddress) -> None:
    """The quick items of the preflight: what makes a migration impossible stops it before anything is made."""
    checklist = check_quickly(session.config, session.mapping, client, address, session.executor.processes)
    refuse_impossible(checklist)
    for each in checklist.having("warned"):
        logger.warning("%s: %s. %s", each.name, each.figure, each.remedy)


def _resuming(session: JobSession, selection: Sequence[dg.AssetKey] | None) -> dict[str, Any]:
    """Config of the collections' assets: what an interrupted run has loaded in whole is not loaded again."""
    steps = collection_steps(session.mapping.collections, session.names) if selection is not None else []
    return {name: {"config": {"resume": True}} for name in steps}


def _remarks(record: MigrationRecord | None) -> list[str]:
    """What SQLite's check said of the rows in the snapshot of this migration."""
    snapshot = record.snapshot if record is not None else None
    return [snapshot.remarks] if snapshot is not None and snapshot.remarks else []


def _left_out_unasked(mapping: Mapping, others: OtherTables) -> Iterator[str]:
    """What a mapping leaves out which nobody has written, but for tables without rows: it is for people to decide."""
    columns = [f"{each.table}.{name} ({why})" for each in mapping.collections for name, why in each.omit.items()]
    tables = [f"{name} ({each.reason})" for name, each in others.omitted.items() if each.rows != 0]
    if columns:
        yield (
            f"Columns left out by the mapping that was drawn up: {', '.join(columns)}. It is for you to decide: take "
            "such a column out of `omit` to migrate it, too."
        )
    if tables:
        yield f"Tables left out by the mapping that was drawn up: {', '.join(tables)}."


def _about_changes(snapshot: SnapshotRecord) -> str:
    """What becomes of changes that the application makes now."""
    if snapshot.captured is None:
        return "What changes after the snapshot is not followed: `migrate --live` captures and applies it."
    return "`weaviate-migration sync --follow` goes on applying what the application changes."


def _cpu_seconds() -> float:
    """CPU time so far, of this process and of those that it has started and that have ended."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in times)


def _peak_memory_mb() -> float:
    """The largest resident set so far of this process; the kernel's unit differs."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(own / unit, 1)
