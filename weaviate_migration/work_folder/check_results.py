"""What the checks of a collection said last: small files in the work folder, for who watches without Dagster.

Dagster's storage stays what decides: a cutover and the report of the checks read the evaluations there.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

# The file of what is said of the whole collection, beside those of the partitions.
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What a check said.

    Attributes:
        outcome: `passed`, `warned` (it failed, and is a warning only) or `failed`.
    """

    check: str
    outcome: str


class CheckResults:
    """The verdicts on one collection: a file for each partition, and one for the whole.

    Args:
        folder: `check_results` in the work folder.
        collection: the collection's versioned name.
    """

    def __init__(self, folder: Path, collection: str) -> None:
        self._folder = folder
        self._collection = collection

    def note(self, verdicts: Sequence[CheckVerdict], partition: str | None) -> None:
        """Puts these on disk at once, in place of what their checks said before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._collection}.{partition or WHOLE}.json"
        said = {each.check for each in verdicts}
        others = [each for each in _stored(path) if each.check not in said]
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps([asdict(each) for each in [*others, *verdicts]]), encoding="utf-8")
        temporary.replace(path)

    def all(self) -> Iterator[CheckVerdict]:
        """All that are there, those of the partitions first."""
        for path in sorted(self._folder.glob(f"{self._collection}.*.json")):
            yield from _stored(path)


def _stored(path: Path) -> list[CheckVerdict]:
    with suppress(FileNotFoundError):
        return [CheckVerdict(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    return []
