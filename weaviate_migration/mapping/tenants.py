"""The tenant of each row's object, made from the value of one column.

The rule (a test holds it): a text or an integer is the tenant's name itself where Weaviate takes it as one; the integer
7 and the text '7' are one tenant, as they are one key to a foreign key. Every other value gives `t_` and the first 32
hexadecimal digits of the SHA-256 of the compact JSON `[class, value]`, both as `object_ids` writes them. Names that
begin so are kept for that. NULL gives the name that the mapping has for it, which no value shares with it.

No two values share a name but the integer and its text, so the name tells the value: itself, or, where it is a hash,
the one that each of the tenant's objects holds.
"""

import hashlib
import json
import re

from weaviate_migration.mapping.object_ids import classed
from weaviate_migration.mapping.values import SqlValue

# What Weaviate takes (server 1.39.0): case matters.
TENANT_NAME = r"^[A-Za-z0-9_-]{1,64}$"
HASHED = "t_"
_DIGITS = 32
_is_name = re.compile(TENANT_NAME.removeprefix("^").removesuffix("$")).fullmatch


def tenant_name(value: SqlValue, of_null: str | None = None) -> str:
    """The name of the tenant that rows with this value belong to.

    Args:
        value: text that is not UTF-8 with its bytes as surrogate escapes.
        of_null: the name for NULL; None: it has none.

    Returns:
        '' for NULL where it has no name: its row cannot become an object.
    """
    if value is None:
        return of_null or ""
    if isinstance(value, str | int):
        name = str(value)
        if _is_name(name) and not name.startswith(HASHED) and name != of_null:
            return name
    text = json.dumps(classed(value), ensure_ascii=False, separators=(",", ":"))
    return HASHED + hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
