"""Reads a YAML file into a model, and names everything that is wrong with it at once, with line and field."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from itertools import chain
from typing import Any, Generic, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.texts import counted, size_text, suggestion

_Model = TypeVar("_Model", bound=BaseModel)

# Where in the file: field names, and positions in lists as text. `("collections", "2", "name")`
Place = tuple[str, ...]
# A mistake: line (from 1), where, and what is wrong.
Finding = tuple[int, Place, str]
# A mistake that shows only beside another file: where, and what is wrong.
Misfit = tuple[Place, str]

# A file of 40 tables has some 100 kB, one table of 2,000 columns 300 kB. PyYAML reads about 200 kB in a second.
LARGEST_FILE_BYTES = 4 * 1024 * 1024
# What stands behind an alias counts each time that it is named: a few lines can stand for any number of values. A
# property of ten fields that 1,000 collections share is 20,000.
MOST_ALIASED_VALUES = 200_000
# No number that is meant has more bits; Python refuses to write one of thousands of digits.
LARGEST_INTEGER = 2**63 - 1
# More mistakes than these are counted only: nobody reads on.
SHOWN_MISTAKES = 50
# Of a place, and of what is wrong there: names and values may be of any length.
SHOWN_CHARACTERS = 300
LONGEST_REASON = 2_000

# How a value is called, and what to do when YAML reads a text as something else.
_YAML_TYPES = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing", list: "a list"}
# How the pattern of a name begins, and the name in words.
_REST = "then letters without accents, digits and `_`"
_NAMES = {
    "^[A-Z]": f"a capital letter, {_REST}",
    "^[_a-z]": f"a small letter or `_`, {_REST}",
    "^[_A-Za-z]": f"a letter or `_`, {_REST}",
    "^[A-Za-z0-9_-]": "1 to 64 letters without accents, digits, `_` and `-`",
}
_BOOL, _TEXT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"
_QUOTE = "put it in quotes if it is meant as text"


@dataclass(frozen=True)
class FileKind:
    """What kind of file is read: how messages call it, and how its models are nested.

    Attributes:
        title: `mapping file`.
        name: of what it holds, with its article: `a mapping`.
        option: of the command line, that names the file.
        error: what is raised.
        models: of what stands in a field, by the field's name; the file's own model holds everything else.
        named: fields of `models` that hold one for each name: of these, the name says nothing.
        spelled: fields within which `true`, `yes` and the like are texts, spelled as they are, and no booleans.
    """

    title: str
    name: str
    option: str
    error: type[ConfigurationError]
    models: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()


def read_yaml_file(source: Traversable, model: type[_Model], kind: FileKind) -> _Model:
    """Reads and validates a file.

    Args:
        source: a YAML file in UTF-8.
        model: of the whole file.

    Raises:
        ConfigurationError: of the kind's own class: there is no such file, it is not YAML, or it is wrong: then the
            message lists every mistake.
    """
    return parse_yaml(read_text(source, kind), str(source), model, kind)


def parse_yaml(
    text: str,
    file: str,
    model: type[_Model],
    kind: FileKind,
    judge: Callable[[_Model], Iterable[Misfit]] = lambda _: (),
) -> _Model:
    """Validates the text of a file; raises as `read_yaml_file` does.

    Args:
        text: what the file holds.
        file: how messages name it.
        model: of the whole file.
        judge: finds what does not fit something beside the file, in a model that is right by itself.
    """
    content, lines, repeated = _parsed(text, file, kind)
    document = _Document(content, lines, file, model, kind)
    found = _validated(document, repeated)
    if misfits := [(document.line(place), place, told) for place, told in judge(found)]:
        raise document.wrong(misfits)
    return found


def validated_content(
    content: Any, lines: Mapping[Place, int], file: str, model: type[_Model], kind: FileKind
) -> _Model:
    """Validates what stands in a part of somebody else's file, which another library has read.

    Args:
        content: plain lists, dicts and scalars.
        lines: of the file, in which the values stand; () is the place of the whole content.
        file: how messages name it.
        model: of the whole content.

    Raises:
        ConfigurationError: of the kind's own class; the message lists every mistake.
    """
    return _validated(_Document(content, lines, file, model, kind), [])


def _validated(document: "_Document[_Model]", repeated: list[Finding]) -> _Model:
    """The model of what the document holds; `repeated` are the mistakes that only the loader has seen."""
    try:
        content = document.model.model_validate(document.content)
    except ValidationError as error:
        raise document.wrong(repeated + document.findings(error)) from None
    if repeated:
        raise document.wrong(repeated)
    return content


def read_text(source: Traversable, kind: FileKind) -> str:
    """What a file holds; raises where it cannot be read, is too large, or is not UTF-8."""
    try:
        with source.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise kind.error(
                f"{kind.title} {source}: is larger than {size_text(LARGEST_FILE_BYTES)}, the most that is read",
                f"Correct {kind.option}, or split the file: each part is a migration with a work folder of its own.",
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise kind.error(f"{kind.title} {source}: {error.strerror}", f"Correct {kind.option}.") from None
    except UnicodeDecodeError as error:
        raise kind.error(f"{kind.title} {source}: is not UTF-8 text (byte {error.start}): save it as UTF-8") from None


class _LocatingLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which also keeps the line of each value, and names that are given twice.

    PyYAML itself takes the last of two equal names without a word.
    """

    def __init__(self, text: str, spelled: frozenset[str]) -> None:
        super().__init__(text)
        self._spelled = spelled
        self.lines: dict[Place, int] = {}
        self.repeated: list[Finding] = []
        self._place: list[str] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Composes one node; `index` is None for a key, a key's node for its value, a position for an item."""
        if index is None:
            return self._as_spelled(super().compose_node(parent, index))  # type: ignore[arg-type]  # the stubs forget None
        if isinstance(index, yaml.Node):
            step, mark = index.value, index.start_mark
        else:
            step, mark = index, self.peek_event().start_mark  # type: ignore[no-untyped-call]  # no stubs for it
        self._place.append(str(step))
        self._note(tuple(self._place), mark.line + 1)
        node = self._as_spelled(super().compose_node(parent, index))
        self._place.pop()
        return node

    def _as_spelled(self, node: yaml.Node | None) -> yaml.Node | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == _BOOL and not self._spelled.isdisjoint(self._place):
            node.tag = _TEXT
        return node

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        """As PyYAML reads one; ten bytes of it can mean a number of any size."""
        value: int = self.construct_yaml_int(node)
        if abs(value) > LARGEST_INTEGER:
            raise yaml.constructor.ConstructorError(None, None, "a number has more than 64 bits", node.start_mark)
        return value

    def _note(self, place: Place, line: int) -> None:
        if place in self.lines and place[-1] != "<<":
            self.repeated.append((line, place, f"is given twice, first in line {self.lines[place]}"))
        self.lines.setdefault(place, line)


_LocatingLoader.add_constructor("tag:yaml.org,2002:int", _LocatingLoader.construct_integer)


def _values_in(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, with all that its aliases lead to.

    Args:
        known: of nodes that were counted before, by their identity.
    """
    if (count := known.get(id(node))) is not None:
        return count
    known[id(node)] = 1  # While it is being counted: a circle ends where it closes, also when it is validated.
    items = node.value if isinstance(node, yaml.SequenceNode) else ()
    if isinstance(node, yaml.MappingNode):
        items = chain.from_iterable(node.value)
    known[id(node)] = 1 + sum(_values_in(each, known) for each in items)
    return known[id(node)]


def _refuse_exploding_aliases(document: yaml.Node, file: str, kind: FileKind) -> None:
    known: dict[int, int] = {}
    aliased = _values_in(document, known) - len(known)
    if aliased > MOST_ALIASED_VALUES:
        raise kind.error(
            f"{file}: its aliases stand for {aliased:,} values more, and at most {MOST_ALIASED_VALUES:,} are read",
            "Write out what is meant, in several files if need be.",
        )


def _parsed(text: str, file: str, kind: FileKind) -> tuple[Any, dict[Place, int], list[Finding]]:
    """The content of a text as plain lists, dicts and scalars; where each value stands; and what is given twice."""
    try:
        loader = _LocatingLoader(text, kind.spelled)
        document = loader.get_single_node()
        if document is not None:
            _refuse_exploding_aliases(document, file, kind)
        content: Any = None if document is None else loader.construct_document(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise kind.error(f"{file}{line}: broken YAML: {_cut(str(error.problem))}") from None
    except RecursionError:
        raise kind.error(f"{file}: is nested too deeply to be read") from None
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: PyYAML's own conversions let it through, as for the date 2024-13-01.
        raise kind.error(f"{file}: broken YAML: {_cut(' '.join(str(error).split()))}") from None
    return content, loader.lines, loader.repeated


class _Document(Generic[_Model]):
    """What a YAML document holds, as plain lists, dicts and scalars, and where each value stands."""

    def __init__(
        self, content: Any, lines: Mapping[Place, int], file: str, model: type[_Model], kind: FileKind
    ) -> None:
        self.content, self.model = content, model
        self._lines, self._file, self._kind = lines, file, kind
        if not isinstance(content, dict):
            given = "is empty" if content is None else "holds no fields at its top"
            raise kind.error(f"{file}:{self.line(())}: {given}; {kind.name} has {', '.join(model.model_fields)}")

    def line(self, place: Place) -> int:
        """The line of that value or, if it is not in the file, of what it would stand in."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def title(self, place: Place) -> str:
        """The names of the collection and property that the place is in: `Document.fileSize`; may be empty."""
        names: list[str] = []
        value = self.content
        for step in place:
            value = (
                value[int(step)] if isinstance(value, list) else value.get(step) if isinstance(value, dict) else None
            )
            if isinstance(value, dict) and isinstance(value.get("name"), str):
                names.append(value["name"])
        return ".".join(names)

    def wrong(self, findings: Iterable[Finding]) -> ConfigurationError:
        """The error that lists these mistakes, in the order of the file."""
        found = sorted(findings, key=lambda finding: finding[0])
        lines = []
        for line, place, message in found[:SHOWN_MISTAKES]:
            title = _cut(self.title(place))
            name = f"{_cut(_spelled(place))} ({title})" if title else _cut(_spelled(place))
            lines.append(f"{self._file}:{line}: {name}: {_cut(message, LONGEST_REASON)}")
        if hidden := len(found) - len(lines):
            lines.append(f"… and {hidden:,} more")
        what = self._kind.name.partition(" ")[2]
        return self._kind.error("\n".join([f"the {what} has {counted(len(found), 'mistake')}:", *lines]))

    def findings(self, error: ValidationError) -> list[Finding]:
        """Pydantic's errors, in the order of the file; those that can be shown in our words, which takes time."""
        found = [(self._place(details["loc"]), details) for details in error.errors(include_url=False)]
        found.sort(key=lambda each: self.line(each[0]))
        return [
            (self.line(place), place, self._explained(cast(dict[str, Any], details)) if at < SHOWN_MISTAKES else "")
            for at, (place, details) in enumerate(found)
        ]

    @staticmethod
    def _place(location: tuple[int | str, ...]) -> Place:
        return tuple(str(step) for step in location if step != "[key]")

    def _explained(self, details: dict[str, Any]) -> str:
        if details["type"] == "extra_forbidden":
            model = self._model_at([step for step in details["loc"][:-1] if isinstance(step, str)])
            allowed = [field.alias or name for name, field in model.model_fields.items()]
            return "is no field" + suggestion(str(details["loc"][-1]), allowed)
        explain = _EXPLANATIONS.get(details["type"])
        return explain(details) if explain else str(details["msg"])

    def _model_at(self, parents: list[str]) -> type[BaseModel]:
        """The model of what stands in fields of these names, one in the other."""
        if not parents:
            return self.model
        is_name = len(parents) > 1 and parents[-2] in self._kind.named
        return self._kind.models[parents[-2 if is_name else -1]]


def _cut(text: str, longest: int = SHOWN_CHARACTERS) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _spelled(place: Place) -> str:
    """The place as people write it: `collections[2].properties[3].type`."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(place))


def _not_allowed(details: dict[str, Any]) -> str:
    allowed = re.findall("'([^']+)'", details["ctx"]["expected"])
    return f"{_shown(details['input'])} is not allowed" + suggestion(str(details["input"]), allowed)


def _not_text(details: dict[str, Any]) -> str:
    return f"must be text, but YAML reads {_shown(details['input'])} here; {_QUOTE}"


def _bad_name(details: dict[str, Any]) -> str:
    name = next(words for first, words in _NAMES.items() if details["ctx"]["pattern"].startswith(first))
    return f"{_shown(details['input'])} is no name for Weaviate: {name}"


def _shown(value: object) -> str:
    """A value as it is shown in a message: what it is, where YAML made no text of it; cut at 60 characters."""
    if isinstance(value, str):
        return f"`{value if len(value) <= 60 else value[:60] + '…'}`"
    kind = _YAML_TYPES.get(type(value), "fields" if isinstance(value, dict) else f"a {type(value).__name__}")
    return kind if isinstance(value, dict | list | None) else f"{kind} ({value})"


# Pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/) that a file can cause.
_EXPLANATIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "literal_error": _not_allowed,
    "string_type": _not_text,
    "string_pattern_mismatch": _bad_name,
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda details: f"is longer than {details['ctx']['max_length']} characters",
    "too_short": lambda _: "needs at least one item",
    "bool_type": lambda details: f"must be true or false, not {_shown(details['input'])}",
    "int_type": lambda details: f"must be a whole number, not {_shown(details['input'])}",
    "float_type": lambda details: f"must be a number, not {_shown(details['input'])}",
    "finite_number": lambda details: f"must be a number, not {details['input']}",
    "greater_than": lambda details: f"must be more than {details['ctx']['gt']}, not {details['input']}",
    "greater_than_equal": lambda details: f"must be {details['ctx']['ge']} at least, not {details['input']}",
    "less_than_equal": lambda details: f"must be {details['ctx']['le']} at most, not {details['input']}",
    "tuple_type": lambda details: f"must be a list, not {_shown(details['input'])}",
    "dict_type": lambda details: f"must be names with texts, not {_shown(details['input'])}",
    "model_type": lambda details: f"must be fields with values, not {_shown(details['input'])}",
    "value_error": lambda details: str(details["ctx"]["error"]),
}
