"""A network that loses everything without a word: what waits for an answer ends in its own time, and says why."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.api.sync import SyncResult, follow_changes
from weaviate_migration.base.errors import CutoverTimeoutError, TransientTargetError
from weaviate_migration.base.repeats import Repeats
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.cutover.switch import Cutover, bounded_for_cutover
from weaviate_migration.target import calls
from weaviate_migration.target.calls import CALL_SECONDS
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import until
from weaviate_migration_tests.live.followed_notes import FollowedNotes
from weaviate_migration_tests.network.toxiproxy import Toxic, ToxicWay, run_toxiproxy

NOTHING_ARRIVES = Toxic("timeout", {"timeout": 0}, ("upstream", "downstream"))


@pytest.fixture(scope="module")
def whole_way(server: ServerAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToxicWay]:
    with run_toxiproxy(server, tmp_path_factory.mktemp("toxiproxy") / "log") as way:
        yield way


@pytest.fixture
def way(whole_way: ToxicWay) -> Iterator[ToxicWay]:
    yield whole_way
    whole_way.restore()


@pytest.fixture
def notes(tmp_path: Path, way: ToxicWay, client: weaviate.WeaviateClient) -> Iterator[FollowedNotes]:  # noqa: ARG001
    """Notes that are followed by way of the proxy; calls are repeated."""
    with connect(way.address, None, Repeats(max_retries=1, retry_delay=0.1)) as proxied:
        yield FollowedNotes.begin(tmp_path, proxied, [(f"k{number}", "as it was", number) for number in range(6)])


def change(notes: FollowedNotes, body: str) -> None:
    notes.execute(("UPDATE notes SET body = ? WHERE size < 3", (body,)))


@contextmanager
def ends_long_before_a_call_would() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < CALL_SECONDS / 2


def test_a_follower_ends_when_it_is_told_to(
    notes: FollowedNotes, way: ToxicWay, client: weaviate.WeaviateClient
) -> None:
    config = MigrationConfig(
        sqlite_url=str(notes.source),
        mapping=notes.folder / "notes.yaml",
        work_dir=notes.work_folder.path,
        weaviate_url=f"http://{way.address.host}:{way.address.http_port}",
        grpc_port=way.address.grpc_port,
    )
    stop, results = threading.Event(), list[SyncResult]()
    follower = threading.Thread(target=lambda: results.append(follow_changes(config, stop)))
    begun = notes.position.position
    follower.start()
    change(notes, "changed")
    # The follower knows it, too: an answer that is on its way when nothing arrives any more is lost.
    until(lambda: notes.position.position == begun + 3)
    assert FollowedNotes(notes.folder, client, notes.record).held() == notes.rows()
    way.add(NOTHING_ARRIVES)
    change(notes, "changed again")
    until(lambda: notes.position.seen > 0)  # A pass is under way.
    with ends_long_before_a_call_would():
        stop.set()
        follower.join()
    (done,) = results[0].migrations
    assert done.lag_changes == 3


def test_a_cutover_ends_soon_after_its_time(notes: FollowedNotes, way: ToxicWay) -> None:
    change(notes, "changed")
    with notes.syncing() as sync, ends_long_before_a_call_would():
        way.add(NOTHING_ARRIVES)
        with (
            bounded_for_cutover(1),
            pytest.raises(CutoverTimeoutError, match=r"waited 1 s in vain for Weaviate .*No alias was moved"),
        ):
            Cutover(notes.client, notes.work_folder, lambda _: None).run(notes.record, 1, sync)
    assert [each.state for each in notes.work_folder.records.all()] == ["unfinished"]


def test_a_load_fails_with_the_reason(notes: FollowedNotes, way: ToxicWay, monkeypatch: pytest.MonkeyPatch) -> None:
    """After as many calls as the settings say, each as long as a call may take."""
    monkeypatch.setattr(calls, "CALL_SECONDS", 0.5)
    way.add(NOTHING_ARRIVES)
    with pytest.raises(TransientTargetError, match="does not answer in time"):
        notes.load()
