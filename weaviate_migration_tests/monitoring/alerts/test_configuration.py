from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.monitoring.alerts import read_alert_settings
from weaviate_migration_tests.documentation import CHECKOUT, code_blocks

SMALL = """\
alerts:
  channels:
    - json://team:canary@localhost
"""


def mistakes(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_alert_settings(path)
    return str(raised.value).replace(f"{path.parent}/", "").splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alerts.yaml"


def test_defaults_and_names_of_channels(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_CHAT", "json://localhost/canary")
    file.write_text(f"{SMALL}    - env:TEAM_CHAT\n", encoding="utf-8")
    settings = read_alert_settings(file)
    assert [each.name for each in settings.named_channels()] == ["channels[0] (json)", "env:TEAM_CHAT"]
    assert settings.named_channels()[1].url == "json://localhost/canary"
    assert "canary" not in repr(settings) + repr(settings.named_channels())
    assert settings.for_memory_limit(700).memory_mb == 700
    assert settings.model_copy(update={"memory_mb": 5}).for_memory_limit(700).memory_mb == 5


def test_every_mistake_is_named_with_its_line_and_no_url(file: Path) -> None:
    text = """\
alerts:
  channels:
    - nosuch://canary@localhost
    - canary-alone
    - env:NOT_SET
    - 5
  throughput_share: 2
  stalled_minutes: 0
  lag_changes: many
  lag_secs: 3
  free_disk_mb: 1.5
other: 1
"""
    wiki = "https://github.com/caronc/apprise/wiki lists the services and their URLs"
    allowed = (
        "channels, throughput_share, stalled_minutes, lag_changes, lag_seconds, memory_mb, free_disk_mb, "
        "server_disk_percent"
    )
    found = mistakes(file, text)
    assert found[0] == "the alerts file has 10 mistakes:"
    told = {line.partition(": ")[0]: line.partition(": ")[2] for line in found[1:]}
    url = "alerts.channels[{}]: no notification can be sent to this URL (it begins with `{}:`); " + wiki
    assert told == {
        "alerts.yaml:3": url.format(0, "nosuch"),
        "alerts.yaml:4": url.format(1, "?"),
        "alerts.yaml:5": "alerts.channels[2]: the environment has no variable NOT_SET",
        "alerts.yaml:6": (
            "alerts.channels[3]: must be text, but YAML reads a number (5) here; "
            "put it in quotes if it is meant as text"
        ),
        "alerts.yaml:7": "alerts.throughput_share: must be 1.0 at most, not 2",
        "alerts.yaml:8": "alerts.stalled_minutes: must be more than 0.0, not 0",
        "alerts.yaml:9": "alerts.lag_changes: must be a whole number, not `many`",
        "alerts.yaml:10": f"alerts.lag_secs: is no field; did you mean `lag_seconds`? Allowed: {allowed}",
        "alerts.yaml:11": "alerts.free_disk_mb: must be a whole number, not a number (1.5)",
        "alerts.yaml:12": "other: is no field; Allowed: alerts",
    }
    assert "canary" not in "".join(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["alerts.yaml:1: is empty; an alerts file has alerts"]),
        ("alerts: {}", ["the alerts file has 1 mistake:", "alerts.yaml:1: alerts.channels: is missing"]),
        (
            "alerts: {channels: []}",
            ["the alerts file has 1 mistake:", "alerts.yaml:1: alerts.channels: needs at least one item"],
        ),
        (
            f"{SMALL}  lag_changes: 1\n  lag_changes: 2",
            ["the alerts file has 1 mistake:", "alerts.yaml:5: alerts.lag_changes: is given twice, first in line 4"],
        ),
    ],
)
def test_a_file_that_is_not_one(file: Path, text: str, told: list[str]) -> None:
    assert mistakes(file, text) == told


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_alert_settings(tmp_path / "none.yaml")
    assert str(raised.value) == f"alerts file {tmp_path}/none.yaml: No such file or directory\nCorrect --alerts."


def test_the_files_of_the_docs_have_the_defaults(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_CHAT", "json://localhost")
    example = (CHECKOUT / "examples" / "alerts" / "alerts.yaml").read_text(encoding="utf-8")
    (shown,) = code_blocks("yaml", "alerts.md")
    for text, channels in ((example, 3), (shown, 2)):
        file.write_text(text, encoding="utf-8")
        settings = read_alert_settings(file)
        assert len(settings.channels) == channels
        given = settings.for_memory_limit(1024).model_dump(exclude={"channels"})
        defaults = {name: field.default for name, field in type(settings).model_fields.items() if name != "channels"}
        assert given == {**defaults, "memory_mb": 1024}
