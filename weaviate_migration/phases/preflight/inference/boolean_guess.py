"""Whether a column holds booleans, and how it spells them."""

from collections import Counter
from collections.abc import Mapping

from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts
from weaviate_migration.phases.preflight.inference.column_words import ColumnWords
from weaviate_migration.phases.preflight.inference.finding import Found, held, listed, share, speaks_for

# What stands for true and for false, in small letters; the first three pairs are booleans also without a word of the
# name or declaration, where both of a pair are there.
_PAIRS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("1", "0"))
_SURE_PAIRS = _PAIRS[:3]
_OPPOSITE = {each: other for true, false in _PAIRS for each, other in ((true, false), (false, true))}
_MEANS_TRUE = frozenset(true for true, _ in _PAIRS)


def boolean(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """A boolean, of the integers 0 and 1 or of texts that stand for true and false; None for anything else."""
    announced = words.declares_boolean or words.names_boolean
    texts = _spelled(facts.texts.different or {})
    if not texts and not announced:
        return None
    if not announced and not _has_sure_pair(texts):
        return None
    numbers = facts.fits["boolean"]
    fitting = numbers + texts.total()
    if not speaks_for(facts, fitting, announced=words.declares_boolean):
        return None
    why = f"declared {words.declared}, " if words.declares_boolean else "by its name, " if words.names_boolean else ""
    if not texts:
        return held(facts, "boolean", fitting, f"{why}{share(fitting, facts.values, 'value')} 0 or 1")
    values = _values(texts, with_numbers=numbers > 0)
    spelled = listed([str(each) for each in (*values["true"], *values["false"])])
    return held(facts, "boolean", fitting, f"{why}{share(fitting, facts.values, 'value')} {spelled}", values=values)


def _spelled(texts: Mapping[str, int]) -> Counter[str]:
    """Those of the texts that stand for true or false."""
    return Counter({text: count for text, count in texts.items() if text.lower() in _OPPOSITE})


def _has_sure_pair(texts: Mapping[str, int]) -> bool:
    there = {text.lower() for text in texts}
    return any(there == set(pair) for pair in _SURE_PAIRS)


def _values(texts: Counter[str], *, with_numbers: bool) -> dict[str, list[str | int]]:
    """What stands for true and for false, the most frequent first; what is never there is the other's opposite."""
    in_order = sorted(texts, key=lambda text: (-texts[text], text))
    true: list[str | int] = [text for text in in_order if text.lower() in _MEANS_TRUE]
    false: list[str | int] = [text for text in in_order if text.lower() not in _MEANS_TRUE]
    if with_numbers:
        true, false = [*true, 1], [*false, 0]
    return {"true": true or _opposites(false), "false": false or _opposites(true)}


def _opposites(spellings: list[str | int]) -> list[str | int]:
    return [_in_case_of(str(each), _OPPOSITE[str(each).lower()]) for each in spellings]


def _in_case_of(example: str, word: str) -> str:
    if example.isupper():
        return word.upper()
    return word.capitalize() if example[:1].isupper() else word
