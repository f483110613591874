"""What of a mapping a database can give: the tables, keys and columns to read, and what one has and the other lacks."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from weaviate_migration.base.errors import MappingError, SourceNotUsableError
from weaviate_migration.base.texts import suggestion
from weaviate_migration.mapping.models import CollectionMapping, Mapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.parents import Affinity, ParentKey
from weaviate_migration.mapping.property_mapping import PropertyMapping, RelationMapping, TenantMapping
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.source.changing_calls import changing_call
from weaviate_migration.source.connect import file_in_use, readable_source
from weaviate_migration.source.inspect import OWN_PREFIX, Database, Table, inspect_database
from weaviate_migration.source.joins import Joins, read_joins
from weaviate_migration.source.sql_tokens import tokens_of, unquoted
from weaviate_migration.source.wide_select import MOST_ARGUMENTS, MOST_COLUMNS, order_of_rows

_MISSING_TABLE = re.compile(r"no such table: (?:\w+\.)?(?P<name>.+)")
_MISSING_COLUMN = re.compile(r"no such column: (?:\w+\.)?(?P<name>.+)")
_FIT_HINT = (
    "Change the mapping to what the file has, and begin another migration with it: `weaviate-migration migrate`, with "
    "--live where changes are followed."
)
# Of each a function is given its class and its value, beside the name of the table.
MOST_KEY_COLUMNS = (MOST_ARGUMENTS - 1) // 2


@dataclass(frozen=True)
class CollectionPlan:
    """One collection, and what is read for it.

    Attributes:
        mapping: the collection's mapping, with names of columns spelled as in the table (SQLite ignores their case).
        table: the table or view, None if the file has none: the collection stays empty, and the rest here is empty.
        key: the columns that identify a row, spelled as in the table; the rowid's name if nothing else does.
        uses_rowid: whether the key is the rowid.
        columns: the columns to read, in the table's order: all but the omitted ones.
        missing_columns: what the mapping names and the table lacks.
        unmapped_columns: those of `columns` that no property or vector is made from; `source_columns` has them.
        parents: what the columns name that the objects tell parents from; without those that the table lacks.
        joins: how the rows of a statement or condition are followed; None for a whole table, or without a table.
    """

    mapping: CollectionMapping
    table: Table | None
    key: tuple[str, ...] = ()
    uses_rowid: bool = False
    columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    unmapped_columns: tuple[str, ...] = ()
    parents: tuple[ParentKey, ...] = ()
    joins: Joins | None = None

    @property
    def tenant(self) -> str | None:
        """The column that names the tenant; None where the collection has no tenants."""
        return self.mapping.tenant.column if self.mapping.tenant is not None else None

    @property
    def logged_key(self) -> tuple[str, ...]:
        """The columns that a change of a row is logged by: those that tell which object it is, in which tenant."""
        return self.key if self.tenant is None or self.tenant in self.key else (*self.key, self.tenant)


@dataclass(frozen=True)
class MigrationPlan:
    """The plan of a whole migration.

    Attributes:
        mapping: what is fitted to the file, as it is written.
        unmapped_tables: have no collection, and are not left out by the mapping; without views: their rows are others'.
        omitted_tables: those of the file that the mapping leaves out, each with the reason.
        unreadable_tables: those that only the application can read, without those that the mapping leaves out, each
            with what SQLite says; nothing of them is migrated, and nobody knows how many rows they have.
    """

    mapping: Mapping
    collections: tuple[CollectionPlan, ...]
    unmapped_tables: tuple[str, ...]
    omitted_tables: ReadOnlyMapping[str, str]
    unreadable_tables: ReadOnlyMapping[str, str]
    warnings: tuple[str, ...]

    def of(self, collection: CollectionMapping) -> CollectionPlan:
        """The plan of a collection of the mapping."""
        return next(each for each in self.collections if each.mapping.name == collection.name)

    def parents_of(self, relation: RelationMapping) -> tuple[CollectionPlan, ...]:
        """The plans of the collections that have the rows of the table that a relation leads to: several may."""
        return plans_of_table(relation.to_table, self.collections)


@contextmanager
def planned_source(path: Path, mapping: Mapping, scratch: Path) -> Iterator[tuple[Database, MigrationPlan]]:
    """What the source holds, and what of the mapping it can give; it can be read while the context lives.

    Args:
        scratch: a folder for a copy of the source, where it cannot be read in place (see `readable_source`).

    Raises:
        SourceNotUsableError: it is no SQLite database, or has none of the mapped tables.
        MappingError: it lacks what the mapping wants.
        SourceError: it is locked or corrupt.
    """
    with readable_source(path, scratch) as readable:
        database = inspect_database(readable, mapping)
        yield database, plan_migration(mapping, database)


def plan_in_place(path: Path, mapping: Mapping) -> MigrationPlan:
    """What of the mapping the file of a migration can give as it is now.

    Raises:
        SourceAwayError: it is not there, or is empty.
        MappingError: it lacks what the mapping wants.
        SourceNotUsableError, SourceError: it cannot be read: no database, no right to, locked, corrupt.
    """
    file_in_use(path)
    database = inspect_database(path, mapping)
    try:
        return plan_migration(mapping, database)
    except (MappingError, SourceNotUsableError) as error:
        raise MappingError(error.message, _FIT_HINT) from error


def plan_migration(mapping: Mapping, database: Database) -> MigrationPlan:
    """Fits a mapping to a database.

    Args:
        mapping: what becomes what; its `missing` says whether a missing table or column is an error or a warning.
        database: what the file holds, inspected with this mapping.

    Raises:
        SourceNotUsableError: the file has none of the mapped tables.
        MappingError: missing tables or columns where `missing` is `refuse`, a key or a tenant's column that the table
            lacks, a key that is omitted, or none for a table or view that has neither a declared one nor a rowid, a
            relation to a table whose key has several columns, tables or columns that only the application can read,
            more columns than SQLite gives, or columns with names that are this project's own; a statement or condition
            that SQLite cannot follow in this file, that gives other values each time, two columns of one name, or the
            rows of a table by another key than the table's. The message lists all.
    """
    _refuse_other_database(mapping, database)
    collections = tuple(_plan_collection(each, mapping, database) for each in mapping.collections)
    gaps = [gap for each in collections for gap in _gaps(each, database)]
    mistakes = [mistake for each in collections for mistake in [*_key_mistakes(each), *_own_names(each)]]
    mistakes += [mistake for each in collections for mistake in _relation_mistakes(each, collections)]
    mistakes += [mistake for each in collections for mistake in [*_unreadable(each, database), *_too_wide(each)]]
    mistakes += [mistake for each in collections for mistake in _statement_mistakes(each, collections, database)]
    collections = tuple(replace(each, parents=_parent_keys(each, collections)) for each in collections)
    unreadable = {table.name: table.unreadable for table in _others(mapping, database) if table.unreadable}
    if mapping.missing == "refuse":
        mistakes, gaps = gaps + mistakes, []
    if mistakes:
        raise MappingError("\n".join([f"the mapping does not fit {database.path}:", *mistakes]))
    return MigrationPlan(
        mapping=mapping,
        collections=collections,
        unmapped_tables=tuple(table.name for table in _others(mapping, database) if not table.unreadable),
        omitted_tables=_omitted_tables(mapping, database),
        unreadable_tables=unreadable,
        warnings=(
            *gaps,
            *(_rowid_warning(each.table) for each in collections if each.table and each.uses_rowid),
            *_collation_warnings(collections),
            *(warning for each in collections for warning in _stand_in_warnings(each)),
            *(f"table `{name}` cannot be read here, and is left out: {reason}" for name, reason in unreadable.items()),
        ),
    )


def _refuse_other_database(mapping: Mapping, database: Database) -> None:
    if any(database.table_of(each) for each in mapping.collections):
        return
    held = ", ".join(table.name for table in database.tables) or "no table at all"
    wanted = ", ".join(each.table for each in mapping.collections)
    raise SourceNotUsableError(
        f"{database.path}: has none of the mapped tables ({wanted}); it has {held}",
        "Check that this is the application's database, or give a mapping for it.",
    )


def _plan_collection(mapping: CollectionMapping, whole: Mapping, database: Database) -> CollectionPlan:
    table = database.table_of(mapping)
    if table is None:
        return CollectionPlan(mapping, None)
    spelled = _spelled(mapping, table, whole)
    made_from = {prop.column for prop in spelled.properties} | set(spelled.column_vectors.values())
    columns = [column.name for column in table.columns if column.name not in spelled.omit]
    declared = spelled.key or table.primary_key
    plan = CollectionPlan(
        mapping=spelled,
        table=table,
        key=declared or ((table.rowid,) if table.rowid else ()),
        uses_rowid=not declared and table.rowid is not None,
        columns=tuple(columns),
        missing_columns=tuple(_missing_columns(spelled, table)),
        unmapped_columns=tuple(column for column in columns if column not in made_from),
    )
    is_part = bool(table.select or table.where) and not table.unreadable
    return replace(plan, joins=read_joins(table, plan.logged_key, database)) if is_part else plan


def _spelled(mapping: CollectionMapping, table: Table, whole: Mapping) -> CollectionMapping:
    """The mapping with each name as its owner spells it, so that nothing later has to ignore case."""

    def column(name: str) -> str:
        found = table.column(name)
        return found.name if found else name

    return mapping.model_copy(
        update={
            "key": tuple(column(name) for name in mapping.key),
            "properties": tuple(_spelled_property(prop, column) for prop in mapping.properties),
            "vectors": tuple(_spelled_vector(vector, column) for vector in mapping.vectors),
            "relations": tuple(_spelled_relation(relation, column, whole) for relation in mapping.relations),
            "omit": {column(name): reason for name, reason in mapping.omit.items()},
            "tenant": _spelled_tenant(mapping.tenant, column),
        }
    )


def _spelled_property(prop: PropertyMapping, column: Callable[[str], str]) -> PropertyMapping:
    return prop.model_copy(update={"column": column(prop.column)})


def _spelled_vector(vector: VectorMapping, column: Callable[[str], str]) -> VectorMapping:
    spelled: dict[str, object] = {"from_columns": tuple(map(column, vector.from_columns))}
    if vector.column is not None:
        spelled["column"] = column(vector.column)
    return vector.model_copy(update=spelled)


def _spelled_tenant(tenant: TenantMapping | None, column: Callable[[str], str]) -> TenantMapping | None:
    return tenant.model_copy(update={"column": column(tenant.column)}) if tenant is not None else None


def _spelled_relation(relation: RelationMapping, column: Callable[[str], str], whole: Mapping) -> RelationMapping:
    tables = {folded(each.table): each.table for each in whole.collections}
    return relation.model_copy(
        update={"column": column(relation.column), "to_table": tables[folded(relation.to_table)]}
    )


def _missing_columns(mapping: CollectionMapping, table: Table) -> Iterable[str]:
    """What the mapping names, apart from its key, and the table lacks; each once, in the mapping's order."""
    named = [prop.column for prop in mapping.properties]
    named += mapping.column_vectors.values()
    named += [column for vector in mapping.vectors for column in vector.from_columns]
    named += [relation.column for relation in mapping.relations] + list(mapping.omit)
    return (name for name in dict.fromkeys(named) if table.column(name) is None)


def _gaps(plan: CollectionPlan, database: Database) -> list[str]:
    """What the file lacks for a collection, each with the names that it has instead."""
    if plan.table is None:
        tables = [table.name for table in database.tables]
        near = suggestion(plan.mapping.table, tables)
        return [f"{plan.mapping.name}: there is no table `{plan.mapping.table}`{near}"]
    if plan.table.unreadable:
        return []
    return [f"{plan.mapping.name}: {_no_column(plan.table, name)}" for name in plan.missing_columns]


def _key_mistakes(plan: CollectionPlan) -> list[str]:
    if plan.table is None or plan.table.unreadable:
        return []
    if not plan.key:
        kind = _kind(plan.table)
        return [f"{plan.mapping.name}: {kind} `{plan.table.name}` has no key of its own: name its columns in `key`"]
    if plan.uses_rowid:
        return list(_tenant_mistakes(plan, plan.table))
    lacking = [name for name in plan.key if plan.table.column(name) is None]
    omitted = [name for name in plan.key if name in plan.mapping.omit]
    return [
        *(f"{plan.mapping.name}: key: {_no_column(plan.table, name)}" for name in lacking),
        *(f"{plan.mapping.name}: omit: column `{name}` is part of the table's primary key" for name in omitted),
        *_tenant_mistakes(plan, plan.table),
    ]


def _tenant_mistakes(plan: CollectionPlan, table: Table) -> Iterator[str]:
    """Without the column that names it no object has a tenant, whatever else may be missing."""
    if plan.tenant is not None and table.column(plan.tenant) is None:
        yield f"{plan.mapping.name}: tenant: {_no_column(table, plan.tenant)}"


def _relation_mistakes(plan: CollectionPlan, collections: Iterable[CollectionPlan]) -> Iterable[str]:
    """A column can hold the key of a row only where that is one value."""
    for relation in plan.mapping.relations if plan.table else ():
        keys = {each.key: None for each in plans_of_table(relation.to_table, collections) if each.table}
        if len(keys) > 1:
            yield (
                f"{plan.mapping.name}: relation `{relation.column}`: the collections of table `{relation.to_table}` "
                f"have different keys ({'; '.join(', '.join(key) for key in keys)}): give them the same `key`"
            )
        for key in keys:
            if len(key) > 1:
                yield (
                    f"{plan.mapping.name}: relation `{relation.column}`: table `{relation.to_table}` has a key of "
                    f"{len(key)} columns ({', '.join(key)}), so one column cannot name its rows"
                )


def plans_of_table(table: str, collections: Iterable[CollectionPlan]) -> tuple[CollectionPlan, ...]:
    """Those of these collections that are made from a table, whole or in part."""
    return tuple(each for each in collections if folded(each.mapping.table) == folded(table))


def _parent_keys(plan: CollectionPlan, collections: Iterable[CollectionPlan]) -> tuple[ParentKey, ...]:
    """What of a collection's columns its objects tell parents from; all collections of a table have one key."""
    return tuple(
        ParentKey(
            relation.column,
            parent.table.name if parent.table else relation.to_table,
            _key_affinity(parent),
            relation.parent_id or "",
            relation.reference or "",
        )
        for relation in plan.mapping.relations
        if relation.names_objects and relation.column in plan.columns
        for parent in plans_of_table(relation.to_table, collections)[:1]
    )


def key_affinities(plan: CollectionPlan) -> tuple[Affinity, ...]:
    """What the columns of the key make of the values that are put into them; none where the file lacks the table."""
    if plan.uses_rowid:
        return ("INTEGER",)
    columns = [plan.table.column(name) for name in plan.key] if plan.table else []
    return tuple(column.affinity if column else "BLOB" for column in columns)


def _key_affinity(plan: CollectionPlan) -> Affinity:
    return next(iter(key_affinities(plan)), "BLOB")


def _unreadable(plan: CollectionPlan, database: Database) -> Iterator[str]:
    """What of a collection only the application can read: SQLite lacks a module, a tokenizer or a function for it."""
    if plan.table is None:
        return
    if plan.table.unreadable and not plan.mapping.is_whole_table:
        yield f"{plan.mapping.name}: {_what_is_wrong(plan.table, database)}"
    elif plan.table.unreadable:
        yield (
            f"{plan.mapping.name}: {_kind(plan.table)} `{plan.table.name}` cannot be read here: "
            f"{plan.table.unreadable}; leave it out of the mapping"
        )
    for column in plan.table.columns:
        if column.unreadable and column.name in plan.columns:
            yield (
                f"{plan.mapping.name}: column `{column.name}` of `{plan.table.name}` cannot be read here: "
                f"{column.unreadable}; leave it out with `omit`"
            )


def _what_is_wrong(table: Table, database: Database) -> str:
    """Why SQLite cannot follow a statement or condition, in which line of it, and which name was meant."""
    is_statement = bool(table.select) and not table.columns
    sql = table.select if is_statement else table.where
    text = f"`{'select' if is_statement else 'where'}` cannot be read in this file: {table.unreadable}"
    if missing := _MISSING_TABLE.search(table.unreadable):
        among = [each.name for each in database.tables]
    elif missing := _MISSING_COLUMN.search(table.unreadable):
        named = set(map(folded, map(unquoted, tokens_of(sql))))
        tables = [each for each in database.tables if folded(each.name) in named] if is_statement else [table]
        among = list(dict.fromkeys(column.name for each in tables for column in each.columns))
        if f"`{missing['name']}`" in tokens_of(sql):
            text += "; a text stands in single quotes"
    else:
        return text
    return text + _line_of(missing["name"], sql) + suggestion(missing["name"], among)


def _line_of(name: str, sql: str) -> str:
    """In which line of several a statement has a name first: `, in its line 2`."""
    lines = sql.splitlines()
    numbers = (number for number, line in enumerate(lines, 1) if name in map(unquoted, tokens_of(line)))
    return f", in its line {number}" if len(lines) > 1 and (number := next(numbers, 0)) else ""


def _statement_mistakes(
    plan: CollectionPlan, collections: Iterable[CollectionPlan], database: Database
) -> Iterator[str]:
    """What of a statement or condition cannot be relied on, though SQLite can read it.

    Such are values that are others each time, columns of one name, and rows that their table tells apart by another
    key. SQLite calls the second of two columns `name:1`, and no other one.
    """
    for field, sql in (("select", plan.mapping.select), ("where", plan.mapping.where)):
        if name := changing_call(sql or ""):
            yield (
                f"{plan.mapping.name}: `{field}`: `{name}` gives another value each time, and a migration reads the "
                "rows more than once: write the value itself"
            )
    if plan.table is None or not plan.table.select:
        return
    for column in plan.table.columns:
        name, colon, number = column.name.rpartition(":")
        if colon and number.isdecimal() and plan.table.column(name) is not None:
            yield f"{plan.mapping.name}: `select` gives two columns `{name}`: call one of them otherwise, with AS"
    table = database.table(plan.mapping.table)
    others = [each.key for each in plans_of_table(plan.mapping.table, collections) if each.mapping.select is None]
    keys = others or ([table.primary_key] if table is not None and table.primary_key else [])
    if keys and list(map(folded, plan.key)) not in [list(map(folded, key)) for key in keys]:
        yield (
            f"{plan.mapping.name}: `key` is {', '.join(plan.key)}, and the rows of table `{plan.mapping.table}` are "
            f"told apart by {', '.join(keys[0])}: select it under this name and make it the `key`, or give rows of "
            "another kind another name with `table`"
        )


def _too_wide(plan: CollectionPlan) -> Iterator[str]:
    """What is more than SQLite takes in one statement, where there is no way round."""
    if plan.table is None:
        return
    read = len(plan.key) + len(plan.columns)
    if plan.table.where and len(plan.table.columns) + (plan.table.rowid is not None) > MOST_COLUMNS:
        yield (
            f"{plan.mapping.name}: table `{plan.table.name}` has {len(plan.table.columns):,} columns, which is one too "
            "many beside `where`: use a `select` that names the columns to migrate"
        )
    if read >= MOST_COLUMNS and not order_of_rows(plan.table):
        yield (
            f"{plan.mapping.name}: {_kind(plan.table)} `{plan.table.name}` has {read:,} columns to read, its key among "
            f"them; without a rowid or primary key of its own SQLite's limit of {MOST_COLUMNS:,} holds, less one: "
            "leave others out with `omit`"
        )
    if len(plan.key) > MOST_KEY_COLUMNS:
        yield (
            f"{plan.mapping.name}: the key of `{plan.table.name}` has {len(plan.key)} columns, and SQLite's functions "
            f"take {MOST_KEY_COLUMNS} of it: name fewer in `key`, that identify a row"
        )


def _kind(table: Table) -> str:
    return "`select` of" if table.select else "view" if table.is_view else "table"


def _own_names(plan: CollectionPlan) -> list[str]:
    """Columns that would clash with those that extracts have beside the table's."""
    return [
        f"{plan.mapping.name}: column `{name}` has a name that only this project's own may have: leave it out with "
        "`omit`, or map a view that calls it otherwise"
        for name in plan.columns
        if folded(name).startswith(OWN_PREFIX)
    ]


def _no_column(table: Table, name: str) -> str:
    lacks = f"`select` gives no column `{name}`" if table.select else f"table `{table.name}` has no column `{name}`"
    return lacks + suggestion(name, [column.name for column in table.columns])


def _rowid_warning(table: Table) -> str:
    return (
        f"table `{table.name}` has no primary key: its rows are told apart by their rowid. Changes to them cannot be "
        "followed, since VACUUM numbers rows again; if other columns identify a row, name them in `key`"
    )


def _collation_warnings(collections: Sequence[CollectionPlan]) -> Iterator[str]:
    """How parents are told whose keys only the application can compare."""
    parents = {relation.to_table for each in collections for relation in each.mapping.relations}
    for each in collections:
        if each.table is None or each.mapping.table not in parents or len(each.key) > 1:
            continue
        key = each.table.column(each.key[0]) if each.key else None
        if key is not None and key.missing_collation:
            yield (
                f"only the application has the collation `{key.missing_collation}` of `{each.table.name}.{key.name}`: "
                "which rows name it as their parent is told by the bytes of its keys"
            )


def _stand_in_warnings(plan: CollectionPlan) -> Iterator[str]:
    """What may be another here than in the application: it is computed by a collation that is stood in for."""
    if plan.table is None:
        return
    if plan.table.computed_by:
        what = f"{_kind(plan.table)} `{plan.table.name}`"
        yield _stood_in(plan.table.computed_by, f"`where` of {what}" if plan.table.where else what, "rows or values")
    for column in plan.table.columns:
        if column.computed_by and column.name in plan.columns:
            yield _stood_in(column.computed_by, f"column `{plan.table.name}.{column.name}`", "values")


def _stood_in(collation: str, what: str, altered: str) -> str:
    return (
        f"only the application has the collation `{collation}`: where {what} compares by it, here it compares by "
        f"bytes, and may have other {altered}"
    )


def _others(mapping: Mapping, database: Database) -> Iterable[Table]:
    """The tables that the mapping neither maps nor leaves out."""
    known = {folded(each.table) for each in mapping.collections} | {folded(table) for table in mapping.omit_tables}
    return (table for table in database.tables if folded(table.name) not in known and not table.is_view)


def _omitted_tables(mapping: Mapping, database: Database) -> dict[str, str]:
    """Spelled as in the file; a table that the file lacks is no matter."""
    found = {table: database.table(table) for table in mapping.omit_tables}
    return {table.name: mapping.omit_tables[name] for name, table in found.items() if table is not None}
