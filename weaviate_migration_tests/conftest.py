"""What every test needs: an environment without the settings of the person who runs it."""

import os

import pytest

KEPT = "WEAVIATE_MIGRATION_NO_LIVE"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == "DAGSTER_HOME" or (name.startswith("WEAVIATE_MIGRATION_") and name != KEPT):
            monkeypatch.delenv(name)
