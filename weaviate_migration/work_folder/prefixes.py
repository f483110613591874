"""Under which prefixes Dagster knows the assets of a work folder, where a project of others has given it some."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from weaviate_migration.base.atomic_file import replace_file


@dataclass(frozen=True)
class Prefixes:
    """What stands before the names of assets, and of their groups; both are empty in a project of our own."""

    key_prefix: tuple[str, ...] = ()
    group_prefix: str = ""


def read_prefixes(work_dir: Path) -> Prefixes:
    """Those that the last run from a project of others had; none where there was no such run."""
    try:
        known = json.loads(_file(work_dir).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Prefixes()
    return Prefixes(tuple(known["key_prefix"]), known["group_prefix"])


def write_prefixes(work_dir: Path, prefixes: Prefixes) -> None:
    """Notes them."""
    replace_file(_file(work_dir), json.dumps(asdict(prefixes)))


def _file(work_dir: Path) -> Path:
    return work_dir / "dagster_prefixes.json"
