"""A mapping as YAML with comments, as people would write it; the same mapping always gives the same text."""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from weaviate_migration.base.texts import printable
from weaviate_migration.mapping import Mapping as TableMapping

# Where a comment stands: `("collections", 2, "properties", 0)`; `()` is the top of all.
Place = tuple[str | int, ...]
# Lines, by place. They stand above an item of `collections`, and behind any other.
Comments = Mapping[Place, tuple[str, ...]]

# Fields whose items stand in a line each.
_IN_LINES = ("properties", "vectors", "relations")
# An item of `collections` is indented so, and its fields.
_INDENT, _DASH = 4, 2

# Texts in which no sign means anything to YAML; of others, PyYAML and ruamel.yaml do not always think alike.
_SIMPLE = re.compile(r"\w(?:[\w ,.;()/'-]*[\w.)])?").fullmatch
# What YAML 1.1 takes a text for that is not in quotes.
_resolved: Callable[[type, str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve
_TEXT = "tag:yaml.org,2002:str"


def mapping_text(mapping: TableMapping, comments: Comments) -> str:
    """The YAML of a mapping: fields that have their default are left out.

    Args:
        comments: by the place of what they are about.
    """
    return written(_document(mapping, comments))


def _document(mapping: TableMapping, comments: Comments) -> CommentedMap:
    fields = fields_of(mapping)
    document = CommentedMap()
    for name, value in fields.items():
        document[name] = _collections(value, comments) if name == "collections" else as_written(value)
    if head := comments.get(()):
        document.yaml_set_start_comment("\n".join(map(comment_line, head)))
    return document


def fields_of(model: BaseModel) -> dict[str, Any]:
    """The fields of a mapping, or of a part of it, as a file has them: without those that have their default."""
    return model.model_dump(mode="json", exclude_defaults=True)


def written(document: CommentedMap) -> str:
    """The text of a document, no line of it broken."""
    text = io.StringIO()
    writer = YAML()
    writer.width = 2**31
    writer.indent(mapping=2, sequence=_INDENT, offset=_DASH)
    writer.dump(document, text)
    return text.getvalue()


def as_written(value: Any) -> Any:
    """A value so that YAML 1.1 reads it as it is: texts that it would take for something else are in quotes."""
    if isinstance(value, str):
        return value if _is_plain(value) else DoubleQuotedScalarString(value)
    if isinstance(value, dict):
        return CommentedMap({as_written(key): as_written(each) for key, each in value.items()})
    if isinstance(value, list):
        return in_one_line(CommentedSeq(map(as_written, value)))
    return value


def in_braces(fields: Mapping[str, Any]) -> str:
    """The fields of an item, as it stands in one line."""
    return written(in_one_line(as_written(dict(fields)))).strip()


def in_one_line(value: Any) -> Any:
    """A map or list, to be written in braces or brackets."""
    value.fa.set_flow_style()
    return value


def _is_plain(text: str) -> bool:
    return _SIMPLE(text) is not None and text.isprintable() and _resolved(yaml.ScalarNode, text, (True, False)) == _TEXT


def _collections(collections: list[dict[str, Any]], comments: Comments) -> CommentedSeq:
    written_ones = CommentedSeq()
    for at, fields in enumerate(collections):
        place = ("collections", at)
        written_ones.append(collection_document(fields, comments, place))
        lines = "\n".join(map(comment_line, comments.get(place, ())))
        written_ones.yaml_set_comment_before_after_key(at, before=f"\n{lines}", indent=_DASH)
    return written_ones


def collection_document(fields: dict[str, Any], comments: Comments, place: Place) -> CommentedMap:
    """One collection; a line for each property, vector and relation, with its comment behind it."""
    document = CommentedMap()
    for name, value in fields.items():
        document[name] = _items(value, comments, (*place, name)) if name in _IN_LINES else _block(value)
    return document


def _block(value: Any) -> Any:
    """A value of a field: a text of several lines, such as a statement, stands in as many."""
    if isinstance(value, str) and "\n" in value and all(map(str.isprintable, value.split("\n"))):
        return LiteralScalarString(value)
    return as_written(value)


def _items(items: list[dict[str, Any]], comments: Comments, place: Place) -> CommentedSeq:
    found = CommentedSeq(in_one_line(as_written(each)) for each in items)
    for at in range(len(items)):
        if lines := comments.get((*place, at)):
            found.yaml_add_eol_comment(comment_line("; ".join(lines)), key=at, column=0)
    return found


def comment_line(text: str) -> str:
    """A comment's text in one line, with nothing in it that YAML does not allow."""
    return " ".join(printable(text).split())
