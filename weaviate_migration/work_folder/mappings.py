"""The mappings that migrations and runs were begun with, and the one that was drawn up from the source.

A kept mapping is a document of the store: a record names it by its digest. It is beside the records since these are
read again and again, and a mapping of many tables takes its time. The one that was drawn up is a file, to be edited.
"""

import functools
from pathlib import Path

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.work_folder.state_store import StateStore

_KIND = "mapping"


class KeptMappings:
    """The mappings of one work folder.

    Attributes:
        drawn_path: the file of the one that was drawn up, whether it is there or not.
    """

    def __init__(self, store: StateStore, work_dir: Path) -> None:
        self._store = store
        self.drawn_path = work_dir / "mapping.yaml"

    def keep(self, mapping: Mapping) -> None:
        """Keeps it; of one with the same digest the latest stays, which may name other keys and prices."""
        text = mapping.model_dump_json()
        if self._store.read(_KIND, mapping.digest) != text:
            self._store.write(_KIND, mapping.digest, text)

    def read(self, digest: str) -> Mapping | None:
        """The mapping that was kept with this digest; None where there is none: an older version kept none."""
        text = self._store.read(_KIND, digest)
        return _parsed(text) if text is not None else None

    def drawn(self) -> Mapping | None:
        """What was drawn up from the source, as people have edited it since; None where nothing was.

        Raises:
            MappingError: it is wrong by now.
        """
        return read_mapping(self.drawn_path) if self.drawn_path.exists() else None

    def keep_drawn(self, text: str) -> None:
        """Puts a mapping file on disk that was drawn up from the source, for people to edit."""
        replace_file(self.drawn_path, text)


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes the mappings that an older version has kept into the store; returns their files."""
    files = list(folder.glob("mappings/*.json"))
    for each in files:
        store.write(_KIND, each.stem, each.read_text(encoding="utf-8"))
    return files


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> Mapping:
    """The mapping of this text: a command asks for it several times."""
    return Mapping.model_validate_json(text)
