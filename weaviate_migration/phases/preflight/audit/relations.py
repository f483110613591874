"""Children without parent: found by SQLite, in the very statement that reads the children."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress, count

from weaviate_migration.mapping import RelationMapping
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.audit.report import OrphanReport
from weaviate_migration.phases.preflight.audit.tally import KeyOf, Tally
from weaviate_migration.source.inspect import Table, quoted
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan
from weaviate_migration.source.rows import compared_sql

# SQLite joins 64 tables at most: https://www.sqlite.org/limits.html, 5. What is beyond is looked for without an index.
_MOST_JOINS = 60


@dataclass
class RelationAudit:
    """Looks for orphans of one relation.

    Attributes:
        condition: SQL that is true for an orphan, of a row `t`.
        join: what the condition uses.
    """

    relation: RelationMapping
    condition: str
    join: str = ""
    _found: Tally = field(default_factory=Tally)

    def add(self, orphans: Sequence[SqlValue], key_of: KeyOf) -> None:
        """Takes what the condition gave for the rows of a slice."""
        for row in compress(range(len(orphans)), orphans):
            self._found.add(row, key_of)

    def report(self) -> OrphanReport:
        """What was found."""
        found = self._found
        return OrphanReport(self.relation.column, self.relation.to_table, found.count, tuple(found.examples))


def relation_audits(plan: CollectionPlan, whole: MigrationPlan) -> list[RelationAudit]:
    """One for each relation of the table whose column is there."""
    there = [each for each in plan.mapping.relations if each.column in plan.columns]
    numbers = count()
    return [_relation_audit(each, whole.parents_of(each), numbers) for each in there]


def _relation_audit(
    relation: RelationMapping, parents: Iterable[CollectionPlan], numbers: Iterator[int]
) -> RelationAudit:
    """An orphan's parent is in none of the collections that have rows of the parents' table."""
    found = [
        orphan_sql(relation.column, each.table, each.key[0], next(numbers))
        for each in parents
        if each.table is not None
    ]
    conditions = [f"({condition})" for condition, _ in found] or [f"t.{quoted(relation.column)} IS NOT NULL"]
    return RelationAudit(relation, " AND ".join(conditions), " ".join(join for _, join in found))


def orphan_sql(column: str, parent: Table, key: str, number: int) -> tuple[str, str]:
    """A condition that is true for a row `t` whose column holds no key of the parent, and the join that it uses.

    It compares as SQLite's foreign keys do: by collation and affinity of the parent's column, which stands on the left.
    The child's column gets a plus, which takes its own affinity away (https://www.sqlite.org/foreignkeys.html, 3 and
    https://www.sqlite.org/datatype3.html, 4.2).

    Args:
        key: the column of the parent, or its rowid.
        number: tells the joins of a statement apart.
    """
    child, table, name = f"t.{quoted(column)}", parent.from_sql, f"parent_{number}"
    if key == parent.rowid or (key,) == parent.primary_key or number >= _MOST_JOINS:
        own = compared_sql(parent, key, f"{name}.{quoted(key)}")
        found = f"EXISTS (SELECT 1 FROM {table} AS {name} WHERE {own} = +{child})"
        return f"{child} IS NOT NULL AND NOT {found}", ""
    # Without an index of its own the table would be searched from end to end for each child: SQLite makes one for this.
    keys = f"(SELECT DISTINCT {compared_sql(parent, key, quoted(key))} AS key FROM {table})"
    return f"{child} IS NOT NULL AND {name}.key IS NULL", f"LEFT JOIN {keys} AS {name} ON {name}.key = +{child}"
