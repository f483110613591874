"""The postflight: whether a migration serves its readers, item by item."""

import time
from collections.abc import Mapping as ReadOnlyMapping
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.base.errors import ConfigurationError, MigrationError, SourceError, TargetError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.texts import counted
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.query_file import Queries
from weaviate_migration.monitoring.alerts.incidents import IncidentBook
from weaviate_migration.monitoring.row_counts import RowCounts
from weaviate_migration.phases.dual_write.lag import known_standing
from weaviate_migration.phases.validation.application_queries import (
    QueryComparison,
    QuerySource,
    VectorOf,
    ask_queries,
    opened_query_source,
    query_file,
)
from weaviate_migration.phases.validation.certificate import read_certificate
from weaviate_migration.phases.validation.search import SEARCHED_TENANTS
from weaviate_migration.phases.validation.settling import Settling
from weaviate_migration.source.other_tables import read_other_tables
from weaviate_migration.source.plan import planned_source
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.figures import queued_vectors
from weaviate_migration.target.query import (
    any_vector,
    any_word,
    count_objects,
    counts_by_tenant,
    finds_near,
    finds_word,
)
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.tenants import of_tenant, tenants_of
from weaviate_migration.work_folder.checklist import ChecklistItem, Verdict
from weaviate_migration.work_folder.folder import WorkFolder, lacking_text
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import Standing

# A `sync --follow` that runs has applied what is older than this.
LAG_SECONDS = 60.0
SHOWN_TENANTS = 3


def aliases(client: WeaviateClient, record: MigrationRecord) -> ChecklistItem:
    """Whether each alias points at the migration's collection."""
    found = alias_targets(client, record.targets)
    wrong = [alias for alias, name in record.targets.items() if found[alias] != name]
    if not wrong:
        return ChecklistItem("aliases", "passed", f"{len(found)} point at the collections of migration {record.id}")
    figure = ", ".join(f"{alias} → {found[alias] or 'nothing'}" for alias in wrong)
    return ChecklistItem("aliases", "failed", figure, "`weaviate-migration cutover` moves them.")


def counts(client: WeaviateClient, mapping: Mapping, record: MigrationRecord, rows: RowCounts) -> ChecklistItem:
    """Whether each collection has as many objects as its table has rows, those in the quarantine left out.

    Where it has tenants, each of them.
    """
    settling, found = Settling(), list[_Counted]()
    try:
        for each in mapping.collections:
            collection = open_collection(client, record.collection(each))
            count = partial(_counted, collection, each, record.alias(each), rows)
            found.append(settling.settled(collection, count, lambda counted: not counted.differing))
    except TargetError as error:
        return ChecklistItem("counts", "failed", error.message, "`weaviate-migration migrate` makes it again.")
    if differing := [told for each in found for told in each.differing]:
        remedy = f"`weaviate-migration verify` names what differs, `verify --repair` mends it. {rows.caution}".strip()
        return ChecklistItem("counts", "warned" if rows.caution else "failed", "; ".join(differing), remedy)
    pending = f", {rows.pending:,} changes pending" if rows.pending else ""
    total = f"{sum(each.objects for each in found):,} objects for {sum(rows.expected.values()):,} rows"
    return ChecklistItem("counts", "passed", f"{total} of {rows.source}{pending}")


class _Counted(NamedTuple):
    """How many objects a collection has, and a sentence for itself and each of its tenants that should have others."""

    objects: int
    differing: list[str]


def _counted(collection: Collection[Any, Any], mapping: CollectionMapping, alias: str, rows: RowCounts) -> _Counted:
    if (tenants := tenants_of(collection, mapping)) is None:
        objects, of_tenants = count_objects(collection), list[str]()
    else:
        by_tenant = counts_by_tenant(collection, tenants)
        objects, of_tenants = sum(by_tenant.values()), _differing_tenants(alias, by_tenant, rows)
    return _Counted(objects, [*_differing({alias: objects}, {alias: rows.expected[alias]}, rows.pending), *of_tenants])


def _differing(objects: ReadOnlyMapping[str, int], expected: ReadOnlyMapping[str, int], pending: int) -> list[str]:
    """A sentence for each that has not as many objects as rows, but for changes that are pending."""
    return [
        f"{name}: {objects.get(name, 0):,} objects for {expected.get(name, 0):,} rows"
        for name in sorted({*objects, *expected})
        if abs(objects.get(name, 0) - expected.get(name, 0)) > pending
    ]


def _differing_tenants(alias: str, objects: ReadOnlyMapping[str, int], rows: RowCounts) -> list[str]:
    """The first tenants of which as much is to be said, and how many there are more."""
    tenants = _differing(objects, rows.by_tenant[alias], rows.pending + rows.unplaced[alias])
    more = [f"{alias}: {counted(len(tenants) - SHOWN_TENANTS, 'tenant')} more"] if tenants[SHOWN_TENANTS:] else []
    return [*(f"{alias}, tenant {each}" for each in tenants[:SHOWN_TENANTS]), *more]


def tables(mapping: Mapping, record: MigrationRecord, work_folder: WorkFolder) -> ChecklistItem:
    """Whether every row of the source is in a collection, also those of tables that got rows, or were made, since."""
    try:
        with planned_source(record.source, mapping, work_folder.scratch) as (database, plan):
            found = read_other_tables(record.source, database, plan)
    except (ConfigurationError, SourceError) as error:
        return ChecklistItem("tables", "skipped", f"the source cannot be read: {error.message}")
    if found.is_everything_mapped:
        return ChecklistItem("tables", "passed", found.sentence)
    since = [table for table in found.passed_over if table not in record.passed_over]
    figure = f"{found.sentence}; since the snapshot: {', '.join(since)}" if since else found.sentence
    verdict: Verdict = "failed" if found.passed_over and mapping.unmapped == "refuse" else "warned"
    return ChecklistItem("tables", verdict, figure, found.remedy)


def search(client: WeaviateClient, mapping: Mapping, record: MigrationRecord) -> ChecklistItem:
    """Whether readers get answers through each alias: a count, and a BM25 search for a word that an object has."""
    failed: list[str] = []
    searches, slowest = 0, 0.0
    for each in mapping.collections:
        collection = open_collection(client, record.alias(each))
        began = time.monotonic()
        try:
            tenants = tenants_of(collection, each)
            count_objects(collection, tenants)
            for tenant in [None] if tenants is None else _some(tenants):
                objects, name = of_tenant(collection, tenant), _named(record.alias(each), tenant)
                if (found := any_word(objects, each)) is not None:
                    prop, word = found
                    searches += 1
                    if not finds_word(objects, prop, word):
                        failed.append(f"{name}: “{word}” in {prop} finds nothing")
        except TargetError as error:
            failed.append(f"{record.alias(each)}: {error.message}")
        slowest = max(slowest, time.monotonic() - began)
    if failed:
        remedy = "See the server's log; `weaviate-migration verify` searches for more."
        return ChecklistItem("search", "failed", "; ".join(failed), remedy)
    answered = f"{len(mapping.collections)} aliases answer a count, {searches} a BM25 search"
    return ChecklistItem("search", "passed", f"{answered}; at most {1000 * slowest:.0f} ms")


def vectors(client: WeaviateClient, mapping: Mapping, record: MigrationRecord) -> ChecklistItem:
    """Whether readers find what is near through each alias: by a vector that an object has, of each name."""
    failed: list[str] = []
    searches, slowest = 0, 0.0
    for each in mapping.collections:
        collection = open_collection(client, record.alias(each))
        try:
            tenants = tenants_of(collection, each)
            for tenant in [None] if tenants is None else _some(tenants):
                objects, name = of_tenant(collection, tenant), _named(record.alias(each), tenant)
                for vector in each.vectors:
                    if (numbers := any_vector(objects, vector.name)) is None:
                        continue
                    searches, began = searches + 1, time.monotonic()
                    if not finds_near(objects, vector.name, numbers):
                        failed.append(f"{name}: nothing is near a vector {vector.name} that an object has")
                    slowest = max(slowest, time.monotonic() - began)
        except TargetError as error:
            failed.append(f"{record.alias(each)}: {error.message}")
    if failed:
        remedy = "See the server's log; `weaviate-migration verify` compares every vector, and measures the recall."
        return ChecklistItem("vectors", "failed", "; ".join(failed), remedy)
    figure = f"searched by {counted(searches, 'vector')}, each finds something; at most {1000 * slowest:.0f} ms"
    if waiting := queued_vectors(client, record.targets.values()):
        remedy = "Weaviate is at it: searches find few of the nearest until then."
        return ChecklistItem("vectors", "warned", f"{figure}; {waiting:,} vectors wait for their index", remedy)
    return ChecklistItem("vectors", "passed", figure)


def queries(
    client: WeaviateClient,
    mapping: Mapping,
    record: MigrationRecord,
    work_folder: WorkFolder,
    asked: Queries,
    vector_of: VectorOf,
) -> ChecklistItem:
    """Whether the application's own queries find through the aliases what they have to find."""
    followed = known_standing(work_folder, record)
    path = query_file(work_folder, record, as_it_is_now=followed is not None)
    try:
        with opened_query_source(path, mapping, work_folder) as source:
            try:
                compared = _compared_queries(client, mapping, record, source, asked, vector_of)
            except MigrationError as error:
                return ChecklistItem("queries", "failed", error.message, error.hint)
    except (ConfigurationError, SourceError) as error:
        return ChecklistItem("queries", "skipped", f"the source cannot be read: {error.message}")
    if not compared.failures:
        return ChecklistItem("queries", "passed", compared.to_text())
    if followed is not None and followed.changes:
        remedy = f"{followed.changes:,} changes are pending: `weaviate-migration sync` applies them. Then look again."
        return ChecklistItem("queries", "warned", compared.to_text(), remedy)
    remedy = "Look at how the mapping indexes what they search, or correct what they expect: --queries."
    return ChecklistItem("queries", "failed", compared.to_text(), remedy)


def _compared_queries(
    client: WeaviateClient,
    mapping: Mapping,
    record: MigrationRecord,
    source: QuerySource,
    asked: Queries,
    vector_of: VectorOf,
) -> QueryComparison:
    """All queries together, each asked through the alias of its collection."""
    compared = (
        ask_queries(
            asked.of(each),
            source.plan.of(each),
            open_collection(client, record.alias(each)),
            source.selects,
            vector_of,
        )
        for each in mapping.collections
    )
    return QueryComparison(tuple(query for each in compared for query in each.asked))


def _some(tenants: Sequence[str]) -> Sequence[str]:
    """So many of them as are searched, from the first to the last."""
    return tenants[:: max(1, -(-len(tenants) // SEARCHED_TENANTS))]


def _named(alias: str, tenant: str | None) -> str:
    return alias if tenant is None else f"{alias}, tenant {tenant}"


def lag(followed: Standing | None) -> ChecklistItem:
    """How far the objects are behind the rows; None where changes are not followed."""
    if followed is None:
        return ChecklistItem("lag", "skipped", "changes of the source are not followed")
    if followed.problem:
        remedy = followed.remedy or "Try again when the source can be read."
        return ChecklistItem("lag", "failed", followed.problem, remedy)
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


def pending_vectors(lacking: ReadOnlyMapping[str, ReadOnlyMapping[str, int]]) -> ChecklistItem:
    """Whether objects lack vectors that their model could not make, by alias and vector."""
    if not lacking:
        return ChecklistItem("pending vectors", "passed", "0 objects lack one that we make")
    remedy = "`weaviate-migration sync` makes them once the model answers."
    return ChecklistItem("pending vectors", "failed", lacking_text(lacking), remedy)


def alerts(config: MigrationConfig) -> ChecklistItem:
    """Whether any incident is open that was, or is to be, alerted of."""
    book = IncidentBook(WorkFolder.of(config))
    if not book.is_in_use:
        return ChecklistItem("alerts", "skipped", "nothing was watched: no command had --alerts")
    incidents = book.open_incidents()
    if not incidents:
        return ChecklistItem("alerts", "passed", "0 incidents are open")
    figure = f"{len(incidents)} open: {'; '.join(each.title for each in incidents)}"
    return ChecklistItem("alerts", "failed", figure, "`weaviate-migration alerts list` says what each is about.")


def certificate(record: MigrationRecord, work_folder: WorkFolder) -> ChecklistItem:
    """Whether a full comparison of this migration is certified."""
    remedy = "`weaviate-migration verify` compares everything, and writes one."
    try:
        found = read_certificate(work_folder)
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
