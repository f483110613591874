import logging
from collections.abc import Iterator

import pytest

from weaviate_migration_tests.monitoring.alerts.receiver import Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as made:
        yield made


@pytest.fixture(autouse=True)
def _records_reach_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an earlier test of this process has sent them elsewhere."""
    logger = logging.getLogger("weaviate_migration")
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "level", logging.DEBUG)
