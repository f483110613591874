"""What the application holds: conversations about the public modules, and its documents cut into pieces."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from weaviate_migration.demo.stdlib_docs import ModuleDocs

SHORTEST_CHUNK, LONGEST_CHUNK = 400, 800
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_OBJECTS_ASKED_ABOUT = 6
_MODULE_QUESTION = "What is the module {} for?"
_OBJECT_QUESTIONS = (
    "What does {} do?",
    "How do I call {}?",
    "Which arguments does {} take?",
    "Can you explain {} to me? 🤔",
    "I found {} in somebody's code. When would I use it?",
    "Please show me how {} is declared 🐍",
    "In one paragraph: {}?",
)


class ModuleRow(NamedTuple):
    """A module's documentation, and the names of its first objects."""

    serial: int
    name: str
    path: str
    size: int
    title: str
    content: str
    public: bool
    objects: int
    first_objects: str


class Exchange(NamedTuple):
    """A question about one thing, and the answer to it; `number` counts within the conversation about a module."""

    serial: int
    module: str
    number: int
    subject: str
    question: str
    answer: str


def module_rows(modules: tuple[ModuleDocs, ...]) -> list[ModuleRow]:
    """A row for each module; its title is its name, and the first line of its docstring if it has one."""
    return [
        ModuleRow(
            *(serial, module.name, module.relative_path, module.file_size),
            title=": ".join(filter(None, (module.name, module.docstring.partition("\n")[0])))[:500],
            content=module.text,
            public=module.is_public,
            objects=len(module.objects),
            first_objects=", ".join(item.qualified_name for item in module.objects[:12]),
        )
        for serial, module in enumerate(modules)
    ]


def exchanges(modules: tuple[ModuleDocs, ...]) -> list[Exchange]:
    """One conversation for each public module."""
    public = [module for module in modules if module.is_public]
    return [
        Exchange(serial, module.name, number, *each)
        for serial, module in enumerate(public)
        for number, each in enumerate(_questions(serial, module))
    ]


def _questions(serial: int, module: ModuleDocs) -> Iterator[tuple[str, str, str]]:
    """Subject, question, answer: about the module, if it says something of itself, and about its first objects."""
    if module.docstring:
        answer = module.docstring.split("\n\n", 1)[0]
        yield module.name, _MODULE_QUESTION.format(module.name), f"{answer}\n\nimport {module.name}"
    for number, item in enumerate(module.objects[:_OBJECTS_ASKED_ABOUT], serial):
        name = f"{module.name}.{item.qualified_name}"
        question = _OBJECT_QUESTIONS[number % len(_OBJECT_QUESTIONS)].format(name)
        yield name, question, f"{item.first_paragraph}\n\n{item.signature}"


def cut_text(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of consecutive pieces of the text, without the blanks between them.

    A piece ends at the first end of a paragraph after 400 characters; where there is none before 800, at the
    last end of a line or word. What remains at the end may be shorter.
    """
    start = _next_word(text, 0)
    while start < len(text):
        end = _end_of_piece(text, start)
        yield start, start + len(text[start:end].rstrip())
        start = _next_word(text, end)


def _next_word(text: str, position: int) -> int:
    """The first position from here on that is not blank; the text's length if there is none."""
    return len(text) - len(text[position:].lstrip())


def _end_of_piece(text: str, start: int) -> int:
    if len(text) - start <= LONGEST_CHUNK:
        return len(text)
    earliest, latest = start + SHORTEST_CHUNK, start + LONGEST_CHUNK
    if paragraph_end := _PARAGRAPH_END.search(text, earliest, latest):
        return paragraph_end.start()
    last_breaks = (text.rfind(separator, earliest, latest) for separator in "\n ")
    return next((position for position in last_breaks if position >= 0), latest)
