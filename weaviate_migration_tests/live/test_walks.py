"""How often the checks walk a collection: once, whatever their number."""

from collections import Counter

from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.counting_proxy import run_counting_proxy
from weaviate_migration_tests.live.notes import NoteMigration
from weaviate_migration_tests.partition_keys import PARTITION_KEYS


def test_all_checks_of_a_collection_walk_it_once(notes: NoteMigration) -> None:
    """Each partition fits into one page, and begins where the one before it ends."""
    with run_counting_proxy(notes.server) as (pages, front):
        ended = run_here("migrate", *notes.source_options, *at(front), "--json")
        assert ended.code == 0, ended.stderr
        begun = Counter(each.get("after", "") for each in pages)
    assert sum(check["passed"] for check in ended.json["checks"] if check["asset"] == "note") == 16 * 2 + 4
    assert len(begun) == len(PARTITION_KEYS)
    assert set(begun.values()) == {1}
