"""The section on how much searches find of what they have to find."""

from collections.abc import Iterator

from weaviate_migration.monitoring.report.document import Section, Table
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.runs.checks import found_shares


def search_sections(report: MigrationReport) -> Iterator[Section]:
    """One section; none where no check has measured it."""
    rows = tuple((each.asset, each.measure, each.percent, each.searches) for each in found_shares(report.checks))
    if rows:
        yield Section(
            "What searches find", (), (), (Table("Shares", ("collection", "what", "share", "searches"), rows),)
        )
