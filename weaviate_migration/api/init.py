"""A mapping drawn up from a file: what the command `init` does, for the command line and for Python."""

from collections.abc import Sequence
from pathlib import Path

from weaviate_migration.api.session import opened
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.reader import mapping_file_text
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.draft import MappingDraft, draft_of_file
from weaviate_migration.phases.preflight.inference.update import MappingUpdate, update_of_file


def infer_mapping(
    sqlite_url: str,
    *,
    tables: Sequence[str] = (),
    exclude: Sequence[str] = (),
    views: bool = False,
    joins: Sequence[str] = (),
) -> Mapping:
    """Draws up a mapping for a SQLite file, from its schema and every one of its values.

    Args:
        sqlite_url: a path, or a URL `sqlite:///path`.
        tables: only these, views among them too; none: all tables.
        exclude: not these.
        views: all views, too.
        joins: `chunks:documents` puts the columns of a row's parent beside its own; `messages.author_id:users` where
            several columns lead to the parent.

    Raises:
        ConfigurationError: a table was named that the file does not have, or a join that no key leads along.
        SourceNotUsableError: it is no SQLite database, or has no table that could become a collection.
        SourceError: it is locked or corrupt.
    """
    config = create_migration_config(sqlite_url)
    return draft_mapping(config, tables=tables, exclude=exclude, views=views, joins=joins).mapping


def draft_mapping(
    config: MigrationConfig,
    *,
    tables: Sequence[str] = (),
    exclude: Sequence[str] = (),
    views: bool = False,
    joins: Sequence[str] = (),
) -> MappingDraft:
    """What `infer_mapping` does, with the text of the mapping file, and what a person should know of it.

    The application may go on writing meanwhile; nothing is written to its file.

    Args:
        config: names the file, and the work folder for a copy where the file cannot be read in place.
        tables: as for `infer_mapping`, and so are the others.

    Raises:
        ConfigurationError: what `infer_mapping` raises.
    """
    with opened(config) as session:
        return draft_of_file(session.source, session.work_folder.scratch, Choice(tables, exclude, views, joins))


def update_mapping(
    config: MigrationConfig,
    file: Path,
    *,
    tables: Sequence[str] = (),
    exclude: Sequence[str] = (),
    views: bool = False,
) -> MappingUpdate:
    """Adds to a mapping file what a SQLite file has and the mapping lacks. The file itself is not written.

    Args:
        config: as for `draft_mapping`.
        file: the mapping file.
        tables: of those that the mapping does not know, only these; as for `infer_mapping`, and so are the others.

    Raises:
        MappingError: the mapping file is wrong.
        ConfigurationError: what `infer_mapping` raises, or the file is written so that nothing can be added to it.
    """
    with opened(config) as session:
        choice = Choice(tables, exclude, views)
        scratch = session.work_folder.scratch
        return update_of_file(session.source, scratch, choice, mapping_file_text(file, "--update"), str(file))
