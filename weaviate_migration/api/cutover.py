"""The Python API of a migration's end: readers to the new collections; and what is removed afterwards."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from weaviate_migration.api.postflight import failures_after
from weaviate_migration.api.session import exposed_metrics, watched_result
from weaviate_migration.base.logs import configure_logging, in_own_context, note_failure
from weaviate_migration.base.settings import CUTOVER_SECONDS, MigrationConfig, api_key_in_environment
from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.alerts import under_way
from weaviate_migration.runs.events import run_verdict
from weaviate_migration.runs.jobs import CUT_OVER, CUTOVER, SWITCH_ALONE
from weaviate_migration.runs.runner import dagster_instance, end_killed_runs, run_job
from weaviate_migration.target.connect import open_weaviate, parse_weaviate_url
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.phase import Phase, next_step
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping

logger = logging.getLogger(__name__)


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
        KeyboardInterrupt: Ctrl-C; the same call goes on with it.
    """
    try:
        return watched_result(config, under_way.CUTOVER, lambda: _cut_over(config, timeout))
    except Exception as error:
        failure = note_failure(error)
        return CutoverResult(success=False, exit_code=failure.exit_code, errors=[failure.text])


def _cut_over(config: MigrationConfig, timeout: float) -> CutoverResult:
    configure_logging(config.log_level, config.log_file, config.log_format)
    mapping = read_mapping(config.mapping)
    work_folder = WorkFolder(config.work_dir.absolute(), config.extracts)
    record = work_folder.records.current()
    refuse_another_mapping(record, mapping)
    if record.state == "cleaned up":
        return _result(record, 0, [])
    target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
    with (
        exposed_metrics(config),
        work_folder.locked(),
        api_key_in_environment(config.weaviate_api_key),
        open_weaviate(target, work_folder.folder, config.weaviate_api_key) as client,
        dagster_instance(config.work_dir) as instance,
    ):
        end_killed_runs(instance)
        run = run_job(
            instance, config, mapping, CUT_OVER, SWITCH_ALONE, ops={CUTOVER: {"config": {"timeout": timeout}}}
        )
        exit_code, errors = run_verdict(run.events)
        if exit_code == 0:
            for sentence in failures_after(config, client):
                logger.warning("%s", sentence)
    return _result(work_folder.records.current(), exit_code, errors, run.run_id)


def _result(record: MigrationRecord, exit_code: int, errors: Sequence[str], run_id: str | None = None) -> CutoverResult:
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
