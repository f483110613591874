"""What is shown of a run while it is under way: the last look comes, however short the run was."""

import threading
from pathlib import Path

import pytest

from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.live_progress import _Showing
from weaviate_migration.runs.runner import dagster_instance


class EndWaitedFor(threading.Event):
    """A run's end; where it begins at all, it begins and ends while somebody waits."""

    def __init__(self, began: threading.Event, *, begins: bool) -> None:
        super().__init__()
        self._began = began
        self._begins = begins

    def wait(self, timeout: float | None = None) -> bool:
        if self._begins:
            self._began.set()
        self.set()
        return super().wait(timeout)


@pytest.mark.parametrize("begins", [True, False])
def test_a_run_that_begins_and_ends_between_two_looks_is_looked_at_once(tmp_path: Path, begins: bool) -> None:
    config = create_migration_config(str(tmp_path / "app.db"), work_dir=tmp_path / "work")
    with dagster_instance(config.work_dir):
        showing = _Showing(config, "Migrating", None)
        showing.ended = EndWaitedFor(showing.began, begins=begins)
        assert len(list(showing.looks(60))) == begins
