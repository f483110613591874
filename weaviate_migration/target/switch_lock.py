"""One switch of readers at a time, by whichever work folder and machine: an alias is the lock.

A server makes an alias of one name only once, whoever asks at the same moment (`live/test_switch_lock.py` holds it to
that). While a command moves aliases, this one leads to a collection of its migration, whose description says whose it
is. A killed command leaves it behind: the next one of its work folder takes it over, and others are told.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from weaviate import WeaviateClient
from weaviate.exceptions import UnexpectedStatusCodeError

from weaviate_migration.base.deadline import is_stopped, pause, seconds_left
from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import MigrationConflictError, TargetError
from weaviate_migration.base.waiting import Wait
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.calls import make_once
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.schema import Maker, origin_of

SWITCH_ALIAS = "WeaviateMigrationSwitch"
# How long another switch is waited for: with six aliases one takes a tenth of a second (measured).
LONGEST_SWITCH_SECONDS = 30.0
SECONDS_BETWEEN_LOOKS = 0.2
# What the server answers whoever makes an alias of a name that is taken, to a collection that is there.
_IS_TAKEN = 422


@contextmanager
def only_switch(
    client: WeaviateClient,
    prefix: str,
    collections: Iterable[str],
    own: Collection[Maker],
    seconds: float = LONGEST_SWITCH_SECONDS,
) -> Iterator[None]:
    """While the context lives nobody else of this product moves aliases with this prefix.

    Args:
        collections: of the migration; where none of them is there, there is nothing that could be switched to.
        own: the migrations of the work folder, which is locked: whatever they have left is a killed command's.
        seconds: until another switch has to have ended; at most half of what is left until the deadline.

    Raises:
        MigrationConflictError: another one has not ended.
        TargetError: the server did not take part.
    """
    with target_errors("looking for the collections to switch to"):
        lead_to = next((name for name in collections if client.collections.exists(name)), None)
    if lead_to is None:
        yield
        return
    alias = f"{prefix}{SWITCH_ALIAS}"
    _take(client, alias, lead_to, own, seconds)
    with Endings() as endings:
        endings.callback(_remove, client, alias)
        yield


def remove_left_switch(client: WeaviateClient, prefix: str, own: Collection[Maker]) -> None:
    """Removes what a killed command of the work folder has left, so that nobody takes its collection for one in use."""
    alias = f"{prefix}{SWITCH_ALIAS}"
    target = alias_targets(client, [alias])[alias]
    if target is not None and _is_left(client, target, own):
        _remove(client, alias)


def _take(client: WeaviateClient, alias: str, lead_to: str, own: Collection[Maker], seconds: float) -> None:
    wait = Wait(min(seconds, seconds_left() / 2))  # The other half is for the switch itself.
    while (taken := _why_not_made(client, alias, lead_to)) is not None:
        target = alias_targets(client, [alias])[alias]
        if target is not None and _is_left(client, target, own):
            _remove(client, alias)
            continue
        who = _told_switcher(client, target)
        if wait.is_over or is_stopped():
            raise MigrationConflictError(
                f"{who} moves the aliases that this one would move, and has not ended within {wait.limit:.0f} s. No "
                "alias was moved.",
                f"Where it was killed, `cutover` or `rollback` in its work folder ends it; where that folder is gone, "
                f"remove the alias `{alias}` yourself.",
            ) from taken
        wait.tell_if_long(f"{who}, which moves the same aliases")
        pause(SECONDS_BETWEEN_LOOKS)


def _why_not_made(client: WeaviateClient, alias: str, lead_to: str) -> TargetError | None:
    """Makes the alias; returns what the server says where one of its name is there, or was at that moment."""
    try:
        make_once(
            client,
            "making the alias that says who moves aliases",
            lambda: client.alias.create(alias_name=alias, target_collection=lead_to),
            lambda: alias_targets(client, [alias]) == {alias: lead_to},
        )
    except TargetError as error:
        if not (isinstance(error.__cause__, UnexpectedStatusCodeError) and error.__cause__.status_code == _IS_TAKEN):
            raise
        return error
    return None


@target_errors("removing the alias that says who moves aliases")
def _remove(client: WeaviateClient, alias: str) -> None:
    client.alias.delete(alias_name=alias)


@target_errors("looking who moves aliases")
def _is_left(client: WeaviateClient, target: str, own: Collection[Maker]) -> bool:
    """Whether a killed command has left it: one of the own work folder, or one whose collection is gone by now."""
    origin = origin_of(client, target)
    return origin.maker in own if origin is not None else not client.collections.exists(target)


def _told_switcher(client: WeaviateClient, target: str | None) -> str:
    origin = origin_of(client, target) if target is not None else None
    return f"Migration {origin.migration} of {origin.source}" if origin is not None else "Another one"
