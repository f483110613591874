"""The protocol of OpenAI's embeddings, which Azure, Ollama, vLLM, TEI and others speak: addresses, headers, answers."""

import base64
import json
import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.redaction import keep_secret
from weaviate_migration.mapping.model_mapping import ModelMapping

PASSING_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
WITHOUT_MONEY = "insufficient_quota"
"""OpenAI's code for what comes with status 429, but does not pass until somebody pays."""
AZURE_HOSTS = (".azure.com", ".azure-api.net")
"""They take a key in a header of their own."""


class _Row(msgspec.Struct):
    index: int
    embedding: str | list[float]


class _Usage(msgspec.Struct):
    total_tokens: int | None = None


class Answer(msgspec.Struct):
    """What a service answers with."""

    data: list[_Row]
    usage: _Usage | None = None

    def rows(self, count: int) -> list[NDArray[np.float32]]:
        """The vectors in the order of the texts.

        Raises:
            ValueError: there is not one for each of `count` texts, or one cannot be read.
        """
        by_text = sorted(self.data, key=lambda row: row.index)
        if [row.index for row in by_text] != list(range(count)):
            raise ValueError(f"{len(by_text):,} vectors for {count:,} texts, or not one for each")
        return [_numbers(row.embedding) for row in by_text]


def embeddings_url(service: str) -> str:
    """Where embeddings are asked for, from a base URL; a query, as Azure's `api-version`, stays at the end."""
    parts = urlsplit(service)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith("/embeddings") else f"{path}/embeddings", fragment=""))


def secret_headers(model: ModelMapping, url: str) -> dict[str, str]:
    """The headers with keys, from the variables of the environment that hold them.

    Raises:
        ConfigurationError: one is not set, or what it holds cannot be sent.
    """
    headers = {name: _secret(variable, model) for name, variable in model.headers.items()}
    if model.key is None:
        return headers
    key, is_azure = _secret(model.key, model), (urlsplit(url).hostname or "").endswith(AZURE_HOSTS)
    return {"api-key": key, **headers} if is_azure else {"Authorization": f"Bearer {key}", **headers}


def _secret(variable: str, model: ModelMapping) -> str:
    """What a variable of the environment holds; from now on it is taken out of every text."""
    secret = os.environ.get(variable, "")
    if not secret:
        raise ConfigurationError(
            f"the variable {variable} is not set: it has to hold what the service of the model {model.model} wants",
            "Set it where the command runs, or name another variable in the mapping.",
        )
    keep_secret(secret)
    if not re.fullmatch(r"[!-~]+( [!-~]+)*", secret):
        raise ConfigurationError(
            f"what the variable {variable} holds cannot be sent (a line break, or a letter beyond ASCII)",
            "Put the key alone into it.",
        )
    return secret


def _numbers(embedding: str | list[float]) -> NDArray[np.float32]:
    """One row: float32s in base64, or a list of numbers where a service knows no other form."""
    if isinstance(embedding, list):
        with np.errstate(over="ignore"):  # What is beyond float32 is found to be infinite later.
            return np.array(embedding, dtype=np.float32)
    return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")


def told_by(answer: httpx.Response) -> tuple[str | None, str]:
    """The code and the message of an answer that is none; nothing else of it, since it may repeat the texts."""
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None, ""
    fields = body if isinstance(body, dict) else {}
    error = fields.get("error", fields.get("message"))
    inner = error if isinstance(error, dict) else {"message": error}
    code, message = inner.get("code"), inner.get("message")
    return (code if isinstance(code, str) else None), (message if isinstance(message, str) else "")


def seconds_to_wait(answer: httpx.Response) -> float:
    """How many seconds the service wants to be left alone (RFC 9110, 10.2.3); 0 where it does not say."""
    told = answer.headers.get("Retry-After", "")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", told, re.ASCII):
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return 0.0
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (known - datetime.now(UTC)).total_seconds())
