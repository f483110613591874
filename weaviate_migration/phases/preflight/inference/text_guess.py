"""What texts become: UUIDs, dates, booleans, numbers, arrays, or texts that are indexed in one way or another."""

from collections.abc import Callable

from weaviate_migration.base.texts import counted
from weaviate_migration.phases.preflight.inference.boolean_guess import boolean
from weaviate_migration.phases.preflight.inference.column_facts import PATTERN_READINGS, ColumnFacts
from weaviate_migration.phases.preflight.inference.column_words import ColumnWords
from weaviate_migration.phases.preflight.inference.finding import NEARLY_ALL, Found, held, holds_most, share, speaks_for
from weaviate_migration.phases.preflight.inference.known_patterns import exchanged

# A text up to this length may be one token; texts that are longer than the second on average are not indexed at all.
LONGEST_WHOLE = 1_000
LONGEST_INDEXED = 20_000
# So many hashes are never taken for UUIDs: each is by one in eight.
FEWEST_UUIDS = 8
# Texts of several words are a choice from a list, not prose, where each is there so many times on average, ...
REPEATED = 4
# ... and none is longer.
LONGEST_CHOICE = 100


def text(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """A property of texts, or of what they spell; None where none holds most of the values."""
    ways: tuple[Callable[[ColumnWords, ColumnFacts], Found | None], ...] = (
        uuid,
        _date,
        _date_by_pattern,
        boolean,
        _decimal,
        _array,
    )
    return next((found for way in ways if (found := way(words, facts)) is not None), None) or _plain_text(words, facts)


def uuid(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """UUIDs, as texts or blobs; those without hyphens only by name or declaration, or where they are many.

    One in eight hashes looks like one. Blobs that could as well be in the order of bytes that .NET writes are none.
    """
    fitting = facts.fits["uuid"]
    announced = words.declares_uuid or words.names_uuid
    sure = announced or words.names_id or 2 * facts.fits["uuid with hyphens"] > fitting or fitting >= FEWEST_UUIDS
    if facts.swapped_uuids >= fitting or not sure or not speaks_for(facts, fitting, announced=announced):
        return None
    return held(facts, "uuid", fitting, f"{share(fitting, facts.values, 'value')} UUIDs")


def _date(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """Dates in the forms that need no pattern; digits alone, as in 20240131, are some only by name or declaration."""
    fitting = facts.fits["date"]
    announced = words.declares_date or words.names_date
    if not speaks_for(facts, fitting, announced=words.declares_date) or (
        2 * facts.texts.digits > fitting and not announced
    ):
        return None
    return held(facts, "date", fitting, f"{share(fitting, facts.values, 'value')} dates as text")


def _date_by_pattern(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """Dates by the one pattern that reads them; where day and month could as well be exchanged, they are none."""
    pattern = max(PATTERN_READINGS, key=facts.fits.__getitem__)
    fitting, other = facts.fits[pattern], exchanged(pattern)
    if not speaks_for(facts, fitting, announced=words.declares_date):
        return None
    if other is not None and facts.fits[other] == fitting:
        return None
    return held(
        facts, "date", fitting, f"{share(fitting, facts.values, 'value')} dates as {pattern}", date_format=pattern
    )


def _decimal(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """Numbers as text: by declaration, or by name where half have decimal places; version numbers look the same."""
    fitting = facts.fits["decimal"]
    announced = words.declares_decimal or (words.names_number and 2 * facts.fits["decimal places"] >= facts.values)
    if not announced or not speaks_for(facts, fitting, announced=True):
        return None
    why = f"{share(fitting, facts.values, 'value')} numbers as text"
    return held(facts, "number", fitting, why, decimal="text")


# A later one may hold what an earlier one holds, never the other way round; empty arrays are of each.
_ARRAYS = {"date[]": "dates", "text[]": "texts", "boolean[]": "booleans", "int[]": "integers", "number[]": "numbers"}


def _array(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    """JSON arrays of one type; where all are empty, of texts."""
    fits = {kind: facts.fits[kind] for kind in _ARRAYS}
    kind = "text[]" if len(set(fits.values())) == 1 else max(fits, key=fits.__getitem__)
    if not speaks_for(facts, fits[kind], announced=words.declares_json):
        return None
    why = f"{share(fits[kind], facts.values, 'value')} JSON arrays of {_ARRAYS[kind]}"
    if kind != "text[]":
        return held(facts, kind, fits[kind], why)
    return held(facts, kind, fits[kind], why, index="whole" if facts.texts.longest <= LONGEST_WHOLE else "words")


def _plain_text(words: ColumnWords, facts: ColumnFacts) -> Found | None:
    if not holds_most(facts, "text"):
        return None
    if facts.texts.empty == facts.values:
        return Found({"type": "text", "index": declared_index(words)}, counted(facts.values, "empty text"))
    index, why = _index(facts)
    return held(facts, "text", facts.fits["text"], why + _hint(words, facts), index=index)


def _hint(words: ColumnWords, facts: ColumnFacts) -> str:
    """What the texts could be, where nothing says that they are it."""
    pattern = max(PATTERN_READINGS, key=facts.fits.__getitem__)
    if speaks_for(facts, facts.fits[pattern], announced=words.declares_date):
        return f"; could be dates, but nothing says whether as {pattern} or as {exchanged(pattern)}"
    return ""


def _index(facts: ColumnFacts) -> tuple[str, str]:
    """How a text is indexed, and why."""
    of_texts, texts = facts.texts, facts.count("text")
    longest, average = longest_text(facts), of_texts.characters / texts
    if of_texts.json >= NEARLY_ALL * max(texts - of_texts.empty, 1):
        return "stored", f"{share(of_texts.json, texts, 'text')} JSON, {longest}"
    if average > LONGEST_INDEXED:
        return "stored", f"very long, {average:,.0f} characters on average"
    different = of_texts.different
    if different is not None and of_texts.longest <= LONGEST_CHOICE and len(different) * REPEATED <= texts:
        return "whole", f"{counted(len(different), 'different value')} in {counted(facts.rows, 'row')}, {longest}"
    if of_texts.longest <= LONGEST_WHOLE and of_texts.several_words <= (1 - NEARLY_ALL) * texts:
        return "whole", f"single words, {longest}"
    several = f"{share(of_texts.several_words, texts, 'text')} of several words"
    return "words", f"{several}, {average:,.0f} characters on average"


def declared_index(words: ColumnWords) -> str:
    """How a text is indexed whose values say nothing."""
    if words.declares_json:
        return "stored"
    return "words" if words.declares_prose else "whole"


def longest_text(facts: ColumnFacts) -> str:
    """`36 characters at most`."""
    return f"{counted(facts.texts.longest, 'character')} at most"
