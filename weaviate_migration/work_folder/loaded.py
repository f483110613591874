"""Which partitions of a collection are loaded in whole, and from which snapshot: who resumes leaves them out."""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from weaviate_migration.work_folder.load_tally import LoadTally, tally_from

# How often the tally of a partition that is under way is written down.
SECONDS_BETWEEN_WRITES = 2.0


class LoadedPartitions:
    """The partitions of one collection: a small file for each, with its tally, and whether all of it is in Weaviate.

    Args:
        folder: `loaded` in the work folder.
        collection: the collection's versioned name.
        fingerprint: of what is loaded; a partition that was loaded from something else is not loaded.
    """

    def __init__(self, folder: Path, collection: str, fingerprint: str) -> None:
        self._folder = folder
        self._collection = collection
        self._fingerprint = fingerprint
        self._written_at = float("-inf")

    def tallies(self, partitions: Iterable[str]) -> dict[str, LoadTally]:
        """What became of the rows of those of these partitions that are loaded."""
        stored = {partition: self._read(partition) for partition in partitions}
        return {partition: tally_from(each["tally"]) for partition, each in stored.items() if self._is_whole(each)}

    def measured(self) -> dict[str, LoadTally]:
        """What was measured of each partition's last load, whether it is at its end or not, by partition."""
        paths = sorted(self._folder.glob(f"{self._collection}.*.json"))
        stored = {path.suffixes[-2].removeprefix("."): _stored(path) for path in paths}
        return {partition: tally_from(each["tally"]) for partition, each in stored.items() if each}

    def begin(self, partitions: Iterable[str]) -> None:
        """These partitions are about to be loaded: nothing is measured of them yet."""
        for partition in partitions:
            self._path(partition).unlink(missing_ok=True)

    def note_under_way(self, partition: str, tally: LoadTally) -> None:
        """What is measured so far of a partition; written down every two seconds."""
        if time.monotonic() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self._write(partition, tally, whole=False)

    def note(self, partition: str, tally: LoadTally) -> None:
        """All of a partition is in Weaviate. One with refused rows is not loaded: they may not be refused next time."""
        self._write(partition, tally, whole=not tally.refused)

    def forget(self, partitions: Iterable[str]) -> None:
        """These partitions are not what they should be, or are gone."""
        for partition in partitions:
            if stored := self._read(partition):
                self._write(partition, tally_from(stored["tally"]), whole=False)

    def _is_whole(self, stored: Mapping[str, Any]) -> bool:
        """Of a file without a word on it, all is loaded: earlier versions wrote it then only."""
        return bool(stored) and stored["from"] == self._fingerprint and stored.get("whole", True)

    def _read(self, partition: str) -> dict[str, Any]:
        return _stored(self._path(partition))

    def _write(self, partition: str, tally: LoadTally, *, whole: bool) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(partition)
        temporary = path.with_suffix(".tmp")
        stored = {"from": self._fingerprint, "whole": whole, "tally": asdict(tally)}
        temporary.write_text(json.dumps(stored), encoding="utf-8")
        temporary.replace(path)
        self._written_at = time.monotonic()

    def _path(self, partition: str) -> Path:
        return self._folder / f"{self._collection}.{partition}.json"


def _stored(path: Path) -> dict[str, Any]:
    """A file's content; nothing where there is none, or no more."""
    with suppress(FileNotFoundError):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return {}
