"""A service that makes embeddings over HTTP with a real model, as OpenAI, Ollama and Weaviate's own containers do.

It counts what it is asked, and answers badly where a test wants that.
"""

import base64
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from model2vec import StaticModel
from numpy.typing import NDArray

LONGEST_WAIT_SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes:
        body: as it is sent; of JSON, its text. None: with the status 200 the vectors, else what went wrong.
        hold: until this is set, nothing is answered.
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Request:
    """What was asked: the path with its query, the headers by their names in small letters, the texts, all fields."""

    path: str
    headers: dict[str, str]
    texts: tuple[str, ...]
    fields: dict[str, Any]


class EmbeddingService:
    """The service while it runs.

    Attributes:
        requests: all that came, in order, also those that were answered badly.
        bad_answers: the next requests get these, one each.
        down: where it is set, each request gets it.
        key: what `Authorization: Bearer` has to say, or the header `api-key`; None: anything.
        poison: a request with a text that has this in it gets status 500.
        limit_headers: the answers tell of rate limits as OpenAI's do: Weaviate's module then sends many texts at once.
    """

    def __init__(self, folder: Path) -> None:
        self._model = StaticModel.from_pretrained(folder)
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self.bad_answers: deque[Answer] = deque()
        self.down: Answer | None = None
        self.key: str | None = None
        self.poison: str | None = None
        self.limit_headers = False
        self.port = 0

    @property
    def base_url(self) -> str:
        """What a mapping says after `service:`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def origin(self) -> str:
        """The same without a path: what Weaviate's modules are given."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def calls(self) -> int:
        """How many requests came."""
        return len(self.requests)

    @property
    def texts(self) -> list[str]:
        """All texts that came, those that came twice, twice."""
        return [text for request in self.requests for text in request.texts]

    def forget(self) -> None:
        """Counts from here on."""
        self.requests.clear()

    def vectors(self, texts: tuple[str, ...]) -> NDArray[np.float32]:
        """What it answers to these texts."""
        with self._lock:
            return self._model.encode(list(texts), use_multiprocessing=False).astype(np.float32)

    def answer(self, request: Request) -> Answer:
        """What this request is answered with."""
        with self._lock:
            self.requests.append(request)
            bad = self.bad_answers.popleft() if self.bad_answers else self.down
        if bad is not None and bad.hold is not None:
            bad.hold.wait(LONGEST_WAIT_SECONDS)
        if bad is not None and (bad.status != 200 or bad.body is not None):
            return bad
        if self.key is not None and not self._has_key(request):
            return Answer(401)
        if self.poison is not None and any(self.poison in text for text in request.texts):
            return Answer(500)
        return Answer(200, json.dumps(self._content(request)).encode(), self._limits())

    def _has_key(self, request: Request) -> bool:
        sent = (request.headers.get("authorization", "").removeprefix("Bearer "), request.headers.get("api-key"))
        return self.key in sent

    def _limits(self) -> dict[str, str]:
        if not self.limit_headers:
            return {}
        names = [f"x-ratelimit-{kind}-{what}" for kind in ("limit", "remaining") for what in ("requests", "tokens")]
        return dict.fromkeys(names, "1000000") | {f"x-ratelimit-reset-{what}": "1s" for what in ("requests", "tokens")}

    def _content(self, request: Request) -> dict[str, Any]:
        rows = self.vectors(request.texts)[:, : request.fields.get("dimensions")]
        match urlsplit(request.path).path.rsplit("/", 1)[-1]:
            case "vectors":
                return {"text": request.texts[0], "vector": rows[0].tolist(), "dim": rows.shape[1]}
            case "embed":
                return {"model": request.fields.get("model"), "embeddings": rows.tolist()}
        packed = request.fields.get("encoding_format") == "base64"
        told = [base64.b64encode(row.tobytes()).decode() if packed else row.tolist() for row in rows]
        data = [{"object": "embedding", "index": number, "embedding": each} for number, each in enumerate(told)]
        tokens = sum(len(text.split()) for text in request.texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "model": request.fields.get("model"), "data": data, "usage": usage}


def _texts_of(fields: dict[str, Any]) -> tuple[str, ...]:
    """OpenAI and Ollama call them `input`, one or several; Weaviate's own containers take one `text`."""
    given = fields.get("input", fields.get("text", ()))
    return (given,) if isinstance(given, str) else tuple(given)


def _error_body(status: int) -> bytes:
    """As OpenAI tells what went wrong."""
    return json.dumps({"error": {"message": HTTPStatus(status).phrase, "code": None}}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet: two would wait for each other, 40 ms a call.
    wbufsize = -1
    service: EmbeddingService

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.service.answer(Request(self.path, headers, _texts_of(body), body)))

    def do_GET(self) -> None:
        """Weaviate asks its containers whether they are ready, and for their meta data."""
        self._send(Answer(200, b'{"model": "static"}'))

    def _send(self, answer: Answer) -> None:
        body = _error_body(answer.status) if answer.body is None else answer.body
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test looks into `requests`."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Nothing: a client that was killed does not take its answer; it would be said on the test's own stderr."""


@contextmanager
def embedding_service(model: Path) -> Iterator[EmbeddingService]:
    """Runs the service on a free port of this machine, with a model2vec folder.

    It answers `POST …/embeddings` (OpenAI), `/api/embed` (Ollama) and `/vectors` (text2vec-transformers, -model2vec).
    """
    service = EmbeddingService(model)

    class Handler(_Handler):
        pass

    Handler.service = service
    with _Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
