"""What the comparison of one partition found: reading it needs neither side."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.phases.validation.differences import Difference
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.partition_values import COMPARISONS, PartitionValues
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(frozen=True)
class CountComparison:
    """Rows and objects of one partition."""

    rows: int
    objects: int

    @property
    def passed(self) -> bool:
        """Whether there are as many objects as rows."""
        return self.rows == self.objects

    def to_text(self) -> str:
        """One sentence: what was compared, and what to do where it differs."""
        if self.passed:
            return f"{self.rows} rows in the extract, as many objects in Weaviate."
        what = f"{self.rows - self.objects} are missing" if self.objects < self.rows else "there are too many"
        return (
            f"{self.rows} rows in the extract, {self.objects} objects in Weaviate: {what}. "
            "Refused rows are in the quarantine, with reasons; materializing the partition again repairs the rest."
        )


@dataclass(frozen=True)
class TenantComparison:
    """What the comparison of one partition found of one tenant.

    Attributes:
        differences: all of them, as `PartitionComparison.total` counts them.
        source_digest, target_digest: as those of a partition, over the tenant's rows in it.
    """

    rows: int
    objects: int
    differences: int
    source_digest: str
    target_digest: str


@dataclass(frozen=True)
class VectorCounts:
    """What the comparison found of the vectors of one name.

    Attributes:
        compared: vectors that are what they should be, bit for bit.
        differing: objects with another vector, with one too many, or without one that they should have.
        unknown: vectors that nobody knows: models made them, and the cache does not have them any more.
        by_server: vectors that the server's module has made: nobody else knows them, either.
        lacking: objects that went without the vector, since its model was away; it is to be filled.
    """

    compared: int = 0
    differing: int = 0
    unknown: int = 0
    by_server: int = 0
    lacking: int = 0

    def __add__(self, other: "VectorCounts") -> "VectorCounts":
        return VectorCounts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass
class PartitionComparison:
    """What the comparison of one partition found.

    Attributes:
        collection: the alias.
        rows: rows of the extract, as they have changed since the snapshot.
        objects: objects in the partition's range of addresses.
        missing: rows without an object.
        extra: objects without a row.
        altered: objects of which at least one property or column is not what the row says.
        total: all differences; an altered object has one for each property.
        differences: the first of them.
        wrong_uuids: keys of the first objects whose UUID does not follow from their key; `wrong_uuid_count` of all.
        repeated_uuids: addresses that the collection, or keys that the extract, gave more than once.
        wrong_types: properties that had a value of another type, with how often.
        source_digest, target_digest: SHA-256 of both sides, as `digests` defines it.
        extract_rows: rows of the extract itself, from its footer.
        changed: keys that changed since the snapshot; their rows were compared as they are now.
        pending: of these, keys with changes that were not applied yet: they were left out.
        applied: up to this position of the change log changes were applied; 0 where they are not captured.
        vectors: what was found of those that can be compared, by name.
        tenants: the same by tenant, ascending, where the collection has tenants; rows that have none under ''.
    """

    collection: str
    partition: str
    rows: int = 0
    objects: int = 0
    missing: int = 0
    extra: int = 0
    altered: int = 0
    total: int = 0
    differences: list[Difference] = field(default_factory=list)
    wrong_uuid_count: int = 0
    wrong_uuids: list[str] = field(default_factory=list)
    repeated_uuids: int = 0
    wrong_types: dict[str, int] = field(default_factory=dict)
    source_digest: str = ""
    target_digest: str = ""
    extract_rows: int = 0
    changed: int = 0
    pending: int = 0
    applied: int = 0
    tenants: dict[str, TenantComparison] = field(default_factory=dict)
    vectors: dict[str, VectorCounts] = field(default_factory=dict)

    @property
    def counted(self) -> CountComparison:
        """As many objects as rows in the extract, or not.

        Rows that changed since come and go: then those that were compared are the ones to count.
        """
        return CountComparison(self.rows if self.changed else self.extract_rows, self.objects)

    @property
    def passed(self) -> bool:
        """Whether both sides say the same."""
        return self.total == 0

    def to_text(self) -> str:
        """One sentence: what was compared, what was found, what to do."""
        left_out = f" {self.pending} rows have changes that are not applied yet: left out." if self.pending else ""
        if self.passed:
            compared = f"{self.rows} rows and {self.objects} objects, every property and column compared"
            return f"{compared}: no difference.{left_out}"
        return (
            f"{self.rows} rows and {self.objects} objects compared: {self.missing} missing, {self.extra} extra, "
            f"{self.altered} altered. `weaviate-migration verify --repair`, or materializing the partition, mends what "
            f"was not refused; refused rows are in the quarantine, with reasons.{left_out}"
        )


def objects_by_tenant(partitions: Iterable[PartitionComparison]) -> dict[str, int]:
    """How many objects each tenant has in these partitions together."""
    objects: Counter[str] = Counter()
    for partition in partitions:
        objects.update({name: each.objects for name, each in partition.tenants.items()})
    return dict(objects)


def vector_counts(partitions: Iterable[PartitionComparison]) -> dict[str, VectorCounts]:
    """What was found of the vectors of each name in these partitions together."""
    found: dict[str, VectorCounts] = {}
    for partition in partitions:
        for name, each in partition.vectors.items():
            found[name] = found.get(name, VectorCounts()) + each
    return found


def kept_comparisons(
    work_folder: WorkFolder, record: MigrationRecord, collection: CollectionMapping
) -> PartitionValues[PartitionComparison]:
    """What the last full comparison of each partition of a collection found.

    The check `every_object` writes them; `verify` reads them for its repair, `migrate` and `verify` for the
    certificate.
    """
    return PartitionValues(work_folder.store, COMPARISONS, record.collection(collection), asdict, _decoded)


def _decoded(stored: Mapping[str, Any]) -> PartitionComparison:
    tenants = {name: TenantComparison(**each) for name, each in stored.get("tenants", {}).items()}
    differences = [Difference(**each) for each in stored["differences"]]
    vectors = {name: VectorCounts(**each) for name, each in stored.get("vectors", {}).items()}
    return PartitionComparison(**{**stored, "differences": differences, "tenants": tenants, "vectors": vectors})
