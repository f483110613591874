"""Looks at the last migration, item by item, and stores what it found."""

from collections.abc import Iterable, Iterator

from weaviate import WeaviateClient

from weaviate_migration.api.checks import read_check_report
from weaviate_migration.base.errors import ConfigurationError, MigrationError, ServerNotUsableError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.monitoring.postflight import alerts, aliases, certificate, counts, lag, quarantine, search
from weaviate_migration.monitoring.row_counts import counted_rows
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.runs.checks import CheckStatus
from weaviate_migration.target.connect import open_weaviate, parse_weaviate_url
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem
from weaviate_migration.work_folder.folder import WorkFolder, quarantined_rows
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping

_ASK_SERVER = ("aliases", "counts", "search")


def check_postflight(config: MigrationConfig) -> Checklist:
    """Looks at the last migration, and stores what it found in the work folder; an embedded server is started for it.

    Raises:
        ConfigurationError: no migration is on record, or it had another mapping.
    """
    work_folder = WorkFolder(config.work_dir.absolute(), config.extracts)
    target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
    _, record = _subject(config, work_folder)
    try:
        with open_weaviate(target, work_folder.folder, config.weaviate_api_key) as client:
            return _looked_after(config, client, checks(config))
    except ServerNotUsableError as error:
        items = [ChecklistItem("server", "failed", error.message, error.hint)]
    items += [ChecklistItem(name, "skipped", "there is no server to ask") for name in _ASK_SERVER]
    return _stored([*items, checks(config), *_without_server(config, record, work_folder)], work_folder)


def failures_after(config: MigrationConfig, client: WeaviateClient) -> list[str]:
    """A sentence for each item that failed, for who has just cut over: nothing is raised, nothing is undone.

    The checks are not read again: the cutover has just done it, and with many it takes two seconds (measured).
    """
    read = ChecklistItem("checks", "passed", "every blocking one passed, as the cutover has read them")
    try:
        failed = _looked_after(config, client, read).having("failed")
    except MigrationError as error:
        return [f"The postflight broke off: {error.message}"]
    return [f"postflight, {each.name}: {each.figure}. {each.remedy}" for each in failed]


def _looked_after(config: MigrationConfig, client: WeaviateClient, of_checks: ChecklistItem) -> Checklist:
    work_folder = WorkFolder(config.work_dir.absolute(), config.extracts)
    mapping, record = _subject(config, work_folder)
    items = [
        aliases(client, record),
        counts(client, record, counted_rows(mapping, record, work_folder)),
        search(client, mapping, record),
        of_checks,
        *_without_server(config, record, work_folder),
    ]
    return _stored(items, work_folder)


def checks(config: MigrationConfig) -> ChecklistItem:
    """What the checks said last."""
    report = read_check_report(config)
    told = ", ".join(f"{number} {status}" for status, number in report.totals.items() if number)
    if not report.success:
        remedy = "`weaviate-migration checks` shows them, `weaviate-migration verify` runs them again."
        return ChecklistItem("checks", "failed", told, remedy)
    if report.totals[CheckStatus.WARNED]:
        return ChecklistItem("checks", "warned", told, "`weaviate-migration checks` says what they warn of.")
    return ChecklistItem("checks", "passed", told)


def _without_server(
    config: MigrationConfig, record: MigrationRecord, work_folder: WorkFolder
) -> Iterator[ChecklistItem]:
    yield lag(known_standing(work_folder, record))
    yield quarantine(quarantined_rows(work_folder, record))
    yield alerts(config)
    yield certificate(record, work_folder)


def _subject(config: MigrationConfig, work_folder: WorkFolder) -> tuple[Mapping, MigrationRecord]:
    """The mapping, and the migration that is looked at."""
    mapping = read_mapping(config.mapping)
    record = work_folder.records.newest_in_use()
    if record is None:
        raise ConfigurationError(
            f"No migration in {work_folder.folder} is unfinished or cut over.",
            "`weaviate-migration migrate` begins one.",
        )
    refuse_another_mapping(record, mapping)
    return mapping, record


def _stored(items: Iterable[ChecklistItem], work_folder: WorkFolder) -> Checklist:
    checklist = Checklist.of("postflight", items)
    checklist.save(work_folder.folder)
    return checklist
