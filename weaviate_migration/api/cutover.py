"""The Python API of the cutover: readers to the new collections."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from weaviate_migration.api.job_session import JobSession, opened_for_jobs
from weaviate_migration.api.postflight import failures_after
from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.logs import in_own_context, note_failure
from weaviate_migration.base.settings import CUTOVER_SECONDS, MigrationConfig
from weaviate_migration.monitoring.alerts import under_way
from weaviate_migration.phases.cutover.switch import bounded_for_cutover
from weaviate_migration.runs.events import run_verdict
from weaviate_migration.runs.jobs import CUT_OVER, CUTOVER
from weaviate_migration.work_folder.phase import Phase, next_step
from weaviate_migration.work_folder.record import MigrationRecord

logger = logging.getLogger(__name__)

POSTFLIGHT_SECONDS = 30.0
"""Readers have what they need by then: what is looked at afterwards keeps nobody waiting for long."""


@dataclass(frozen=True)
class CutoverResult:
    """What became of a cutover.

    Attributes:
        exit_code: what the command line ends with: 0, 1 failed or not ready in time, 2 wrong settings, 3 differences.
        position: in the change log, up to which changes were applied and compared; None without change capture.
        aliases: for each the collection that it points at now; empty where the aliases were not moved.
        previous_aliases: where each pointed before (None: it did not exist).
        switch_seconds: from the first alias to the last.
    """

    success: bool
    exit_code: int
    migration_id: str | None = None
    run_id: str | None = None
    position: int | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    previous_aliases: Mapping[str, str | None] = field(default_factory=dict)
    switch_seconds: float | None = None
    errors: Sequence[str] = ()
    next_step: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What `cutover --json` prints."""
        return asdict(self)


@in_own_context
def cut_over_migration(config: MigrationConfig, timeout: float = CUTOVER_SECONDS) -> CutoverResult:
    """Points the aliases at the migration's collections, once nothing speaks against it.

    Args:
        timeout: seconds until the aliases have to be moved; they are not moved later.

    Returns:
        What became of it; a cutover that was refused or failed is a result too.

    Raises:
        KeyboardInterrupt: Ctrl-C; the same call continues the cutover.
    """
    try:
        with opened_for_jobs(config, under_way.CUTOVER) as session:
            return session.concluded(_cut_over(session, timeout))
    except Exception as error:
        failure = note_failure(error)
        return CutoverResult(success=False, exit_code=failure.exit_code, errors=[failure.text])


def _cut_over(session: JobSession, timeout: float) -> CutoverResult:
    record = session.current_migration()
    _refuse_rolled_back(session.work_folder.records.newest(), record)
    if record.state == "cleaned up":
        return _cutover_result(record, 0, [])
    session.lock("cutover")
    with bounded_for_cutover(timeout):
        client = session.connect(session.mapping.headers)
    names = session.names
    # Without the report that follows in the UI.
    run = session.run(CUT_OVER, [names.asset(CUTOVER)], ops={names.step(CUTOVER): {"config": {"timeout": timeout}}})
    exit_code, errors = run_verdict(run.events)
    if exit_code == 0:
        with bounded(POSTFLIGHT_SECONDS):
            for sentence in failures_after(session, client):
                logger.warning("%s", sentence)
    return _cutover_result(session.work_folder.records.current(), exit_code, errors, run.run_id)


def _refuse_rolled_back(newest: MigrationRecord | None, in_use: MigrationRecord) -> None:
    """Readers have an older one since: to say that they find the new collections would be wrong."""
    if newest is not None and newest.state == "rolled back":
        raise ConfigurationError(
            f"Migration {newest.id}, the newest, was rolled back: readers have the collections of {in_use.id}.",
            "`weaviate-migration migrate` begins another one.",
        )


def _cutover_result(
    record: MigrationRecord, exit_code: int, errors: Sequence[str], run_id: str | None = None
) -> CutoverResult:
    done = exit_code == 0
    return CutoverResult(
        success=done,
        exit_code=exit_code,
        migration_id=record.id,
        run_id=run_id,
        position=record.cutover.position if record.cutover else None,
        aliases=record.targets if done else {},
        previous_aliases=record.previous_aliases if done else {},
        switch_seconds=record.cutover.switch_seconds if record.cutover else None,
        errors=errors,
        next_step=next_step(Phase.CUT_OVER) if done else "",
    )
