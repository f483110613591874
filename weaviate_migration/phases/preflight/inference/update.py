"""A mapping file with what its SQLite file has and it lacked."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import ConfigurationError, MappingError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as TableMapping
from weaviate_migration.mapping.reader import parse_mapping
from weaviate_migration.phases.preflight.inference.choice import Choice
from weaviate_migration.phases.preflight.inference.collection_draft import OmittedColumn
from weaviate_migration.phases.preflight.inference.lacking import Lacking, NewColumns, what_lacks
from weaviate_migration.phases.preflight.inference.mapping_edit import Addition, with_additions
from weaviate_migration.phases.preflight.inference.mapping_text import Comments, fields_of
from weaviate_migration.source.connect import connect_to_read, readable_source, source_errors
from weaviate_migration.source.inspect import inspect_database

_LISTS = ("properties", "vectors", "relations")


@dataclass(frozen=True)
class MappingUpdate:
    """A mapping file with what was added to it.

    Attributes:
        mapping: with all of it.
        text: of the file; what stood there already stands there still, byte for byte.
        added: a line for each table and column.
        secrets: the new columns that are left out because they look secret.
        remarks: what a person should look at.
    """

    mapping: TableMapping
    text: str
    added: tuple[str, ...]
    secrets: tuple[OmittedColumn, ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `init --update --json` prints: the text of the mapping file, and what was added to it."""
        return {
            "mapping": self.text,
            "added": list(self.added),
            "secrets": [asdict(each) for each in self.secrets],
            "remarks": list(self.remarks),
        }


def update_of_file(path: Path, scratch: Path, choice: Choice, text: str, file: str) -> MappingUpdate:
    """Adds to a mapping file what a SQLite file has and it lacks; reads the values of what is new only.

    Args:
        scratch: a folder for a copy of the source, where it cannot be read in place (see `readable_source`).
        choice: of the tables that the mapping does not know.
        text: of the mapping file.
        file: how messages name it.

    Raises:
        MappingError: the mapping file is wrong.
        ConfigurationError: a table was named that the file does not have, or nothing can be added to a text so written.
        SourceNotUsableError: it is no SQLite database.
        SourceError: it is locked or corrupt.
    """
    mapping = parse_mapping(text, file)
    with (
        readable_source(path, scratch) as readable,
        source_errors(path),
        closing(connect_to_read(readable)) as connection,
    ):
        lacking = what_lacks(connection, inspect_database(readable, mapping), choice, mapping)
    updated = _updated(mapping, lacking)
    changed = with_additions(text, list(_additions(mapping, lacking)))
    if not _reads_as(changed, file, updated):
        raise ConfigurationError(
            "\n".join([f"{file}: is written so that nothing can be added to it by itself:", *lacking.told]),
            "Add these yourself; `weaviate-migration init` without --update shows how.",
        )
    return MappingUpdate(updated, changed, lacking.told, lacking.secrets, lacking.remarks)


def _reads_as(text: str, file: str, mapping: TableMapping) -> bool:
    try:
        return parse_mapping(text, file) == mapping
    except MappingError:
        return False


def _updated(mapping: TableMapping, lacking: Lacking) -> TableMapping:
    new = {each.read.keyed.collection: each for each in lacking.columns}
    collections = [_with_columns(each, new.get(each.name)) for each in mapping.collections]
    return TableMapping.model_validate(
        {
            **dict(mapping),
            "omit_tables": {**mapping.omit_tables, **{each.table: each.told for each in lacking.omitted}},
            "collections": (*collections, *(each.mapping for each in lacking.tables)),
        }
    )


def _with_columns(collection: CollectionMapping, new: NewColumns | None) -> CollectionMapping:
    if new is None:
        return collection
    lists = {field: (*getattr(collection, field), *new.fields[field]) for field in _LISTS}
    omit = {**collection.omit, **new.fields["omit"]}
    return CollectionMapping.model_validate({**dict(collection), **lists, "omit": omit})


def _additions(mapping: TableMapping, lacking: Lacking) -> Iterator[Addition]:
    places = {each.name: ("collections", at) for at, each in enumerate(mapping.collections)}
    for new in lacking.columns:
        place = places[new.read.keyed.collection]
        for name in _LISTS:
            if new.fields[name]:
                why: Comments = {(at,): (reason,) for at, reason in enumerate(new.reasons[name])}
                yield Addition((*place, name), [fields_of(each) for each in new.fields[name]], comments=why)
        if new.fields["omit"]:
            yield Addition((*place, "omit"), entries=new.fields["omit"])
    if lacking.tables:
        comments: Comments = {
            (at, *below): lines for at, each in enumerate(lacking.tables) for below, lines in each.comments.items()
        }
        yield Addition(("collections",), [fields_of(each.mapping) for each in lacking.tables], comments=comments)
    if lacking.omitted:
        yield Addition(("omit_tables",), entries={each.table: each.told for each in lacking.omitted})
