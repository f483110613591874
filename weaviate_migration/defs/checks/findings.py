"""What the checks store of what `phases/validation` found: verdict, severity, a sentence, figures."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypedDict

import dagster as dg

from weaviate_migration.base.texts import as_code
from weaviate_migration.phases.validation.application_queries import AskedQuery, QueryComparison
from weaviate_migration.phases.validation.containment import Containment
from weaviate_migration.phases.validation.differences import Difference, is_vector
from weaviate_migration.phases.validation.partition_comparison import (
    CountComparison,
    PartitionComparison,
    VectorCounts,
    vector_counts,
)
from weaviate_migration.phases.validation.recall import NEIGHBOURS, RecallComparison
from weaviate_migration.phases.validation.relations import RelationComparison
from weaviate_migration.phases.validation.samples import SampleComparison
from weaviate_migration.phases.validation.search import SearchComparison
from weaviate_migration.runs.jobs import ASKED

# The first differences are shown in a check's metadata, all of them are counted.
SHOWN_IN_METADATA = 20


class Finding(TypedDict):
    """The arguments of an evaluation."""

    passed: bool
    severity: dg.AssetCheckSeverity
    description: str
    metadata: dict[str, Any]


def _finding(
    passed: bool,
    description: str,
    metadata: dict[str, Any],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> Finding:
    return Finding(passed=passed, severity=severity, description=description, metadata=metadata)


def count_finding(compared: CountComparison) -> Finding:
    """Of `count`."""
    return _finding(compared.passed, compared.to_text(), {"rows": compared.rows, "objects": compared.objects})


def every_object_finding(compared: PartitionComparison) -> Finding:
    """Of `every_object`."""
    return _finding(
        compared.passed,
        compared.to_text(),
        {
            "rows": compared.rows,
            "objects": compared.objects,
            "missing": compared.missing,
            "extra": compared.extra,
            "altered": compared.altered,
            "differences": compared.total,
            "source_digest": compared.source_digest,
            "target_digest": compared.target_digest,
            **_first(compared.differences),
        },
    )


def sample_finding(compared: SampleComparison) -> Finding:
    """Of `sample`."""
    found = len(compared.differences)
    verdict = f"{found} differences. Materialize their partitions again." if found else "no difference."
    return _finding(
        not found,
        f"{compared.rows} rows compared, every property: {verdict}",
        {
            "rows_compared": compared.rows,
            "seed": compared.seed,
            "differences": found,
            **_first(compared.differences),
        },
    )


def uuids_finding(compared: Sequence[PartitionComparison]) -> Finding:
    """Of `uuids`: each object's follows from its key, and none is there twice."""
    objects = sum(each.objects for each in compared)
    wrong = sum(each.wrong_uuid_count for each in compared)
    repeated = sum(each.repeated_uuids for each in compared)
    first = [named for each in compared for named in each.wrong_uuids][:SHOWN_IN_METADATA]
    text = f"{objects} UUIDs computed again from the keys: "
    text += f"{wrong} do not follow from their key, {repeated} keys or UUIDs are there twice."
    if wrong or repeated:
        text += " Materializing the partition again removes such objects; rows that share a key are in the quarantine."
    return _finding(
        not wrong and not repeated,
        text,
        {"objects": objects, "wrong": wrong, "repeated": repeated, "first_wrong": _listed(first)},
    )


def types_finding(schema_differences: Sequence[str], compared: Sequence[PartitionComparison]) -> Finding:
    """Of `types`: the live schema is the mapping's, and every value has its type."""
    objects = sum(each.objects for each in compared)
    wrong: dict[str, int] = {}
    for name, count in (pair for each in compared for pair in each.wrong_types.items()):
        wrong[name] = wrong.get(name, 0) + count
    told = [*schema_differences, *(f"{count} values of `{name}` have another type" for name, count in wrong.items())]
    text = "; ".join(told) or "the schema is the mapping's, every value has its type"
    hint = ". A collection is made again with `rollback --discard` and `migrate`." if told else "."
    return _finding(
        not told,
        f"{objects} objects: {text}{hint}",
        {"objects": objects, "schema_differences": len(schema_differences), "wrong_values": sum(wrong.values())},
    )


def vectors_finding(compared: Sequence[PartitionComparison]) -> Finding:
    """Of `vectors`: another vector is an ERROR, one that nobody knows a WARN."""
    counts = vector_counts(compared)
    whole = sum(counts.values(), VectorCounts())
    found = f"{whole.differing} objects differ" if whole.differing else "no difference"
    told = [f"{whole.compared} vectors compared, each number bit for bit: {found}"]
    if whole.by_server:
        told.append(f"{whole.by_server} are there that the server has made")
    if whole.lacking:
        told.append(f"{whole.lacking} are not made yet: `weaviate-migration status` says why")
    if whole.unknown:
        told.append(f"{whole.unknown} are not compared, since the cache does not have them any more")
    text = "; ".join(told)
    if whole.differing:
        text += ". `weaviate-migration verify --repair`, or materializing the partition, mends them"
    first = [each for partition in compared for each in partition.differences if is_vector(each.property)]
    return _finding(
        not whole.differing and not whole.unknown,
        f"{text}.",
        {
            **{f"{name}: {field}": count for name, each in counts.items() for field, count in asdict(each).items()},
            **_first(first),
        },
        dg.AssetCheckSeverity.ERROR if whole.differing else dg.AssetCheckSeverity.WARN,
    )


def recall_finding(compared: RecallComparison) -> Finding:
    """Of `recall`: too little is an ERROR where the mapping says how much, or where the index must lack vectors."""
    return _finding(
        compared.passed,
        compared.to_text(),
        {
            **{f"{each.name}: recall@{NEIGHBOURS}": round(each.recall, 4) for each in compared.vectors},
            **{f"{each.name}: queries": each.queries for each in compared.vectors},
            "waiting for their index": compared.waiting,
        },
        dg.AssetCheckSeverity.ERROR if compared.is_broken else dg.AssetCheckSeverity.WARN,
    )


def relations_finding(compared: Sequence[RelationComparison], not_loaded: Sequence[str]) -> Finding:
    """Of `relations`: what the migration broke is an ERROR, orphans and other spellings of the source are a WARN.

    Args:
        not_loaded: collections of parents that are not loaded as a whole; what is missing in them is not broken.
    """
    broken = [each for each in compared if not each.intact and each.to_collection not in not_loaded]
    orphans = sum(each.orphaned_children for each in compared)
    astray = sum(each.astray_children for each in compared)
    texts = [each.to_text() for each in compared]
    texts += [f"{name} is not loaded as a whole yet: materialize its other partitions" for name in not_loaded]
    return _finding(
        not broken and not orphans and not astray and not not_loaded,
        "; ".join(texts or ["the file has no such table or column: nothing to look up"]) + ".",
        {
            "parents": sum(each.parents for each in compared),
            "lost": sum(each.lost for each in compared),
            "invented": sum(each.invented for each in compared),
            "orphans": orphans,
            "astray": astray,
            "first_orphans": _listed([f"{each.column}: {key}" for each in compared for key in each.first_orphans]),
        },
        dg.AssetCheckSeverity.ERROR if broken else dg.AssetCheckSeverity.WARN,
    )


def search_finding(compared: SearchComparison) -> Finding:
    """Of `search`."""
    return _finding(
        compared.passed,
        compared.to_text(),
        {
            "searches": len(compared.searches),
            "failed": len(compared.failures),
            "searched": _listed(compared.searches),
            **_containments(compared.containments),
        },
        dg.AssetCheckSeverity.ERROR if compared.is_at_fault else dg.AssetCheckSeverity.WARN,
    )


def queries_finding(compared: QueryComparison, queued: int) -> Finding:
    """Of `queries`.

    Args:
        queued: vectors that Weaviate had not indexed, though they were waited for.
    """
    waiting = f" {queued:,} vectors are not indexed yet: what they would find is not found." if queued else ""
    times = {"weaviate_ms": compared.median_seconds, "sqlite_ms": compared.median_sql_seconds}
    return _finding(
        not compared.failures,
        compared.to_text() + waiting,
        {
            "queries": len(compared.asked),
            "failed": len(compared.failures),
            **{name: _milliseconds(seconds) for name, seconds in times.items() if seconds is not None},
            ASKED: dg.MetadataValue.table([dg.TableRecord(_asked_query(each)) for each in compared.asked]),
        },
    )


def _asked_query(asked: AskedQuery) -> dict[str, str | int | float]:
    """A line of the table; what was not asked is left empty."""
    query = asked.query
    figures = {
        "shared_with_sqlite": asked.share,
        "weaviate_ms": _milliseconds(asked.seconds),
        "sqlite_ms": _milliseconds(asked.sql_seconds),
    }
    return {
        "query": query.name,
        "by": query.kind,
        "first": query.k,
        "wanted": len(query.keys),
        "found": len(query.keys) - len(asked.missing) if not asked.problem else 0,
        **{name: "" if figure is None else round(figure, 3) for name, figure in figures.items()},
        "shortcomings": "; ".join(asked.shortcomings),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)


def not_loaded_finding(lacking: Sequence[str]) -> Finding:
    """Of `queries` where the collection is not loaded as a whole: what is not there cannot be found."""
    return _finding(
        False,
        f"Not asked: partitions {', '.join(lacking)} are not loaded yet. Materialize them, and it is executed again.",
        {},
        dg.AssetCheckSeverity.WARN,
    )


def _containments(compared: Sequence[Containment]) -> dict[str, Any]:
    """The smallest share of what SQLite's full-text search finds, and a line for each property."""
    if not compared:
        return {}
    records = [
        dg.TableRecord(
            {
                "property": each.of_property,
                "searched_in_sqlite": each.index,
                "queries": each.queries,
                "hits": each.hits,
                "found": each.found,
                "containment": round(each.share, 4),
            }
        )
        for each in compared
    ]
    smallest = min(each.share for each in compared)
    return {"containment": round(smallest, 4), "containments": dg.MetadataValue.table(records)}


def no_snapshot_finding() -> Finding:
    """Of `relations` where the snapshot is gone."""
    return _finding(
        False,
        "Not compared: the snapshot, which knows the parents, was removed (`--no-backup`).",
        {},
        dg.AssetCheckSeverity.WARN,
    )


def _listed(texts: Sequence[str]) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md("\n".join(f"- {as_code(each)}" for each in texts) or "none")


def _first(differences: Sequence[Difference]) -> dict[str, dg.TableMetadataValue]:
    """The first differences as a table: key, property, expected, found."""
    if not differences:
        return {}
    rows = [
        dg.TableRecord(
            {
                "partition": each.partition,
                "key": each.key,
                "uuid": each.uuid or "",
                "kind": each.kind,
                "property": each.property,
                "expected": each.expected,
                "found": each.found,
            }
        )
        for each in differences[:SHOWN_IN_METADATA]
    ]
    return {"first_differences": dg.MetadataValue.table(rows)}
