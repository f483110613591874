"""Looks at the last migration, item by item, and stores what it found."""

from collections.abc import Iterable, Iterator

from weaviate import WeaviateClient

from weaviate_migration.api.checks import read_check_report
from weaviate_migration.api.server_session import ServerSession, opened_with_server
from weaviate_migration.base.errors import MigrationError, ServerNotUsableError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.query_file import Queries
from weaviate_migration.monitoring.postflight import (
    alerts,
    aliases,
    certificate,
    counts,
    lag,
    pending_vectors,
    quarantine,
    queries,
    search,
    tables,
    vectors,
)
from weaviate_migration.monitoring.row_counts import counted_rows
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.phases.validation.application_queries import vectors_of_queries
from weaviate_migration.runs.checks import CheckStatus
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem
from weaviate_migration.work_folder.folder import lacking_vectors, quarantined_rows
from weaviate_migration.work_folder.record import MigrationRecord

_ASK_SERVER = ("aliases", "counts", "search")


def check_postflight(config: MigrationConfig) -> Checklist:
    """Looks at the last migration, and stores what it found in the work folder; an embedded server is started for it.

    Raises:
        ConfigurationError: no migration is on record, or it had another mapping; the file of queries is wrong.
    """
    with opened_with_server(config) as session:
        record = _looked_at(session)
        try:
            client = session.connect(session.mapping.headers)
        except ServerNotUsableError as error:
            items = [ChecklistItem("server", "failed", error.message, error.hint)]
            asking = [*_ASK_SERVER, *(["vectors"] if _has_vectors(session.mapping) else [])]
            asking += ["queries"] if _asked(session).queries else []
            items += [ChecklistItem(name, "skipped", "there is no server to ask") for name in asking]
            return _saved_checklist([*items, checks(config), *_without_server(session, record)], session)
        return _checklist(session, client, checks(config))


def failures_after(session: ServerSession, client: WeaviateClient) -> list[str]:
    """A sentence for each item that failed, for a command that has just cut over. Nothing is raised or undone.

    The checks are not read again: the cutover has just done it, and with many it takes two seconds (measured).
    """
    read = ChecklistItem("checks", "passed", "every blocking one passed, as the cutover has read them")
    try:
        failed = _checklist(session, client, read).having("failed")
    except MigrationError as error:
        return [f"The postflight broke off: {error.message}"]
    return [f"postflight, {each.name}: {each.figure}. {each.remedy}" for each in failed]


def _checklist(session: ServerSession, client: WeaviateClient, of_checks: ChecklistItem) -> Checklist:
    """All items, stored in the work folder."""
    mapping, record = session.mapping, _looked_at(session)
    items = [
        aliases(client, record),
        counts(client, mapping, record, counted_rows(mapping, record, session.work_folder)),
        search(client, mapping, record),
        *([vectors(client, mapping, record)] if _has_vectors(mapping) else []),
        *_queries(session, client, record),
        of_checks,
        *_without_server(session, record),
    ]
    return _saved_checklist(items, session)


def _has_vectors(mapping: Mapping) -> bool:
    return any(each.vectors for each in mapping.collections)


def _queries(session: ServerSession, client: WeaviateClient, record: MigrationRecord) -> Iterator[ChecklistItem]:
    """The item of the application's own queries; none where there are none."""
    if (asked := _asked(session)).queries:
        vector_of = vectors_of_queries(session.models, session.mapping)
        yield queries(client, session.mapping, record, session.work_folder, asked, vector_of)


def _asked(session: ServerSession) -> Queries:
    return session.work_folder.queries.current(session.config.queries, session.mapping)


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


def _without_server(session: ServerSession, record: MigrationRecord) -> Iterator[ChecklistItem]:
    work_folder = session.work_folder
    yield tables(session.mapping, record, work_folder)
    yield lag(known_standing(work_folder, record))
    yield quarantine(quarantined_rows(work_folder, record))
    if lacking := lacking_vectors(work_folder, record):
        yield pending_vectors(lacking)
    yield alerts(session.config)
    yield certificate(record, work_folder)


def _looked_at(session: ServerSession) -> MigrationRecord:
    """The migration that is looked at."""
    record = session.work_folder.records.current()
    session.refuse_other_settings(record)
    session.mapping_of(record)
    return record


def _saved_checklist(items: Iterable[ChecklistItem], session: ServerSession) -> Checklist:
    checklist = Checklist.of("postflight", items)
    checklist.save(session.work_folder.store)
    return checklist
