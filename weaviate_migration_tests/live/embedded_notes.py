"""Notes whose bodies a real service makes vectors of, over HTTP."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from weaviate import WeaviateClient

from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.embedding_service import EmbeddingService
from weaviate_migration_tests.live.command_line import Ended, at, run_here
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file

KEY_VARIABLE = "EMBEDDINGS_KEY"
KEY = "canary-of-the-embeddings-key"
VECTOR = "{{name: content, from: [body], prefix: 'passage: ', model: served{more}}}"
MODELS = """\
models:
  served: {{service: "{url}", model: static, key: {key}, batch: 2, price_per_million_tokens: 2.5{more}}}
"""


def make_embedded_mapping(path: Path, service: EmbeddingService, of_vector: str = "", of_model: str = "") -> Path:
    """The mapping of the notes, with a vector that the service makes."""
    make_mapping(path, more=f"vectors: [{VECTOR.format(more=of_vector)}]")
    models = MODELS.format(url=service.base_url, key=KEY_VARIABLE, more=of_model)
    path.write_text(path.read_text(encoding="utf-8") + models, encoding="utf-8")
    return path


@dataclass(frozen=True)
class EmbeddedNotes:
    """A migration of notes, and the service that embeds for it."""

    notes: NoteMigration
    service: EmbeddingService

    @classmethod
    def fresh(cls, folder: Path, server: ServerAddress, service: EmbeddingService) -> "EmbeddedNotes":
        """With a file of 64 notes that nothing was made of."""
        notes = NoteMigration(folder, server)
        note_file(notes.source)
        make_embedded_mapping(notes.mapping, service)
        service.key = KEY
        return cls(notes, service)

    def migrate(self, *more: object) -> Ended:
        """In this process."""
        os.environ[KEY_VARIABLE] = KEY
        try:
            return self.notes.migrate(*more)
        finally:
            del os.environ[KEY_VARIABLE]

    def run(self, command: str, *more: object) -> Ended:
        """A command about the migration that is there, in this process."""
        os.environ[KEY_VARIABLE] = KEY
        try:
            return run_here(command, "--work-dir", self.notes.work_dir, *at(self.notes.server), *more)
        finally:
            del os.environ[KEY_VARIABLE]

    def look(self, command: str, *more: object) -> Ended:
        """A command about the file, before or beside any migration, in this process."""
        os.environ[KEY_VARIABLE] = KEY
        try:
            return run_here(command, *self.notes.options, *more)
        finally:
            del os.environ[KEY_VARIABLE]

    @property
    def config(self) -> MigrationConfig:
        """The settings, for what is not a command; a service that is away is told of at once."""
        address = self.notes.server
        return create_migration_config(
            str(self.notes.source),
            weaviate_url=f"http://{address.host}:{address.http_port}",
            grpc_port=address.grpc_port,
            work_dir=self.notes.work_dir,
            max_retries=0,
        )

    def wanted(self, bodies: Sequence[str]) -> list[NDArray[np.float32]]:
        """What the service makes of these bodies."""
        return list(self.service.vectors(tuple(f"passage: {body}" for body in bodies)))


def vectors_by_body(client: WeaviateClient) -> Mapping[str, list[float]]:
    """The vector of each note that readers find, by the note's body."""
    objects: list[Any] = list(client.collections.use("Note").iterator(include_vector=True))
    return {each.properties["body"]: each.vector["content"] for each in objects if "content" in each.vector}
