"""The open incidents of a work folder: a look tells what is new and what is over, and nothing else.

Several processes look, Dagster's daemon and commands: a lock lets one settle at a time. What is to be told is written
down before it is sent: killed in between, it may be sent twice, but never not at all.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from weaviate_migration.base.redaction import redacted
from weaviate_migration.monitoring.alerts.channels import Channel, Urgency
from weaviate_migration.monitoring.alerts.conditions import Condition, Judgement, Kind
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.kept_incidents import KeptIncidents

logger = logging.getLogger(__name__)

# Longer than another process takes to tell several channels that do not answer.
LOCK_SECONDS = 60.0


class Incident(BaseModel):
    """A condition that was told, or is to be told, to the channels.

    Attributes:
        over_at: when it was gone; None while it holds.
        untold: names of the channels that do not know yet what is so now.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    about: str
    title: str
    text: str
    urgency: Literal["failure", "warning"]
    opened_at: datetime
    over_at: datetime | None = None
    untold: tuple[str, ...]

    @classmethod
    def of(cls, condition: Condition, channels: Iterable[Channel], now: datetime) -> "Incident":
        """A new one, that nobody knows of yet."""
        return cls(
            kind=condition.kind,
            about=condition.about,
            title=_sendable(condition.title),
            text=_sendable(condition.text),
            urgency=condition.urgency,
            opened_at=now,
            untold=tuple(each.name for each in channels),
        )

    @property
    def key(self) -> tuple[Kind, str]:
        """That of its condition."""
        return self.kind, self.about

    def ended(self, channels: Iterable[Channel], now: datetime) -> "Incident":
        """The same, over: a channel that was never told of it is not told of its end."""
        knowing = tuple(each.name for each in channels if each.name not in self.untold)
        return self.model_copy(update={"over_at": now, "untold": knowing})

    def told(self, channel: str) -> "Incident":
        """The same, known to one more channel."""
        return self.model_copy(update={"untold": tuple(name for name in self.untold if name != channel)})

    def notification(self) -> tuple[str, str, Urgency]:
        """What a channel is told: title, text, urgency."""
        if self.over_at is None:
            return self.title, self.text, self.urgency
        minutes = (self.over_at - self.opened_at).total_seconds() / 60
        return f"Over: {self.title}", f"It lasted {minutes:.0f} minutes.", "success"


def _sendable(text: str) -> str:
    """The text without secrets, which an error may quote; lone surrogates, as keys may have them, are escaped."""
    return redacted(text).encode("utf-8", "backslashreplace").decode("utf-8")


_INCIDENTS = TypeAdapter(list[Incident])


class IncidentBook:
    """The incidents of one work folder.

    Args:
        channels: who is told.
    """

    def __init__(self, work_folder: WorkFolder, channels: Sequence[Channel] = ()) -> None:
        self._work_folder = work_folder
        self._channels = channels
        self._failing: set[tuple[tuple[Kind, str], str]] = set()

    def open_incidents(self) -> list[Incident]:
        """Those that hold, the oldest first."""
        return [each for each in self._read() if each.over_at is None]

    def settle(self, judgement: Judgement) -> None:
        """Tells the channels of conditions that are new, and of those that are over; also what failed to be told."""
        lock = self._work_folder.lock("alerts/incidents")
        if not lock.acquire(LOCK_SECONDS):
            logger.warning("Alerts wait: another process has told them for %.0f s.", LOCK_SECONDS)
            return
        try:
            self._tell(self._settled(judgement, datetime.now(UTC)))
        finally:
            lock.release()

    @property
    def _kept(self) -> KeptIncidents:
        return KeptIncidents(self._work_folder.store)

    @property
    def is_in_use(self) -> bool:
        """Whether anybody has ever looked."""
        return self._kept.read() is not None

    def _settled(self, judgement: Judgement, now: datetime) -> list[Incident]:
        """The incidents as they are after this judgement; written down already."""
        held = {each.key: each for each in self._read()}
        for key, each in held.items():
            if each.over_at is None and judgement.is_over(*key):
                held[key] = each.ended(self._channels, now)
        for condition in judgement.conditions:
            known = held.get(condition.key)
            if known is None or known.over_at is not None:
                held[condition.key] = Incident.of(condition, self._channels, now)
        incidents = list(held.values())
        self._write(incidents)
        return incidents

    def _tell(self, incidents: list[Incident]) -> None:
        for at, incident in enumerate(incidents):
            for channel in self._channels:
                if channel.name in incident.untold and self._send(channel, incident):
                    incidents[at] = incidents[at].told(channel.name)
                    self._write(incidents)

    def _send(self, channel: Channel, incident: Incident) -> bool:
        title, text, urgency = incident.notification()
        sent, what = channel.send(title, text, urgency), (incident.key, channel.name)
        if sent:
            self._failing.discard(what)
        elif what not in self._failing:  # Once: who looks every few seconds tries as often.
            self._failing.add(what)
            logger.warning("The alert “%s” could not be sent to %s; it is tried again.", title, channel.name)
        return sent

    def _read(self) -> list[Incident]:
        content = self._kept.read()
        return _INCIDENTS.validate_json(content) if content is not None else []

    def _write(self, incidents: Iterable[Incident]) -> None:
        """Writes down those that are not over, or not told yet."""
        names = {each.name for each in self._channels}
        kept = [each for each in incidents if each.over_at is None or names & set(each.untold)]
        self._kept.write(_INCIDENTS.dump_json(kept).decode())
