"""Signs of life of steps elsewhere: they change while a step works, and are gone with it."""

import threading
from pathlib import Path

import pytest

from weaviate_migration.base.errors import WorkerLostError
from weaviate_migration.work_folder import heartbeats
from weaviate_migration.work_folder.heartbeats import Heartbeats
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.command_line import until


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "SECONDS_BETWEEN_BEATS", 0.01)


@pytest.mark.usefixtures("quick")
def test_signs_change_while_steps_work_and_each_has_its_own(tmp_path: Path) -> None:
    beats = Heartbeats(StateStore.of(tmp_path), "run")
    other = Heartbeats(StateStore.of(tmp_path), "other run")
    with beats.beating(lambda: None), beats.beating(lambda: None), other.beating(lambda: None):
        first = beats.read()
        assert len(first) == 2
        until(lambda: all(beats.read()[worker] != sign for worker, sign in first.items()))
    assert beats.read() == other.read() == {}


@pytest.mark.usefixtures("quick")
def test_a_run_that_is_called_off_interrupts_its_steps_and_no_others(tmp_path: Path) -> None:
    store = StateStore.of(tmp_path)
    interrupted, other = threading.Event(), threading.Event()
    with Heartbeats(store, "run").beating(interrupted.set), Heartbeats(store, "other run").beating(other.set):
        Heartbeats(store, "run").call_off()
        assert interrupted.wait(60)
        assert not other.is_set()


def test_a_task_that_is_handed_out_again_after_its_run_was_given_up_does_nothing(tmp_path: Path) -> None:
    beats = Heartbeats(StateStore.of(tmp_path), "run")
    beats.call_off()
    with pytest.raises(WorkerLostError, match="run run"), beats.beating(lambda: None):
        raise AssertionError("the step would work")
    assert beats.read() == {}


def test_signs_of_a_run_that_has_ended_are_forgotten_and_that_it_was_called_off_is_not(tmp_path: Path) -> None:
    store = StateStore.of(tmp_path)
    beats = Heartbeats(store, "run")
    store.write("heartbeat", "run", "{}", "killed")
    beats.call_off()
    beats.forget()
    assert beats.read() == {}
    assert beats.is_called_off
