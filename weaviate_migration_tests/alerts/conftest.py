from collections.abc import Iterator

import pytest

from weaviate_migration_tests.alerts.receiver import Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as made:
        yield made
