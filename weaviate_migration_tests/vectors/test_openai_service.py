"""A service of OpenAI's protocol, asked over real HTTP: what it gives, and each way in which it may fail."""

import base64
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import (
    ConfigurationError,
    EmbeddingError,
    TransientEmbeddingError,
)
from weaviate_migration.base.repeats import NO_REPEATS, RepeatLimits, Repeats
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors import openai_service
from weaviate_migration.vectors.open_provider import open_provider
from weaviate_migration.vectors.openai_protocol import embeddings_url, secret_headers
from weaviate_migration.vectors.provider import EmbeddingProvider
from weaviate_migration_tests.documentation import code_blocks
from weaviate_migration_tests.embedding_service import Answer, EmbeddingService, embedding_service
from weaviate_migration_tests.target.hostile_server import TOO_MUCH, TRICKLES, UNREADABLE, hostile_server
from weaviate_migration_tests.target.hostile_server import Answer as HostileAnswer
from weaviate_migration_tests.vectors.conftest import TOKENIZER

KEY = "sk-canary-0123456789abcdef"
TEXTS = ("Merge sorted inputs.", "Create a directory.", "Ein Satz.")
THRICE = Repeats(max_retries=2, retry_delay=0.01)
OPENED: list[EmbeddingProvider] = []


@pytest.fixture(scope="module")
def running(static_model: Path) -> Iterator[EmbeddingService]:
    with embedding_service(static_model) as service:
        yield service


@pytest.fixture
def service(running: EmbeddingService) -> EmbeddingService:
    """The running one, as it was at its beginning."""
    running.forget()
    running.bad_answers.clear()
    running.down = running.key = running.poison = None
    return running


def opened(
    service: EmbeddingService | str, limits: RepeatLimits = THRICE, max_tokens: int | None = None, **fields: Any
) -> EmbeddingProvider:
    url = service if isinstance(service, str) else service.base_url
    provider = open_provider(ModelMapping(service=url, model="static", **fields), max_tokens, limits)
    OPENED.append(provider)
    return provider


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Its connections are closed when the test ends."""
    yield
    while OPENED:
        OPENED.pop().close()


def answered(rows: list[Any], **more: Any) -> Answer:
    """An answer with these rows, whatever they are."""
    data = [{"index": number, "embedding": row} for number, row in enumerate(rows)]
    return Answer(body=json.dumps({"data": data, **more}).encode())


def test_vectors_are_those_of_the_model_bit_for_bit(service: EmbeddingService) -> None:
    provider = opened(service)
    embedded = provider.embed(TEXTS)
    assert np.array_equal(embedded.vectors, service.vectors(TEXTS))
    assert embedded.vectors.dtype == np.float32
    assert provider.dimension == 256
    assert embedded.tokens == sum(len(text.split()) for text in TEXTS)
    assert service.calls == 1
    assert service.requests[0].fields == {"model": "static", "input": list(TEXTS), "encoding_format": "base64"}


def test_rows_come_back_in_the_order_of_the_texts(service: EmbeddingService) -> None:
    rows = [[1.0, 0.5], [2.0, 0.5]]
    data = [{"index": 1, "embedding": rows[1]}, {"index": 0, "embedding": rows[0]}]
    service.bad_answers.append(Answer(body=json.dumps({"object": "list", "data": data}).encode()))
    embedded = opened(service).embed(TEXTS[:2])
    assert embedded.vectors.tolist() == rows
    assert embedded.tokens is None


def test_dimensions_are_asked_for_and_held(service: EmbeddingService) -> None:
    provider = opened(service, dimensions=64)
    assert provider.dimension == 64
    assert provider.embed(TEXTS).vectors.shape == (3, 64)
    assert service.requests[0].fields["dimensions"] == 64
    service.bad_answers.append(answered([[0.5] * 63] * 3))
    with pytest.raises(EmbeddingError, match="63 numbers for a text, and not 64"):
        provider.embed(TEXTS)


def test_the_dimension_of_the_first_call_holds_for_the_next(service: EmbeddingService) -> None:
    provider = opened(service)
    provider.embed(TEXTS)
    service.bad_answers.append(answered([[0.5] * 255] * 3))
    with pytest.raises(EmbeddingError, match="255 numbers for a text, and not 256"):
        provider.embed(TEXTS)


@pytest.mark.parametrize(
    "answer",
    [
        answered([[0.5, 1.0]] * 2),
        answered([[0.5, 1.0]] * 4),
        answered([[0.5, 1.0], [0.5, 1.0], [0.5]]),
        answered([[0.5, 1e39]] * 3),
        answered([[]] * 3),
        answered([0.5] * 3),
        answered(["no base64"] * 3),
        answered([base64.b64encode(b"abc").decode()] * 3),
        answered([base64.b64encode(np.array([1, np.nan], "<f4").tobytes()).decode()] * 3),
        answered([base64.b64encode(np.array([1, np.inf], "<f4").tobytes()).decode()] * 3),
        Answer(body=b'{"data": [{"index": 0, "embedding": [NaN]}]}'),
        Answer(body=json.dumps({"data": [{"index": 0, "embedding": [0.5]}] * 3}).encode()),
        Answer(body=b'{"embeddings": [[0.5]]}'),
        Answer(body=b"<html>Sign in, please.</html>"),
        Answer(body=b""),
    ],
)
def test_an_answer_that_is_none_is_refused(service: EmbeddingService, answer: Answer) -> None:
    """Asked again, it would be the same."""
    service.bad_answers.append(answer)
    with pytest.raises(EmbeddingError) as raised:
        opened(service).embed(TEXTS)
    assert not raised.value.may_pass
    assert raised.value.hint
    assert service.calls == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(service: EmbeddingService, status: int) -> None:
    service.bad_answers.extend([Answer(status)] * 2)
    assert np.array_equal(opened(service).embed(TEXTS).vectors, service.vectors(TEXTS))
    assert service.calls == 3


def test_a_service_that_stays_away_is_told(service: EmbeddingService) -> None:
    service.down = Answer(503)
    with pytest.raises(TransientEmbeddingError, match=r"the model static at .* status 503: Service Unavailable"):
        opened(service).embed(TEXTS)
    assert service.calls == 3


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(TransientEmbeddingError, match="gives no answer") as raised:
            opened(nobody).embed(TEXTS)
    assert raised.value.hint == "When it is well, the same command goes on."


@pytest.mark.parametrize(
    ("status", "remedy"), [(400, "batch"), (401, "key"), (403, "key"), (404, "model"), (422, "batch")]
)
def test_what_does_not_pass_is_not_asked_again(service: EmbeddingService, status: int, remedy: str) -> None:
    service.down = Answer(status)
    with pytest.raises(EmbeddingError, match=f"status {status}") as raised:
        opened(service).embed(TEXTS)
    assert not raised.value.may_pass
    assert remedy in raised.value.hint
    assert service.calls == 1


def test_who_has_to_pay_first_is_not_asked_again(service: EmbeddingService) -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    service.down = Answer(429, json.dumps(body).encode())
    with pytest.raises(EmbeddingError, match="You exceeded your current quota") as raised:
        opened(service).embed(TEXTS)
    assert not raised.value.may_pass
    assert service.calls == 1


def test_a_service_says_when_to_come_again(service: EmbeddingService) -> None:
    """It is left alone for so long, though we would have come at once."""
    service.bad_answers.append(Answer(429, headers={"Retry-After": "1"}))
    began = time.monotonic()
    opened(service, Repeats(max_retries=1, retry_delay=0)).embed(TEXTS)
    assert time.monotonic() - began >= 1
    assert service.calls == 2


def test_a_date_to_come_again_that_has_passed(service: EmbeddingService) -> None:
    service.bad_answers.append(Answer(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    opened(service).embed(TEXTS)
    assert service.calls == 2


@pytest.mark.parametrize("told", ["86400", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_a_service_that_wants_to_be_left_alone_for_long_ends_the_command(service: EmbeddingService, told: str) -> None:
    service.down = Answer(429, headers={"Retry-After": told})
    with pytest.raises(TransientEmbeddingError):
        opened(service).embed(TEXTS)
    assert service.calls == 1


@pytest.mark.parametrize("told", ["soon", "-5", "nan", "9" * 10_000, "Mon, 99 Jan 9999999 00:00:00 GMT"])
def test_a_time_to_come_again_that_is_none(service: EmbeddingService, told: str) -> None:
    service.bad_answers.append(Answer(429, headers={"Retry-After": told}))
    opened(service).embed(TEXTS)
    assert service.calls == 2


def test_each_try_is_told(service: EmbeddingService, caplog: pytest.LogCaptureFixture) -> None:
    service.bad_answers.append(Answer(500))
    with caplog.at_level(logging.WARNING):
        opened(service).embed(TEXTS)
    assert "status 500: Internal Server Error" in caplog.text
    assert "tried again in" in caplog.text


def test_nothing_is_asked_again_once_it_is_stopped(service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it says that it waits, before it asks again."""
    service.down = Answer(503, headers={"Retry-After": "60"})
    stop = threading.Event()
    monkeypatch.setattr(openai_service.logger, "warning", lambda *_: stop.set())
    with bounded(stop=stop), pytest.raises(TransientEmbeddingError, match="not asked again, since this was stopped"):
        opened(service).embed(TEXTS)
    assert service.calls == 1


def test_an_answer_that_does_not_come_ends_in_time(service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_service, "CALL_SECONDS", 0.5)
    go_on = threading.Event()
    service.down = Answer(hold=go_on)
    try:
        with pytest.raises(TransientEmbeddingError, match="timed out"):
            opened(service, NO_REPEATS).embed(TEXTS)
    finally:
        go_on.set()


@pytest.mark.parametrize("answer", TRICKLES.values(), ids=TRICKLES)
def test_an_answer_that_trickles_ends_in_time(answer: HostileAnswer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_service, "CALL_SECONDS", 0.5)
    with hostile_server(answer) as server, pytest.raises(TransientEmbeddingError, match="timed out"):
        opened(f"http://127.0.0.1:{server.address.http_port}/v1", NO_REPEATS).embed(TEXTS)


@pytest.mark.parametrize("answer", [*TOO_MUCH.values(), *UNREADABLE.values()], ids=[*TOO_MUCH, *UNREADABLE])
def test_an_answer_of_something_else_is_one_line(answer: HostileAnswer) -> None:
    """Without end, packed, or no embeddings: it is read within bounds, and told without the key."""
    with hostile_server(answer) as server, pytest.raises(EmbeddingError) as raised:
        opened(f"http://127.0.0.1:{server.address.http_port}/v1", NO_REPEATS, batch=1).embed(TEXTS[:1])
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 1_000


class TestKeys:
    def test_the_key_is_sent_and_never_told(
        self, service: EmbeddingService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("EMBEDDING_KEY", KEY)
        service.key = KEY
        provider = opened(service, key="EMBEDDING_KEY")
        assert len(provider.embed(TEXTS).vectors) == 3
        service.down = Answer(500, json.dumps({"error": {"message": f"no {KEY}, thanks"}}).encode())
        with caplog.at_level(logging.DEBUG), pytest.raises(EmbeddingError) as raised:
            provider.embed(TEXTS)
        assert "no ***, thanks" in raised.value.message
        assert KEY not in f"{raised.value}{caplog.text}{provider.digest}{provider.name}"

    def test_a_wrong_key(self, service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMBEDDING_KEY", "another-key")
        service.key = KEY
        with pytest.raises(EmbeddingError, match="status 401") as raised:
            opened(service, key="EMBEDDING_KEY").embed(TEXTS)
        assert raised.value.hint == "Look at what the variable EMBEDDING_KEY holds."

    @pytest.mark.parametrize("field", [{"key": "EMBEDDING_KEY"}, {"headers": {"X-Key": "EMBEDDING_KEY"}}])
    @pytest.mark.parametrize("value", [None, "", "with\na break", "ключ"])
    def test_a_key_that_is_none(
        self, service: EmbeddingService, field: dict[str, Any], value: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("EMBEDDING_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("EMBEDDING_KEY", value)
        with pytest.raises(ConfigurationError, match="EMBEDDING_KEY") as raised:
            opened(service, **field)
        assert not value or value not in str(raised.value)
        assert service.calls == 0

    def test_headers_are_sent_from_their_variables(
        self, service: EmbeddingService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Azure's form: the key in a header of its own, the deployment in the path, the version in the query."""
        monkeypatch.setenv("AZURE_KEY", KEY)
        service.key = KEY
        url = f"{service.origin}/openai/deployments/static?api-version=2024-10-21"
        assert len(opened(url, headers={"api-key": "AZURE_KEY"}).embed(TEXTS).vectors) == 3
        assert service.requests[0].path == "/openai/deployments/static/embeddings?api-version=2024-10-21"
        assert "authorization" not in service.requests[0].headers

    def test_the_key_of_azure_has_its_own_header(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_KEY", KEY)
        for url, header in (
            ("https://mine.openai.azure.com/openai/v1", {"api-key": KEY}),
            ("https://azure.com.example.org/v1", {"Authorization": f"Bearer {KEY}"}),
        ):
            model = ModelMapping(service=url, model="static", key="AZURE_KEY")
            assert secret_headers(model, url) == header

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_it_is_carried_to_no_other_address(
        self, service: EmbeddingService, static_model: Path, status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EMBEDDING_KEY", KEY)
        with embedding_service(static_model) as other:
            service.down = Answer(status, headers={"Location": f"{other.base_url}/embeddings"})
            with pytest.raises(EmbeddingError, match=rf"status {status}.* a redirect to {other.base_url}") as raised:
                opened(service, key="EMBEDDING_KEY").embed(TEXTS)
            assert "Name the address" in raised.value.hint
            assert other.calls == 0


def test_the_documented_services(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = code_blocks("yaml", "vectors.md")
    models = yaml.safe_load(example)["models"]
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, KEY)
    for fields in models.values():
        provider = open_provider(ModelMapping(**fields))
        assert provider.name == fields["model"]
        provider.close()


@pytest.mark.parametrize(
    ("service", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/embeddings"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/embeddings"),
        ("http://localhost:8080", "http://localhost:8080/embeddings"),
        ("http://localhost:8080/v1/embeddings", "http://localhost:8080/v1/embeddings"),
        ("https://a.azure.com/d/e?api-version=1", "https://a.azure.com/d/e/embeddings?api-version=1"),
    ],
)
def test_where_embeddings_are_asked_for(service: str, url: str) -> None:
    assert embeddings_url(service) == url


def test_the_digest_is_of_what_alters_the_numbers(service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_KEY", KEY)
    plain = opened(service).digest
    same: dict[str, Any] = {
        "key": "EMBEDDING_KEY",
        "batch": 7,
        "requests_per_minute": 9_999,
        "price_per_million_tokens": 0.02,
    }
    assert opened(service, **same, tokenizer=str(TOKENIZER)).digest == plain
    others = [
        opened(service, dimensions=64),
        opened(f"{service.origin}/v2"),
        opened(service, tokenizer=str(TOKENIZER), max_tokens=8),
        opened(service, tokenizer=str(TOKENIZER), max_tokens=9),
    ]
    assert len({plain, *(each.digest for each in others)}) == 5


def test_requests_keep_their_pace(service: EmbeddingService) -> None:
    provider = opened(service, requests_per_minute=300)
    began = time.monotonic()
    for _ in range(4):
        provider.embed(TEXTS)
    assert time.monotonic() - began >= 3 * 60 / 300


def test_a_tokenizer_counts_and_cuts(service: EmbeddingService) -> None:
    provider = opened(service, tokenizer=str(TOKENIZER), max_tokens=3)
    assert provider.tokens(["a cat", "one two three four"]) == [2, 3]
    provider.embed(["a cat", "one two three four", "ǅungla ist weit weg"])
    assert service.texts[:2] == ["a cat", "one two three"]
    assert "ǅungla ist weit weg".startswith(service.texts[2])
    assert opened(service, tokenizer=str(TOKENIZER)).tokens(["one two three four"]) == [4]


def test_nobody_can_cut_without_a_tokenizer(service: EmbeddingService) -> None:
    assert opened(service).tokens(TEXTS) is None
    with pytest.raises(ConfigurationError, match="nobody here knows the tokens of the model static") as raised:
        opened(service, max_tokens=8)
    assert "tokenizer" in raised.value.hint


def test_a_tokenizer_that_is_none(service: EmbeddingService, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        opened(service, tokenizer=str(tmp_path / "tokenizer.json"), max_tokens=8)


def test_a_proxy_of_the_environment_is_gone_through(service: EmbeddingService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", service.origin)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert len(opened("http://embeddings.invalid/v1").embed(TEXTS).vectors) == 3
    assert service.requests[0].path == "http://embeddings.invalid/v1/embeddings"
    opened(service).embed(TEXTS)
    assert service.requests[1].path == "/v1/embeddings"


@pytest.mark.parametrize("fields", [{"headers": {"not a name": "HOME"}}])
def test_what_cannot_be_sent_is_told(service: EmbeddingService, fields: dict[str, Any]) -> None:
    with pytest.raises(EmbeddingError, match="cannot be asked") as raised:
        opened(service, **fields).embed(TEXTS)
    assert not raised.value.may_pass
