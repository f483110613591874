"""Adds entries to the text of a mapping file, and leaves every other byte of it as people wrote it.

PyYAML says where each list and map of the text ends. ruamel.yaml, asked to write the whole, would lay lines anew, and
put what is added behind the comments above the next entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from weaviate_migration.phases.preflight.inference.mapping_text import (
    Comments,
    Place,
    as_written,
    collection_document,
    comment_line,
    in_braces,
    in_one_line,
    written,
)

# A new field at the top stands behind this one, which every mapping has.
_FIRST = "name"


@dataclass(frozen=True)
class Addition:
    """Entries for a list or a map of a mapping file; it is made where it is not there.

    Attributes:
        place: of the list or map.
        items: for a list.
        entries: for a map.
        comments: by position in `items`, and what follows it.
    """

    place: Place
    items: Sequence[Mapping[str, Any]] = ()
    entries: Mapping[str, str] = field(default_factory=dict)
    comments: Comments = field(default_factory=dict)


def with_additions(text: str, additions: Sequence[Addition]) -> str:
    """The text with these entries; none of them may be there already.

    Args:
        text: a mapping file that is right.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    # What stands deeper in the file comes first where two are added behind the same line.
    deepest_first = sorted(additions, key=lambda each: -len(each.place))
    edits = [_edit(text, root, each) for each in deepest_first]
    pieces, done = [], 0
    for position, added in sorted(edits, key=lambda edit: edit[0]):
        pieces += [text[done:position], added]
        done = position
    return "".join([*pieces, text[done:]])


def _edit(text: str, root: Any, addition: Addition) -> tuple[int, str]:
    """Where something is inserted, and what."""
    node = _find(root, addition.place)
    if node is not None and node.flow_style:
        return _inside(text, node, _in_one_line(addition)[1:-1])
    if node is not None:
        return _below(text, _end(node), node.start_mark.column, _lines(addition))
    parent = _find(root, addition.place[:-1])
    assert isinstance(parent, yaml.MappingNode), "the place is in a mapping file"
    name = str(addition.place[-1])
    if parent.flow_style:
        return _inside(text, parent, f"{name}: {_in_one_line(addition)}")
    behind = _find(root, (_FIRST,)) if parent is root else None
    lines = [f"{name}:", *(f"  {line}" for line in _lines(addition))]
    return _below(text, _end(behind or parent), parent.start_mark.column, lines)


def _find(node: Any, place: Place) -> Any:
    """The node at a place; None where there is none."""
    for step in place:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            continue
        found = [value for key, value in node.value if key.value == step]
        if not found:
            return None
        node = found[0]
    return node


def _end(node: Any) -> int:
    """Where the last value in a node ends: PyYAML counts the comments behind a block as part of it."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return int(node.end_mark.index)


def _inside(text: str, node: Any, added: str) -> tuple[int, str]:
    """Before the bracket or brace that ends the node."""
    before = text[: node.end_mark.index - 1].rstrip()
    separator = "" if before.endswith((",", "[", "{")) else ", "
    return len(before), f"{separator}{added}"


def _below(text: str, end: int, column: int, lines: Sequence[str]) -> tuple[int, str]:
    """Lines behind the line in which a value ends."""
    newline = "\r\n" if "\r\n" in text else "\n"
    position = text.find("\n", len(text[:end].rstrip())) + 1
    added = "".join(f"{' ' * column}{line}".rstrip() + newline for line in lines)
    return (position, added) if position else (len(text), newline + added)


def _in_one_line(addition: Addition) -> str:
    """All of an addition in brackets or braces."""
    value = as_written(dict(addition.entries)) if addition.entries else as_written(list(addition.items))
    return written(in_one_line(value)).strip()


def _lines(addition: Addition) -> list[str]:
    """An addition as lines of a block."""
    if addition.entries:
        entries = (written(as_written({name: value})).rstrip() for name, value in addition.entries.items())
        return [line for entry in entries for line in entry.splitlines()]
    if addition.place == ("collections",):
        return [line for at, fields in enumerate(addition.items) for line in _collection_lines(addition, at, fields)]
    return [_item_line(addition, at, fields) for at, fields in enumerate(addition.items)]


def _collection_lines(addition: Addition, at: int, fields: Mapping[str, Any]) -> list[str]:
    lines = written(collection_document(dict(fields), addition.comments, (at,))).splitlines()
    above = [f"# {comment_line(line)}" for line in addition.comments.get((at,), ())]
    return ["", *above, *(f"{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines))]


def _item_line(addition: Addition, at: int, fields: Mapping[str, Any]) -> str:
    why = "; ".join(addition.comments.get((at,), ()))
    item = in_braces(fields)
    return f"- {item} # {comment_line(why)}" if why else f"- {item}"
