"""Which tables are to have a parent's columns beside their own, and the keys that lead to the parents."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.texts import suggestion
from weaviate_migration.mapping.names import folded
from weaviate_migration.phases.preflight.inference.read_tables import ReadTable
from weaviate_migration.source.inspect import Database, Table

_EXAMPLES = (
    "Say it as `--join chunks:documents`, or as `--join messages.author_id:users` where several columns lead there."
)

# SQLite gives columns of a view other names instead of these (3.40, `sqlite3ColumnsFromExprList`).
_NO_NAMES = ("true", "false")


@dataclass(frozen=True)
class WantedJoin:
    """What a person asked for: a table, and whose columns stand beside its own.

    Attributes:
        given: in the words that it was asked for.
        column: that holds the parent's key; None: the only one that does.
    """

    given: str
    child: Table
    parent: Table
    column: str | None


@dataclass(frozen=True)
class FoundJoin:
    """The column of a child that holds the key of a parent."""

    column: str
    parent: ReadTable


def wanted_joins(given: Iterable[str], database: Database) -> list[WantedJoin]:
    """Reads `child:parent` and `child.column:parent`; raises ConfigurationError where the file lacks one of them.

    Names may hold colons and points themselves: taken is the first reading that fits the file.
    """
    return [_wanted(each, database) for each in given]


def _wanted(given: str, database: Database) -> WantedJoin:
    for left, right in _halves(given, ":"):
        parent = database.table(right)
        if parent is None:
            continue
        if (child := database.table(left)) is not None:
            return WantedJoin(given, child, parent, None)
        for name, column in _halves(left, "."):
            if (child := database.table(name)) is not None and (found := child.column(column)) is not None:
                return WantedJoin(given, child, parent, found.name)
    raise ConfigurationError(f"--join {given}: {_unread(given, database)}", _EXAMPLES)


def _unread(given: str, database: Database) -> str:
    """What of a join the file does not have."""
    tables = [table.name for table in database.tables]
    left, colon, right = given.rpartition(":")
    if not (left and colon and right):
        return "names no two tables with a colon between them"
    name, _, column = left.rpartition(".")
    if (child := database.table(left) or database.table(name)) is None:
        return f"{database.path} has no table `{left}`{suggestion(left, tables)}"
    if database.table(left) is None and child.column(column) is None:
        columns = [each.name for each in child.columns]
        return f"table `{child.name}` has no column `{column}`{suggestion(column, columns)}"
    return f"{database.path} has no table `{right}`{suggestion(right, tables)}"


def _halves(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """Both sides of each separator in a text."""
    parts = text.split(separator)
    for at in range(1, len(parts)):
        yield separator.join(parts[:at]), separator.join(parts[at:])


def found_joins(wanted: Sequence[WantedJoin], tables: Sequence[ReadTable]) -> dict[str, list[FoundJoin]]:
    """The joins of each child, by its name.

    Args:
        tables: those that become collections.

    Raises:
        ConfigurationError: a table becomes no collection, or has no column that leads to the parent, or several.
    """
    by_name = {each.name: each for each in tables}
    found: dict[str, list[FoundJoin]] = {}
    for each in wanted:
        if missing := [table.name for table in (each.child, each.parent) if table.name not in by_name]:
            raise ConfigurationError(f"--join {each.given}: {' and '.join(missing)} becomes no collection")
        join = _found(each, by_name[each.child.name], by_name[each.parent.name])
        if join not in (joins := found.setdefault(each.child.name, [])):
            joins.append(join)
    return found


def _found(wanted: WantedJoin, child: ReadTable, parent: ReadTable) -> FoundJoin:
    table = child.keyed.table
    if not table.primary_key and child.keyed.key == (table.rowid,):
        raise ConfigurationError(
            f"--join {wanted.given}: {child.name} has no primary key, and no statement names the rowid of a row"
        )
    if unnamed := [column.name for column in table.columns if folded(column.name) in _NO_NAMES]:
        raise ConfigurationError(
            f"--join {wanted.given}: a statement cannot give the column `{unnamed[0]}` of {child.name} by that name"
        )
    declared = [each.candidate.column for each in child.declared if each.candidate.parent == parent.keyed]
    named = [each.column for each in child.suggested if each.parent == parent.keyed]
    columns = _asked_for(wanted, declared) or _asked_for(wanted, named)
    if not columns:
        raise ConfigurationError(
            f"--join {wanted.given}: no column of {child.name} holds the key of {parent.name}",
            "A foreign key of one column has to say so, or a name such as `document_id`, if all values are keys. "
            "Or write `select` into the mapping yourself.",
        )
    if len(columns) > 1:
        raise ConfigurationError(
            f"--join {wanted.given}: {', '.join(columns)} hold keys of {parent.name}",
            f"Name one: {' or '.join(f'--join {child.name}.{each}:{parent.name}' for each in columns)}.",
        )
    return FoundJoin(columns[0], parent)


def _asked_for(wanted: WantedJoin, columns: Sequence[str]) -> list[str]:
    return [column for column in columns if wanted.column in (column, None)]
