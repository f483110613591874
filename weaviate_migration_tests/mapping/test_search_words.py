"""Which words of a text are searched for; `live/test_schema.py` has a server find them."""

from typing import Any

import pytest

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.search_words import search_words

TEXT = "The well-known Größe\x85of Überall, naïve;whither\u2003whither.\x1cquite"


@pytest.mark.parametrize(
    ("fields", "of_collection", "words"),
    [
        ({}, {}, ["Überall", "whither", "whither"]),
        ({"tokenization": "trigram"}, {}, ["Überall", "whither", "whither"]),
        ({"tokenization": "lowercase"}, {}, ["well-known", "Überall,", "naïve;whither", "whither.\x1cquite"]),
        ({"tokenization": "whitespace"}, {}, ["well-known", "Überall,", "naïve;whither", "whither.\x1cquite"]),
        ({"stopwords": ["whither"]}, {}, ["Überall"]),
        ({}, {"stopwords": ["whither", "überall"]}, []),
        ({"stopwords": ["uberall"], "ascii_fold": True}, {}, ["whither", "whither"]),
        ({"ascii_fold": True}, {"stopwords": ["uberall", "whither"]}, []),
        ({"stopwords": "en"}, {"stopwords": ["whither"]}, ["Überall", "whither", "whither"]),
        ({"stopwords": "none"}, {"stopwords": ["whither"]}, ["Überall", "whither", "whither"]),
    ],
)
def test_words_are_parted_as_weaviate_parts_them(
    fields: dict[str, Any], of_collection: dict[str, Any], words: list[str]
) -> None:
    mapping = CollectionMapping.model_validate(
        {
            "name": "Note",
            "table": "notes",
            "properties": [{"name": "a", "column": "a", "index": "words", **fields}],
            **of_collection,
        }
    )
    assert search_words(TEXT, mapping.properties[0], mapping) == words
