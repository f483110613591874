"""The mapping of one table, drawn up from what was read of it, with comments that say why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from weaviate_migration.base.texts import counted
from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.property_mapping import PropertyMapping, RelationMapping
from weaviate_migration.phases.preflight.full_text import not_to_be_had, search_gaps
from weaviate_migration.phases.preflight.inference.column_guess import ColumnGuess, guess_column
from weaviate_migration.phases.preflight.inference.join_draft import JoinDraft, join_draft
from weaviate_migration.phases.preflight.inference.joins import FoundJoin
from weaviate_migration.phases.preflight.inference.mapping_text import Comments, fields_of, in_braces
from weaviate_migration.phases.preflight.inference.names import object_id_names, property_names, provenance_name
from weaviate_migration.phases.preflight.inference.read_tables import ReadTable
from weaviate_migration.phases.preflight.inference.table_reading import FoundRelation
from weaviate_migration.phases.preflight.inference.tenant_suggestion import suggested_tenant


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


def draft_collection(read: ReadTable, joins: Sequence[FoundJoin] = ()) -> CollectionDraft:
    """Draws up the mapping of a table that has columns which may become properties.

    Args:
        joins: of the parents whose columns stand beside its own.
    """
    table, key = read.keyed.table, read.keyed.key
    guesses = _with_a_property(read, guess_columns(read))
    joined = _joined(read, joins, guesses)
    guesses = {**guesses, **joined.guesses} if joined else guesses
    relations = relations_of(read, names_of(guesses))
    properties = tuple(guess.property for guess in guesses.values() if guess.property is not None)
    mapping = CollectionMapping(
        name=read.keyed.collection,
        table=table.name,
        select=joined.select if joined else None,
        key=() if not joined and key in (table.primary_key, (table.rowid,)) else key,
        provenance=provenance_name(names_of(guesses)),
        vectors=tuple(guess.vector for guess in guesses.values() if guess.vector is not None),
        properties=properties,
        relations=tuple(relations[each.candidate.column] for each in read.declared),
        omit=read.omitted,
        # Weaviate's own list would make searches pass over "the", which SQLite's full-text indexes do not.
        stopwords="none" if any(prop.index == "words" for prop in properties) else None,
    )
    return CollectionDraft(
        table=table.name,
        mapping=mapping,
        rows=read.facts.rows,
        key=key,
        columns=len(table.columns) + (len(joined.guesses) if joined else 0),
        secrets=secrets_of(read),
        remarks=tuple(remarks_of(read, guesses)),
        comments={
            (): (*_head(read, guesses, relations), *(joined.told if joined else ())),
            **{(name, at): (each,) for name, lines in reasons(read, guesses).items() for at, each in enumerate(lines)},
        },
    )


def _joined(read: ReadTable, joins: Sequence[FoundJoin], guesses: Mapping[str, ColumnGuess]) -> JoinDraft | None:
    if not joins:
        return None
    return join_draft(read, [(each, guess_columns(each.parent)) for each in joins], names_of(guesses))


def reasons(read: ReadTable, guesses: Mapping[str, ColumnGuess]) -> dict[str, list[str]]:
    """Why each property, vector and relation is what it is, by the field that lists them."""
    return {
        "properties": [guess.reason for guess in guesses.values() if guess.property],
        "vectors": [guess.reason for guess in guesses.values() if guess.vector],
        "relations": [_told(each) for each in read.declared],
    }


def secrets_of(read: ReadTable) -> tuple[OmittedColumn, ...]:
    """The columns that are left out because they look secret."""
    omitted, secrets = read.omitted, read.facts.secrets
    return tuple(OmittedColumn(read.keyed.table.name, each, secrets[each]) for each in secrets if each in omitted)


def guess_columns(read: ReadTable, taken: Iterable[str] = ()) -> dict[str, ColumnGuess]:
    """What each usable column becomes.

    Args:
        taken: names of other properties and vectors of the collection.
    """
    names = property_names(read.keyed.collection, [column.name for column in read.usable], taken)
    keys = {
        *read.keyed.key,
        *(each.candidate.column for each in read.declared),
        *(each.column for each in read.suggested),
    }
    return {
        column.name: guess_column(
            names[column.name],
            column,
            read.facts.columns[column.name],
            is_key=column.name in keys,
            searched_by=next(iter(read.searched_by.get(column.name, ())), None),
        )
        for column in read.usable
    }


def names_of(guesses: Mapping[str, ColumnGuess]) -> list[str]:
    """The names of the properties and vectors that are guessed."""
    made = [each for guess in guesses.values() for each in (guess.property, guess.vector)]
    return [each.name for each in made if each is not None]


def relations_of(read: ReadTable, taken: Iterable[str]) -> dict[str, RelationMapping]:
    """The relations that are declared or suggested, by column, each with a property for the parent's object.

    Args:
        taken: names of properties and vectors of the collection.
    """
    found = {each.column: each.parent for each in (*(each.candidate for each in read.declared), *read.suggested)}
    names = object_id_names({column: parent.collection for column, parent in found.items()}, taken)
    return {
        column: RelationMapping(column=column, to_table=parent.table.name, parent_id=names[column])
        for column, parent in found.items()
    }


def _with_a_property(read: ReadTable, guesses: Mapping[str, ColumnGuess]) -> Mapping[str, ColumnGuess]:
    """The guesses, with a property for the first column where there is none: a collection has to have one."""
    if any(guess.property for guess in guesses.values()):
        return guesses
    column, guess = next(iter(guesses.items()))
    name = property_names(read.keyed.collection, [column], names_of(guesses))[column]
    facts = read.facts.columns[column]
    if 2 * facts.count("blob") > facts.values:
        prop = PropertyMapping(name=name, column=column, type="blob")
    else:
        prop = PropertyMapping(name=name, column=column, type="text", index="stored")
    return {**guesses, column: replace(guess, property=prop, reason="a collection has to have a property")}


def _told(relation: FoundRelation) -> str:
    return f"declared; {counted(relation.orphans, 'row')} without a parent" if relation.orphans else "declared"


def _head(
    read: ReadTable, guesses: Mapping[str, ColumnGuess], relations: Mapping[str, RelationMapping]
) -> Iterator[str]:
    """What stands above a collection."""
    table, key = read.keyed.table, read.keyed.key
    told_apart = "their rowid" if key == (table.rowid,) and not table.primary_key else ", ".join(key)
    kind = "view" if table.is_view else "table"
    yield f"{kind} {table.name}: {counted(read.facts.rows, 'row')}, told apart by {told_apart}"
    yield from read.remarks
    if read.unique:
        yield f"suggestion: key: [{', '.join(read.unique)}], since a unique index is of it, and it is never NULL"
    for column, guess in guesses.items():
        if guess.property is None and guess.vector is None:
            yield f"only in source_columns: {column}: {guess.reason}"
    for each in read.suggested:
        values = read.facts.columns[each.column].values
        relation = in_braces(fields_of(relations[each.column]))
        yield f"suggestion: relations: [{relation}], since all {values:,} values are keys of it"
    if (tenant := suggested_tenant(read)) is not None:
        yield tenant
    yield from _remarks_of_values(read)


def remarks_of(read: ReadTable, guesses: Mapping[str, ColumnGuess]) -> Iterator[str]:
    """What a person should look at, besides what is left out."""
    yield from _remarks_of_values(read)
    yield from _remarks_of_searches(read, guesses)
    for column, guess in guesses.items():
        if guess.is_for_people:
            yield f"{read.keyed.table.name}.{column} is only in source_columns: {guess.reason}"


def _remarks_of_searches(read: ReadTable, guesses: Mapping[str, ColumnGuess]) -> Iterator[str]:
    """What a full-text index of the source finds and Weaviate will not."""
    for column, (index, *others) in read.searched_by.items():
        prop = guesses[column].property if column in guesses else None
        if prop is None or prop.index != "words":
            yield f"{read.name}.{column} is searched by {index.told}, and becomes nothing that a search of words finds"
            continue
        for told in not_to_be_had(index.tokenizer):
            yield f"{read.name}.{column} is searched by {index.told}: {told}"
        for other in others:
            for gap in search_gaps(other, column, "none", [prop]):
                yield f"{read.name}.{column} is searched by {other.told}, too: {gap}"


def _remarks_of_values(read: ReadTable) -> Iterator[str]:
    table, facts = read.keyed.table, read.facts
    for column in read.keyed.key:
        if column in facts.secrets:
            yield f"{table.name}.{column} {facts.secrets[column]}, but is the key: to keep it out, leave out the table"
        if column in facts.columns and (nulls := facts.columns[column].count("null")):
            yield f"{table.name}.{column} is the key, and NULL in {counted(nulls, 'row')}: they would be refused"
    if "" in facts.secrets:
        yield f"{table.name}: the column without a name {facts.secrets['']}, and a mapping cannot name it"
    for column, remark in facts.remarks.items():
        yield f"{table.name}.{column}: {remark}"
