"""What the vectors that models make would cost: said of all texts, before anything is spent."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.texts import counted, seconds_text
from weaviate_migration.base.vector_tally import money_of
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.embedded_texts import text_maker
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.source.connect import connect_to_read, made_on_disk, source_errors
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan
from weaviate_migration.source.slices import table_slices
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration.vectors.made_vectors import MadeVectors
from weaviate_migration.vectors.open_models import OpenModels, model_that_makes
from weaviate_migration.work_folder.checklist import ChecklistItem

# Texts of which tokens are counted; where no more are to be made, the number is exact but for those that are cut here.
SAMPLE_TEXTS = 1_000
_LONGEST_SAMPLED = 10_000
# Texts of the sample that a model embeds, to be timed: with MiniLM, about a second (44 texts a second, measured).
TIMED_TEXTS = 48
# Of English text, as OpenAI says: https://help.openai.com/en/articles/4936856
CHARACTERS_PER_TOKEN = 4
# What runs on this machine costs nothing but time: it may be asked to find out how long it takes.
LOCAL_MODELS = ("folder", "sentence_transformers")

EmbedderOf = Callable[[VectorMapping], Embedder]


@dataclass(frozen=True)
class EmbeddingCost:
    """What one model would be asked for.

    Attributes:
        model: its name in the mapping.
        vectors: those that it makes: `Collection.vector`.
        texts: that rows have for them.
        distinct: of these, those that differ from all others.
        cached: of the distinct ones, those that were made already.
        tokens: of the rest; from a sample, where there are many.
        calls: for the rest, at least: each partition begins with a call of its own.
        money: what the rest costs; None where the mapping names no price.
        seconds: that the calls take, one after the other, from a timed sample; None where nothing was asked.
    """

    model: str
    vectors: tuple[str, ...]
    texts: int
    distinct: int
    cached: int
    tokens: int
    calls: int
    money: float | None
    seconds: float | None

    @property
    def missing(self) -> int:
        """Texts that are to be made."""
        return self.distinct - self.cached

    def __str__(self) -> str:
        told = f"{self.model}: {counted(self.texts, 'text')}, {self.distinct:,} distinct, {self.cached:,} in the cache"
        if not self.missing:
            return f"{told}; nothing is to be made"
        told += f"; about {counted(self.tokens, 'token')} in {counted(self.calls, 'call')} at least"
        told += f", price {self.money:,.6g}" if self.money is not None else ""
        return told + (f", {seconds_text(self.seconds)}" if self.seconds is not None else "")


def embedding_costs(
    path: Path, readable: Path, mapping: Mapping, plan: MigrationPlan, embedder_of: EmbedderOf, scratch: Path
) -> list[EmbeddingCost]:
    """Reads all texts that vectors are made of; a model on this machine embeds a few of them, and no service is asked.

    Args:
        path: the source.
        readable: what is read of it: the file, or a copy.
        embedder_of: opens what embeds for a vector.
        scratch: a folder for what is on disk meanwhile; it is there.

    Raises:
        ConfigurationError: a model is not there, or cannot be opened.
        EmbeddingError: one that was opened does not work.
        SourceError: the source is locked or damaged.
        VectorCacheError, StorageError: the cache, or what is on disk meanwhile, cannot be used.
    """
    with Endings() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=scratch, prefix="texts-")))
        distinct = stack.enter_context(closing(_DistinctTexts(folder)))
        found: dict[str, _ModelTexts] = {}
        for collection in plan.collections:
            for vector in collection.mapping.made_vectors:
                embedder, model = embedder_of(vector), model_that_makes(mapping, vector)
                of_model = found.setdefault(embedder.provider.digest, _ModelTexts(str(vector.model), model, embedder))
                of_model.vectors.append(f"{collection.mapping.name}.{vector.name}")
                for texts in _texts(path, readable, collection, vector):
                    of_model.add(texts, distinct)
        return [each.cost() for each in found.values()]


def embedding(costs: Sequence[EmbeddingCost], most_calls: int | None) -> ChecklistItem:
    """What embedding costs, as an item of the preflight.

    Args:
        most_calls: that the command may make; None: any number of them.
    """
    calls, figure = sum(each.calls for each in costs), "; ".join(map(str, costs))
    if most_calls is None or calls <= most_calls:
        return ChecklistItem("embedding", "passed", figure)
    remedy = "Give a greater --max-embedding-calls, or run the command as often as it takes: each goes on from there."
    return ChecklistItem("embedding", "failed", f"{figure}: {most_calls:,} calls are allowed", remedy)


def made_on_this_machine(models: OpenModels, mapping: Mapping, collection: CollectionMapping) -> MadeVectors:
    """Of a collection the made vectors that cost nothing but time."""
    local = tuple(each for each in collection.made_vectors if model_that_makes(mapping, each).kind in LOCAL_MODELS)
    return models.made_vectors(mapping, collection.model_copy(update={"vectors": local}), {})


def _texts(path: Path, readable: Path, plan: CollectionPlan, vector: VectorMapping) -> Iterator[list[str]]:
    """The texts of a vector, slice by slice."""
    wanted = set(map(folded, vector.from_columns))
    columns = [each for each in plan.columns if folded(each) in wanted]
    if plan.table is None or not columns:
        return
    text_of = text_maker(vector, columns)
    with source_errors(path), closing(connect_to_read(readable)) as connection:
        for rows in table_slices(connection, plan.table, columns):
            yield [text for text in map(text_of, zip(*rows.columns, strict=True)) if text is not None]


@dataclass
class _ModelTexts:
    """The texts of one model, as they are counted."""

    name: str
    model: ModelMapping
    embedder: Embedder
    vectors: list[str] = field(default_factory=list)
    texts: int = 0
    distinct: int = 0
    cached: int = 0
    characters: int = 0
    sample: list[tuple[bytes, str]] = field(default_factory=list)

    def add(self, texts: Sequence[str], distinct: "_DistinctTexts") -> None:
        self.texts += len(texts)
        new = distinct.new(self.embedder.provider.digest, texts)
        self.distinct += len(new)
        kept = self.embedder.known(list(new))
        missing = [(key, text) for (text, key), vector in zip(new.items(), kept, strict=True) if vector is None]
        self.cached += len(new) - len(missing)
        self.characters += sum(len(text) for _, text in missing)
        # Those with the smallest hashes: they stand anywhere in the table, and are the same ones each time.
        shortened = ((key, text[:_LONGEST_SAMPLED]) for key, text in missing)
        self.sample = heapq.nsmallest(SAMPLE_TEXTS, [*self.sample, *shortened])

    def cost(self) -> EmbeddingCost:
        missing, price = self.distinct - self.cached, self.model.price_per_million_tokens
        tokens = self._tokens(missing)
        return EmbeddingCost(
            model=self.name,
            vectors=tuple(self.vectors),
            texts=self.texts,
            distinct=self.distinct,
            cached=self.cached,
            tokens=tokens,
            calls=-(-missing // self.embedder.provider.batch),
            money=None if price is None else money_of(tokens, price),
            seconds=self._seconds(missing),
        )

    def _tokens(self, missing: int) -> int:
        texts = [text for _, text in self.sample]
        counts = self.embedder.provider.tokens(texts) if texts else []
        if counts is None:
            return -(-self.characters // CHARACTERS_PER_TOKEN)
        return round(sum(counts) * missing / len(texts)) if texts else 0

    def _seconds(self, missing: int) -> float | None:
        if not missing:
            return 0.0
        if self.model.kind not in LOCAL_MODELS:
            return None
        timed = [text for _, text in self.sample[:TIMED_TEXTS]]
        began = time.monotonic()
        self.embedder.provider.embed(timed)
        return (time.monotonic() - began) * missing / len(timed)


class _DistinctTexts:
    """Which texts have been seen: by their hashes, on disk, so that memory stays bounded."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "texts.sqlite"
        made = "CREATE TABLE texts (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE)"
        self._connection = made_on_disk(self._path, made)

    def new(self, digest: str, texts: Iterable[str]) -> dict[str, bytes]:
        """Those of a model's texts that were not seen before, each with its hash."""
        key_of = {text: blake2b(f"{digest}\0{text}".encode(), digest_size=16).digest() for text in texts}
        with source_errors(self._path):
            self._connection.execute("BEGIN")
            new = {text: key for text, key in key_of.items() if self._is_new(key)}
            self._connection.execute("COMMIT")
        return new

    def _is_new(self, key: bytes) -> bool:
        return self._connection.execute("INSERT OR IGNORE INTO texts (key) VALUES (?)", [key]).rowcount == 1

    def close(self) -> None:
        self._connection.close()
