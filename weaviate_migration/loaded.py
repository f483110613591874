"""Which partitions of a collection are loaded in whole, and from which snapshot: who resumes leaves them out."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class LoadTally:
    """What became of one partition's rows: each is written or refused, and counts once.

    Attributes:
        changed: rows that were left out, since the log has a change of them: they are applied as they are now.
    """

    rows: int = 0
    changed: int = 0
    written: int = 0
    refused: int = 0
    retried: int = 0
    batches: int = 0
    removed: int = 0
    seconds: float = 0.0


class LoadedPartitions:
    """The loaded partitions of one collection: a small file for each, written when all of it is in Weaviate.

    Args:
        folder: `loaded` in the work folder.
        collection: the collection's versioned name.
        fingerprint: of what is loaded; a partition that was loaded from something else is not loaded.
    """

    def __init__(self, folder: Path, collection: str, fingerprint: str) -> None:
        self._folder = folder
        self._collection = collection
        self._fingerprint = fingerprint

    def tallies(self, partitions: Iterable[str]) -> dict[str, LoadTally]:
        """What became of the rows of those of these partitions that are loaded."""
        found = {partition: self._read(partition) for partition in partitions}
        return {partition: tally for partition, tally in found.items() if tally is not None}

    def note(self, partition: str, tally: LoadTally) -> None:
        """All of a partition is in Weaviate. One with refused rows is not loaded: they may not be refused next time."""
        if tally.refused:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(partition)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"from": self._fingerprint, "tally": asdict(tally)}), encoding="utf-8")
        temporary.replace(path)

    def forget(self, partitions: Iterable[str]) -> None:
        """These partitions are about to be loaded, are not what they should be, or are gone."""
        for partition in partitions:
            self._path(partition).unlink(missing_ok=True)

    def _read(self, partition: str) -> LoadTally | None:
        path = self._path(partition)
        noted: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return LoadTally(**noted["tally"]) if noted.get("from") == self._fingerprint else None

    def _path(self, partition: str) -> Path:
        return self._folder / f"{self._collection}.{partition}.json"
