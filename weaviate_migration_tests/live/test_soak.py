"""A minute of what `make soak` does for two hours: nothing grows, the lag returns, and at the end nothing is lost."""

from pathlib import Path

from weaviate_migration_tests.soak.flatness import compared, returns
from weaviate_migration_tests.soak.samples import read_samples
from weaviate_migration_tests.soak.soaking import Soak

KEPT = 2_000
# Between two restarts so many changes, however long these take.
CHANGES = 4_000


def test_a_follower_grows_by_nothing_and_comes_back_to_its_server(tmp_path: Path) -> None:
    soak = Soak(tmp_path, tmp_path / "samples.jsonl", KEPT)
    with soak.running():
        for restart in (True, True, False):
            until_changes = soak.sample().changes + CHANGES
            while soak.sample().changes < until_changes:
                soak.go_on(1)
            if restart:
                soak.restart_server()
        last = soak.settle()
        soak.assert_nothing_was_lost()
        assert soak.stop_following() == 0
        soak.assert_nothing_is_left_over()
    samples = read_samples(soak.samples)
    assert samples == soak.taken
    assert last.changes > 3 * CHANGES
    assert [each.shown for each in compared(samples) if not each.is_flat] == []
    assert [each.seconds is not None for each in returns(samples)] == [True, True]
