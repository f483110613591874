"""Names that Weaviate takes, for tables and columns of any name: readable, each one once, and the same each time."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from anyascii import anyascii
from pluralizer import Pluralizer

from weaviate_migration.mapping.names import COLLECTION_LENGTH, PROPERTY_LENGTH, RESERVED_PROPERTIES, folded

# The property with a row's origin, and where a column's property is called so.
_PROVENANCE, _OTHER_PROVENANCE = "metadata", "migrationMetadata"

# Short words are mostly abbreviations (dns, ids, os): an `s` at their end is not always a plural's.
_SHORTEST_PLURAL = 4
# What the library's rules, made for prose, get wrong of words that tables are called after.
_IRREGULAR = (("axis", "axes"), ("basis", "bases"), ("cache", "caches"), ("gas", "gases"), ("lens", "lenses"))
_UNCOUNTABLE = ("data", "metadata", "media", "multimedia", "species", "https", "kubernetes", "redis")


def _pluralizer() -> Pluralizer:
    pluralizer = Pluralizer()  # type: ignore[no-untyped-call]  # the library forgets its result
    for singular, plural in _IRREGULAR:
        pluralizer.add_irregular_rule(singular, plural)
    for word in _UNCOUNTABLE:
        pluralizer.add_uncountable_rule(word)
    return pluralizer


_PLURALIZER = _pluralizer()
# What is called by what a name stands for.
_Owner = TypeVar("_Owner", bound=Hashable)
# The end of the name of a column that holds a key.
_OF_A_KEY = re.compile("(?<=[0-9a-z])(?:Id|ID|Uuid|UUID|Key)$|(?:^|[^0-9A-Za-z])(?i:id|uuid|key)$")


def collection_names(tables: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """The name of the collection for each table: its own in PascalCase, the last word in the singular.

    Args:
        taken: names that other collections have already.

    Returns:
        By table; no two names are alike, whatever their case, and none is among those taken.
    """
    return distinct({table: _collection_name(table) for table in tables}, taken, COLLECTION_LENGTH)


def property_names(collection: str, columns: Sequence[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """The name of the property for each column of a table: its own in camelCase.

    What Weaviate reserves gets the collection's name before it: `id` of Message is `messageId`.

    Args:
        taken: names that other properties of the collection have already.

    Returns:
        By column; no two names are alike, whatever their case, and none is among those taken.
    """
    return distinct({column: _property_name(collection, column) for column in columns}, taken, PROPERTY_LENGTH)


def object_id_names(parents: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    """The name of the property that holds the id of a parent's object: `authorObjectId` beside the key in `author_id`.

    Args:
        parents: the parent's collection, by the column that holds the parent's key.
        taken: names of other properties and vectors of the collection.

    Returns:
        By column, as `property_names` gives it.
    """
    wanted = {
        column: _property_name(parent, f"{called_after(column, parent)}_object_id")
        for column, parent in parents.items()
    }
    return distinct(wanted, taken)


def called_after(column: str, parent: str) -> str:
    """Whom a column that holds a key is called after: `author` for `author_id`, `document` for `id` of a Document's.

    Args:
        parent: the collection of the table whose keys it holds.
    """
    return _OF_A_KEY.sub("", column) or _decapitalized(parent)


def provenance_name(properties: Iterable[str]) -> str:
    """A name for the property that holds a row's origin, which none of these is."""
    taken = set(map(folded, properties))
    wanted = _PROVENANCE if _PROVENANCE not in taken else _OTHER_PROVENANCE
    return distinct({"": wanted}, taken, PROPERTY_LENGTH)[""]


def distinct(wanted: Mapping[_Owner, str], taken: Iterable[str], longest: int = PROPERTY_LENGTH) -> dict[_Owner, str]:
    """The names as they are wanted; of equal ones all but the first get a number.

    First comes who is called so already, then who stands first.
    """
    used = set(map(folded, taken))
    found: dict[_Owner, str] = {}
    for owner in sorted(wanted, key=lambda owner: wanted[owner] != owner):
        name = wanted[owner][:longest]
        number = 1
        while folded(name) in used:
            number += 1
            name = f"{wanted[owner][: longest - len(str(number))]}{number}"
        used.add(folded(name))
        found[owner] = name
    return {owner: found[owner] for owner in wanted}


def words_of(name: str) -> list[str]:
    """The words of a name in letters without accents: what is all in capitals becomes small, other case is kept."""
    words = re.findall("[0-9A-Za-z]+", anyascii(name))
    return [word.lower() if word.isupper() else word for word in words]


def spoken_words(name: str) -> list[str]:
    """The words of a name as they are spoken, in small letters: `ApiKey` and `API_KEY` give `api` and `key`."""
    found: list[str] = re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", anyascii(name))
    return [word.lower() for word in found]


def _collection_name(table: str) -> str:
    words = words_of(table) or ["Table"]
    words[-1] = _singular(words[-1])
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name[0].isalpha() else f"Table{name}"


def _property_name(collection: str, column: str) -> str:
    first, *others = words_of(column) or ["column"]
    name = _decapitalized(first) + "".join(word[0].upper() + word[1:] for word in others)
    if name in RESERVED_PROPERTIES:
        return _decapitalized(collection) + name[0].upper() + name[1:]
    return name if name[0].isalpha() else f"_{name}"


def _singular(word: str) -> str:
    """The word, or the last of those written in one (`OrderDetails`), in the singular."""
    found = re.search("[A-Z]?[a-z]+$", word)
    if found is None or len(found[0]) < _SHORTEST_PLURAL:
        return word
    return word[: found.start()] + _PLURALIZER.singular(found[0])


def _decapitalized(word: str) -> str:
    """The word as a name in camelCase begins: `ItemId` gives `itemId`, `HTTPStatus` gives `httpStatus`."""
    return re.sub("^[A-Z]+(?=[A-Z][a-z])|^[A-Z]", lambda found: found[0].lower(), word)
