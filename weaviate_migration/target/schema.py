"""Versioned collections: made from the mapping, and known again by what their description says of their origin."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import NamedTuple

from weaviate import WeaviateClient
from weaviate.classes.config import Configure, DataType, Property, Tokenization
from weaviate.collections.classes.config import NestedProperty, PropertyConfig

from weaviate_migration.base.errors import LostCollectionError, MigrationConflictError
from weaviate_migration.base.write_guards import confirm_writes
from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.target.calls import make_once
from weaviate_migration.target.collection_options import (
    LEFT_TO_THE_SERVER,
    folding_as_found,
    folding_as_made,
    inverted_index,
    multi_tenancy,
    options_as_found,
    options_as_made,
    text_analyzer,
)
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.vector_config import vector_configs, vectors_as_found, vectors_as_made

_DATA_TYPES = {
    "text": DataType.TEXT,
    "int": DataType.INT,
    "number": DataType.NUMBER,
    "boolean": DataType.BOOL,
    "date": DataType.DATE,
    "uuid": DataType.UUID,
    "text[]": DataType.TEXT_ARRAY,
    "int[]": DataType.INT_ARRAY,
    "number[]": DataType.NUMBER_ARRAY,
    "boolean[]": DataType.BOOL_ARRAY,
    "date[]": DataType.DATE_ARRAY,
    "blob": DataType.BLOB,
}
# The marker stands at the end; whoever describes a collection may write as much as they like before it.
_LONGEST_MARKER = 16_000
_ORIGIN = re.compile(r"\[weaviate-migration (\{.*\})\]$", re.DOTALL)


class Maker(NamedTuple):
    """Who made a collection.

    Attributes:
        migration: its id.
        work_folder: the random id of the folder that has it on record; '' where an earlier version began it.
    """

    migration: str
    work_folder: str = ""


@dataclass(frozen=True)
class Origin:
    """Which migration, source, mapping and work folder made a collection."""

    migration: str
    source: str
    mapping: str
    work_folder: str = ""

    @property
    def maker(self) -> Maker:
        """Whose it is."""
        return Maker(self.migration, self.work_folder)

    def to_text(self) -> str:
        """The marker that stands at the end of a collection's description."""
        return f"[weaviate-migration {json.dumps(asdict(self), ensure_ascii=False)}]"

    @classmethod
    def of_description(cls, description: str | None) -> "Origin | None":
        """Reads the marker back; None for a collection that no migration made."""
        if not (match := _ORIGIN.search((description or "")[-_LONGEST_MARKER:])):
            return None
        try:
            made = cls(**json.loads(match.group(1)))
        except (ValueError, TypeError, RecursionError):
            return None
        return made if all(isinstance(each, str) for each in asdict(made).values()) else None


@target_errors("making a collection")
def ensure_collection(client: WeaviateClient, name: str, mapping: CollectionMapping, origin: Origin) -> bool:
    """Makes the collection if it is not there yet; returns whether it made it.

    Raises:
        MigrationConflictError: there is one of that name which another migration made, or none did.
    """
    if client.collections.exists(name):
        _refuse_another_origin(name, origin_of(client, name), origin)
        return False
    make_once(
        client,
        "making a collection",
        lambda: _create(client, name, mapping, origin),
        lambda: origin_of(client, name) == origin,
    )
    return True


def _create(client: WeaviateClient, name: str, mapping: CollectionMapping, origin: Origin) -> None:
    client.collections.create(
        name,
        description=f"{mapping.description} {origin.to_text()}".strip(),
        properties=_properties(mapping),
        vector_config=vector_configs(mapping),
        inverted_index_config=inverted_index(mapping),
        replication_config=Configure.replication(mapping.replication) if mapping.replication else None,
        sharding_config=Configure.sharding(desired_count=mapping.shards) if mapping.shards else None,
        multi_tenancy_config=multi_tenancy(mapping),
    )


def _refuse_another_origin(name: str, found: Origin | None, expected: Origin) -> None:
    if found != expected:
        maker = _told_maker(found, expected.maker) if found else "no migration made it"
        raise MigrationConflictError(
            f"The collection `{name}` is there already, and {maker}.",
            "Remove it if nobody needs it, or choose other names with `--prefix`.",
        )


def _told_maker(found: Origin, expected: Maker) -> str:
    """Who made a collection that somebody else was to have made."""
    of_folder = "" if found.work_folder == expected.work_folder else ", in another work folder,"
    return f"migration {found.migration} of {found.source}{of_folder} made it"


@target_errors("looking for collections")
def collections_there(client: WeaviateClient, names: Iterable[str]) -> set[str]:
    """Those of these collections that the server has."""
    return {name for name in names if client.collections.exists(name)}


@target_errors("reading a collection's description")
def origin_of(client: WeaviateClient, name: str) -> Origin | None:
    """Which migration made this collection; None if none did, and for one that is not there."""
    if not client.collections.exists(name):
        return None
    return Origin.of_description(open_collection(client, name).config.get(simple=True).description)


def has_made(client: WeaviateClient, name: str, maker: Maker) -> bool:
    """Whether the collection is there, and this migration made it."""
    origin = origin_of(client, name)
    return origin is not None and origin.maker == maker


def refuse_lost_collection(client: WeaviateClient, name: str, maker: Maker) -> None:
    """Raises LostCollectionError where the server does not have this collection of the migration."""
    if not has_made(client, name, maker):
        refuse_collections_of_others(client, [name], maker)
        raise LostCollectionError(
            f"The collection `{name}` of migration {maker.migration} is not there.",
            "Is --weaviate-url the server that was migrated to? Otherwise `weaviate-migration migrate` makes it again.",
        )


def refuse_another_server(client: WeaviateClient, names: Iterable[str], maker: Maker) -> None:
    """Raises LostCollectionError where the server has none of these collections of a migration that has made them.

    What is on record would be changed for nothing: aliases moved back that are elsewhere, snapshots removed.
    """
    wanted = list(names)
    if not any(has_made(client, name, maker) for name in wanted):
        refuse_lost_collection(client, wanted[0], maker)


def refuse_collections_of_others(client: WeaviateClient, names: Iterable[str], maker: Maker) -> None:
    """Raises MigrationConflictError where a collection of one of these names is there, which another migration made.

    Such as one that began in the same second in another work folder, by an earlier version.
    """
    for name in names:
        origin = origin_of(client, name)
        if origin is not None and origin.maker != maker:
            raise MigrationConflictError(
                f"The collection `{name}` is not migration {maker.migration}'s of this work folder: "
                f"{_told_maker(origin, maker)}.",
                "Nothing was touched. Work with it from the folder that it belongs to; another --work-dir begins a "
                "migration of its own.",
            )


@target_errors("removing a collection")
def drop_collection(client: WeaviateClient, name: str, maker: Maker) -> bool:
    """Removes the collection if this migration made it; returns whether it did."""
    if not has_made(client, name, maker):
        return False
    confirm_writes()
    client.collections.delete(name)
    return True


@target_errors("reading a collection's schema")
def schema_differences(
    client: WeaviateClient, name: str, mapping: CollectionMapping, references: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """How the live schema differs from what the mapping makes, a sentence for each property; none, as a rule.

    Compared are names, types, tokenization and indexing of all properties, nested ones too, the vectors with what the
    mapping says of their modules and indexes, references, and what else it says and cannot be changed later.

    Args:
        references: for each that the collection should have the collection that it leads to.
    """
    if not client.collections.exists(name):
        return [f"there is no collection `{name}`"]
    config = open_collection(client, name).config.get()
    expected = dict(trait for each in _properties(mapping) for trait in _traits_as_made(each))
    found = dict(trait for each in config.properties for trait in _traits_as_found(each))
    expected |= (options := dict(options_as_made(mapping)))
    found |= {
        option: value
        for option, value in options_as_found(config)
        if option in options or option not in LEFT_TO_THE_SERVER
    }
    expected |= {f"reference {reference}": f"to {target}" for reference, target in references.items()}
    found |= {f"reference {each.name}": f"to {', '.join(each.target_collections)}" for each in config.references}
    expected |= (vectors := dict(vectors_as_made(mapping)))
    found |= {
        trait: value
        for trait, value in vectors_as_found(config.vector_config or {}, mapping)
        if trait in vectors or trait.startswith("vector ")
    }
    return [
        f"`{trait}` should be {expected.get(trait, 'absent')}, and is {found.get(trait, 'absent')}"
        for trait in {**expected, **found}
        if expected.get(trait) != found.get(trait)
    ]


def _traits_as_made(prop: Property, path: str = "") -> Iterator[tuple[str, str]]:
    place = f"{path}{prop.name}"
    folding = folding_as_made(prop.textAnalyzer)
    yield place, _traits(prop.dataType, prop.tokenization, prop.indexFilterable, prop.indexSearchable, folding)
    nested = prop.nestedProperties or []
    for each in nested if isinstance(nested, list) else [nested]:
        yield from _traits_as_made(each, f"{place}.")


def _traits_as_found(prop: PropertyConfig | NestedProperty, path: str = "") -> Iterator[tuple[str, str]]:
    place = f"{path}{prop.name}"
    folding = folding_as_found(prop.text_analyzer)
    yield place, _traits(prop.data_type, prop.tokenization, prop.index_filterable, prop.index_searchable, folding)
    for each in prop.nested_properties or []:
        yield from _traits_as_found(each, f"{place}.")


def _traits(
    data_type: DataType,
    tokenization: Tokenization | None,
    filterable: bool | None,
    searchable: bool | None,
    folding: Sequence[str],
) -> str:
    indexing = [name for name, has in (("filterable", filterable), ("searchable", searchable)) if has]
    # The server names a tokenization for each text; it means something only where the text is indexed.
    tokens = [f"tokenized by {tokenization.value}"] if tokenization and indexing else []
    return ", ".join([data_type.value, *tokens, *folding, *indexing])


def _tokenization(prop: PropertyMapping) -> Tokenization | None:
    if prop.type not in ("text", "text[]"):
        return None
    return Tokenization(prop.tokenization or "word") if prop.index == "words" else Tokenization.FIELD


def _properties(mapping: CollectionMapping) -> list[Property]:
    return [*map(_property, (*mapping.properties, *mapping.parent_properties)), _provenance(mapping.provenance)]


def _property(prop: PropertyMapping) -> Property:
    is_text = prop.type in ("text", "text[]")
    return Property(
        name=prop.name,
        data_type=_DATA_TYPES[prop.type],
        description=prop.description or None,
        tokenization=_tokenization(prop),
        text_analyzer=text_analyzer(prop),
        index_filterable=prop.is_filterable,
        index_searchable=prop.index == "words" if is_text else None,
    )


def _provenance(name: str) -> Property:
    """What every object says of its origin; nothing of it is indexed, since indexing is what loading pays for."""

    def nested(name: str, data_type: DataType, is_text: bool = False) -> Property:
        return Property(
            name=name, data_type=data_type, index_filterable=False, index_searchable=False if is_text else None
        )

    return Property(
        name=name,
        data_type=DataType.OBJECT,
        description="Where the object came from, and what of its row no other property holds exactly.",
        index_filterable=False,
        nested_properties=[
            nested("migrated_from_sqlite", DataType.BOOL),
            nested("original_id", DataType.TEXT, is_text=True),
            nested("migration_timestamp", DataType.DATE),
            nested("source_columns", DataType.TEXT, is_text=True),
        ],
    )
