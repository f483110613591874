"""What the audit found, as plain values: what `audit --json` prints, and the metadata of the asset."""

from collections.abc import Mapping
from dataclasses import dataclass

from weaviate_migration.phases.preflight.audit.kinds import Fate


@dataclass(frozen=True)
class Finding:
    """Values of one kind that a property cannot hold exactly.

    Attributes:
        property: the property's name, or `vector` and the vector's.
        kind: one of `KINDS` or `VECTOR_KINDS`, `sentence` says what it is.
        fate: what becomes of such a value, one of `FATES`.
        count: how many values.
        examples: the keys of the first rows with one.
    """

    property: str
    kind: str
    fate: Fate
    sentence: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ColumnReport:
    """One column that was read.

    Attributes:
        properties: those that are made from it; none: it is in `source_columns` only.
        storage_classes: how many values are `null`, `integer`, `real`, `text`, `blob`.
        smallest, largest: for each storage class; texts and blobs shortened.
    """

    name: str
    declared_type: str
    properties: tuple[str, ...]
    storage_classes: Mapping[str, int]
    smallest: Mapping[str, int | float | str | None]
    largest: Mapping[str, int | float | str | None]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class VectorReport:
    """One vector that is made from a column.

    Attributes:
        null: rows where the column is NULL.
        lengths: how many vectors there are of each length, the most frequent first.
    """

    name: str
    column: str
    null: int
    lengths: Mapping[int, int]


@dataclass(frozen=True)
class KeyReport:
    """The keys of a table.

    Attributes:
        columns: those of the key, or the rowid's name.
        uses_rowid: whether nothing else tells the rows apart.
        null: rows whose key has a NULL: they cannot become objects.
        null_examples: rowids of the first of them; of a table without rowid their keys.
        duplicate: rows whose key another row has, too: none of them can become an object.
        case_only: rows whose key differs from another one's only in upper and lower case.
        largest_partition: rows of the largest of the partitions.
        uneven: whether that is more than twice its share, in a table of 1,000 rows or more.
    """

    columns: tuple[str, ...]
    uses_rowid: bool
    null: int = 0
    null_examples: tuple[str, ...] = ()
    duplicate: int = 0
    duplicate_examples: tuple[str, ...] = ()
    case_only: int = 0
    case_only_examples: tuple[str, ...] = ()
    largest_partition: int = 0
    uneven: bool = False


@dataclass(frozen=True)
class TenantReport:
    """The tenants of a table.

    Attributes:
        tenants: how many there are.
        largest: the name of the one with the most rows, `largest_rows`.
        null: rows whose column is NULL: they go to the tenant `of_null`, or are refused where that is ''.
        null_examples: keys of the first of them.
        hashed: tenants whose value cannot be their name: theirs is made by a hash.
        hashed_examples: values of the largest of them, as SQL writes them, with their names.
    """

    column: str
    tenants: int
    largest: str
    largest_rows: int
    null: int
    null_examples: tuple[str, ...]
    of_null: str
    hashed: int
    hashed_examples: tuple[str, ...]

    @property
    def refused(self) -> int:
        """Rows without a tenant: they cannot become objects."""
        return 0 if self.of_null else self.null


@dataclass(frozen=True)
class OrphanReport:
    """The rows whose parent does not exist; NULL is no orphan.

    Attributes:
        examples: keys of the first of them.
    """

    column: str
    to_table: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class FullTextReport:
    """A full-text index of a table.

    Attributes:
        index: its name; `told` has its module and tokenizer, too.
        columns: those of the table that it searches.
        gaps: what of its searches the mapping leaves out, with what to write.
        not_to_be_had: what Weaviate cannot find as it does.
    """

    index: str
    told: str
    columns: tuple[str, ...]
    gaps: tuple[str, ...]
    not_to_be_had: tuple[str, ...]


@dataclass(frozen=True)
class TableReport:
    """One mapped table.

    Attributes:
        exists: whether the file has it; otherwise its collection stays empty, and the rest here is.
        read_in: `slices`, between which the application can write, or `one statement`.
        tenants: of a collection that has any.
        vectors: those that are made from columns.
        too_large: rows whose object is over the server's limit for a message.
        refused: rows that go to quarantine, each counted once: for NULL or another row's key, without a tenant, as too
            large, or for a value (the findings with the fate `quarantine`).
        missing_columns: what the mapping names and the table lacks.
        in_source_columns_only: columns that no property or vector is made from.
        left_out: columns that go nowhere, each with the mapping's reason.
        full_text: the full-text indexes that its columns are searched by.
        is_part: whether the rows are not simply those of the table: other collections may have some of it, too.
    """

    table: str
    collection: str
    exists: bool
    read_in: str = ""
    rows: int = 0
    key: KeyReport | None = None
    tenants: TenantReport | None = None
    columns: tuple[ColumnReport, ...] = ()
    vectors: tuple[VectorReport, ...] = ()
    orphans: tuple[OrphanReport, ...] = ()
    too_large: int = 0
    too_large_examples: tuple[str, ...] = ()
    refused: int = 0
    missing_columns: tuple[str, ...] = ()
    in_source_columns_only: tuple[str, ...] = ()
    left_out: Mapping[str, str] | None = None
    is_part: bool = False
    full_text: tuple[FullTextReport, ...] = ()

    @property
    def title(self) -> str:
        """How the rows are called in a message: by the table, and where that is not clear by the collection."""
        return f"{self.table} ({self.collection})" if self.is_part else self.table

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """What does not fit, with the name of its column."""
        return [(column.name, finding) for column in self.columns for finding in column.findings]
