"""Names in a mapping: what Weaviate accepts, and how SQLite compares those of tables and columns."""

import string
from typing import Annotated

from pydantic import StringConstraints

from weaviate_migration.mapping.tenants import TENANT_NAME

# What Weaviate accepts as names of collections, properties and vectors (server 1.39.0, schema validation). Silently, it
# would turn a capital that a property begins with into a small letter.
COLLECTION_LENGTH, PROPERTY_LENGTH = 200, 230
CollectionName = Annotated[str, StringConstraints(pattern=r"^[A-Z][_0-9A-Za-z]*$", max_length=COLLECTION_LENGTH)]
PropertyName = Annotated[str, StringConstraints(pattern=r"^[_a-z][_0-9A-Za-z]*$", max_length=PROPERTY_LENGTH)]
VectorName = Annotated[str, StringConstraints(pattern=r"^[_A-Za-z][_0-9A-Za-z]*$", max_length=PROPERTY_LENGTH)]
TenantName = Annotated[str, StringConstraints(pattern=TENANT_NAME)]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]
# Reserved by Weaviate for the object itself: the server or weaviate-client refuses them as property names.
RESERVED_PROPERTIES = ("id", "_id", "vector", "_additional")
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def folded(name: str) -> str:
    """The name as SQLite compares names of tables and columns: without regard to case, but of ASCII letters only.

    https://www.sqlite.org/c3ref/stricmp.html
    """
    return name.translate(_ASCII_LOWER)
