"""Of each property, the function that makes its value from its column's: by type, or as the mapping says otherwise."""

from collections.abc import Callable

from weaviate_migration.mapping.dates import date_property, epoch_property
from weaviate_migration.mapping.models import PropertyMapping
from weaviate_migration.mapping.values import (
    Converter,
    boolean_property,
    default_property,
    int_property,
    number_property,
    text_member,
    text_property,
    texts_member,
    texts_property,
)

MEMBER_CONVERTERS: dict[str, Callable[[str], Converter]] = {"text": text_member, "text[]": texts_member}

CONVERTERS: dict[str, Converter] = {
    "text": text_property,
    "text[]": texts_property,
    "int": int_property,
    "number": number_property,
    "boolean": boolean_property,
    "date": date_property,
}

EPOCH_CONVERTERS: dict[str, Converter] = {
    "epoch_seconds": epoch_property(1_000_000),
    "epoch_milliseconds": epoch_property(1_000),
}


def property_converter(prop: PropertyMapping) -> Converter:
    """The forward function of one property."""
    if prop.json_key is not None:
        converter = MEMBER_CONVERTERS[prop.type](prop.json_key)
    else:
        converter = EPOCH_CONVERTERS.get(prop.date_format) or CONVERTERS[prop.type]
    if prop.default is not None:
        converter = default_property(converter, prop.default, prop.default_for_empty)
    return converter
