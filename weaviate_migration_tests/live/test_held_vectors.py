"""What a collection holds of texts and their vectors is taken from it, and only where the text is proven the same."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.mapping import read_mapping
from weaviate_migration.mapping.embedded_texts import text_maker
from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.phases.history.held_vectors import held_versions
from weaviate_migration.phases.history.row_writer import RowWriter
from weaviate_migration.phases.history.written_vectors import WrittenVectors
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration.vectors.made_vectors import MadeVectors
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.vectors.letters import LetterModel

MAPPING = """\
name: notes
models:
  letters: {{entry_point: letters}}
collections:
  - name: Note
    table: notes
    {more}
    vectors: [{{name: content, from: [title, body], prefix: "{prefix}", model: letters}}]
    properties:
      - {{name: title, column: title, index: words}}
      - {{name: size, column: size, type: int}}
"""
COLUMNS = ("id", "title", "body", "size")
LAYOUT = RowLayout("notes", COLUMNS, ("id",))
SETTINGS = WriteSettings(10, MESSAGE_BYTES, MESSAGE_BYTES, 2, 0, 0.0)
# `body` has no property: it is kept verbatim. A title that is a number is, too.
ROWS: Mapping[str, tuple[SqlValue, SqlValue]] = {
    "a": ("One title", "and its body"),
    "b": (7, "a title that is a number"),
    "c": ("Only a title", None),
    "d": (None, None),
}


def row(key: str, title: SqlValue, body: SqlValue, tenant: str | None = None) -> ExtractRow:
    uuid = object_uuid("notes", (key,))
    assert uuid is not None
    return ExtractRow(address(tenant, uuid), (key,), (key, title, body, 1))


class Notes:
    """A migration of these rows that was cut over, with a vector of each text; others ask it before the model."""

    def __init__(self, folder: Path, client: weaviate.WeaviateClient, *, tenants: bool = False) -> None:
        self.folder, self.client = folder, client
        self.more = "tenant: {column: size, of_null: none}" if tenants else "shards: 1"
        self.tenant = tenant_name(1, "none") if tenants else None
        self.work_folder = WorkFolder(folder / "work")
        mapping = self.mapping("passage: ")
        record = self.migration(mapping)
        (collection,) = mapping.collections
        self.objects = client.collections.use(record.collection(collection))
        with closing(VectorCache(folder / "first.sqlite")) as cache:
            made = MadeVectors(collection.made_vectors, lambda _: Embedder(LetterModel(), cache))
            into = (self.objects, collection, record.timestamp, SETTINGS, lambda *_: None)
            writer = RowWriter(*into, WrittenVectors(made))
            written = sum(each.written for each in writer.write("00", ((each, None) for each in self.rows()), LAYOUT))
        assert written == len(ROWS)
        self.record = self.work_folder.records.update(record, state="cut over")

    def rows(self, **other: tuple[SqlValue, SqlValue]) -> list[ExtractRow]:
        return sorted(row(key, *values, self.tenant) for key, values in {**ROWS, **other}.items())

    def mapping(self, prefix: str) -> WholeMapping:
        path = self.folder / "notes.yaml"
        path.write_text(MAPPING.format(more=self.more, prefix=prefix), encoding="utf-8")
        return read_mapping(path)

    def migration(self, mapping: WholeMapping) -> MigrationRecord:
        """A new one, with its collection."""
        (collection,) = mapping.collections
        digests = {"Note": {"content": LetterModel.digest}}
        record = self.work_folder.records.resume_or_begin(self.folder / "app.db", mapping, "", digests)
        origin = Origin(record.id, str(record.source), mapping.digest, record.work_folder)
        ensure_collection(self.client, record.collection(collection), collection, origin)
        return record

    def asked_for(
        self, rows: list[ExtractRow], prefix: str = "passage: ", digest: str = LetterModel.digest
    ) -> set[str]:
        """The texts that another migration, without a cache, asks the model for."""
        mapping, model = self.mapping(prefix), LetterModel(digest=digest)
        (collection,) = mapping.collections
        record = self.migration(mapping)
        with closing(VectorCache(self.folder / f"{record.id}.sqlite")) as cache:
            made = MadeVectors(collection.made_vectors, lambda _: Embedder(model, cache))
            held = held_versions(self.client, self.work_folder, record, collection)
            found = WrittenVectors(made, held=held).make(COLUMNS, rows)
        text_of = text_maker(collection.made_vectors[0], COLUMNS)
        texts = [text_of(each.values) for each in rows]
        wanted = [{} if text is None else {"content": LetterModel().embed([text]).vectors[0]} for text in texts]
        assert [repr(each) for each in found] == [repr(each) for each in wanted]
        self.work_folder.records.update(record, state="discarded")
        return {text for asked in model.asked for text in asked}


@pytest.mark.parametrize("tenants", [False, True])
def test_nothing_is_made_that_the_collection_in_use_holds(
    tmp_path: Path, client: weaviate.WeaviateClient, tenants: bool
) -> None:
    notes = Notes(tmp_path, client, tenants=tenants)
    assert notes.asked_for(notes.rows()) == set()
    assert notes.asked_for(notes.rows(a=("One title", "another body"))) == {"passage: One title\nanother body"}


def test_another_text_or_another_model_is_made_anew(tmp_path: Path, client: weaviate.WeaviateClient) -> None:
    notes = Notes(tmp_path, client)
    assert len(notes.asked_for(notes.rows(), prefix="query: ")) == 3
    assert len(notes.asked_for(notes.rows(), digest="letters-2")) == 3


def test_an_object_that_says_another_text_than_its_row_gives_nothing(
    tmp_path: Path, client: weaviate.WeaviateClient
) -> None:
    """Somebody has altered it: what its vector was made of is not known any more."""
    notes = Notes(tmp_path, client)
    notes.objects.data.update(str(object_uuid("notes", ("c",))), properties={"title": "Another title"})
    assert notes.asked_for(notes.rows()) == {"passage: Only a title"}


def test_a_collection_that_is_gone_gives_nothing(tmp_path: Path, client: weaviate.WeaviateClient) -> None:
    notes = Notes(tmp_path, client)
    client.collections.delete(notes.objects.name)
    assert len(notes.asked_for(notes.rows())) == 3
