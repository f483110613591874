"""Secrets are taken out of every text that leaves the process: log records, errors, what Dagster stores, results.

The keys that a process was given are known here, so they are found in the texts of other libraries too. Passwords in
URLs and bearer tokens are found by their form, wherever they came from.
"""

import json
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

MASK = "***"
SHORTEST_SECRET = 8
"""A shorter key would be found inside ordinary words, and nobody could read the rest."""

_BY_FORM = re.compile(r"""(?<=://)[^\s/?#@'"<>]+(?=@)|(?<=Bearer )[^\s'",)\]}]{8,}""")
# As they may be written; replaced as a whole, since other threads read it.
_kept: frozenset[str] = frozenset()


class RedactedError(Exception):
    """Stands for another library's error whose text held a secret: its class and its text, without the secret."""


def keep_secret(secret: str | None) -> None:
    """From now on this is taken out of every text; one that is shorter than eight characters is not."""
    global _kept
    if secret and len(secret) >= SHORTEST_SECRET:
        _kept |= {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe="")}


def redacted(text: str) -> str:
    """The text without the secrets that are kept, without passwords inside URLs, and without bearer tokens."""
    for secret in sorted(_kept, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _BY_FORM.sub(MASK, text)


@contextmanager
def secret_kept(secret: str | None) -> Iterator[str]:
    """Keeps a secret, and gives it, '' for none; errors that leave the block, and what caused them, are without it.

    Raises:
        RedactedError: for an error of another library that quotes it.
    """
    keep_secret(secret)
    try:
        yield secret or ""
    except Exception as error:
        safe = _without_secrets(error)
        if safe is error:
            raise
        raise safe from safe.__cause__


def _without_secrets(error: BaseException, done: dict[int, BaseException] | None = None) -> BaseException:
    """The error, or what stands for it; its causes are treated likewise.

    Args:
        done: what stands for each error by its `id`: causes may lead back to where they began.
    """
    done = {} if done is None else done
    if id(error) in done:
        return done[id(error)]
    said = "".join(traceback.format_exception_only(error)).strip()
    safe = error if redacted(said) == said else RedactedError(redacted(said)).with_traceback(error.__traceback__)
    done[id(error)] = safe
    hides_context = error.__suppress_context__  # Setting the cause would set it.
    safe.__cause__ = _without_secrets(error.__cause__, done) if error.__cause__ else None
    safe.__context__ = _without_secrets(error.__context__, done) if error.__context__ else None
    safe.__suppress_context__ = hides_context
    return safe
