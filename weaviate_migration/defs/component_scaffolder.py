"""What `dg scaffold defs` writes for a migration: an entry that loads, and a mapping drawn up from the file."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import BaseModel, ConfigDict

from weaviate_migration.base.errors import MigrationError
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import draft_of_file

MAPPING_FILE = "mapping.yaml"


class ScaffoldParams(BaseModel):
    """The options of `dg scaffold defs weaviate_migration.SQLiteMigrationComponent`.

    Attributes:
        source: the SQLite file, from where the command is typed.
        mapping: what the entry says of it; None: a file beside it, which is drawn up from the source.
        weaviate_url: of the server; None: an embedded one.
        grpc_port: of the server, where it is not 50051.
        key_prefix: of assets, jobs and so on.
        group_prefix: of the groups.
        collection_prefix: of collections and aliases in Weaviate.
    """

    model_config = ConfigDict(extra="forbid")

    source: Path
    mapping: str | None = None
    weaviate_url: str | None = None
    grpc_port: int | None = None
    key_prefix: str | None = None
    group_prefix: str | None = None
    collection_prefix: str | None = None


class MigrationScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Writes `defs.yaml` and, unless a mapping is named, `mapping.yaml` beside it."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        """The options."""
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        """Writes the files.

        Raises:
            SystemExit: no mapping can be drawn up from the source; Dagster has no error of its own for it.
        """
        given = request.params
        if given.mapping is None:
            try:
                text = _drawn_up(given.source)
            except MigrationError as error:
                request.target_path.rmdir()
                sys.exit(str(error))
            (request.target_path / MAPPING_FILE).write_text(text, encoding="utf-8")
        dg.scaffold_component(request, _attributes(given, request.project_root))


def _drawn_up(source: Path) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        return draft_of_file(source, Path(scratch), Choice()).text


def _attributes(given: ScaffoldParams, project: Path | None) -> dict[str, Any]:
    return _given(
        {
            "source": _portable(given.source, project),
            "mapping": given.mapping or MAPPING_FILE,
            "server": _given({"url": given.weaviate_url, "grpc_port": given.grpc_port}) or None,
            "key_prefix": given.key_prefix,
            "group_prefix": given.group_prefix,
            "collection_prefix": given.collection_prefix,
        }
    )


def _given(attributes: dict[str, Any]) -> dict[str, Any]:
    """Those that have a value: the others have their default."""
    return {name: value for name, value in attributes.items() if value is not None}


def _portable(source: Path, project: Path | None) -> str:
    """An absolute path as it is; another one from the project's folder, so that both can be moved together."""
    if project is None or source.is_absolute():
        return str(source.absolute())
    return "{{ context.project_root }}/" + Path(os.path.relpath(source.absolute(), project)).as_posix()
