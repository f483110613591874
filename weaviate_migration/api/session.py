"""What a command opens: each part when the command asks for it, and all of it closed with the session, the last first.

This one knows files only, so that a command that needs no more starts at once. `server_session.py` adds the server, and
`job_session.py` Dagster.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.settings import MigrationConfig, no_source_named
from weaviate_migration.mapping import Mapping
from weaviate_migration.source.connect import sqlite_path
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import command_name
from weaviate_migration.work_folder.own_mapping import current_mapping, mapping_of, refuse_other_settings
from weaviate_migration.work_folder.record import MigrationRecord

MappingChoice = Callable[[MigrationConfig, WorkFolder], Mapping]
"""Which mapping a command works with."""


@dataclass(frozen=True)
class Session:
    """One call of a command.

    Attributes:
        config: its settings.
        parts: what is open so far.
        choose_mapping: which mapping it works with.
    """

    config: MigrationConfig
    parts: Endings
    choose_mapping: MappingChoice = field(default=current_mapping, kw_only=True)

    @cached_property
    def work_folder(self) -> WorkFolder:
        """The work folder of the settings; one that an earlier version made is closed to others."""
        folder = WorkFolder.of(self.config)
        folder.close_to_others()
        return folder

    @property
    def source(self) -> Path:
        """The SQLite file of the settings; where they name none, that of the migration on record.

        Raises:
            ConfigurationError: neither names one.
        """
        if self.config.sqlite_url:
            return sqlite_path(self.config.sqlite_url)
        record = self.work_folder.records.in_use_or_newest()
        if record is None:
            raise no_source_named()
        return record.source

    @cached_property
    def mapping(self) -> Mapping:
        """What the settings name, or else the migration's own; read once.

        Raises:
            MappingError: the mapping file is wrong.
        """
        return self.choose_mapping(self.config, self.work_folder)

    @property
    def drawn_mapping(self) -> Path | None:
        """The file of the mapping, where it is the one that was drawn up; None where another is taken."""
        mappings = self.work_folder.mappings
        is_drawn = self.config.mapping is None and mappings.drawn_path.exists() and self.mapping == mappings.drawn()
        return mappings.drawn_path if is_drawn else None

    def mapping_of(self, record: MigrationRecord) -> Mapping:
        """The mapping that a migration was begun with.

        Raises:
            MigrationConflictError: the settings name another one.
            MappingError: the mapping file is wrong.
        """
        return mapping_of(record, self.config, self.work_folder)

    def current_migration(self) -> MigrationRecord:
        """The unfinished migration, or else the one that was cut over last; what is logged from here on is about it.

        Raises:
            ConfigurationError: there is none.
            MigrationConflictError: it was begun with other settings than these.
        """
        record = self.work_folder.records.take_up()
        self.refuse_other_settings(record)
        self.mapping_of(record)
        return record

    def refuse_other_settings(self, record: MigrationRecord) -> None:
        """Raises MigrationConflictError where the settings name what this migration was not begun with."""
        refuse_other_settings(record, self.config, self.work_folder)

    def lock(self, command: str) -> None:
        """Locks the work folder: one command at a time changes what is in it.

        Args:
            command: its words, as others are told who has it.

        Raises:
            ConfigurationError: it may not be written to.
            MigrationConflictError: another command has it.
        """
        self.parts.enter_context(self.work_folder.locked(command_name(command)))

    def keep_from_sync(self, command: str) -> None:
        """Keeps every command from applying changes; raises MigrationConflictError where one does."""
        self.parts.enter_context(self.work_folder.without_sync(command_name(command)))


@contextmanager
def opened(config: MigrationConfig, choose_mapping: MappingChoice = current_mapping) -> Iterator[Session]:
    """The session of a command, with a copy of the settings, while the context lives. Nothing is open at first."""
    with Endings() as parts:
        yield Session(config.model_copy(), parts, choose_mapping=choose_mapping)
