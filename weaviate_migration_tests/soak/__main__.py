"""`make soak`: two hours of it, with a restart of the server every ten minutes.

`python -m weaviate_migration_tests.soak --seconds 600` takes less. SIGTERM ends it as if the time were up: with the
comparison, and with picture and table of the time that it took. `--only-draw` makes these from samples that are there.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from weaviate_migration_tests.soak.flatness import compared, returns
from weaviate_migration_tests.soak.picture import draw, table
from weaviate_migration_tests.soak.samples import read_samples
from weaviate_migration_tests.soak.soaking import Soak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=7_200)
    parser.add_argument("--restart-seconds", type=float, default=600, help="of work between two restarts of the server")
    parser.add_argument("--keep-changes", type=int, default=20_000, help="of the change log")
    parser.add_argument("--samples", type=Path, default=Path("soak.jsonl"), help="what is measured, as JSON lines")
    parser.add_argument("--picture", type=Path, default=Path("soak.png"))
    parser.add_argument("--only-draw", action="store_true")
    given = parser.parse_args()
    if not given.only_draw:
        given.samples.unlink(missing_ok=True)
        with TemporaryDirectory(prefix="soak") as folder:
            soak(Path(folder), given.samples, given.seconds, given.restart_seconds, given.keep_changes)
    samples = read_samples(given.samples)
    draw(samples, given.picture)
    print("\n".join(table(samples)))
    grown = [each.shown for each in compared(samples) if not each.is_flat]
    lost = [each.at for each in returns(samples) if each.seconds is None]
    if grown or lost:
        print(f"Grown: {grown}. Restarts after which the lag did not return, in seconds: {lost}.", file=sys.stderr)
    return 1 if grown or lost else 0


def soak(folder: Path, samples: Path, seconds: float, restart_seconds: float, keep_changes: int) -> None:
    """Measures for so long, and compares both sides at the end."""
    under_way = Soak(folder, samples, keep_changes)
    signal.signal(signal.SIGTERM, lambda *_: under_way.enough.set())
    with under_way.running():
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > restart_seconds and not under_way.enough.is_set():
            under_way.go_on(restart_seconds)
            under_way.restart_server()
        under_way.go_on(left)
        under_way.settle()
        under_way.assert_nothing_was_lost()
        assert under_way.stop_following() == 0, "the follower did not end well"
        under_way.assert_nothing_is_left_over()


if __name__ == "__main__":
    sys.exit(main())
