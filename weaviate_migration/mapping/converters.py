"""Of each property, the function that makes its value from its column's: by type, or as the mapping says otherwise."""

from collections.abc import Callable

from weaviate_migration.mapping.dates import EPOCH_CONVERTERS, date_property, pattern_property
from weaviate_migration.mapping.decimals import decimal_text_property, scaled_integer_property
from weaviate_migration.mapping.json_values import ARRAY_CONVERTERS, text_member, texts_member
from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.mapping.values import (
    Converter,
    blob_property,
    boolean_property,
    default_property,
    int_property,
    number_property,
    spelled_boolean,
    text_property,
    uuid_property,
)

MEMBER_CONVERTERS: dict[str, Callable[[str], Converter]] = {"text": text_member, "text[]": texts_member}

CONVERTERS: dict[str, Converter] = {
    "text": text_property,
    "int": int_property,
    "number": number_property,
    "boolean": boolean_property,
    "date": date_property,
    "uuid": uuid_property,
    "blob": blob_property,
    **ARRAY_CONVERTERS,
}


def property_converter(prop: PropertyMapping) -> Converter:
    """The forward function of one property."""
    converter = _reader(prop)
    if prop.default is not None:
        converter = default_property(converter, prop.default, prop.default_for_empty)
    return converter


def _reader(prop: PropertyMapping) -> Converter:
    """What reads the column's values, but for the default."""
    if prop.json_key is not None:
        return MEMBER_CONVERTERS[prop.type](prop.json_key)
    if prop.values is not None:
        return spelled_boolean(prop.values.true, prop.values.false)
    if prop.decimal is not None:
        return decimal_text_property if prop.decimal == "text" else scaled_integer_property(prop.decimal.scale)
    if "%" in prop.date_format:
        return pattern_property(prop.date_format)
    return EPOCH_CONVERTERS.get(prop.date_format) or CONVERTERS[prop.type]
