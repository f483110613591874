"""How Dagster calls what belongs to one migration: several stand in one project, each with a prefix of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import dagster as dg

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.work_folder.folder import WorkFolder

# The resources that steps take.
SOURCE, WEAVIATE, BATCHES, WORK_FOLDER, MODELS = "source", "weaviate", "batches", "work_folder", "models"
EXTRACT_STORAGE = "extract_storage"
# The pool of the steps that have models make vectors.
EMBEDDING = "embedding"

_WORD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class DagsterNames:
    """The names of one migration's assets, steps, groups, and of all that Dagster knows by one name only.

    Attributes:
        key_prefix: stands before the asset `note` as the folders `crm/shop` before a file; empty: there is none.
        group_prefix: stands before the groups of the phases; empty: there is none.
    """

    key_prefix: tuple[str, ...] = ()
    group_prefix: str = ""

    @classmethod
    def prefixed(cls, key_prefix: str | Sequence[str], group_prefix: str) -> Self:
        """The names with these prefixes; of one alone the text may be given.

        Raises:
            ConfigurationError: a part has other characters than letters, digits and _: Dagster refuses such a step.
        """
        parts = (key_prefix,) if isinstance(key_prefix, str) and key_prefix else tuple(key_prefix)
        for each in [*parts, *([group_prefix] if group_prefix else [])]:
            if not _WORD.fullmatch(each):
                raise ConfigurationError(
                    f"The prefix {each!r} cannot be part of a name in Dagster.",
                    "Write it with letters A to Z, digits and _ only; a key prefix may be a list of such words.",
                )
        return cls(parts, group_prefix)

    def asset(self, name: str) -> dg.AssetKey:
        """The key of an asset: `crm/note`."""
        return dg.AssetKey([*self.key_prefix, name])

    def step(self, name: str) -> str:
        """The name of a step, `crm__note`, as Dagster itself makes it from an asset's key."""
        return "__".join([*self.key_prefix, name])

    def group(self, phase: str) -> str:
        """The name of a group: `crm_phase_1_schema`."""
        return "_".join([self.group_prefix, phase] if self.group_prefix else [phase])

    def of(self, name: str) -> str:
        """The name of a job, a sensor, a schedule or a resource: `crm_migrate`."""
        return "_".join([*self.key_prefix, name])

    def unprefixed(self, name: str) -> str | None:
        """What `of` was given for this name; None for one that is not this migration's."""
        beginning = self.of("")
        return name.removeprefix(beginning) if name.startswith(beginning) else None


def names_of(work_folder: WorkFolder) -> DagsterNames:
    """The names that the runs of a work folder have: those of a project of others, where it has begun some."""
    found = work_folder.prefixes
    return DagsterNames(found.key_prefix, found.group_prefix)
