"""A service that makes vectors, asked by OpenAI's protocol: at its own pace, and again where that may help."""

import hashlib
import json
import logging
import math
import threading
import time
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
from tenacity import RetryCallState, retry_if_exception

from weaviate_migration.base.deadline import pause, seconds_left
from weaviate_migration.base.errors import EmbeddingError, TransientEmbeddingError
from weaviate_migration.base.limited_http import LEAST_SECONDS, AnswerLimits, limited_client
from weaviate_migration.base.repeats import RepeatLimits, repeating
from weaviate_migration.base.texts import printable
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.openai_protocol import (
    PASSING_STATUSES,
    WITHOUT_MONEY,
    Answer,
    embeddings_url,
    seconds_to_wait,
    secret_headers,
    told_by,
)
from weaviate_migration.vectors.provider import Embedded, checked_rows

if TYPE_CHECKING:  # a service without `tokenizer` needs none of the extra's packages
    from weaviate_migration.vectors.text_tokens import TextTokens

logger = logging.getLogger(__name__)

CALL_SECONDS = 120
"""For one request; a model on a processor takes its time for a hundred long texts."""
CONNECT_SECONDS = 10
LONGEST_ASKED_SECONDS = 600.0
"""A service that wants to be left alone for longer is as good as down: the command ends, and goes on later."""
MOST_NUMBERS = 8192
"""Of a vector, where the mapping does not say how many it has; the largest models have half of that."""
BYTES_OF_A_NUMBER = 25
"""As JSON at most; in base64 it takes 5.4."""
BYTES_BESIDE = 1024 * 1024
LONGEST_REASON = 300


class OpenAIService:
    """The model of a service. Keys come from the environment, are in no message, and go to no other address.

    Args:
        model: as the mapping says it, with `service` and `model`.
        limits: how often a request is made again where it failed for a reason that may pass.
        tokens: counts and cuts tokens as the service's model does; None: nobody does.

    Raises:
        ConfigurationError: a variable that holds a key is not set, or what it holds cannot be sent.
    """

    def __init__(self, model: ModelMapping, limits: RepeatLimits, tokens: "TextTokens | None" = None) -> None:
        assert model.service is not None
        assert model.model is not None
        self.name = model.model
        self.batch = model.batch
        self.dimension = model.dimensions
        self._url = embeddings_url(model.service)
        self._who = f"the service of the model {model.model} at {_shown(model.service)}"
        self._key = model.key
        self._tokens = tokens
        self._fields = {"model": model.model, "encoding_format": "base64"} | _only_given(dimensions=model.dimensions)
        self._pace = _Pace(model.requests_per_minute)
        self._client = limited_client(
            self._url.startswith("https:"),
            AnswerLimits(lambda _: self._largest_answer(), EmbeddingError, f"Is {_shown(model.service)} the service?"),
            _proxy_for(self._url),
            headers=secret_headers(model, self._url),
        )
        may_pass = retry_if_exception(_may_be_tried_again)
        self._repeating = repeating(limits, may_pass, self._tell, asked_for=_seconds_asked, stopped=self._stopped)
        alters = [self._url, model.model, model.dimensions, tokens.digest if tokens else None]
        self.digest = hashlib.sha256(json.dumps(["service", *alters]).encode()).hexdigest()

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of some texts, by one request.

        Raises:
            EmbeddingError: the service refuses them, or answers what is none; a `TransientEmbeddingError` where it is
                away or overloaded, after all tries.
        """
        given = list(texts) if self._tokens is None else self._tokens.cut(texts)
        answer = self._repeating(self._asked, self._fields | {"input": given})
        try:
            rows = answer.rows(len(texts))
        except ValueError as error:
            raise self._no_embeddings(str(error)) from error
        vectors = checked_rows(rows, len(texts), self.dimension, self.name)
        self.dimension = vectors.shape[1]
        return Embedded(vectors, answer.usage.total_tokens if answer.usage else None)

    def tokens(self, texts: Sequence[str]) -> list[int] | None:
        """How many tokens each text has, as far as it is embedded; None where the mapping names no `tokenizer`."""
        return None if self._tokens is None else self._tokens.counts(texts)

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def _largest_answer(self) -> int:
        return self.batch * (self.dimension or MOST_NUMBERS) * BYTES_OF_A_NUMBER + BYTES_BESIDE

    def _asked(self, fields: dict[str, Any]) -> Answer:
        """One request, and what it is answered with."""
        self._pace.wait()
        timeout = httpx.Timeout(max(LEAST_SECONDS, seconds_left(CALL_SECONDS)), connect=CONNECT_SECONDS)
        try:
            answer = self._client.post(self._url, json=fields, timeout=timeout)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise EmbeddingError(
                f"{self._who} cannot be asked: {error}", "Correct the model in the mapping."
            ) from error
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise TransientEmbeddingError(
                f"{self._who} gives no answer: {said}", "When it is well, the same command goes on."
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise self._refusal(answer)
        try:
            return msgspec.json.decode(answer.content, type=Answer)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self._no_embeddings(str(error)) from error

    def _no_embeddings(self, why: str) -> EmbeddingError:
        return EmbeddingError(
            f"{self._who} answers what is no embeddings: {_reason(why)}",
            "Is its base URL right, and does it speak the protocol of OpenAI's embeddings?",
        )

    def _refusal(self, answer: httpx.Response) -> EmbeddingError:
        """What an answer without vectors says."""
        status, (code, message) = answer.status_code, told_by(answer)
        said = f"{self._who} answers with status {status}" + (f": {_reason(message)}" if message else "")
        if status in PASSING_STATUSES and code != WITHOUT_MONEY:
            return TransientEmbeddingError(
                said, "When it is well, the same command goes on.", retry_after=seconds_to_wait(answer)
            )
        if answer.is_redirect:
            said += f": a redirect to {_reason(answer.headers.get('Location', 'nowhere'))}"
        return EmbeddingError(said, self._remedy(status))

    def _remedy(self, status: int) -> str:
        if status in (401, 403):
            return (
                f"Look at what the variable {self._key} holds." if self._key else "Name the key's variable with `key`."
            )
        if 300 <= status < 400:
            return "Name the address that it leads to in `service`: no redirect is followed, for the sake of the key."
        if status == 404:
            return "Correct `service` (with its path, as /v1) or `model` in the mapping."
        if status in (400, 413, 422):
            return "Lower `batch` to what it takes at once, or cut long texts with `max_tokens`."
        return "Look at the service's own account of it."

    def _tell(self, state: RetryCallState) -> None:
        assert state.outcome is not None
        assert state.next_action is not None
        logger.warning("%s; tried again in %.1f s", state.outcome.exception(), state.next_action.sleep)

    def _stopped(self) -> TransientEmbeddingError:
        return TransientEmbeddingError(f"{self._who} was not asked again, since this was stopped")


class _Pace:
    """Has requests of this process wait for each other, so that no more are made in a minute."""

    def __init__(self, per_minute: int | None) -> None:
        self._seconds = 60 / per_minute if per_minute else 0.0
        self._next = -math.inf
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Until it is this request's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._seconds
        pause(turn - now)


def _shown(service: str) -> str:
    return urlunsplit(urlsplit(service)._replace(query="", fragment=""))


def _only_given(**fields: object) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this address (`HTTPS_PROXY`, `NO_PROXY`), if any."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy is None or urllib.request.proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _reason(text: str) -> str:
    line = printable(" ".join(text[: 2 * LONGEST_REASON].split()))
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


def _may_be_tried_again(error: BaseException) -> bool:
    return isinstance(error, TransientEmbeddingError) and error.retry_after <= LONGEST_ASKED_SECONDS


def _seconds_asked(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, TransientEmbeddingError) else 0.0
