"""What the server's modules are sent: values of variables, which no text shows."""

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.redaction import redacted
from weaviate_migration.target.module_headers import module_headers


def test_values_come_from_the_environment_and_are_kept_out_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_KEY", "secret-of-a-module")
    monkeypatch.setenv("EMPTY_KEY", "")
    monkeypatch.delenv("NO_KEY", raising=False)
    named = {"X-One": "ONE_KEY", "X-Empty": "EMPTY_KEY", "X-None": "NO_KEY"}
    assert module_headers(named) == {"X-One": "secret-of-a-module"}
    assert redacted("it said secret-of-a-module") == "it said ***"


@pytest.mark.parametrize("value", ["zebra\nstripes", "zebra ", " zebra", "zébra", "a\tzebra", "\x7fkey-of-a-module"])
def test_a_value_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ONE_KEY", value)
    with pytest.raises(ConfigurationError, match="ONE_KEY, which is sent as the header `X-One`") as error:
        module_headers({"X-One": "ONE_KEY"})
    assert value not in str(error.value)
