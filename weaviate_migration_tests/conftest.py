"""What every test needs: an environment without the settings of the person who runs it."""

import os
from collections.abc import Generator

import pytest

KEPT = "WEAVIATE_MIGRATION_NO_LIVE"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == "DAGSTER_HOME" or (name.startswith("WEAVIATE_MIGRATION_") and name != KEPT):
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has printed may hold half a surrogate pair; a process of several sends its reports as UTF-8."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
