"""The id of the capture that the migrations of a store have in their source."""

import json
import secrets
from pathlib import Path

from weaviate_migration.work_folder.state_store import StateStore

_KIND = "capture"
_OWNER = "source"


def read_capture_id(store: StateStore) -> str | None:
    """The id; None where changes are not captured."""
    kept = store.read(_KIND, _OWNER)
    return str(json.loads(kept)["id"]) if kept is not None else None


def begin_capture(store: StateStore) -> str:
    """The id, made and written down if there is none: before the capture itself is made."""
    with store.transaction():
        if (known := read_capture_id(store)) is not None:
            return known
        made = secrets.token_hex(4)
        store.write(_KIND, _OWNER, json.dumps({"id": made}))
        return made


def forget_capture(store: StateStore) -> None:
    """Forgets the id: another capture gets another one."""
    store.remove(_KIND, _OWNER)


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes the id that an older version has noted into the store; returns its file."""
    files = list(folder.glob("capture.json"))
    for each in files:
        store.write(_KIND, _OWNER, each.read_text(encoding="utf-8"))
    return files
