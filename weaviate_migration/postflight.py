"""The postflight: whether a migration serves its readers, item by item."""

import time
from collections.abc import Iterable, Iterator

from weaviate import WeaviateClient

from weaviate_migration.alerts.incidents import IncidentBook
from weaviate_migration.alerts.watch import alert_folder
from weaviate_migration.base.errors import ConfigurationError, MigrationError, ServerNotUsableError, TargetError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.check_report import CheckStatus, read_check_report
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.phases.validation.certificate import read_certificate
from weaviate_migration.row_counts import RowCounts, counted_rows
from weaviate_migration.status import FollowedChanges
from weaviate_migration.status_reading import followed_changes, quarantined_rows
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.connect import open_weaviate, parse_weaviate_url
from weaviate_migration.target.query import any_word, count_objects, finds_word
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem, Verdict
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord, refuse_another_mapping

# A `sync --follow` that runs has applied what is older than this.
LAG_SECONDS = 60.0
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


def aliases(client: WeaviateClient, record: MigrationRecord) -> ChecklistItem:
    """Whether each alias points at the migration's collection."""
    found = alias_targets(client, record.targets)
    wrong = [alias for alias, name in record.targets.items() if found[alias] != name]
    if not wrong:
        return ChecklistItem("aliases", "passed", f"{len(found)} point at the collections of migration {record.id}")
    figure = ", ".join(f"{alias} → {found[alias] or 'nothing'}" for alias in wrong)
    return ChecklistItem("aliases", "failed", figure, "`weaviate-migration cutover` moves them.")


def counts(client: WeaviateClient, record: MigrationRecord, rows: RowCounts) -> ChecklistItem:
    """Whether each collection has as many objects as its table has rows, those in the quarantine left out."""
    try:
        objects = {alias: count_objects(client.collections.use(name)) for alias, name in record.targets.items()}
    except TargetError as error:
        return ChecklistItem("counts", "failed", error.message, "`weaviate-migration migrate` makes it again.")
    differing = [
        f"{alias}: {objects[alias]:,} objects for {expected:,} rows"
        for alias, expected in rows.expected.items()
        if abs(objects[alias] - expected) > rows.pending
    ]
    if differing:
        remedy = f"`weaviate-migration verify` names what differs, `verify --repair` mends it. {rows.caution}".strip()
        return ChecklistItem("counts", "warned" if rows.caution else "failed", "; ".join(differing), remedy)
    pending = f", {rows.pending:,} changes pending" if rows.pending else ""
    total = f"{sum(objects.values()):,} objects for {sum(rows.expected.values()):,} rows"
    return ChecklistItem("counts", "passed", f"{total} of {rows.source}{pending}")


def search(client: WeaviateClient, mapping: Mapping, record: MigrationRecord) -> ChecklistItem:
    """Whether readers get answers through each alias: a count, and a BM25 search for a word that an object has."""
    failed: list[str] = []
    searches, slowest = 0, 0.0
    for each in mapping.collections:
        collection = client.collections.use(record.alias(each))
        searchable = [prop.name for prop in each.properties if prop.index == "words"]
        began = time.monotonic()
        try:
            count_objects(collection)
            word = any_word(collection, searchable)
            if word is not None:
                searches += 1
                if not finds_word(collection, word, searchable):
                    failed.append(f"{record.alias(each)}: “{word}” finds nothing")
        except TargetError as error:
            failed.append(f"{record.alias(each)}: {error.message}")
        slowest = max(slowest, time.monotonic() - began)
    if failed:
        remedy = "See the server's log; `weaviate-migration verify` searches for more."
        return ChecklistItem("search", "failed", "; ".join(failed), remedy)
    answered = f"{len(mapping.collections)} aliases answer a count, {searches} a BM25 search"
    return ChecklistItem("search", "passed", f"{answered}; at most {1000 * slowest:.0f} ms")


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


def lag(followed: FollowedChanges | None) -> ChecklistItem:
    """How far the objects are behind the rows; None where changes are not followed."""
    if followed is None:
        return ChecklistItem("lag", "skipped", "changes of the source are not followed")
    if followed.problem:
        return ChecklistItem(
            "lag", "failed", followed.problem, "`weaviate-migration verify --repair` finds and mends it."
        )
    figure = f"{followed.changes:,} changes, {followed.seconds:.1f} s behind"
    if not followed.changes:
        return ChecklistItem("lag", "passed", figure)
    verdict: Verdict = "failed" if followed.seconds > LAG_SECONDS else "warned"
    return ChecklistItem("lag", verdict, figure, "`weaviate-migration sync --follow` applies them.")


def quarantine(rows: dict[str, int]) -> ChecklistItem:
    """Whether rows were refused, by alias."""
    if not rows:
        return ChecklistItem("quarantine", "passed", "0 rows")
    figure = ", ".join(f"{number:,} rows of {alias}" for alias, number in rows.items())
    remedy = "`weaviate-migration quarantine list` names them, with reasons."
    return ChecklistItem("quarantine", "failed", figure, remedy)


def alerts(config: MigrationConfig) -> ChecklistItem:
    """Whether any incident is open that was, or is to be, alerted of."""
    folder = alert_folder(config)
    if not folder.is_dir():
        return ChecklistItem("alerts", "skipped", "nothing was watched: no command had --alerts")
    incidents = IncidentBook(folder).open_incidents()
    if not incidents:
        return ChecklistItem("alerts", "passed", "0 incidents are open")
    figure = f"{len(incidents)} open: {'; '.join(each.title for each in incidents)}"
    return ChecklistItem("alerts", "failed", figure, "`weaviate-migration alerts list` says what each is about.")


def certificate(record: MigrationRecord, work_folder: WorkFolder) -> ChecklistItem:
    """Whether a full comparison of this migration is certified."""
    remedy = "`weaviate-migration verify` compares everything, and writes one."
    try:
        found = read_certificate(work_folder.folder)
    except ValueError:
        return ChecklistItem("certificate", "warned", "it is damaged", remedy)
    if found is None:
        return ChecklistItem("certificate", "warned", "there is none yet", remedy)
    if found["migration_id"] != record.id:
        return ChecklistItem("certificate", "warned", f"it is of migration {found['migration_id']}", remedy)
    when = found["compared"]["completed_at"]
    if not found["identical"]:
        return ChecklistItem("certificate", "failed", f"{found['differences']:,} differences, {when}", remedy)
    return ChecklistItem("certificate", "passed", f"both sides are identical, {when}")


def _without_server(
    config: MigrationConfig, record: MigrationRecord, work_folder: WorkFolder
) -> Iterator[ChecklistItem]:
    yield lag(followed_changes(work_folder, record))
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
