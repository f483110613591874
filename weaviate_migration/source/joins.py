"""How the changes of rows are followed that a statement or a condition of the mapping gives.

Such rows are followed by the changes of all tables that the statement joins. Each collection has one table that its key
comes from, the main one: a change in it is logged by that key. A change in another table concerns the rows of the main
one that lead to it along the equalities of the statement, as they are at the moment of asking: if one has led there
before and does no more, then a row on the way was changed itself, and is in the log for it. More rows may be told than
concerned: each is read as it is now. A statement that is not read for certain is not followed.
"""

import itertools
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.changing_calls import is_of_this_moment
from weaviate_migration.source.inspect import Database, Table, quoted
from weaviate_migration.source.sql_tokens import tokens_of, unquoted

# Parts of a SELECT beside which a row of the result does not follow from single rows of its tables.
_REFUSED_PARTS = {
    "with": "WITH",
    "distinct": "DISTINCT",
    "group": "GROUP BY",
    "having": "HAVING",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "windows": "WINDOW",
}
_KNOWN_PARTS = {"expressions", "from", "joins", "where", "order"}
# Behind these a sign has one operand. sqlglot drops a plus there, which takes the affinity from a column.
_BEFORE_OPERANDS = {"AND", "OR", "NOT", "ON", "WHERE", "IS", "IN", "LIKE", "BETWEEN", "WHEN", "THEN", "ELSE", "SELECT"}
_CALLED = re.compile(r"[\w\"`\[]")
# SQLite's flag of functions that give the same for the same arguments: https://www.sqlite.org/c3ref/c_deterministic.html
_DETERMINISTIC = 0x800


@dataclass(frozen=True)
class Equality:
    """Two columns that a statement wants to be equal.

    Attributes:
        near: of the table that is nearer to the main one.
        far: of the other one.
        far_first: whether it stands on the left, so that its collation decides.
    """

    near: str
    far: str
    far_first: bool


@dataclass(frozen=True)
class Step:
    """A step on the way to the main table: the table, and how its rows lead to the one before it."""

    table: Table
    equal: tuple[Equality, ...]


@dataclass(frozen=True)
class Link:
    """A table that is joined, and the way from it to the main one.

    Attributes:
        key: the columns that its changes are logged by: those that it is joined by.
        way: ends with the main table.
    """

    table: Table
    key: tuple[str, ...]
    way: tuple[Step, ...]


@dataclass(frozen=True)
class Joins:
    """What the rows of a collection are followed by; with a reason they are not, and the rest is empty.

    Attributes:
        main: the table that the key comes from.
        key: the columns there that stand for those that a change is logged by.
        links: one for each other table of the statement, and for each time that it stands there.
        reason: why the rows are not followed, as the end of a sentence; '' if they are.
    """

    main: Table | None = None
    key: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Source:
    """A table as it stands in FROM, each time that it does; `is_outer` where a row of the others needs none of it."""

    name: str
    table: Table
    is_outer: bool


@dataclass(frozen=True)
class _Edge:
    """An equality of columns of two sources, in the statement's order; it leads from the one to the other.

    Attributes:
        left_leads, right_leads: whether a change of that side's row is told by the other side's.
    """

    left: tuple[_Source, str]
    right: tuple[_Source, str]
    left_leads: bool = True
    right_leads: bool = True


class _NotFollowedError(Exception):
    """Why a statement is not followed."""


def read_joins(rows: Table, logged_key: Sequence[str], database: Database) -> Joins:
    """Finds out how rows of a statement or condition are followed.

    Args:
        rows: what a collection is made from; it has a statement, a condition, or both.
        logged_key: the columns of it that a change is to be logged by.
        database: has the tables that the statement may join.
    """
    statement = rows.select or f"SELECT * FROM {quoted(rows.name)} WHERE ({rows.where}\n)"
    try:
        if rows.computed_by:
            raise _NotFollowedError(f"only the application has the collation `{rows.computed_by}` that it compares by")
        if rows.select and rows.where:
            _select(f"SELECT * FROM picked WHERE ({rows.where}\n)")
        return _Reading(_select(statement), database).joins(logged_key)
    except _NotFollowedError as error:
        return Joins(reason=str(error))


class _Reading:
    """Reads one statement.

    Args:
        statement: a SELECT of nothing but what `_select` lets pass.
        database: has the tables that it may join.
    """

    def __init__(self, statement: exp.Select, database: Database) -> None:
        self._statement = statement
        self._database = database
        self._joins: list[exp.Join] = statement.args.get("joins") or []
        self._sources: list[_Source] = []
        self._edges: list[_Edge] = []
        first = statement.find(exp.From)
        if first is None:
            raise _NotFollowedError("it reads no table")
        self._add(first.this, is_outer=False)
        for join in self._joins:
            self._join(join)
        where = statement.find(exp.Where)
        self._edges += self._equalities(where.this) if where is not None else []

    def joins(self, logged_key: Sequence[str]) -> Joins:
        """How the statement's rows are followed, where a change is to be logged by these of its columns."""
        outputs = self._outputs()
        own = [outputs.get(folded(column)) for column in logged_key]
        names = ", ".join(f"`{column}`" for column, found in zip(logged_key, own, strict=True) if found is None)
        if names:
            raise _NotFollowedError(f"{names} is computed, or no column of a table")
        found = [each for each in own if each is not None]
        main = found[0][0]
        others = [column for (source, _), column in zip(found, logged_key, strict=True) if source != main]
        if others:
            raise _NotFollowedError(f"`{logged_key[0]}` and `{others[0]}` are columns of two tables")
        if main.is_outer:
            raise _NotFollowedError(f"`{main.table.name}`, which its key comes from, stands behind LEFT JOIN")
        return Joins(main.table, tuple(column for _, column in found), tuple(self._links(main)))

    def _join(self, join: exp.Join) -> None:
        side = str(join.args.get("side") or "").upper()
        if join.args.get("method"):
            raise _NotFollowedError("it joins by NATURAL JOIN: say by which columns")
        if side not in ("", "LEFT"):
            raise _NotFollowedError(f"it has a {side} JOIN")
        before = list(self._sources)
        joined = self._add(join.this, is_outer=side == "LEFT")
        equal = [self._using(name.name, before, joined) for name in join.args.get("using") or ()]
        if on := join.args.get("on"):
            equal += self._equalities(on)
        self._edges += [_one_way(each, joined) for each in equal if joined in _ends(each)] if side else equal

    def _add(self, node: exp.Expression, *, is_outer: bool) -> _Source:
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier) or node.args.get("joins"):
            raise _NotFollowedError("it reads from something else than tables")
        table = self._database.table(node.name)
        if table is None or folded(node.db) not in ("", "main"):
            raise _NotFollowedError(f"it reads `{node.name}`, which is no table of the application's")
        if table.is_view:
            raise _NotFollowedError(f"it reads the view `{table.name}`")
        if table.is_virtual:
            raise _NotFollowedError(f"it reads `{table.name}`, and SQLite has no triggers on virtual tables")
        source = _Source(node.alias_or_name, table, is_outer)
        self._sources.append(source)
        return source

    def _using(self, name: str, before: Iterable[_Source], joined: _Source) -> _Edge:
        first = next((source, column.name) for source in before if (column := source.table.column(name)))
        own = joined.table.column(name)
        assert own is not None, "SQLite has read the statement"
        return _Edge(first, (joined, own.name))

    def _equalities(self, condition: exp.Expression) -> list[_Edge]:
        """The equalities of columns of two tables that hold wherever a condition does."""
        parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
        edges = []
        for part in (each.unnest() for each in parts):
            if isinstance(part, exp.And):
                edges += self._equalities(part)
            elif isinstance(part, exp.EQ):
                left, right = self._column(part.this), self._column(part.expression)
                if left and right and left[0] != right[0]:
                    edges.append(_Edge(left, right))
        return edges

    def _column(self, node: object) -> tuple[_Source, str] | None:
        """The column that an expression is; None if it is something else, such as the rowid."""
        if isinstance(node, exp.Paren):
            return self._column(node.this)
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return None
        for source in self._sources:
            if node.table and folded(node.table) != folded(source.name):
                continue
            if found := source.table.column(node.name):
                return source, found.name
        return None

    def _outputs(self) -> dict[str, tuple[_Source, str] | None]:
        """The columns of the result, by their names, folded: where each comes from; None where it is computed."""
        found: dict[str, tuple[_Source, str] | None] = {}
        for node in self._statement.expressions:
            for name, column in self._output(node):
                found.setdefault(folded(name), column)
        return found

    def _output(self, node: exp.Expression) -> Iterator[tuple[str, tuple[_Source, str] | None]]:
        if isinstance(node, exp.Alias):
            yield node.alias, self._column(node.this)
        elif node.is_star:
            of_table = folded(node.table) if isinstance(node, exp.Column) else ""
            for source in self._sources:
                if of_table in ("", folded(source.name)):
                    yield from ((column.name, (source, column.name)) for column in source.table.columns)
        elif found := self._column(node):
            yield found[1], found

    def _links(self, main: _Source) -> Iterator[Link]:
        """A link for each source but the main one; the nearest ones first."""
        ways: dict[_Source, tuple[Step, ...]] = {main: ()}
        waiting = [source for source in self._sources if source is not main]
        while waiting:
            found = next(((source, step) for source in waiting if (step := self._step(source, ways)) is not None), None)
            if found is None:
                raise _NotFollowedError(
                    f"no column of `{waiting[0].table.name}` has to be equal to one of the tables that lead to its key"
                )
            source, (near, equal) = found
            waiting.remove(source)
            ways[source] = (Step(near.table, equal), *ways[near])
            yield Link(source.table, tuple(dict.fromkeys(each.far for each in equal)), ways[source])

    def _step(self, far: _Source, ways: dict[_Source, tuple[Step, ...]]) -> tuple[_Source, tuple[Equality, ...]] | None:
        """The best step from a source to one that has its way: by its primary key, if there is such a step."""
        steps = []
        for near in (each for each in self._sources if each in ways):
            equal = [found for edge in self._edges if (found := _between(edge, near, far)) is not None]
            by_key = [each for each in equal if each.far in far.table.primary_key]
            if equal and far.table.primary_key and {each.far for each in by_key} == set(far.table.primary_key):
                return near, tuple(by_key)
            if equal:
                steps.append((near, tuple(equal)))
        return steps[0] if steps else None


def _one_way(edge: _Edge, joined: _Source) -> _Edge:
    """An equality in ON of a LEFT JOIN: rows without one of the joined table are there, too."""
    left_leads = edge.left[0] is joined
    return _Edge(edge.left, edge.right, left_leads, not left_leads)


def _ends(edge: _Edge) -> tuple[_Source, _Source]:
    return edge.left[0], edge.right[0]


def _between(edge: _Edge, near: _Source, far: _Source) -> Equality | None:
    """The equality, if it leads from the one source to the other."""
    if edge.left[0] is far and edge.right[0] is near and edge.left_leads:
        found = Equality(edge.right[1], edge.left[1], far_first=True)
    elif edge.right[0] is far and edge.left[0] is near and edge.right_leads:
        found = Equality(edge.left[1], edge.right[1], far_first=False)
    else:
        return None
    for table, name in ((near.table, found.near), (far.table, found.far)):
        column = table.column(name)
        if column is not None and column.missing_collation:
            raise _NotFollowedError(
                f"only the application has the collation `{column.missing_collation}` of `{table.name}.{name}`, which "
                "it joins by"
            )
    return found


def _select(statement: str) -> exp.Select:
    """A statement as sqlglot reads it, where each row of its result follows from a row of each table alone."""
    try:
        read = sqlglot.parse_one(statement, dialect="sqlite")
    except SqlglotError as error:
        raise _NotFollowedError("sqlglot cannot read it") from error
    if not isinstance(read, exp.Select):
        raise _NotFollowedError("it is more than one SELECT")
    for part, given in read.args.items():
        name = part.rstrip("_")
        if given and name not in _KNOWN_PARTS:
            raise _NotFollowedError(f"it has {_REFUSED_PARTS.get(name, name)}")
    inner = [each for each in read.find_all(exp.Query) if each is not read]
    if inner or any(each.args.get("field") for each in read.find_all(exp.In)):
        raise _NotFollowedError("it has a subquery")
    if read.find(exp.Window):
        raise _NotFollowedError("it has a window function")
    # Of several values, they are of one row.
    if any(not each.expressions for each in read.find_all(exp.Max, exp.Min)):
        raise _NotFollowedError("it has an aggregate")
    words = [token for token in tokens_of(statement) if token != " "]
    if any(sign == "+" and _awaits_operand(before) for before, sign in itertools.pairwise(words)):
        raise _NotFollowedError("it has a `+` with one operand")
    _refuse_functions(words)
    return read


def _awaits_operand(word: str) -> bool:
    return word.upper() in _BEFORE_OPERANDS or not (word == ")" or _CALLED.match(word) or word[0] == "'")


def _refuse_functions(words: Sequence[str]) -> None:
    """Raises where a function is called that sums up rows, or that may give another value each time."""
    aggregates, changing = _functions()
    for at, word in enumerate(words):
        name = folded(unquoted(word))
        if is_of_this_moment(word, words[at + 1 :]):
            raise _NotFollowedError(f"`{name}` may give another value each time")
        if words[at + 1 : at + 2] != ["("] or not _CALLED.match(word):
            continue
        if name in aggregates:
            raise _NotFollowedError(f"it has an aggregate, `{name}`")
        if name in changing:
            raise _NotFollowedError(f"`{name}` may give another value each time")


@cache
def _functions() -> tuple[frozenset[str], frozenset[str]]:
    """The names of SQLite's aggregates, and of those functions that may give another value each time."""
    with closing(sqlite3.connect(":memory:")) as connection:
        rows = connection.execute("SELECT lower(name), type, flags FROM pragma_function_list").fetchall()
    scalar = {name for name, kind, _ in rows if kind == "s"}
    aggregates = {name for name, kind, _ in rows if kind != "s"} - scalar
    return frozenset(aggregates), frozenset(n for n, kind, flags in rows if kind == "s" and not flags & _DETERMINISTIC)
