"""Alerts: whether somebody has to be called, told once for each incident, and once more when it is over."""

from weaviate_migration.monitoring.alerts.conditions import Condition, Judgement
from weaviate_migration.monitoring.alerts.configuration import AlertSettings, read_alert_settings
from weaviate_migration.monitoring.alerts.incidents import Incident, IncidentBook

__all__ = ["AlertSettings", "Condition", "Incident", "IncidentBook", "Judgement", "read_alert_settings"]
