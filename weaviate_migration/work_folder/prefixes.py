"""Under which prefixes Dagster knows the assets of a migration, where a project of others has given it some."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from weaviate_migration.work_folder.state_store import StateStore

_KIND = "dagster prefixes"
_OWNER = "newest run"


@dataclass(frozen=True)
class Prefixes:
    """What stands before the names of assets, and of their groups; both are empty in a project of our own."""

    key_prefix: tuple[str, ...] = ()
    group_prefix: str = ""


def read_prefixes(store: StateStore) -> Prefixes:
    """Those that the last run from a project of others had; none where there was no such run."""
    if (kept := store.read(_KIND, _OWNER)) is None:
        return Prefixes()
    known = json.loads(kept)
    return Prefixes(tuple(known["key_prefix"]), known["group_prefix"])


def write_prefixes(store: StateStore, prefixes: Prefixes) -> None:
    """Notes them."""
    store.write(_KIND, _OWNER, json.dumps(asdict(prefixes)))


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes what an older version has noted into the store; returns its file."""
    files = list(folder.glob("dagster_prefixes.json"))
    for each in files:
        store.write(_KIND, _OWNER, each.read_text(encoding="utf-8"))
    return files
