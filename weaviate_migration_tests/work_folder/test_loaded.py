import json
from pathlib import Path

from weaviate_migration.work_folder.load_tally import LATENCY_BOUNDS, LoadTally, total
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.partition_values import take_over
from weaviate_migration.work_folder.state_store import StateStore

NAME = "Note_20261122T093015"


def measured(refused: int = 0) -> LoadTally:
    tally = LoadTally(rows=10, converted=10)
    tally.add_batch(10 - refused, {"overload": 10}, 2_000, 0.05)
    for _ in range(refused):
        tally.refuse("refused")
    return tally


def test_what_is_loaded_in_whole_comes_back_with_its_tally(tmp_path: Path) -> None:
    store = StateStore.of(tmp_path)
    loaded = LoadedPartitions(store, NAME, "of this snapshot")
    loaded.begin(["00", "01", "02"])
    assert loaded.tallies(["00", "01", "02"]) == {}
    loaded.note("00", measured())
    loaded.note("01", measured(refused=1))
    assert loaded.tallies(["00", "01", "02", "03"]) == {"00": measured()}
    assert loaded.measured() == {"00": measured(), "01": measured(refused=1)}
    loaded.note_under_way("02", LoadTally(rows=4))
    assert loaded.tallies(["02"]) == {}
    assert LoadedPartitions(store, NAME, "of another").tallies(["00"]) == {}
    loaded.forget(["00", "03"])
    assert loaded.tallies(["00"]) == {}
    assert loaded.measured()["00"] == measured()


def test_the_files_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    tally = {"rows": 10, "changed": 0, "written": 10, "refused": 0, "retried": 0, "batches": 1, "seconds": 1.5}
    (tmp_path / "loaded").mkdir()
    (tmp_path / "loaded" / f"{NAME}.03.json").write_text(json.dumps({"from": "of this snapshot", "tally": tally}))
    take_over(tmp_path, StateStore.of(tmp_path))
    found = LoadedPartitions(StateStore.of(tmp_path), NAME, "of this snapshot").tallies(["03"])
    assert found == {"03": LoadTally(rows=10, written=10, seconds=1.5)}


def test_a_batch_is_counted_in_the_class_of_its_latency() -> None:
    tally = LoadTally()
    for seconds in (0.0, LATENCY_BOUNDS[0], LATENCY_BOUNDS[0] * 1.01, LATENCY_BOUNDS[-1] * 2):
        tally.add_batch(1, {}, 10, seconds)
    assert (tally.latencies[0], tally.latencies[1], tally.latencies[-1]) == (2, 1, 1)
    assert (tally.batches, tally.sent_bytes) == (4, 40)


def test_the_total_of_partitions() -> None:
    found = total([measured(), measured(refused=2), LoadTally(seconds=3.0)])
    assert (found.rows, found.written, found.batches, found.sent_bytes, found.seconds) == (20, 18, 2, 4_000, 3.0)
    assert (found.refused_by, found.retried_by) == ({"refused": 2}, {"overload": 20})
    assert total([]) == LoadTally()
