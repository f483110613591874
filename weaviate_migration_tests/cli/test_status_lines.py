"""What `status` shows in lines."""

from weaviate_migration.cli.show.status_lines import status_lines
from weaviate_migration.monitoring.status import MigrationStatus
from weaviate_migration.runs.checks import FoundShare

SHARES = [FoundShare("note", f"of what finds {number}", share, 12) for number, share in enumerate([1, 0.97, 0.5, 0.98])]


def told(shares: list[FoundShare]) -> list[str]:
    return [text for _, text in status_lines(MigrationStatus(searches=shares), {"searches"})]


def test_of_many_searches_the_one_is_told_that_finds_least() -> None:
    assert told(SHARES) == ["note: of what finds 2: 50.00 % (12 searches), the lowest of 4"]


def test_of_few_each_is_told() -> None:
    assert told(SHARES[:2]) == [
        "note: of what finds 0: 100.00 % (12 searches)",
        "note: of what finds 1: 97.00 % (12 searches)",
    ]
