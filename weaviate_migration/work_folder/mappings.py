"""The mappings that migrations and runs were begun with, and the one that was drawn up from the source.

A kept mapping is a JSON file, `mappings/<digest>.json`: a record names it by the digest. It is beside the records since
these are read again and again, and a mapping of many tables takes its time.
"""

import functools
from pathlib import Path

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.mapping import Mapping, read_mapping


class KeptMappings:
    """The mappings of one work folder.

    Args:
        work_dir: the work folder.
    """

    def __init__(self, work_dir: Path) -> None:
        self._folder = work_dir / "mappings"
        self.drawn_path = work_dir / "mapping.yaml"

    def keep(self, mapping: Mapping) -> None:
        """Puts it on disk; of one with the same digest the latest stays, which may name other keys and prices."""
        path, text = self._path(mapping.digest), mapping.model_dump_json(indent=2)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            replace_file(path, text)

    def read(self, digest: str) -> Mapping | None:
        """The mapping that was kept with this digest; None where there is none: an older version kept none."""
        try:
            return _parsed(self._path(digest).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def drawn(self) -> Mapping | None:
        """What was drawn up from the source, as people have edited it since; None where nothing was.

        Raises:
            MappingError: it is wrong by now.
        """
        return read_mapping(self.drawn_path) if self.drawn_path.exists() else None

    def keep_drawn(self, text: str) -> None:
        """Puts a mapping file on disk that was drawn up from the source, for people to edit."""
        replace_file(self.drawn_path, text)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> Mapping:
    """The mapping of this text: a command asks for it several times."""
    return Mapping.model_validate_json(text)
