"""The demo: makes the demo file, migrates it, and searches what came out; on a file in use, counts what was lost."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from weaviate import WeaviateClient
from weaviate.classes.query import MetadataQuery

from weaviate_migration.api.cutover import CutoverResult, cut_over_migration
from weaviate_migration.api.outcome import MigrationResult
from weaviate_migration.api.sync import sync_changes
from weaviate_migration.base.errors import DifferencesError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.demo import chatting, write_demo_file
from weaviate_migration.demo.vector_mapping import VECTOR
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.vectors.provider import EmbeddingProvider
from weaviate_migration.work_folder.folder import WorkFolder

FIRST_HITS = 3
EXCERPT = 100


class DemoSearch(NamedTuple):
    """One search: in which collection, for which words, in which property."""

    collection: str
    query: str
    property_name: str


DEMO_SEARCHES = (
    DemoSearch("DocumentChunk", "create temporary directory", "content"),
    DemoSearch("Document", "regular expression operations", "content"),
    DemoSearch("Message", "merge sorted inputs", "content"),
)
"""By keywords; the last one also by meaning, and by both together."""


class Hit(NamedTuple):
    """One object that a search found: how well it fits, and the beginning of the property that was searched."""

    score: float
    excerpt: str


class SearchShown(NamedTuple):
    """A search through an alias, of which kind it is, and its first hits."""

    kind: str
    alias: str
    query: str
    hits: tuple[Hit, ...]


def make_demo_file(work_dir: Path) -> Path:
    """Makes the demo file in the work folder, unless it is there, and returns its path."""
    path = WorkFolder(work_dir.absolute()).ensure() / "demo.sqlite"
    if not path.exists():
        write_demo_file(path)
    return path


def demo_searches(client: WeaviateClient, prefix: str, model: EmbeddingProvider | None) -> Iterator[SearchShown]:
    """Runs the demo's searches through the aliases.

    Args:
        model: what has made the vectors; None: there are none, and nothing is searched by them.
    """
    for search in DEMO_SEARCHES:
        yield _shown("BM25", prefix, search, _query(client, prefix, search).bm25(search.query, **_asked(search)))
    if model is not None:
        numbers = model.embed([search.query]).vectors[0].tolist()
        query = _query(client, prefix, search)
        found = query.near_vector(numbers, target_vector=VECTOR, limit=FIRST_HITS, return_metadata=_SCORES)
        yield _shown("Vector", prefix, search, found)
        found = query.hybrid(search.query, vector=numbers, target_vector=VECTOR, **_asked(search))
        yield _shown("Hybrid", prefix, search, found)


_SCORES = MetadataQuery(score=True, distance=True)


def _asked(search: DemoSearch) -> Any:
    return {"query_properties": [search.property_name], "limit": FIRST_HITS, "return_metadata": _SCORES}


def _query(client: WeaviateClient, prefix: str, search: DemoSearch) -> Any:
    return open_collection(client, f"{prefix}{search.collection}").query


def _shown(kind: str, prefix: str, search: DemoSearch, found: Any) -> SearchShown:
    hits = tuple(
        Hit(_score(each.metadata), _excerpt(str(each.properties[search.property_name]))) for each in found.objects
    )
    return SearchShown(kind, f"{prefix}{search.collection}", search.query, hits)


def _score(told: Any) -> float:
    """Of a search by vector the cosine, else what the server calls the score."""
    return 1 - told.distance if told.distance is not None else told.score or 0.0


@dataclass(frozen=True)
class LiveTour:
    """What came of a migration while the demo's application wrote on.

    Attributes:
        cutover: None where the migration failed before.
        changes: rows that the application inserted, updated or deleted.
        messages: how many messages these were.
        lost: the keys of those that Weaviate does not hold as the application wrote them last.
    """

    migration: MigrationResult
    cutover: CutoverResult | None
    changes: int
    messages: int
    lost: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        if self.cutover is None:
            return self.migration.exit_code
        return self.cutover.exit_code or (DifferencesError.exit_code if self.lost else 0)

    def to_dict(self) -> dict[str, Any]:
        """What `demo --live --json` prints: the migration, and beside it what is only of the tour."""
        return {
            **self.migration.to_dict(),
            "cutover": self.cutover.to_dict() if self.cutover else None,
            "changes": self.changes,
            "changed_messages": self.messages,
            "lost": self.lost,
        }


def tour_live(
    config: MigrationConfig, client: WeaviateClient, migrate: Callable[[MigrationConfig], MigrationResult]
) -> LiveTour:
    """Migrates the demo file while an application writes to it, switches readers over, and counts what was lost.

    Args:
        migrate: runs the migration, without moving the aliases.

    Raises:
        MigrationError: the application failed, or the last changes could not be applied.
    """
    with chatting(Path(config.sqlite_url)) as chat:
        migration = migrate(config.model_copy(update={"cutover": False}))
        cutover = None
        if migration.success:
            sync_changes(config)
            cutover = cut_over_migration(config)
    tour = LiveTour(migration, cutover, chat.changes, len(chat.messages))
    if cutover is None or not cutover.success:
        return tour
    sync_changes(config)
    return replace(tour, lost=tuple(_lost_messages(client, config.prefix, chat.messages)))


def _lost_messages(client: WeaviateClient, prefix: str, written: Mapping[str, str | None]) -> Iterator[str]:
    """The messages that Weaviate does not hold as the application wrote them last; None: it deleted them."""
    messages = open_collection(client, f"{prefix}Message").iterator(return_properties=["messageId", "content"])
    found = {str(each.properties["messageId"]): each.properties["content"] for each in messages}
    return (message for message, content in written.items() if found.get(message) != content)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"
