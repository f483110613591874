"""From what is really there, on disk and in processes, to the conditions that hold."""

import os
from pathlib import Path

import pytest

from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.monitoring.alerts import AlertSettings, Judgement
from weaviate_migration.monitoring.alerts.conditions import Kind, judge
from weaviate_migration.monitoring.alerts.observations import Observations, observe
from weaviate_migration.monitoring.alerts.under_way import Command, UnderWay, commands_under_way, noted
from weaviate_migration.target.figures import ServerHealth
from weaviate_migration.target.server_process import ProcessIdentity
from weaviate_migration.work_folder.progress import KeptProgress, read_progress
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.sync_positions import Standing
from weaviate_migration_tests.monitoring.alerts.receiver import QUIET


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def settings(**thresholds: float) -> AlertSettings:
    return AlertSettings.model_validate({"channels": ["json://localhost"], **QUIET, **thresholds})


@pytest.fixture
def config(tmp_path: Path) -> MigrationConfig:
    return create_migration_config("", work_dir=tmp_path / "work")


@pytest.fixture
def load(config: MigrationConfig) -> tuple[KeptProgress, Clock]:
    """100 rows a second for a minute, of 60,000 rows."""
    clock = Clock()
    progress = KeptProgress(StateStore.of(config.work_dir), "Note", 60_000, clock)
    for _ in range(60):
        clock.now += 1
        progress.advance(100)
    return progress, clock


def loading(since: float = 0.0) -> UnderWay:
    return UnderWay((Command(name="migrate", process=None, since=since),))


def seen_after(config: MigrationConfig, seconds: float, under_way: UnderWay | None = None) -> Observations:
    """What is seen so many seconds after the progress was written last."""
    (progress,) = read_progress(StateStore.of(config.work_dir))
    return observe(config, under_way or loading(), progress=True, at=progress.updated_at + seconds)


def titles(judgement: Judgement) -> list[tuple[Kind, str]]:
    return [(each.kind, each.title) for each in judgement.conditions]


def test_a_load_without_trouble(config: MigrationConfig, load: tuple[KeptProgress, Clock]) -> None:
    assert load
    assert titles(judge(seen_after(config, 5), settings())) == []


def test_a_load_that_slows_down_and_recovers(config: MigrationConfig, load: tuple[KeptProgress, Clock]) -> None:
    progress, clock = load
    for _ in range(12):
        clock.now += 1
        progress.advance(10)
    judgement = judge(seen_after(config, 1), settings(throughput_share=0.2))
    assert titles(judgement) == [(Kind.SLOW, "Note: throughput has fallen to 10 rows a second")]
    assert "On average there were 85; the threshold is 20% of that. 6,120 of 60,000" in judgement.conditions[0].text
    assert titles(judge(seen_after(config, 1), settings(throughput_share=0.1))) == []
    for _ in range(12):
        clock.now += 1
        progress.advance(100)
    over = judge(seen_after(config, 1), settings(throughput_share=0.2))
    assert over.is_over(Kind.SLOW, "Note")
    assert not judgement.is_over(Kind.SLOW, "Note")


def test_a_load_that_stalls(config: MigrationConfig, load: tuple[KeptProgress, Clock]) -> None:
    assert titles(judge(seen_after(config, 119), settings(stalled_minutes=2))) == []
    stalled = judge(seen_after(config, 121), settings(stalled_minutes=2))
    assert titles(stalled) == [(Kind.STALLED, "Note: nothing has moved for 2 minutes")]
    load[0].finish()
    assert titles(judge(seen_after(config, 10_000), settings(stalled_minutes=2))) == []


def test_progress_of_what_is_not_under_way_is_no_news(
    config: MigrationConfig, load: tuple[KeptProgress, Clock]
) -> None:
    assert load
    (progress,) = read_progress(StateStore.of(config.work_dir))
    later = loading(progress.began_at + 1)
    for under_way in (UnderWay(), later):
        judgement = judge(seen_after(config, 10_000, under_way), settings())
        assert titles(judgement) == []
        assert judgement.is_over(Kind.STALLED, "Note")
    blind = observe(config, UnderWay(), progress=False)
    assert judge(blind, settings()).kinds == {Kind.MEMORY, Kind.WORK_FOLDER_DISK}


@pytest.mark.parametrize(
    ("thresholds", "kind"),
    [
        ({"memory_mb": 1}, Kind.MEMORY),
        ({"free_disk_mb": 10**12}, Kind.WORK_FOLDER_DISK),
        ({"server_disk_percent": 0}, Kind.SERVER_DISK),
    ],
)
def test_memory_and_disk_beyond_a_threshold(
    config: MigrationConfig, tmp_path: Path, thresholds: dict[str, int], kind: Kind
) -> None:
    (config.work_dir / "weaviate").mkdir(parents=True)
    with noted(tmp_path / "commands", "sync"):
        under_way = UnderWay(commands_under_way(tmp_path / "commands"))
        seen = observe(config, under_way, progress=False)
    assert [each.kind for each in judge(seen, settings(**thresholds)).conditions] == [kind]
    assert judge(seen, settings()).conditions == ()
    assert judge(seen, settings()).is_over(kind, "")


def test_what_was_killed_is_not_under_way(tmp_path: Path) -> None:
    with noted(tmp_path, "migrate"):
        (own,) = commands_under_way(tmp_path)
        assert own.process == ProcessIdentity.of(os.getpid())
        gone = own.model_copy(update={"process": ProcessIdentity(pid=os.getpid(), created=1.0)})
        (tmp_path / "0-0.json").write_text(gone.model_dump_json())
        (tmp_path / "0-1.json").write_text("{")
        assert commands_under_way(tmp_path) == (own,)
    assert list(tmp_path.iterdir()) == []


def behind(changes: int, seconds: float) -> Standing:
    return Standing("id", changes=changes, seconds=seconds)


def seen(**found: object) -> Observations:
    return Observations(at=0.0, work_folder=Path("work"), **found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "thresholds", "told"),
    [
        ({"lag": behind(6, 1.0)}, {"lag_changes": 5}, "6 changes of the source are not applied"),
        ({"lag": behind(1, 9.0)}, {"lag_seconds": 8}, "1 changes of the source are not applied"),
        ({"lag": behind(5, 8.0)}, {"lag_changes": 5, "lag_seconds": 8}, None),
        ({"lag": "the trigger is gone"}, {}, "Captured changes cannot be followed"),
        ({"server_disk_percent": 91.0}, {"server_disk_percent": 90}, "The server's disk is 91 % full"),
        ({"server": ServerHealth("node2 is UNAVAILABLE")}, {}, "The Weaviate server is not healthy"),
        ({"server": ServerHealth()}, {}, None),
    ],
)
def test_thresholds(found: dict[str, object], thresholds: dict[str, float], told: str | None) -> None:
    conditions = judge(seen(**found), settings(**thresholds)).conditions
    assert [each.title for each in conditions] == ([told] if told else [])


def test_what_was_not_looked_at_is_not_over() -> None:
    looked_at: list[tuple[dict[str, object], set[Kind]]] = [
        ({}, set()),
        ({"progress": ()}, {Kind.SLOW, Kind.STALLED}),
        ({"server": ServerHealth("no answer")}, {Kind.SERVER_UNHEALTHY}),
        ({"server": ServerHealth()}, {Kind.SERVER_UNHEALTHY, Kind.SERVER_READ_ONLY}),
        ({"lag": behind(0, 0.0)}, {Kind.LAG}),
    ]
    for found, kinds in looked_at:
        assert judge(seen(**found), settings()).kinds == kinds
