"""Checklists before and after a migration: for each item a verdict, the figure that it rests on, and the remedy."""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from weaviate_migration.base.errors import DifferencesError, StorageError
from weaviate_migration.work_folder.state_store import StateStore

logger = logging.getLogger(__name__)

Verdict = Literal["passed", "warned", "failed", "skipped"]
Kind = Literal["preflight", "postflight"]

_KIND = "checklist"


@dataclass(frozen=True)
class ChecklistItem:
    """One thing that was looked at.

    Attributes:
        name: what, in a few words.
        verdict: `skipped` where it cannot be told, or does not matter here; `figure` has the reason.
        figure: what was found, as a person reads it, with its unit.
        remedy: what to do about it; '' where nothing is to be done.
    """

    name: str
    verdict: Verdict
    figure: str
    remedy: str = ""


@dataclass(frozen=True)
class Checklist:
    """What one look at a migration found.

    Attributes:
        at: when, in UTC.
        items: in the order in which they were looked at.
    """

    kind: Kind
    at: datetime
    items: tuple[ChecklistItem, ...]

    @classmethod
    def of(cls, kind: Kind, items: Iterable[ChecklistItem]) -> "Checklist":
        """The checklist of these items, as of now."""
        return cls(kind, datetime.now(UTC), tuple(items))

    @property
    def success(self) -> bool:
        """Whether no item failed; warnings do not count."""
        return not self.having("failed")

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 0, or 3 when an item failed."""
        return 0 if self.success else DifferencesError.exit_code

    def having(self, verdict: Verdict) -> list[ChecklistItem]:
        """The items with this verdict."""
        return [each for each in self.items if each.verdict == verdict]

    def to_dict(self) -> dict[str, Any]:
        """What `preflight --json` and `postflight --json` print, and what is stored."""
        return {**asdict(self), "at": self.at.isoformat(), "success": self.success}

    def save(self, store: StateStore) -> None:
        """Stores it, in place of the one of this kind before.

        Where there is no room for it that is logged: what was looked at is told all the same.
        """
        try:
            store.write(_KIND, self.kind, json.dumps(self.to_dict()))
        except StorageError as error:
            logger.warning("the %s is not kept for the report: %s", self.kind, error.message)


def read_checklist(store: StateStore, kind: Kind) -> Checklist | None:
    """The last checklist of this kind that was stored; None where there is none."""
    if (kept := store.read(_KIND, kind)) is None:
        return None
    stored = json.loads(kept)
    items = tuple(ChecklistItem(**each) for each in stored["items"])
    return Checklist(kind, datetime.fromisoformat(stored["at"]), items)


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes the checklists that an older version has stored into the store; returns their files."""
    files = [path for kind in get_args(Kind) if (path := folder / f"{kind}.json").exists()]
    for each in files:
        store.write(_KIND, each.stem, each.read_text(encoding="utf-8"))
    return files
