"""Standard output that cannot encode every character (cp1252, latin-1, ascii): what it cannot is escaped."""

import codecs
import io
import json
import sys
from typing import Any

from weaviate_migration.base.redaction import redacted
from weaviate_migration.base.texts import printable_json

# The escapes of JSON, for `str.encode`: Python's own are none that a reader of JSON would know.
_AS_JSON = "weaviate_migration.json"


def escape_on_standard_streams() -> None:
    """What standard output and standard error cannot encode is escaped from now on, as Python writes it: `\\u2192`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def json_text(document: Any, indent: int | None = None) -> str:
    """The document as JSON, without secrets; what standard output cannot encode is escaped as JSON does it."""
    text = printable_json(redacted(json.dumps(document, ensure_ascii=False, indent=indent)))
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, _AS_JSON).decode(encoding)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError), "it is used to encode only"
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_AS_JSON, _escaped)
