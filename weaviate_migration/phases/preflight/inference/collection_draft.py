"""The mapping of one table, drawn up from what was read of it, with comments that say why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from weaviate_migration.mapping.models import CollectionMapping, PropertyMapping, folded
from weaviate_migration.phases.preflight.inference.column_guess import ColumnGuess, guess_column
from weaviate_migration.phases.preflight.inference.mapping_text import Comments
from weaviate_migration.phases.preflight.inference.names import property_names, provenance_name
from weaviate_migration.phases.preflight.inference.relations import Candidate, KeyedTable
from weaviate_migration.phases.preflight.inference.table_reading import FoundRelation, TableFacts
from weaviate_migration.source.inspect import OWN_PREFIX, Column


@dataclass(frozen=True)
class OmittedColumn:
    """A column that is left out."""

    table: str
    column: str
    reason: str


@dataclass(frozen=True)
class CollectionDraft:
    """One table and the collection that it is to become.

    Attributes:
        key: the columns that tell its rows apart; the rowid's name where nothing else does.
        columns: how many it has.
        secrets: the columns that are left out because they look secret.
        remarks: what a person should look at.
        comments: by their place in the collection's mapping.
    """

    table: str
    mapping: CollectionMapping
    rows: int
    key: tuple[str, ...]
    columns: int
    secrets: tuple[OmittedColumn, ...] = ()
    remarks: tuple[str, ...] = ()
    comments: Comments = field(default_factory=dict)


@dataclass(frozen=True)
class ReadTable:
    """A table that becomes a collection, and what was read of it.

    Attributes:
        remarks: why declared foreign keys are no relations.
    """

    keyed: KeyedTable
    facts: TableFacts
    remarks: Sequence[str]

    @property
    def omitted(self) -> dict[str, str]:
        """The columns that are left out altogether, each with the reason."""
        reasons = ((column.name, self._why_omitted(column)) for column in self.keyed.table.columns)
        return {column: reason for column, reason in reasons if reason is not None}

    @property
    def usable(self) -> list[Column]:
        """The columns that may become properties."""
        omitted = self.omitted
        return [column for column in self.keyed.table.columns if column.name and column.name not in omitted]

    def _why_omitted(self, column: Column) -> str | None:
        if column.name in self.keyed.key:
            return None
        if column.unreadable:
            return f"only its application can read it: {column.unreadable}"
        if folded(column.name).startswith(OWN_PREFIX):
            return "its name is one that only this project's own columns may have"
        return self.facts.secrets.get(column.name)

    @property
    def declared(self) -> list[FoundRelation]:
        """The relations that foreign keys declare."""
        omitted = self.omitted
        return [
            each for each in self.facts.relations if each.candidate.declared and each.candidate.column not in omitted
        ]

    @property
    def suggested(self) -> list[Candidate]:
        """The relations that names and all values speak for."""
        omitted = self.omitted
        return [
            each.candidate
            for each in self.facts.relations
            if not (each.candidate.declared or each.orphans or each.candidate.column in omitted)
            and self.facts.columns[each.candidate.column].values
        ]


def draft_collection(read: ReadTable) -> CollectionDraft:
    """Draws up the mapping of a table that has columns which may become properties."""
    table, key, facts, omitted = read.keyed.table, read.keyed.key, read.facts, read.omitted
    guesses = _guesses(read)
    properties = tuple(guess.property for guess in guesses.values() if guess.property is not None)
    mapping = CollectionMapping(
        name=read.keyed.collection,
        table=table.name,
        key=() if key in (table.primary_key, (table.rowid,)) else key,
        provenance=provenance_name(prop.name for prop in properties),
        vectors=tuple(guess.vector for guess in guesses.values() if guess.vector is not None),
        properties=properties,
        relations=tuple(each.candidate.relation for each in read.declared),
        omit=omitted,
    )
    secrets = (
        OmittedColumn(table.name, column, reason) for column, reason in facts.secrets.items() if column in omitted
    )
    return CollectionDraft(
        table=table.name,
        mapping=mapping,
        rows=facts.rows,
        key=key,
        columns=len(table.columns),
        secrets=tuple(secrets),
        remarks=tuple(_remarks(read)),
        comments={
            (): tuple(_head(read, guesses)),
            **_reasons("properties", [guess.reason for guess in guesses.values() if guess.property]),
            **_reasons("vectors", [guess.reason for guess in guesses.values() if guess.vector]),
            **_reasons("relations", [_told(each) for each in read.declared]),
        },
    )


def _reasons(field_name: str, reasons: Sequence[str]) -> Comments:
    return {(field_name, at): (reason,) for at, reason in enumerate(reasons)}


def _guesses(read: ReadTable) -> dict[str, ColumnGuess]:
    """What each usable column becomes. A collection has to have a property: one becomes it, whatever it holds."""
    names = property_names(read.keyed.collection, [column.name for column in read.usable])
    keys = {
        *read.keyed.key,
        *(each.candidate.column for each in read.declared),
        *(each.column for each in read.suggested),
    }
    guesses = {
        column.name: guess_column(
            names[column.name], column, read.facts.columns[column.name], is_key=column.name in keys
        )
        for column in read.usable
    }
    if not any(guess.property for guess in guesses.values()):
        column, guess = next(iter(guesses.items()))
        prop = PropertyMapping(name=names[column], column=column, type="text", index="stored")
        guesses[column] = ColumnGuess(prop, guess.vector, f"{guess.reason}; a collection needs one property at least")
    return guesses


def _told(relation: FoundRelation) -> str:
    return f"declared; {_counted(relation.orphans, 'row')} without a parent" if relation.orphans else "declared"


def _head(read: ReadTable, guesses: Mapping[str, ColumnGuess]) -> Iterator[str]:
    """What stands above a collection."""
    table, key = read.keyed.table, read.keyed.key
    told_apart = "their rowid" if key == (table.rowid,) and not table.primary_key else ", ".join(key)
    kind = "view" if table.is_view else "table"
    yield f"{kind} {table.name}: {_counted(read.facts.rows, 'row')}, told apart by {told_apart}"
    yield from read.remarks
    for column, guess in guesses.items():
        if guess.property is None and guess.vector is None:
            yield f"only in source_columns: {column}: {guess.reason}"
    for each in read.suggested:
        values = read.facts.columns[each.column].values
        relation = f"{{column: {each.column}, to_table: {each.parent.table.name}}}"
        yield f"suggestion: relations: [{relation}], since all {values:,} values are keys of it"
    yield from _remarks(read)


def _remarks(read: ReadTable) -> Iterator[str]:
    """What a person should look at, besides what is left out."""
    table, facts = read.keyed.table, read.facts
    for column in read.keyed.key:
        if column in facts.secrets:
            yield f"{table.name}.{column} {facts.secrets[column]}, but is the key: to keep it out, leave out the table"
        if column in facts.columns and (nulls := facts.columns[column].count("null")):
            yield f"{table.name}.{column} is the key, and NULL in {_counted(nulls, 'row')}: they would be refused"
    for column, remark in facts.remarks.items():
        yield f"{table.name}.{column}: {remark}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
