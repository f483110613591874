"""The switch and the way back, with the shipped six collections: whole, killed half-way, after another migration."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.base.errors import DifferencesError, MigrationConflictError
from weaviate_migration.mapping import read_mapping
from weaviate_migration.phases.cutover import switch, way_back
from weaviate_migration.phases.cutover.switch import Cutover
from weaviate_migration.phases.cutover.way_back import roll_back
from weaviate_migration.target.aliases import alias_targets, point_aliases
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord

MAPPING = read_mapping()
NAMES = [each.name for each in MAPPING.collections]


class Migrations:
    """The migrations of one work folder on one server."""

    def __init__(self, folder: Path, client: weaviate.WeaviateClient) -> None:
        self.work_folder = WorkFolder(folder)
        self.records = WorkFolder(folder).records
        self.quarantine = folder / "quarantine"
        self.client = client

    def begin(self, identity: str = "20261122T093015") -> MigrationRecord:
        began_at = datetime.strptime(identity, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        record = MigrationRecord(
            collection_names=tuple(each.name for each in MAPPING.collections),
            id=identity,
            began_at=began_at,
            source=Path("/data/app.db"),
            mapping_name=MAPPING.name,
            mapping_digest=MAPPING.digest,
        )
        for each in MAPPING.collections:
            ensure_collection(self.client, record.collection(each), each, Origin(identity, "/data/app.db", "digest"))
        return self.records.save(record)

    def switch(self, record: MigrationRecord) -> MigrationRecord:
        """With all checks passed."""
        return Cutover(self.client, self.work_folder, lambda _: None).run(record, timeout=60)

    def back(self, record: MigrationRecord, discard: bool = True) -> list[str]:
        _, removed = roll_back(self.client, self.work_folder, record, discard=discard)
        return removed

    def on_record(self, record: MigrationRecord) -> MigrationRecord:
        return next(each for each in self.records.all() if each.id == record.id)

    def aliases(self) -> dict[str, str]:
        return {alias: found.collection for alias, found in self.client.alias.list_all().items()}

    def collections(self) -> set[str]:
        return set(self.client.collections.list_all())


@pytest.fixture
def migrations(tmp_path: Path, client: weaviate.WeaviateClient) -> Migrations:
    return Migrations(tmp_path, client)


def all_to(record: MigrationRecord) -> dict[str, str]:
    return {name: f"{name}_{record.id}" for name in NAMES}


def test_the_switch_and_the_way_back(migrations: Migrations) -> None:
    record = migrations.begin()
    assert migrations.aliases() == {}
    switched = migrations.switch(record)
    assert migrations.aliases() == all_to(record)
    assert switched == migrations.on_record(record)
    assert (switched.state, switched.previous_aliases) == ("cut over", dict.fromkeys(NAMES))
    assert migrations.back(switched) == sorted(all_to(record).values())
    assert migrations.aliases() == {}
    assert migrations.collections() == set()
    assert migrations.on_record(record).state == "discarded"


def test_discarding_removes_extracts_whole_or_half_written_and_no_others(migrations: Migrations) -> None:
    kept, given_up = migrations.begin("20250101T000000"), migrations.begin("20261122T093015")
    for record in (kept, given_up):
        folder = Path(str(migrations.work_folder.extracts_of(record))) / "contacts_extract"
        folder.mkdir(parents=True)
        for name in ("00.parquet", ".0123456789abcdef.tmp"):
            (folder / name).write_bytes(b"rows")
    migrations.back(given_up)
    assert not Path(str(migrations.work_folder.extracts_of(given_up))).exists()
    assert len(list(Path(str(migrations.work_folder.extracts_of(kept))).rglob("*.*"))) == 2


def test_switching_twice_changes_nothing(migrations: Migrations) -> None:
    record = migrations.begin()
    switched = migrations.switch(record)
    assert migrations.switch(switched) == switched
    assert migrations.aliases() == all_to(record)


def test_an_earlier_migration_is_taken_over_and_given_back(migrations: Migrations) -> None:
    earlier = migrations.switch(migrations.begin("20250101T000000"))
    later = migrations.switch(migrations.begin("20261122T093015"))
    assert migrations.aliases() == all_to(later)
    assert later.previous_aliases == all_to(earlier)
    assert migrations.back(later) == sorted(all_to(later).values())
    assert migrations.aliases() == all_to(earlier)
    assert migrations.collections() == set(all_to(earlier).values())
    assert migrations.records.current().id == earlier.id


def test_going_back_without_discarding_keeps_the_collections(migrations: Migrations) -> None:
    record = migrations.switch(migrations.begin())
    assert migrations.back(record, discard=False) == []
    assert migrations.on_record(record).state == "rolled back"
    assert migrations.aliases() == {}
    assert migrations.collections() == set(all_to(record).values())
    assert migrations.back(migrations.on_record(record)) == sorted(all_to(record).values())


class KilledError(Exception):
    pass


def killed_after(monkeypatch: pytest.MonkeyPatch, moves: int) -> pytest.MonkeyPatch:
    """Lets aliases be moved so many times, then ends as a kill would: nothing more is done."""

    def few(client: weaviate.WeaviateClient, targets: dict[str, str | None]) -> None:
        point_aliases(client, dict(list(targets.items())[:moves]))
        raise KilledError

    for module in (switch, way_back):
        monkeypatch.setattr(module, "point_aliases", few)
    return monkeypatch


def switch_and_be_killed(migrations: Migrations, record: MigrationRecord, moves: int) -> MigrationRecord:
    with pytest.MonkeyPatch.context() as monkeypatch:
        killed_after(monkeypatch, moves)
        with pytest.raises(KilledError):
            migrations.switch(record)
    return migrations.on_record(record)


@pytest.mark.parametrize("moves", [0, 2, 6])
@pytest.mark.parametrize("with_earlier", [False, True])
def test_a_switch_that_was_killed_half_way_is_finished(migrations: Migrations, moves: int, with_earlier: bool) -> None:
    before = all_to(migrations.switch(migrations.begin("20250101T000000"))) if with_earlier else {}
    record = switch_and_be_killed(migrations, migrations.begin(), moves)
    assert record.state == "unfinished"
    assert sum(target == all_to(record)[alias] for alias, target in migrations.aliases().items()) == moves
    switched = migrations.switch(record)
    assert migrations.aliases() == all_to(record)
    assert switched.previous_aliases == {name: before.get(name) for name in NAMES}
    migrations.back(switched)
    assert migrations.aliases() == before


@pytest.mark.parametrize("moves", [0, 2, 6])
@pytest.mark.parametrize("with_earlier", [False, True])
def test_a_switch_that_was_killed_half_way_is_taken_back(
    migrations: Migrations, moves: int, with_earlier: bool
) -> None:
    earlier = migrations.switch(migrations.begin("20250101T000000")) if with_earlier else None
    record = switch_and_be_killed(migrations, migrations.begin(), moves)
    migrations.back(record)
    assert migrations.aliases() == (all_to(earlier) if earlier else {})
    assert migrations.collections() == (set(all_to(earlier).values()) if earlier else set())
    assert migrations.records.unfinished() is None


def test_going_back_that_was_killed_half_way_is_finished(migrations: Migrations) -> None:
    earlier = migrations.switch(migrations.begin("20250101T000000"))
    later = migrations.switch(migrations.begin())
    with pytest.MonkeyPatch.context() as monkeypatch:
        killed_after(monkeypatch, 2)
        with pytest.raises(KilledError):
            migrations.back(later)
    assert migrations.on_record(later).state == "cut over"
    assert migrations.collections() >= set(all_to(later).values())
    migrations.back(migrations.on_record(later))
    assert migrations.aliases() == all_to(earlier)
    assert migrations.collections() == set(all_to(earlier).values())


def test_foreign_names_are_refused_and_nothing_is_moved(migrations: Migrations) -> None:
    migrations.client.collections.create("Theirs")
    point_aliases(migrations.client, {NAMES[-1]: "Theirs"})
    record = migrations.begin()
    with pytest.raises(MigrationConflictError, match=f"`{NAMES[-1]}` points at `Theirs`, which no migration made"):
        migrations.switch(record)
    assert migrations.aliases() == {NAMES[-1]: "Theirs"}
    assert migrations.on_record(record).state == "unfinished"


def test_an_alias_that_someone_moved_meanwhile_stays_where_it_is(migrations: Migrations) -> None:
    record = migrations.switch(migrations.begin())
    migrations.client.collections.create("Theirs")
    point_aliases(migrations.client, {"Message": "Theirs"})
    migrations.back(record)
    assert migrations.aliases() == {"Message": "Theirs"}
    assert migrations.collections() == {"Theirs"}


def test_going_back_to_a_collection_that_is_gone_is_refused_and_nothing_is_moved(migrations: Migrations) -> None:
    earlier = migrations.switch(migrations.begin("20250101T000000"))
    later = migrations.switch(migrations.begin())
    migrations.client.collections.delete(f"Message_{earlier.id}")
    with pytest.raises(MigrationConflictError, match=f"Message_{earlier.id}"):
        migrations.back(later)
    assert migrations.aliases() == all_to(later)
    assert migrations.collections() >= set(all_to(later).values())


def test_quarantined_rows_stop_the_switch(migrations: Migrations) -> None:
    record = migrations.begin()
    with WorkFolder(migrations.quarantine.parent).quarantine_of(f"Message_{record.id}") as quarantine:
        for key in ("a", "b"):
            quarantine.add("03", QuarantinedRow(key, None, "too large", {}))
    with pytest.raises(DifferencesError, match=r"2 of Message") as error:
        migrations.switch(record)
    assert str(migrations.quarantine) in error.value.hint
    assert error.value.exit_code == 3
    assert migrations.aliases() == {}
    assert migrations.on_record(record) == record
    migrations.back(record)
    assert list(migrations.quarantine.iterdir()) == []


def test_objects_that_lack_a_vector_stop_the_switch(migrations: Migrations) -> None:
    record = migrations.begin()
    pending = PendingVectors(migrations.work_folder.store, f"Message_{record.id}")
    pending.add([("a", "content"), ("b", "content"), ("b", "title")])
    with pytest.raises(DifferencesError, match=r"2 of Message lack content, 1 of Message lack title") as error:
        migrations.switch(record)
    assert "`weaviate-migration migrate`" in error.value.hint
    assert migrations.aliases() == {}
    assert migrations.on_record(record) == record
    migrations.back(record)
    assert pending.counts() == {}


def test_only_what_this_migration_made_is_removed(migrations: Migrations) -> None:
    record = migrations.begin()
    migrations.client.collections.delete(f"Message_{record.id}")
    migrations.client.collections.create(f"Message_{record.id}", description="Made by hand.")
    removed = migrations.back(record)
    assert len(removed) == 5
    assert migrations.collections() == {f"Message_{record.id}"}


def test_other_aliases_are_left_alone(migrations: Migrations) -> None:
    record = migrations.begin()
    point_aliases(migrations.client, {"Mine": f"Message_{record.id}"})
    switched = migrations.switch(record)
    assert alias_targets(migrations.client, ["Mine"]) == {"Mine": f"Message_{record.id}"}
    migrations.back(switched, discard=False)
    assert migrations.aliases() == {"Mine": f"Message_{record.id}"}
