"""What is known of the migrations of a work folder: phase, positions, aliases, checks, and what to do next."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upath import UPath

from weaviate_migration.base.errors import ConfigurationError, StateConnectionError, StorageError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import Holder
from weaviate_migration.work_folder.own_mapping import current_mapping
from weaviate_migration.work_folder.phase import Phase, next_step
from weaviate_migration.work_folder.storage import bytes_in
from weaviate_migration.work_folder.sync_positions import Standing

if TYPE_CHECKING:
    from weaviate_migration.runs.checks import FoundShare  # It takes Dagster.


@dataclass(frozen=True)
class SnapshotStatus:
    """The snapshot; times are ISO 8601 in UTC."""

    path: str
    bytes: int
    taken_at: str
    is_there: bool


@dataclass(frozen=True)
class MigrationStatus:
    """What is known.

    Attributes:
        migration_id: the migration that commands work with; None where none is unfinished or cut over.
        migrations: the state of each one on record, by its id, oldest first.
        capture: None where the changes of the source are not followed.
        not_followed: a sentence for each collection whose changes are not, while those of others are.
        server: why nothing is known of the server; '' where it answered.
        replicas: on how many nodes the objects of a collection are kept; only where on several.
        consistency_level: how many of them take part in what is asked of objects; '' where there are none.
        aliases: for each where it points, None for nowhere; empty where the server did not answer.
        checks: how many there are of each status.
        searches: how much searches find of what they have to find, as the checks said last.
        made_vectors: what it took to make vectors, by alias and vector.
        quarantined: rows that are not in Weaviate, by alias.
        lacking_vectors: how many objects lack a vector that its model could not make, by alias and vector.
        passed_over: rows of the snapshot that no collection takes, by table, and that the mapping does not leave out.
        parted_tables: which rows of the snapshot are in none of their table's collections, or in several, by table.
        disk: bytes that each part of the work folder takes.
        under_way: who works with these migrations right now, on whichever machine; only of a state that several share.
        next_step: what to do now.
    """

    phase: Phase = Phase.NOT_BEGUN
    migration_id: str | None = None
    migrations: Mapping[str, str] = field(default_factory=dict)
    snapshot: SnapshotStatus | None = None
    capture: Standing | None = None
    not_followed: Sequence[str] = field(default_factory=list)
    server: str = ""
    replicas: Mapping[str, int] = field(default_factory=dict)
    consistency_level: str = ""
    aliases: Mapping[str, str | None] = field(default_factory=dict)
    checks: Mapping[str, int] = field(default_factory=dict)
    searches: "Sequence[FoundShare]" = field(default_factory=list)
    made_vectors: Mapping[str, Mapping[str, VectorTally]] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    lacking_vectors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    parted_tables: Mapping[str, str] = field(default_factory=dict)
    disk: Mapping[str, int] = field(default_factory=dict)
    under_way: Sequence[Holder] = field(default_factory=list)
    next_step: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What `status --json` prints; the remedy of capture is told by `next_step`."""
        document = asdict(self)
        document["under_way"] = [each.model_dump(mode="json") for each in self.under_way]
        if self.capture is not None:
            del document["capture"]["remedy"]
        return document


def status_before_first(config: MigrationConfig) -> MigrationStatus | None:
    """The status of a work folder where no migration was ever begun; None where one was.

    It takes neither Dagster nor the client, whose imports take a second.

    Raises:
        ConfigurationError: a setting is wrong, or the mapping file.
    """
    work_folder = WorkFolder.of(config)
    current_mapping(config, work_folder)
    if work_folder.records.all():
        return None
    return MigrationStatus(
        disk=disk_use(work_folder), under_way=workers_told(work_folder), next_step=next_step(Phase.NOT_BEGUN)
    )


def workers_told(work_folder: WorkFolder) -> list[Holder]:
    """Who works with the migrations right now, as the locks of a state say that several machines share.

    Those of one machine do not say who has them so that others could rely on it: a killed process leaves its note.
    """
    return work_folder.workers if work_folder.store.server is not None else []


def _bytes_on_server(url: str) -> int:
    from weaviate_migration.vectors.cache_places import bytes_on_server

    with suppress(ConfigurationError, StateConnectionError):  # The rest is worth knowing, too.
        return bytes_on_server(url)
    return 0


def disk_use(work_folder: WorkFolder) -> dict[str, int]:
    """Bytes of all that is right in the work folder; and of storage and made vectors, where they are elsewhere."""
    parts = {path.name: bytes_in(UPath(path)) for path in sorted(work_folder.path.glob("*"))}
    if work_folder.storage:
        with suppress(StorageError):  # The rest is worth knowing, too.
            parts["storage"] = bytes_in(work_folder.files)
    match work_folder.vector_cache_place:
        case Path() as file:
            parts["vectors.sqlite"] = bytes_in(UPath(file))
        case url:
            parts["vectors"] = _bytes_on_server(url)
    return {name: size for name, size in parts.items() if size}
