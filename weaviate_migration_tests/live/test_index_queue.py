"""With asynchronous indexing, objects are there before their vectors can be searched: the switch waits for that."""

import math
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import weaviate

from weaviate_migration.base.errors import CutoverTimeoutError
from weaviate_migration.mapping import VectorMapping
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.cutover.switch import Cutover
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.connect import connect
from weaviate_migration.target.figures import queued_vectors
from weaviate_migration.target.schema import Origin, ensure_collection, schema_differences
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.live.own_server import run_server
from weaviate_migration_tests.live.small_migration import NOTES as SMALL_NOTES
from weaviate_migration_tests.live.small_migration import SmallMigration, row
from weaviate_migration_tests.strategies import EVERY_TYPE

VECTORS = 300
SEEN = SMALL_NOTES.model_copy(update={"vectors": (VectorMapping(name="seen", column="unmapped"),)})
NOTES = EVERY_TYPE.model_copy(update={"name": "Note", "vectors": (VectorMapping(name="meaning"),)})
RECORD = MigrationRecord(
    id="20260101T000000",
    began_at=datetime(2026, 1, 1, tzinfo=UTC),
    source=Path("/data/app.db"),
    mapping_name="notes",
    mapping_digest="digest",
    collection_names=("Note",),
)


def seen_note(number: int) -> tuple[SqlValue, ...]:
    return row(f"key {number}", unmapped=struct.pack("<2f", math.cos(number), math.sin(number)))


def a_dynamic_index_is_made_and_read_back(client: weaviate.WeaviateClient) -> None:
    """Only a server with asynchronous indexing has one."""
    index = {"type": "dynamic", "threshold": 100, "hnsw": {"ef": 77, "quantizer": "rq"}, "flat": {"quantizer": "bq"}}
    for number, each in enumerate([index, {"type": "dynamic"}]):
        vector = VectorMapping.model_validate({"name": "seen", "distance": "dot", "index": each})
        dynamic = EVERY_TYPE.model_copy(update={"vectors": (vector,)})
        ensure_collection(client, f"Dynamic_{number}", dynamic, Origin("1", "/data/app.db", "digest"))
        assert schema_differences(client, f"Dynamic_{number}", dynamic) == []


def test_the_switch_waits_for_the_index(tmp_path: Path) -> None:
    """So few vectors are not indexed before the queue is stale, which leaves time to ask. `recall` waits, too."""
    settings = {"ASYNC_INDEXING": "true", "ASYNC_INDEXING_STALE_TIMEOUT": "15s"}
    with run_server(tmp_path / "server", **settings) as address, connect(address, None) as client:
        a_dynamic_index_is_made_and_read_back(client)
        name = RECORD.collection(NOTES)
        ensure_collection(client, name, NOTES, Origin(RECORD.id, "/data/app.db", "digest"))
        with client.collections.use(name).batch.fixed_size(VECTORS) as batch:
            for number in range(VECTORS):
                batch.add_object({}, uuid=UUID(int=number + 1), vector={"meaning": [number, 1.0]})
        assert queued_vectors(client, [name]) == VECTORS
        assert queued_vectors(client, ["Another"]) == 0
        cutover = Cutover(client, WorkFolder(tmp_path), lambda _: None)
        with pytest.raises(CutoverTimeoutError, match=f"waited 0 s in vain for Weaviate to index {VECTORS} vectors"):
            cutover.run(RECORD, timeout=0)
        assert alias_targets(client, ["Note"]) == {"Note": None}
        beside = SmallMigration.begin(tmp_path / "beside", client, map(seen_note, range(VECTORS)), SEEN)
        assert beside.load().written == VECTORS
        with ThreadPoolExecutor(1) as pool:
            measured = pool.submit(beside.proof.recall)
            cutover.run(RECORD, timeout=300)
        recall = measured.result()
        assert not recall.waiting
        assert recall.passed, recall.to_text()
        assert queued_vectors(client, [name]) == 0
        assert alias_targets(client, ["Note"]) == {"Note": name}
