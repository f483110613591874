"""The service that tests use answers with what the model gives, and counts."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weaviate_migration_tests.embedding_service import Answer, EmbeddingService, embedding_service


def ask(service: EmbeddingService, path: str, fields: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(f"{service.origin}{path}", json.dumps(fields).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: dict[str, Any] = json.load(answer)
    return content


def test_the_three_protocols_give_the_same_numbers(static_model: Path) -> None:
    with embedding_service(static_model) as service:
        by_openai = ask(service, "/v1/embeddings", {"model": "static", "input": ["merge sorted inputs"]})
        by_ollama = ask(service, "/api/embed", {"model": "static", "input": ["merge sorted inputs"]})
        by_container = ask(service, "/vectors", {"text": "merge sorted inputs"})
        assert by_openai["data"][0]["embedding"] == by_ollama["embeddings"][0] == by_container["vector"]
        assert np.isclose(np.linalg.norm(by_container["vector"]), 1)
        assert service.calls == 3
        assert service.texts == ["merge sorted inputs"] * 3


def test_a_bad_answer_is_given_once(static_model: Path) -> None:
    with embedding_service(static_model) as service:
        service.bad_answers.append(Answer(429, headers={"Retry-After": "1"}))
        with pytest.raises(urllib.error.HTTPError, match="429"):
            ask(service, "/v1/embeddings", {"input": "a"})
        assert len(ask(service, "/v1/embeddings", {"input": "a"})["data"]) == 1
