"""Calls in SQL that give another value each time: what a migration reads more than once cannot come from them."""

from collections.abc import Sequence

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.sql_tokens import in_parentheses, tokens_of, unquoted

# https://www.sqlite.org/lang_datefunc.html: what they give for 'now', or without a moment, is another each time.
_OF_MOMENTS = ("date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff")
_MOMENTS = ("current_date", "current_time", "current_timestamp")
# https://www.sqlite.org/lang_corefunc.html: by chance, or of what the connection has done so far.
_OF_CHANCE = ("random", "randomblob", "changes", "total_changes", "last_insert_rowid")


def changing_call(sql: str) -> str:
    """The first function, or word for this moment, that gives another value each time; '' where there is none."""
    words = [token for token in tokens_of(sql) if token != " "]
    return next((folded(unquoted(word)) for at, word in enumerate(words) if _changes(word, words[at + 1 :])), "")


def is_of_this_moment(word: str, behind: Sequence[str]) -> bool:
    """Whether a word is the moment at which it is read, or a call for it.

    Args:
        behind: the words that follow, without blanks.
    """
    name = folded(unquoted(word))
    return folded(word) in _MOMENTS or (name in _OF_MOMENTS and behind[:1] == ["("] and _is_now(name, behind))


def _changes(word: str, behind: Sequence[str]) -> bool:
    is_called = behind[:1] == ["("] and not word.startswith("'")
    return is_of_this_moment(word, behind) or (is_called and folded(unquoted(word)) in _OF_CHANCE)


def _is_now(name: str, call: Sequence[str]) -> bool:
    """Whether a date function is called for this very moment."""
    arguments = [each for each in in_parentheses(call)[0] if each]
    moments = arguments[1:] if name == "strftime" else arguments
    return not moments or any(folded(unquoted(token)) == "now" for each in moments for token in each)
