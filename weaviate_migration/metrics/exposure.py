"""Whether metrics are exposed at all: only then is what it takes imported, since it costs each command time."""

from collections.abc import Iterator
from contextlib import contextmanager

from weaviate_migration.base.settings import MigrationConfig


@contextmanager
def exposed_metrics(config: MigrationConfig) -> Iterator[None]:
    """Exposes metrics while a command runs, if its settings want it; raises what `exposition` does."""
    if config.metrics_port is None and config.metrics_file is None and config.metrics_push_url is None:
        yield
        return
    from weaviate_migration.metrics.exposition import exposition

    with exposition(config):
        yield
