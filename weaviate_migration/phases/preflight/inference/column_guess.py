"""What a column becomes, from its declaration and its values: a property, a vector, or nothing; and why."""

from dataclasses import dataclass, replace
from typing import Any

from weaviate_migration.base.texts import counted
from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.preflight.full_text import not_to_be_had, text_index_fields
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts
from weaviate_migration.phases.preflight.inference.column_words import ColumnWords, column_words
from weaviate_migration.phases.preflight.inference.finding import Found, classes_text, held, holds_most
from weaviate_migration.phases.preflight.inference.number_guess import number, plain_number
from weaviate_migration.phases.preflight.inference.text_guess import (
    LONGEST_WHOLE,
    declared_index,
    longest_text,
    text,
    uuid,
)
from weaviate_migration.phases.preflight.inference.vector_guess import VectorGuess, vector_in_blobs, vector_in_texts
from weaviate_migration.source.full_text import FullTextIndex
from weaviate_migration.source.inspect import Column

# Shorter vectors take little room as they are.
_QUANTIZED_FROM = 128


@dataclass(frozen=True)
class ColumnGuess:
    """What a column becomes.

    Attributes:
        property: None where it stays in `source_columns`, or is a vector.
        vector: None where it is no vector.
        reason: one line, with the figures that it rests on.
        is_for_people: whether a person has to say what it becomes, as the reason tells.
    """

    property: PropertyMapping | None
    vector: VectorMapping | None
    reason: str
    is_for_people: bool = False


def guess_column(
    name: str, column: Column, facts: ColumnFacts, *, is_key: bool, searched_by: FullTextIndex | None = None
) -> ColumnGuess:
    """Says what a column becomes.

    Args:
        name: the property's, or the vector's.
        facts: of all its values.
        is_key: whether it is part of the table's key, or holds keys of another table.
        searched_by: the full-text index that its texts are searched by.
    """
    words = column_words(column)
    vector = None if is_key else _vector(words, facts)
    if vector is not None and vector.numbers is not None:
        fields = {"name": name, "column": column.name, "bytes": vector.numbers, **_index(vector)}
        return ColumnGuess(None, VectorMapping.model_validate(fields), vector.reason)
    if vector is not None:
        return ColumnGuess(None, None, vector.reason, is_for_people=vector.lengths_differ)
    found = _property(words, facts, is_key=is_key) or Found(None, f"no type fits most: {classes_text(facts)}")
    if found.fields is None:
        return ColumnGuess(None, None, found.reason)
    if not is_key and found.fields["type"] in ("text", "text[]"):
        found = _as_searched(found, found.fields, searched_by)
    prop = PropertyMapping.model_validate({"name": name, "column": column.name, **(found.fields or {})})
    return ColumnGuess(prop, None, found.reason)


def _as_searched(found: Found, fields: dict[str, Any], searched_by: FullTextIndex | None) -> Found:
    """A text so that a search finds what it finds in SQLite; without a full-text index there, with or without accents.

    A text that is searched there is searched here, whatever its values look like.
    """
    if searched_by is None:
        return replace(found, fields={**fields, "ascii_fold": True}) if fields["index"] == "words" else found
    tokenizer = searched_by.tokenizer
    told = "; ".join([f"searched by {searched_by.told}", *not_to_be_had(tokenizer)])
    return Found({**fields, **text_index_fields(tokenizer)}, f"{found.reason}; {told}")


def _index(vector: VectorGuess) -> dict[str, Any]:
    """With 8 bits for each number the index takes three quarters of the CPU time, and finds as much (measured)."""
    is_long = vector.length is not None and vector.length >= _QUANTIZED_FROM
    return {"index": {"quantizer": "rq"}} if is_long else {}


def _vector(words: ColumnWords, facts: ColumnFacts) -> VectorGuess | None:
    """Whether blobs or texts are vectors; None for what is something else."""
    if 2 * facts.count("blob") > facts.values and uuid(words, facts) is None:
        return vector_in_blobs(words, facts.blobs)
    if 2 * facts.count("text") > facts.values:
        return vector_in_texts(words, facts)
    return None


def _property(words: ColumnWords, facts: ColumnFacts, *, is_key: bool) -> Found | None:
    if not facts.values:
        return _by_declaration(words, facts)
    if is_key:
        return _key(words, facts)
    of_texts = facts.count("text") >= facts.count("integer", "real")
    return text(words, facts) if of_texts else number(words, facts)


def _by_declaration(words: ColumnWords, facts: ColumnFacts) -> Found:
    """A column without any value."""
    declared = f"declared {words.declared}" if words.declared else "without a declared type"
    why = f"no value in {counted(facts.rows, 'row')}, {declared}"
    types = {
        "boolean": words.declares_boolean,
        "date": words.declares_date,
        "int": words.declares_int,
        "uuid": words.declares_uuid,
        "blob": words.declares_blob or words.declared_vector is not None,
        "number": words.declares_number or words.declares_decimal,
    }
    declares = next((kind for kind, is_declared in types.items() if is_declared), "text")
    if declares == "blob":
        return Found(None, why)
    if declares == "text":
        return Found({"type": "text", "index": declared_index(words)}, why)
    return Found({"type": declares}, why)


def _key(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """Keys stay what they are: an integer that could be a date is none."""
    if (found := uuid(words, facts)) is not None:
        return found
    if holds_most(facts, "text"):
        index = "whole" if facts.texts.longest <= LONGEST_WHOLE else "stored"
        return held(facts, "text", facts.fits["text"], f"a key, {longest_text(facts)}", index=index)
    return plain_number(facts) if facts.count("integer", "real") else None
