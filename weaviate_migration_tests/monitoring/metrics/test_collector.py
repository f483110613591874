"""The collector where there is little to collect, or where it is taken away meanwhile."""

import threading
from pathlib import Path

from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.metrics.catalogue import PREFIX
from weaviate_migration.monitoring.metrics.collector import MigrationCollector
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LoadTally
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.progress import KeptProgress, forget_progress
from weaviate_migration_tests.live.notes import make_mapping


def collected(config: MigrationConfig) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        metric.name.removeprefix(PREFIX): {tuple(each.labels.values()): each.value for each in metric.samples}
        for metric in MigrationCollector(config).collect()
    }


def test_a_work_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = collected(create_migration_config("", work_dir=tmp_path / "work"))
    assert found["process_resident_memory_bytes"][("command",)] > 0
    assert found["scrape_failed"] == {("processes",): 0}
    assert not (tmp_path / "work").exists()


def test_a_server_is_away_unless_it_is_an_embedded_one_that_nobody_uses(tmp_path: Path) -> None:
    assert "server_up" not in collected(create_migration_config("", work_dir=tmp_path))
    for work_dir in (tmp_path, tmp_path / "not there yet"):
        away = create_migration_config("", work_dir=work_dir, weaviate_url="http://127.0.0.1:1")
        assert collected(away)["server_up"] == {(): 0}
    assert not work_dir.exists()
    found = collected(create_migration_config("", work_dir=tmp_path, weaviate_url="http://127.0.0.1:1"))
    assert found["server_up"] == {(): 0}
    assert "server_objects" not in found


def test_files_that_are_replaced_and_go_away_meanwhile_do_no_harm(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path / "work")
    mapping = read_mapping(make_mapping(tmp_path / "notes.yaml"))
    record = work_folder.records.resume_or_begin(tmp_path / "app.db", mapping, "")
    loaded = LoadedPartitions(work_folder.store, record.targets["Note"], "")
    stopped = threading.Event()

    def load() -> None:
        while not stopped.is_set():
            progress = KeptProgress(work_folder.store, "Note", 10)
            loaded.begin(["00", "01"])
            for partition in ("00", "01"):
                loaded.note(partition, LoadTally(rows=5, written=5))
            progress.finish()
            forget_progress(work_folder.store)

    loader = threading.Thread(target=load)
    loader.start()
    try:
        for _ in range(30):
            found = collected(create_migration_config("", work_dir=work_folder.path))
            assert not any(found["scrape_failed"].values()), found["scrape_failed"]
            assert set(found["rows_written"].values()) <= {5}
    finally:
        stopped.set()
        loader.join()
