from pathlib import Path

import dagster as dg

from weaviate_migration import build_migration_definitions
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.defs.build import build_definitions
from weaviate_migration_tests.monitoring.alerts.receiver import alerts_file


def alert_sensors(config: MigrationConfig) -> dict[str, dg.DefaultSensorStatus]:
    """The name of each, and whether it runs from the beginning."""
    sensors = build_definitions(config).sensors or []
    assert all(isinstance(each, dg.SensorDefinition) for each in sensors)
    return {each.name: each.default_status for each in sensors if each.name.endswith("_alerts")}


def test_the_sensors_are_there_and_run_where_alerts_are_configured(tmp_path: Path) -> None:
    config = create_migration_config("", work_dir=tmp_path)
    assert alert_sensors(config) == {}
    path = alerts_file(tmp_path / "alerts.yaml", "json://localhost")
    running = dg.DefaultSensorStatus.RUNNING
    names = ("state_alerts", "failed_run_alerts", "succeeded_run_alerts")
    alerted = config.model_copy(update={"alerts": path})
    assert alert_sensors(alerted) == dict.fromkeys(names, running)
    in_a_project = build_migration_definitions(alerted, key_prefix=["eu", "crm"]).sensors or []
    assert {each.name for each in in_a_project} >= {f"eu_crm_{name}" for name in names}
