"""The items that are about the Weaviate server: itself, the key's rights, names that are taken, and its clock."""

import hashlib
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenacity import retry_if_exception_type
from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError, TargetError
from weaviate_migration.base.repeats import repeating
from weaviate_migration.base.settings import refuse_unset
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.target.aliases import refuse_foreign_names
from weaviate_migration.target.calls import repeats_of, tells
from weaviate_migration.target.connect import server_version
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.probes import MINIMUM_VERSION, NoAnswerError, clock_ahead_seconds
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.schema import Maker, Origin, drop_collection, ensure_collection, schema_differences
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.checklist import ChecklistItem

# HTTP's date has whole seconds, so that less cannot be told for sure; certificates and records bear both clocks' times.
CLOCK_SECONDS = 5.0
_MAKER = Maker("preflight")
_AS_THE_SERVER_SAYS = "Weaviate says why: change its settings, or name another server."


@dataclass(frozen=True)
class TrialCollections:
    """Collections that are made on trial, and removed again.

    Their names are the work folder's own: what a killed preflight has left is removed by the next one.

    Attributes:
        name: how all their names begin.
    """

    client: WeaviateClient
    name: str

    @classmethod
    def of(cls, client: WeaviateClient, prefix: str, work_dir: Path) -> "TrialCollections":
        """Those of a work folder on this machine; a key may have rights for names with the prefix only."""
        place = hashlib.sha256(f"{uuid.getnode()} {work_dir.absolute()}".encode()).hexdigest()[:8]
        return cls(client, f"{prefix}WeaviateMigrationPreflight_{place}")

    @contextmanager
    def one(self, mapping: CollectionMapping) -> Iterator[Collection[Any, Any]]:
        """A collection of this mapping, which lives as long as the context.

        Raises:
            TargetError: it cannot be made, or not be removed.
        """
        name = f"{self.name}_{mapping.name}"
        with Endings() as at_end:
            at_end.callback(drop_collection, self.client, name, _MAKER)
            ensure_collection(self.client, name, mapping, Origin(_MAKER.migration, "", mapping.name))
            yield open_collection(self.client, name)

    @target_errors("looking for what an earlier preflight left")
    def remove_leftovers(self) -> None:
        """Removes what a killed preflight has left."""
        for name in self.client.collections.list_all():
            if name.startswith(self.name):
                drop_collection(self.client, name, _MAKER)


def server(client: WeaviateClient, address: ServerAddress) -> ChecklistItem:
    """Which server it is: there is a client, so it is ready and new enough, and took the key."""
    version = server_version(client)
    minimum = ".".join(map(str, MINIMUM_VERSION))
    return ChecklistItem("server", "passed", f"Weaviate {version} at {address}; at least {minimum} is needed")


def keys(mapping: Mapping) -> ChecklistItem:
    """Whether the keys are set that models and vectorizers need; no value is looked at."""
    try:
        refuse_unset(mapping.variables)
    except ConfigurationError as error:
        return ChecklistItem("keys", "failed", error.message, error.hint)
    return ChecklistItem("keys", "passed", f"set: {', '.join(mapping.variables)}")


def rights(trial: TrialCollections, mapping: Mapping) -> ChecklistItem:
    """Whether collections can be made and removed: one is, or one for each thing that not every server can make."""
    asking = {asked: each for each in reversed(mapping.collections) for asked in each.asks_of_server}
    tried = [each for each in mapping.collections if each in asking.values()] or mapping.collections[:1]
    began = time.monotonic()
    try:
        trial.remove_leftovers()
        differences = [told for each in tried for told in _made_otherwise(trial, each)]
    except TargetError as error:
        return ChecklistItem("rights", "failed", error.message, error.hint or _AS_THE_SERVER_SAYS)
    if differences:
        figure = f"this Weaviate makes other collections than the mapping says: {'; '.join(differences)}"
        return ChecklistItem("rights", "failed", figure, "Upgrade it, or leave that out of the mapping.")
    made = "a collection" if len(tried) == 1 else f"{len(tried)} collections"
    return ChecklistItem("rights", "passed", f"made and removed {made} in {time.monotonic() - began:.2f} s")


def _made_otherwise(trial: TrialCollections, mapping: CollectionMapping) -> list[str]:
    """What the server does not make as the mapping says: an older one passes over fields that it does not know."""
    with trial.one(mapping) as made:
        return [f"{mapping.name}: {told}" for told in schema_differences(trial.client, made.name, mapping)]


def room_for_collections(trial: TrialCollections, missing: Sequence[CollectionMapping]) -> ChecklistItem:
    """Whether the server takes so many collections more: no Weaviate tells its quota, so all are made at once.

    Args:
        missing: those that the migration would make.
    """
    made = 0
    try:
        with Endings() as at_once:
            for each in missing:
                at_once.enter_context(trial.one(each))
                made += 1
    except TargetError as error:
        figure = f"{made} of {len(missing)} can be made: {error.message}"
        return ChecklistItem("collections", "failed", figure, error.hint or _AS_THE_SERVER_SAYS)
    return ChecklistItem("collections", "passed", f"{made} were made at once, and removed" if made else "all are there")


def names(client: WeaviateClient, aliases: Iterable[str]) -> ChecklistItem:
    """Whether the aliases' names are free, or an earlier migration's."""
    wanted = tuple(aliases)
    try:
        refuse_foreign_names(client, wanted)
    except MigrationConflictError as error:
        return ChecklistItem("names", "failed", error.message, error.hint)
    return ChecklistItem("names", "passed", f"{len(wanted)} aliases are free, or an earlier migration's")


def clock(client: WeaviateClient, address: ServerAddress) -> ChecklistItem:
    """How far the server's clock is from this machine's; asked as often as other calls of the client are."""
    asking = repeating(repeats_of(client), retry_if_exception_type(NoAnswerError), tells("asking for the time"))
    return judge_clock(asking(clock_ahead_seconds, address))


def judge_clock(ahead: float | None) -> ChecklistItem:
    """The item for a clock that is so many seconds ahead; None for one that is not told."""
    if ahead is None:
        return ChecklistItem("clock", "skipped", "the server does not tell the time")
    if abs(ahead) <= CLOCK_SECONDS:
        return ChecklistItem("clock", "passed", f"{abs(ahead):.1f} s from the server's, to half a second")
    way = "ahead of" if ahead > 0 else "behind"
    figure = f"the server's is {abs(ahead):,.0f} s {way} this machine's"
    return ChecklistItem("clock", "warned", figure, "Set both by NTP: times in records and logs will not agree.")
