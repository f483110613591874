"""The incidents of a work folder as they are kept: `monitoring/alerts/incidents.py` knows what they say."""

from contextlib import suppress
from pathlib import Path

from weaviate_migration.work_folder.state_store import StateStore

_KIND = "incidents"


class KeptIncidents:
    """The incidents of a work folder, as one JSON document."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def read(self) -> str | None:
        """What was written last; None before anybody has looked."""
        return self._store.read(_KIND, "")

    def write(self, content: str) -> None:
        """Writes it, all of it or nothing."""
        self._store.write(_KIND, "", content)

    def discard(self) -> None:
        """As before anybody has looked."""
        self._store.remove(_KIND)


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes over what an earlier version has kept in a file, and returns it."""
    path = folder / "alerts" / "incidents.json"
    with suppress(FileNotFoundError):
        KeptIncidents(store).write(path.read_text(encoding="utf-8"))
        return [path]
    return []
