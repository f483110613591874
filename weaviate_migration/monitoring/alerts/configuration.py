"""Reads the file of `--alerts`: where alerts go, and from when on something is one."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.redaction import keep_secret
from weaviate_migration.base.settings import value_in_environment
from weaviate_migration.base.yaml_file import FileKind, read_yaml_file
from weaviate_migration.monitoring.alerts.channels import Channel, refuse_unusable_url, scheme_of

FROM_ENVIRONMENT = "env:"


def _resolvable(text: str) -> str:
    """The text, if a notification can be sent to what it says; what is wrong is told without the text itself."""
    if not text.startswith(FROM_ENVIRONMENT):
        refuse_unusable_url(text)
        return text
    variable = text.removeprefix(FROM_ENVIRONMENT)
    if (url := value_in_environment(variable)) is None:
        raise ValueError(f"the environment has no variable {variable}")
    refuse_unusable_url(url)
    return text


def _at_least_one(channels: tuple[str, ...]) -> tuple[str, ...]:
    """The channels. Pydantic's own limit would count the usable ones only, and add a mistake to theirs."""
    if not channels:
        raise ValueError("needs at least one item")
    return channels


class AlertSettings(BaseModel):
    """The section `alerts`.

    Attributes:
        channels: URLs as apprise has them (https://github.com/caronc/apprise/wiki), or `env:NAME` for one that is in a
            variable of the environment.
        throughput_share: a collection is slow below this share of its own average; 0: never.
        stalled_minutes: minutes without a single row.
        lag_changes, lag_seconds: captured changes that are not applied, and the age of the oldest of them.
        memory_mb: resident memory of the largest process; None is the setting `memory_limit_mb`.
        free_disk_mb: that the disk of the work folder has left at least.
        server_disk_percent: used of the disk with an embedded server's data. At 90 % Weaviate stops writing
            (DISK_USE_READONLY_PERCENTAGE of its documentation).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    channels: Annotated[
        tuple[Annotated[str, AfterValidator(_resolvable)], ...],
        Field(strict=False, repr=False),
        AfterValidator(_at_least_one),
    ]
    throughput_share: float = Field(default=0.25, ge=0, le=1)
    stalled_minutes: float = Field(default=10.0, gt=0)
    lag_changes: int = Field(default=10_000, ge=0)
    lag_seconds: float = Field(default=300.0, ge=0)
    memory_mb: int | None = Field(default=None, gt=0)
    free_disk_mb: int = Field(default=1024, ge=0)
    server_disk_percent: float = Field(default=85.0, ge=0, le=100)

    def named_channels(self) -> list[Channel]:
        """The channels by names that hold no secret: `env:TEAM_CHAT`, `channels[0] (mailtos)`."""
        return [_channel(at, text) for at, text in enumerate(self.channels)]

    def for_memory_limit(self, memory_limit_mb: int) -> Self:
        """These settings, with the memory that a migration may take as the limit where none is given."""
        return self if self.memory_mb is not None else self.model_copy(update={"memory_mb": memory_limit_mb})


class _AlertsFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    alerts: AlertSettings


_ALERTS_FILE = FileKind("alerts file", "an alerts file", "--alerts", ConfigurationError, {"alerts": AlertSettings})


def read_alert_settings(path: Path) -> AlertSettings:
    """Reads and validates the section `alerts` of a YAML file.

    Raises:
        ConfigurationError: there is no such file, or it is wrong: then the message lists every mistake with its line,
            and no channel's URL.
    """
    return read_yaml_file(path, _AlertsFile, _ALERTS_FILE).alerts


def _channel(at: int, text: str) -> Channel:
    """The channel; its URL is kept out of every log and error from now on."""
    if text.startswith(FROM_ENVIRONMENT):
        channel = Channel(text, value_in_environment(text.removeprefix(FROM_ENVIRONMENT)) or "")
    else:
        channel = Channel(f"channels[{at}] ({scheme_of(text)})", text)
    keep_secret(channel.url)
    return channel
