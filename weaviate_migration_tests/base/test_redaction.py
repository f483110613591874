"""Secrets are found in any text, however they are quoted, and in errors of other libraries all through their causes."""

import json
import traceback
from urllib.parse import quote

import pytest

from weaviate_migration.base import redaction
from weaviate_migration.base.errors import TargetError
from weaviate_migration.base.redaction import MASK, RedactedError, keep_secret, redacted, secret_kept

SECRET = "k3y-with\"quotes'and\\more"


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_kept", frozenset())


@pytest.mark.parametrize("written", [str, repr, json.dumps, quote])
def test_a_kept_secret_however_it_is_written(written: object) -> None:
    assert callable(written)
    text = f"metadata: {written(SECRET)}, and so on"
    assert redacted(text) == text
    keep_secret(SECRET)
    assert MASK in redacted(text)
    assert written(SECRET) not in redacted(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("http://user:pass@host:80/path", "http://***@host:80/path"),
        ("see s3://key:pass@bucket and http://token@host", "see s3://***@bucket and http://***@host"),
        ("authorization: Bearer abcdefgh.ijkl", "authorization: Bearer ***"),
        ("('authorization', 'Bearer abcdefghi')", "('authorization', 'Bearer ***')"),
        ("http://host/a@b and me@host", "http://host/a@b and me@host"),
        ("a bearer of news", "a bearer of news"),
    ],
)
def test_what_is_secret_by_its_form(text: str, safe: str) -> None:
    assert redacted(text) == safe


def test_a_short_key_would_be_found_in_words() -> None:
    keep_secret("key")
    keep_secret(None)
    assert redacted("the key of the row") == "the key of the row"


def test_an_error_of_ours_never_holds_it() -> None:
    keep_secret(SECRET)
    error = TargetError(f"refused: {SECRET}", "Try again.")
    assert SECRET not in "".join((str(error), repr(error), *map(str, error.args), error.message))


def fail(cause: Exception, error: Exception | None = None) -> None:
    with secret_kept(SECRET):
        try:
            raise cause
        except Exception:
            raise error or cause from cause


def test_an_error_of_a_library_that_quotes_it() -> None:
    with pytest.raises(RedactedError, match=r"KeyError: .*\*\*\*") as raised:
        fail(OSError(2, "No such file", SECRET), KeyError(SECRET))
    said = "".join(traceback.format_exception(raised.value))
    assert MASK in said
    assert SECRET not in said
    assert redacted(said) == said
    assert "in fail" in said


def test_what_caused_an_error_of_ours_quotes_it() -> None:
    with pytest.raises(TargetError) as raised:
        fail(ValueError(SECRET), TargetError("writing failed"))
    assert isinstance(raised.value.__cause__, RedactedError)
    said = "".join(traceback.format_exception(raised.value))
    assert redacted(said) == said
    assert "ValueError: ***" in said


def test_an_error_without_it_stays_what_it_is() -> None:
    error = ValueError("nothing secret")
    with pytest.raises(ValueError, match="nothing secret") as raised:
        fail(error)
    assert raised.value is error
