"""The definitions of the environment, which Dagster imports by this module's name; nothing of ours imports it."""

import dagster as dg

from weaviate_migration.base.logs import configure_run_logging
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.defs.build import build_definitions


def _definitions_of_the_environment() -> dg.Definitions:
    config = config_with_optional_source()
    configure_run_logging(config.log_level, config.log_file)
    return build_definitions(config)


defs = _definitions_of_the_environment()
