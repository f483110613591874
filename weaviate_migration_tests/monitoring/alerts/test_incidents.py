"""Each incident is told once to each channel, and its end to those that know of it; whoever looks."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from weaviate_migration.monitoring.alerts import Condition, IncidentBook, Judgement
from weaviate_migration.monitoring.alerts.channels import Channel
from weaviate_migration.monitoring.alerts.conditions import Kind
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.kept_incidents import KeptIncidents, take_over
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.monitoring.alerts.receiver import SECRET, Receiver, running_receiver

LAG = Condition(Kind.LAG, "5 changes are not applied", "Look.")
NOTHING = Judgement(kinds=frozenset({Kind.LAG, Kind.CHECK_FAILED}))
HOLDS = Judgement((LAG,), frozenset({Kind.LAG}))


def of_check(asset: str) -> Condition:
    return Condition(Kind.CHECK_FAILED, f"Checks of {asset} failed", "count: 1", asset)


def book(folder: Path, *receivers: Receiver) -> IncidentBook:
    channels = [Channel(f"channels[{at}] (json)", receiver.url) for at, receiver in enumerate(receivers)]
    return IncidentBook(WorkFolder(folder), channels)


def test_once_and_once_more_when_it_is_over(tmp_path: Path, receiver: Receiver) -> None:
    for judgement in (NOTHING, HOLDS, HOLDS, Judgement(), HOLDS):
        book(tmp_path, receiver).settle(judgement)
    assert [each.title for each in book(tmp_path).open_incidents()] == [LAG.title]
    assert [(each["type"], each["title"], each["message"]) for each in receiver.notifications] == [
        ("failure", LAG.title, "Look.")
    ]
    for judgement in (NOTHING, NOTHING):
        book(tmp_path, receiver).settle(judgement)
    assert receiver.told[1:] == [("success", f"Over: {LAG.title}")]
    assert book(tmp_path).open_incidents() == []
    book(tmp_path, receiver).settle(HOLDS)
    assert len(receiver.told) == 3


def test_two_assets_are_two_incidents_and_only_what_was_judged_is_over(tmp_path: Path, receiver: Receiver) -> None:
    note, memo = of_check("note"), of_check("memo")
    book(tmp_path, receiver).settle(Judgement((note, memo)))
    assert {each.about for each in book(tmp_path).open_incidents()} == {"note", "memo"}
    book(tmp_path, receiver).settle(Judgement(keys=frozenset({(Kind.CHECK_FAILED, "note")})))
    assert receiver.told[2:] == [("success", "Over: Checks of note failed")]
    assert [each.about for each in book(tmp_path).open_incidents()] == ["memo"]


def test_a_channel_that_fails_is_tried_again_and_the_others_are_told_once(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with running_receiver() as other, caplog.at_level(logging.DEBUG):
        other.refuses = True
        book(tmp_path, receiver, other).settle(HOLDS)
        book(tmp_path, receiver, other).settle(HOLDS)
        assert [each.untold for each in book(tmp_path).open_incidents()] == [("channels[1] (json)",)]
        other.refuses = False
        book(tmp_path, receiver, other).settle(HOLDS)
        assert other.taken() == receiver.taken() == [("failure", LAG.title)]
        other.refuses = True
        book(tmp_path, receiver, other).settle(NOTHING)
        other.refuses = False
        book(tmp_path, receiver, other).settle(NOTHING)
        assert other.told == receiver.told == [("success", f"Over: {LAG.title}")]
    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert warnings == [
        f"The alert “{LAG.title}” could not be sent to channels[1] (json); it is tried again.",
        f"The alert “{LAG.title}” could not be sent to channels[1] (json); it is tried again.",
        f"The alert “Over: {LAG.title}” could not be sent to channels[1] (json); it is tried again.",
    ]
    assert SECRET not in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_who_looks_again_and_again_complains_once(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.refuses = True
    own = book(tmp_path, receiver)
    for _ in range(3):
        own.settle(HOLDS)
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == 1


def test_a_channel_that_raises_does_not_keep_others_from_being_told(tmp_path: Path, receiver: Receiver) -> None:
    broken = Channel("channels[0] (json)", "json://127.0.0.1:1/\ud800")  # What `env:` may hold.
    IncidentBook(WorkFolder(tmp_path), [broken, Channel("channels[1] (json)", receiver.url)]).settle(HOLDS)
    assert receiver.told == [("failure", LAG.title)]


def test_texts_that_no_encoding_takes(tmp_path: Path, receiver: Receiver) -> None:
    book(tmp_path, receiver).settle(Judgement((replace(LAG, text="key \ud800"),)))
    assert receiver.notifications[0]["message"] == "key \\ud800"


def test_who_never_knew_is_not_told_of_the_end(tmp_path: Path, receiver: Receiver) -> None:
    receiver.refuses = True
    book(tmp_path, receiver).settle(HOLDS)
    receiver.refuses = False
    book(tmp_path, receiver).settle(NOTHING)
    assert receiver.told == []
    assert KeptIncidents(StateStore.of(tmp_path)).read() == "[]"


def test_a_channel_of_which_nothing_is_known_any_more(tmp_path: Path, receiver: Receiver) -> None:
    """Another file of alerts, with fewer channels: what was open is not kept for ever."""
    book(tmp_path).settle(HOLDS)
    book(tmp_path, receiver).settle(NOTHING)
    assert KeptIncidents(StateStore.of(tmp_path)).read() == "[]"


def test_who_looks_at_once_tells_it_once(tmp_path: Path, receiver: Receiver) -> None:
    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(book(tmp_path, receiver).settle, HOLDS) for _ in range(8)]:
            each.result()
    assert receiver.told == [("failure", LAG.title)]


def test_killed_before_it_was_sent_it_is_sent_by_the_next_look(tmp_path: Path, receiver: Receiver) -> None:
    class Killed(BaseException):
        pass

    class Deadly(Channel):
        def send(self, *_: object) -> bool:
            raise Killed

    with pytest.raises(Killed):
        IncidentBook(WorkFolder(tmp_path), [Deadly("channels[0] (json)", "")]).settle(HOLDS)
    book(tmp_path, receiver).settle(HOLDS)
    assert receiver.told == [("failure", LAG.title)]


def test_the_file_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    store = StateStore.of(tmp_path)
    assert take_over(tmp_path, store) == []
    book(tmp_path).settle(HOLDS)
    path = tmp_path / "alerts" / "incidents.json"
    path.write_text(KeptIncidents(store).read() or "", encoding="utf-8")
    KeptIncidents(store).discard()
    assert not book(tmp_path).is_in_use
    assert take_over(tmp_path, store) == [path]
    assert [each.title for each in book(tmp_path).open_incidents()] == [LAG.title]
