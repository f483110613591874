"""How far the change log of a capture is applied, and what tells one history of it from another."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from weaviate_migration.mapping.validated_model import later
from weaviate_migration.source.capture import Capture, last_position, read_capture
from weaviate_migration.source.connect import source_errors
from weaviate_migration.source.inspect import quoted
from weaviate_migration.source.rows import decoded_text
from weaviate_migration.source.snapshot import open_snapshot


class LogPosition(BaseModel):
    """A position in the change log of a capture.

    Attributes:
        capture: the capture's id.
        epoch: of the capture; a later one begins where changes may have been missed.
        entry: what the log says at the position: another text there is another history.
        seen: up to here Weaviate may hold what was logged later, and `seen_entry` what the log says there; 0 where
            nothing beyond the position was seen.
    """

    model_config = ConfigDict(frozen=True)

    capture: str
    epoch: int
    position: int
    entry: str | None
    seen: int = later(0)
    seen_entry: str | None = later(None)

    def seeing(self, position: int, entry: str | None) -> "LogPosition":
        """The same, and that entries up to this position were seen."""
        is_known = position <= max(self.seen, self.position)
        return self if is_known else self.model_copy(update={"seen": position, "seen_entry": entry})

    def moved_to(self, position: int, entry: str | None) -> "LogPosition":
        """Applied up to this position; what was seen beyond it still was."""
        reached = self.model_copy(update={"position": position, "entry": entry})
        return reached if self.seen > position else reached.model_copy(update={"seen": 0, "seen_entry": None})


def log_end(snapshot: Path, capture_id: str) -> LogPosition | None:
    """Where the change log in a snapshot ends: what was changed later is in the log of the live file, after that.

    Returns:
        None where the snapshot has no such capture.
    """
    with source_errors(snapshot), closing(open_snapshot(snapshot)) as connection:
        connection.text_factory = decoded_text
        capture = read_capture(connection, capture_id)
        if capture is None:
            return None
        position = last_position(connection, capture)
        entry = log_entry(connection, capture, position)
        return LogPosition(capture=capture.id, epoch=capture.epoch, position=position, entry=entry)


def log_entry(connection: sqlite3.Connection, capture: Capture, position: int) -> str | None:
    """What the log says at a position, so that it can be told from another entry there; None where it has none."""
    found = connection.execute(f"SELECT * FROM {quoted(capture.changes)} WHERE position = ?", (position,)).fetchone()
    if found is None:
        return None
    told = list(found)
    while told[-1] is None:  # A later epoch with a wider key gives the log more columns.
        told.pop()
    return repr(told)
