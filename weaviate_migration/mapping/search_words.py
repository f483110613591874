"""Words of a text that a search finds it by: as the property's tokenization parts it, and no stop words."""

import re

from anyascii import anyascii

from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.property_mapping import PropertyMapping

# Of the stop words of Weaviate's list `en` none has so many letters (server 1.39.0).
LETTERS = 6
_LETTERS_AND_DIGITS = re.compile(rf"[^\W_]{{{LETTERS},}}").findall
# What Weaviate takes for blanks: `unicode.IsSpace` of Go. Python's own are more.
_BETWEEN_BLANKS = re.compile(
    rf"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{{{LETTERS},}}"
).findall


def search_words(text: str, prop: PropertyMapping, collection: CollectionMapping) -> list[str]:
    """The longer words of a text, in their order; each alone finds it in this property.

    A tokenization that parts a text at blanks only has words with every other sign in them. Folded to ASCII, a word may
    be a stop word that it is not as it is written.
    """
    parted = _BETWEEN_BLANKS if prop.tokenization in ("lowercase", "whitespace") else _LETTERS_AND_DIGITS
    passed_over = prop.stopwords or collection.stopwords or ()
    return [word for word in parted(text) if not {word.lower(), anyascii(word).lower()} & {*passed_over}]
