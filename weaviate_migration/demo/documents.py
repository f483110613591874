"""Documents and their chunks: one document for each module, and one of notes that is not plain ASCII."""
# ruff: noqa: RUF001 - in the notes the letters that look like others are the point

import re
from collections.abc import Iterator
from datetime import timedelta

from weaviate_migration.demo.accounts import USER_NAMES
from weaviate_migration.demo.stdlib_docs import ModuleDocs
from weaviate_migration.demo.values import FIRST_DAY, Row, date_text, json_text, key_for, moment_for

EMBEDDING_MODEL = "text-embedding-3-small"
SHORTEST_CHUNK, LONGEST_CHUNK = 400, 800
_PARAGRAPH_END = re.compile(r"\n\s*\n")

# Every fourth document has a key that is no UUID, as applications have that changed their minds.
_READABLE_KEY_EVERY = 4


def document_rows(modules: tuple[ModuleDocs, ...]) -> list[Row]:
    """One row for each module, then the notes."""
    rows = [_document_row(serial, len(modules), module) for serial, module in enumerate(modules)]
    return [*rows, _notes_row()]


def chunk_rows(documents: list[Row]) -> list[Row]:
    """All chunks of all documents, numbered from 0 in each document.

    `start_position` and `end_position` count characters (Unicode code points) of the document's content.
    """
    return [
        _chunk_row(document, index, start, end)
        for document in documents
        for index, (start, end) in enumerate(cut_text(str(document["content"])))
    ]


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


def _document_row(serial: int, total: int, module: ModuleDocs) -> Row:
    created = moment_for(serial, total)
    package = module.name.split(".")[0]
    return {
        "id": _document_key(serial, module.name),
        "title": _document_title(module),
        "content": module.text,
        "content_type": "text/x-python",
        "file_path": module.relative_path,
        "file_size": module.file_size,
        "tags": json_text(["stdlib", package, "public" if module.is_public else "private"]),
        "created_at": date_text(created),
        "updated_at": date_text(created + timedelta(hours=serial % 50)),
        "is_active": int(module.is_public),
        "doc_metadata": json_text({"module": module.name, "objects": len(module.objects)}),
        "vector_id": f"vec-{serial:05d}",
        "embedding_model": EMBEDDING_MODEL,
        "user_id": key_for("users", USER_NAMES[serial % len(USER_NAMES)]),
    }


def _document_key(serial: int, module_name: str) -> str:
    return key_for("documents", module_name) if serial % _READABLE_KEY_EVERY else f"doc:{module_name}"


def _document_title(module: ModuleDocs) -> str:
    """The module's name and the first line of its docstring, if it has one."""
    first_line = module.docstring.partition("\n")[0]
    return f"{module.name}: {first_line}"[:500] if first_line else module.name


def _notes_row() -> Row:
    """A document that came from no file: what a file would tell is NULL."""
    return {
        "id": NOTES_KEY,
        "title": NOTES_TITLE,
        "content": NOTES_TEXT,
        "content_type": "text/markdown",
        "file_path": None,
        "file_size": None,
        "tags": json_text(NOTES_TAGS),
        "created_at": date_text(FIRST_DAY),
        "updated_at": None,
        "is_active": 1,
        "doc_metadata": None,
        "vector_id": None,
        "embedding_model": None,
        "user_id": None,
    }


def _chunk_row(document: Row, index: int, start: int, end: int) -> Row:
    document_id = str(document["id"])
    return {
        "id": key_for("document_chunks", f"{document_id}/{index}"),
        "document_id": document_id,
        "content": str(document["content"])[start:end],
        "chunk_index": index,
        "start_position": start,
        "end_position": end,
        "chunk_size": end - start,
        "chunk_metadata": json_text({"part": index + 1}),
        "vector_id": None,
        "embedding_model": document["embedding_model"],
        "created_at": document["created_at"],
        "updated_at": document["updated_at"],
    }


NOTES_KEY = "doc:notes/floats-🧮"


NOTES_TITLE = "Notes: why 𝟎.𝟏 + 𝟎.𝟐 is not 𝟎.𝟑 🧮"


NOTES_TAGS = ("notes", "𝒇(𝒙)", "🧮")


NOTES_TEXT = "\n\n".join(
    f"{number}. For 𝒙 ∈ ℝ the float nearest to 𝒙 is 𝒇(𝒙) = 𝒔 · 𝟐ᵉ with a 53-bit 𝒔, so 𝟏/𝟏𝟎 is stored a little "
    f"too large 📈 and 𝟑/𝟏𝟎 a little too small 📉. Adding {number} rounded numbers adds up to {number} roundings; "
    "`math.fsum` rounds only once, `decimal` rounds as on paper 📝, and `fractions` does not round at all. 🐍"
    for number in range(2, 10)
)
