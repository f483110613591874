"""Fields of a mapping that are not validated yet: mistakes between them are told beside those of each."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from weaviate_migration.mapping.names import folded


def fields_of(item: object) -> dict[str, Any]:
    """The fields of an item that is not validated yet, or is a model already; of anything else, none.

    Each by the name that it has in a file.
    """
    if isinstance(item, BaseModel):
        return {field.alias or name: getattr(item, name) for name, field in type(item).model_fields.items()}
    return item if isinstance(item, dict) else {}


def items_of(
    given: dict[str, Any], field: str, long_form: Callable[[object], object] = lambda item: item
) -> list[tuple[int, dict[str, Any]]]:
    """Position and fields of each item of a list field; none where it is no list."""
    items = given.get(field)
    return (
        [(at, fields_of(long_form(item))) for at, item in enumerate(items)] if isinstance(items, list | tuple) else []
    )


def texts_of(items: Iterable[tuple[int, dict[str, Any]]], field: str) -> list[tuple[int, str]]:
    """Position and value of a text field of each item that has it."""
    return [(at, fields[field]) for at, fields in items if isinstance(fields.get(field), str)]


def columns_from(vector: dict[str, Any]) -> list[tuple[int, str]]:
    """Position and name of each column that a vector, not validated yet, is made from."""
    given = vector.get("from")
    return [
        (at, each) for at, each in enumerate(given if isinstance(given, list | tuple) else ()) if isinstance(each, str)
    ]


def given_twice(names: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str, int]]:
    """Position and name of each that an earlier one has too, and the earlier one's position; case is ignored.

    Weaviate, too, ignores case when it refuses a second collection or property of a name.
    """
    first: dict[str, int] = {}
    for at, name in names:
        earlier = first.setdefault(folded(name), at)
        if earlier != at:
            yield at, name, earlier
