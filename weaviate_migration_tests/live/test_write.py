"""What became of each object, from a real server that refuses, is overloaded, or reports what is not so."""

import importlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import weaviate
from weaviate.classes.data import DataObject
from weaviate.collections import Collection

from weaviate_migration import target
from weaviate_migration.base.errors import TransientTargetError
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target import write
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.read_back import objects_by_uuid
from weaviate_migration.target.references import ensure_references
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.write import (
    Batch,
    BatchOutcome,
    ObjectWriter,
    WriteSettings,
    cut_into_batches,
    largest_message,
    remove_object,
)
from weaviate_migration_tests.strategies import EVERY_TYPE

NAME = "Note_20261122T093015"


@pytest.fixture
def notes(client: weaviate.WeaviateClient) -> Collection[Any, Any]:
    ensure_collection(client, NAME, EVERY_TYPE, Origin("20261122T093015", "/data/app.db", "digest"))
    return client.collections.use(NAME)


@pytest.fixture(params=["batch_request", "sending"], autouse=True)
def way_to_send(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every object has the same outcome where the client's stubs are not there, and `insert_many` is the way."""
    if request.param == "sending":
        monkeypatch.setitem(sys.modules, "weaviate.proto.v1", None)
        for name in ("batch_request", "sending"):
            monkeypatch.delitem(sys.modules, f"weaviate_migration.target.{name}")
            monkeypatch.delattr(target, name)
        without_stubs = importlib.import_module("weaviate_migration.target.sending")
        monkeypatch.setattr(f"{write.__name__}.way_to_send", without_stubs.way_to_send)
    return str(request.param)


def test_the_stubs_are_used_where_they_are(notes: Collection[Any, Any], way_to_send: str) -> None:
    assert ObjectWriter(notes, settings())._send_objects.__module__ == f"weaviate_migration.target.{way_to_send}"


def test_a_client_with_another_connection_sends_by_insert_many(notes: Collection[Any, Any]) -> None:
    del notes._connection
    assert ObjectWriter(notes, settings())._send_objects.__module__ == "weaviate_migration.target.sending"


def draft(number: int, **properties: Any) -> ObjectDraft:
    return ObjectDraft(f"00000000-0000-4000-8000-{number:012}", f"key {number}", {"noteId": str(number), **properties})


def settings(
    batch_size: int = 100, max_object_bytes: int = MESSAGE_BYTES, max_retries: int = 0, worker_count: int = 2
) -> WriteSettings:
    return WriteSettings(batch_size, MESSAGE_BYTES, max_object_bytes, worker_count, max_retries, retry_delay=0.0)


def write_all(notes: Collection[Any, Any], drafts: list[ObjectDraft], how: WriteSettings) -> list[BatchOutcome]:
    return list(ObjectWriter(notes, how).write(cut_into_batches("00", drafts, how)))


def stored(notes: Collection[Any, Any], drafts: list[ObjectDraft]) -> set[str]:
    found = objects_by_uuid(notes, [each.uuid for each in drafts])
    return {each.key for each in drafts if each.uuid in found}


def refused(outcomes: list[BatchOutcome]) -> dict[str, str]:
    return {refusal.draft.key: refusal.reason for outcome in outcomes for refusal in outcome.refusals}


def categories(outcomes: list[BatchOutcome]) -> set[str]:
    return {refusal.category for outcome in outcomes for refusal in outcome.refusals}


def writer_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("weaviate-writer")]


@pytest.fixture
def make_ready_after_first_warning(notes: Collection[Any, Any]) -> Iterator[list[str]]:
    """Makes the shard writable as soon as the writer says that it will try again; gives what was said."""
    said: list[str] = []

    class MakeReady(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not said:
                notes.config.update_shards("READY")
            said.append(record.getMessage())

    handler = MakeReady()
    write.logger.addHandler(handler)
    yield said
    write.logger.removeHandler(handler)


def test_every_object_of_every_batch_has_an_outcome(notes: Collection[Any, Any]) -> None:
    drafts = [draft(number, body=f"text {number}") for number in range(25)]
    outcomes = write_all(notes, drafts, settings(batch_size=10))
    assert sorted(outcome.written for outcome in outcomes) == [5, 10, 10]
    assert {each.key for outcome in outcomes for each in outcome.batch.drafts} == stored(notes, drafts)
    assert refused(outcomes) == {}
    assert not any(outcome.retried for outcome in outcomes)


def test_writing_twice_changes_nothing(notes: Collection[Any, Any]) -> None:
    drafts = [draft(number, size=number) for number in range(10)]
    for _ in range(2):
        write_all(notes, drafts, settings())
    assert notes.aggregate.over_all(total_count=True).total_count == 10


def test_refused_objects_are_known_by_key_and_reason_the_others_are_written(notes: Collection[Any, Any]) -> None:
    wrong = {3: {"size": "three"}, 5: {"at": "noon"}, 8: {"done": "yes"}}
    drafts = [draft(number, **wrong.get(number, {"size": number})) for number in range(10)]
    outcomes = write_all(notes, drafts, settings())
    found = refused(outcomes)
    assert set(found) == {"key 3", "key 5", "key 8"}
    assert "size" in found["key 3"]
    assert "at" in found["key 5"]
    assert "done" in found["key 8"]
    assert stored(notes, drafts) == {each.key for each in drafts} - set(found)
    assert sum(outcome.written for outcome in outcomes) == 7
    assert categories(outcomes) == {"refused"}


def test_when_all_are_refused_each_has_its_own_reason(notes: Collection[Any, Any]) -> None:
    drafts = [draft(0, size="x"), draft(1, at="noon"), draft(2, done="yes"), draft(3, size="y"), draft(4, score="z")]
    found = refused(write_all(notes, drafts, settings()))
    for key, name in {"key 0": "size", "key 1": "at", "key 2": "done", "key 3": "size", "key 4": "score"}.items():
        assert f"'{name}'" in found[key]
    assert stored(notes, drafts) == set()


def test_a_lone_surrogate_refuses_its_own_object_only(notes: Collection[Any, Any]) -> None:
    drafts = [draft(number, body="\ud800" if number == 4 else "text") for number in range(9)]
    outcomes = write_all(notes, drafts, settings())
    found = refused(outcomes)
    assert list(found) == ["key 4"]
    assert categories(outcomes) == {"conversion"}
    assert "cannot encode" in found["key 4"]
    assert stored(notes, drafts) == {each.key for each in drafts} - {"key 4"}


def test_references_lead_also_to_what_comes_later_or_never_and_none_is_there_twice(
    client: weaviate.WeaviateClient, notes: Collection[Any, Any]
) -> None:
    ensure_references(client, NAME, {"next": NAME})
    after = [draft(number + 1).uuid for number in range(10)]
    drafts = [draft(number)._replace(references={"next": after[number]}) for number in range(10)]
    drafts[5] = draft(5, size="five")._replace(references=drafts[5].references)
    drafts[7] = draft(7)
    for _ in range(2):
        outcomes = write_all(notes, drafts, settings(batch_size=4))
        assert list(refused(outcomes)) == ["key 5"]
        assert drafts[9].uuid in {uuid for outcome in outcomes for uuid in outcome.unresolved}
        found = objects_by_uuid(notes, [each.uuid for each in drafts], references=["next"])
        leading = {number for number in range(10) if found.get(draft(number).uuid, draft(number)).references}
        assert leading == {0, 1, 2, 3, 6, 8}  # 5 and 10 are not there.
        assert all(found[draft(number).uuid].references == {"next": (after[number],)} for number in leading)


def test_none_within_a_list_refuses_its_own_object_only(notes: Collection[Any, Any]) -> None:
    drafts = [draft(0, tags=["a"]), draft(1, tags=["a", None]), draft(2, tags=[])]
    assert list(refused(write_all(notes, drafts, settings()))) == ["key 1"]
    assert stored(notes, drafts) == {"key 0", "key 2"}


def test_too_large_objects_are_refused_without_being_sent(notes: Collection[Any, Any]) -> None:
    drafts = [draft(0), draft(1, body="x" * 2000), draft(2)]
    found = refused(write_all(notes, drafts, settings(max_object_bytes=1000)))
    assert list(found) == ["key 1"]
    assert "larger than the server's limit for a message (1000)" in found["key 1"]
    assert stored(notes, drafts) == {"key 0", "key 2"}


def test_a_request_over_the_servers_limit_is_sent_in_halves(
    client: weaviate.WeaviateClient, notes: Collection[Any, Any]
) -> None:
    limit = largest_message(client)
    # The whole is over it, the first half is not; one object alone is, where the estimate was too low.
    drafts = [draft(0), draft(1, document="x" * (limit // 4), size="wrong"), draft(2, document="x" * limit), draft(3)]
    found = refused(write_all(notes, drafts, WriteSettings(100, 4 * limit, 4 * limit, 1, 0, 0.0)))
    assert set(found) == {"key 1", "key 2"}
    assert "'size'" in found["key 1"]
    assert "larger than max" in found["key 2"]
    assert stored(notes, drafts) == {"key 0", "key 3"}


def test_fact_of_a_read_only_shard_only_the_first_object_is_reported(notes: Collection[Any, Any]) -> None:
    """The reason why a reply with errors acknowledges nothing; if this fails, the server has become better."""
    drafts = [draft(number) for number in range(5)]
    notes.config.update_shards("READONLY")
    reply = notes.data.insert_many([DataObject(each.properties, each.uuid) for each in drafts])
    notes.config.update_shards("READY")
    assert list(reply.errors) == [0]
    assert "read-only" in reply.errors[0].message
    assert len(reply.uuids) == 4
    assert stored(notes, drafts) == set()


def test_what_a_read_only_shard_did_not_take_is_sent_again(
    notes: Collection[Any, Any], make_ready_after_first_warning: list[str]
) -> None:
    drafts = [draft(number) for number in range(20)]
    notes.config.update_shards("READONLY")
    (outcome,) = write_all(notes, drafts, settings(max_retries=1))
    assert stored(notes, drafts) == {each.key for each in drafts}
    assert (outcome.written, outcome.retried, outcome.refusals) == (20, 20, [])
    (said,) = make_ready_after_first_warning
    assert "partition 00: 20 objects are sent again" in said
    assert "read-only" in said


def test_retries_are_counted_out_and_what_was_not_written_can_be_written_later(notes: Collection[Any, Any]) -> None:
    drafts = [draft(number) for number in range(20)]
    notes.config.update_shards("READONLY")
    with pytest.raises(TransientTargetError, match="read-only"):
        write_all(notes, drafts, settings(batch_size=5, max_retries=2))
    assert writer_threads() == []
    notes.config.update_shards("READY")
    assert stored(notes, drafts) == set()
    assert sum(outcome.written for outcome in write_all(notes, drafts, settings())) == 20
    assert notes.aggregate.over_all(total_count=True).total_count == 20


def test_a_refused_object_is_refused_once_however_often_the_batch_is_sent(
    notes: Collection[Any, Any], make_ready_after_first_warning: list[str]
) -> None:
    drafts = [draft(number, **({"size": "x"} if number == 2 else {})) for number in range(5)]
    notes.config.update_shards("READONLY")
    (outcome,) = write_all(notes, drafts, settings(max_retries=3))
    assert len(outcome.refusals) == 1
    assert outcome.written == 4
    assert stored(notes, drafts) == {each.key for each in drafts} - {"key 2"}
    assert make_ready_after_first_warning


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("stop", [KeyboardInterrupt, StoppedError])
def test_an_end_of_the_batches_ends_the_threads(notes: Collection[Any, Any], stop: type[BaseException]) -> None:
    def batches() -> Iterator[Batch]:
        yield from cut_into_batches("00", [draft(number) for number in range(50)], settings(batch_size=5))
        raise stop

    with pytest.raises(stop):
        list(ObjectWriter(notes, settings()).write(batches()))
    assert writer_threads() == []


def test_a_writer_that_waits_to_try_again_is_woken_when_the_writing_is_given_up(notes: Collection[Any, Any]) -> None:
    waiting = threading.Event()

    def batches() -> Iterator[Batch]:
        yield from cut_into_batches("00", [draft(0)], settings())
        assert waiting.wait(60)
        raise KeyboardInterrupt

    patient = WriteSettings(100, 10**8, 10**8, worker_count=1, max_retries=5, retry_delay=3600.0)
    notes.config.update_shards("READONLY")
    _on_warning(waiting.set, lambda: _expect_interrupt(ObjectWriter(notes, patient), batches()))
    assert writer_threads() == []


def _expect_interrupt(writer: ObjectWriter, batches: Iterator[Batch]) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(writer.write(batches))


def _on_warning(act: Callable[[], None], run: Callable[[], None]) -> None:
    class Act(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            act()

    handler = Act()
    write.logger.addHandler(handler)
    try:
        run()
    finally:
        write.logger.removeHandler(handler)


def test_a_reader_that_turns_away_ends_the_threads(notes: Collection[Any, Any]) -> None:
    drafts = [draft(number) for number in range(50)]
    outcomes = ObjectWriter(notes, settings()).write(cut_into_batches("00", drafts, settings(batch_size=5)))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert writer_threads() == []


def test_removing_an_object_says_whether_it_was_there(notes: Collection[Any, Any]) -> None:
    write_all(notes, [draft(1)], settings())
    assert remove_object(notes, draft(1).uuid)
    assert not remove_object(notes, draft(1).uuid)
    assert stored(notes, [draft(1)]) == set()
