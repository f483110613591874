"""The demo: makes the demo file, migrates it, and searches what came out."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from weaviate import WeaviateClient
from weaviate.classes.query import MetadataQuery

from weaviate_migration.demo import DEMO_SEARCHES, write_demo_file
from weaviate_migration.work_folder import WorkFolder

FIRST_HITS = 3
EXCERPT = 100


class Hit(NamedTuple):
    """One object that a search found: its BM25 score, and the beginning of the property that was searched."""

    score: float
    excerpt: str


class SearchShown(NamedTuple):
    """A BM25 search through an alias, and its first hits."""

    alias: str
    query: str
    hits: tuple[Hit, ...]


def make_demo_file(work_dir: Path) -> Path:
    """Makes the demo file in the work folder, unless it is there, and returns its path."""
    path = WorkFolder(work_dir).folder / "demo.sqlite"
    if not path.exists():
        write_demo_file(path)
    return path


def demo_searches(client: WeaviateClient, prefix: str) -> Iterator[SearchShown]:
    """Runs the demo's BM25 searches through the aliases."""
    for search in DEMO_SEARCHES:
        alias = f"{prefix}{search.collection}"
        found = client.collections.use(alias).query.bm25(
            search.query,
            query_properties=[search.property_name],
            limit=FIRST_HITS,
            return_metadata=MetadataQuery(score=True),
        )
        hits = tuple(
            Hit(each.metadata.score or 0.0, _excerpt(str(each.properties[search.property_name])))
            for each in found.objects
        )
        yield SearchShown(alias, search.query, hits)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"
