"""How a collection's assets are called in Dagster: readable names that clash with nothing, whatever the tables are.

A name stays what its collection or table gives by itself, unless that is taken: by Dagster, Python, a part of ours, or
what another collection or table gives. Then all that would have the name get others, so that the order of a mapping
does not matter. The folder of an extract has the extract's name: it has to be one on any file system.
"""

import hashlib
import keyword
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from anyascii import anyascii

# What Dagster allows nothing to be called, beside the words of Python.
RESERVED_BY_DAGSTER = frozenset(
    (
        *("arg_dict", "bool", "conf", "config", "context", "dict", "float", "input", "input_arg_dict", "int", "meta"),
        *("output", "output_arg_dict", "str", "type"),
    )
)
# The jobs and assets of ours that do not come from a mapping.
RESERVED_BY_US = frozenset(
    (
        *("migrate", "migrate_live", "sync", "verify", "verify_live", "cut_over", "dry_run"),
        *("change_capture", "source_audit", "weaviate_schema", "sqlite_snapshot", "change_sync", "cutover"),
        *("migration_report", "dry_run_report"),
    )
)
_RESERVED = RESERVED_BY_DAGSTER | RESERVED_BY_US | frozenset(keyword.kwlist)

EXTRACT, VECTORS = "_extract", "_vectors"
# The steps that a collection has beside its own.
CHECKS, RELATIONS = "_checks", "_relations"


def queries_step(collection: str) -> str:
    """The step of the check `queries` of a collection, by the name of its asset.

    It has to clash with nothing, and to alter the name of nothing: no collection's asset begins with an underscore.
    """
    return f"_queries_of_{collection}"


# Of a file's name, on all usual file systems.
_LONGEST_NAME = 255
# Of a name that is too long so much is kept.
_SHOWN_CHARACTERS = 100
# So much of a SHA-256 tells two names apart; more, where somebody has made a name that ends so.
_DIGITS = (8, 16, 64)

# A name that is taken, and by what: a step, or a folder, whose name is another one only if it is so in any case.
_Claim = tuple[str, str]


@dataclass(frozen=True)
class AssetNames:
    """The names of a collection's assets.

    Attributes:
        collection: of the one that is the collection.
        extract: of the one that is the table's extract.
        vectors: of the one that has models make vectors; None where none do.
    """

    collection: str
    extract: str
    vectors: str | None = None


class NamedBy(NamedTuple):
    """What the names of a collection's assets are made from.

    Attributes:
        name: the collection's.
        table: the name of its table.
        is_related: its rows name rows of others.
        has_made_vectors: models make vectors of its rows.
    """

    name: str
    table: str
    is_related: bool
    has_made_vectors: bool = False


@dataclass(frozen=True)
class _Wanted:
    """What one asset could be called, the best name first, and the endings of the steps that it comes with."""

    names: tuple[str, ...]
    endings: tuple[str, ...]
    is_folder: bool

    def claims(self, choice: int) -> set[_Claim]:
        """What nobody else may have if the asset is called so."""
        name = self.names[choice]
        steps = {("step", name + ending) for ending in self.endings}
        return steps | {("folder", name.casefold())} if self.is_folder else steps


def asset_names(collections: Sequence[NamedBy]) -> list[AssetNames]:
    """The names of all assets that a mapping's collections make."""
    wanted = [each for of_one in collections for each in _assets_of(of_one)]
    choices = [0] * len(wanted)
    while clashing := _clashing(wanted, choices):
        for at in clashing:
            choices[at] += 1
    chosen = iter([each.names[choice] for each, choice in zip(wanted, choices, strict=True)])
    return [AssetNames(*islice(chosen, len(_assets_of(of_one)))) for of_one in collections]


def _clashing(wanted: Sequence[_Wanted], choices: Sequence[int]) -> list[int]:
    """Those whose names others have too, and that can have another one."""
    claims = [each.claims(choice) for each, choice in zip(wanted, choices, strict=True)]
    taken = Counter(claim for each in claims for claim in each) + Counter(("step", name) for name in _RESERVED)
    return [
        at
        for at, each in enumerate(claims)
        if choices[at] + 1 < len(wanted[at].names) and any(taken[claim] > 1 for claim in each)
    ]


def _assets_of(named_by: NamedBy) -> list[_Wanted]:
    """What the assets of one collection could be called, in the order of the fields of `AssetNames`."""
    wanted = [_collection(named_by.name, named_by.is_related), _extract(named_by.table)]
    return [*wanted, _vectors(named_by.name)] if named_by.has_made_vectors else wanted


def _collection(name: str, related: bool) -> _Wanted:
    """`MultiModalContent` gives `multi_modal_content`."""
    plain = _in_snake_case(name)
    endings = ("", CHECKS, RELATIONS) if related else ("", CHECKS)
    return _Wanted((plain, *_with_digest(plain, name, "")), endings, is_folder=False)


def _vectors(name: str) -> _Wanted:
    """`MultiModalContent` gives `multi_modal_content_vectors`."""
    plain = _in_snake_case(name)
    return _Wanted((plain + VECTORS, *_with_digest(plain, name, VECTORS)), ("",), is_folder=False)


def _in_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _extract(table: str) -> _Wanted:
    """`messages` gives `messages_extract`; other characters become underscores, or are written in Latin letters."""
    plain, latin = (re.sub(r"\W", "_", text, flags=re.ASCII) for text in (table, anyascii(table)))
    readable = [plain, latin] if plain.strip("_") else [latin]
    short = [name + EXTRACT for name in readable if len(name + EXTRACT) <= _LONGEST_NAME]
    return _Wanted((*short, *_with_digest(latin, table, EXTRACT)), ("",), is_folder=True)


def _with_digest(name: str, of: str, ending: str) -> Iterator[str]:
    # A text of SQLite that is not UTF-8 has surrogates.
    digest = hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()
    return (f"{name[:_SHOWN_CHARACTERS]}_{digest[:digits]}{ending}" for digits in _DIGITS)
