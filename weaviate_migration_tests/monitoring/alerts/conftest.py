import logging
from collections.abc import Iterator

import pytest

from weaviate_migration_tests.monitoring.alerts.receiver import Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as made:
        yield made


@pytest.fixture(autouse=True)
def _all_levels_are_recorded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "weaviate_migration")
