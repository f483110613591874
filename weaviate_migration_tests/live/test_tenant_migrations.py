"""Customers as tenants: one, 200 of unequal size, and with `make tenants` 2,000 of ten rows each.

All are migrated, changed while they are followed, and compared, by our own commands and by code that shares nothing
with them. All tests of the same customers go on with one migration.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration.base.texts import counted
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import empty, run_here
from weaviate_migration_tests.live.tenanted_notes import TenantedNotes, notes_of

# Two names differ by their case alone, one value is a number, and one is no tenant's name as it is.
_NAMED = ["Acme", 7, "Zoë & Söhne", "acme", *(f"org-{number:04}" for number in range(4, 200))]
SIZES: dict[str, list[tuple[Any, int]]] = {
    "one": [("acme", 300)],
    # The largest has 400 rows, and more than half have one or two.
    "unequal": [(org, max(1, 400 // (number + 1))) for number, org in enumerate(_NAMED)],
    "tiny": [("acme", 10), *((f"org-{number:04}", 10) for number in range(1_999))],
}
TAKEN = [each for each in SIZES if each != "tiny" or os.environ.get("TENANTS") == "all"]


@pytest.fixture(scope="module", params=TAKEN)
def customers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: ServerAddress
) -> Iterator[TenantedNotes]:
    """Migrated, and followed since."""
    with closing(connect(server, None)) as client:
        empty(client)
        folder = tmp_path_factory.mktemp(request.param)
        notes = TenantedNotes.make(folder, server, client, notes_of(SIZES[request.param]))
        began = time.monotonic()
        migrated = notes.run("migrate", "--live").json
        print(f"{request.param}: migrated in {time.monotonic() - began:.1f} s")
        assert migrated["warnings"] == []
        yield notes


def certificate(customers: TenantedNotes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((customers.work_dir / "certificate.json").read_text(encoding="utf-8"))
    return found


def test_every_customer_is_migrated_into_a_tenant_of_its_own(customers: TenantedNotes) -> None:
    rows = customers.in_source()
    assert customers.in_weaviate() == rows
    tenants = {tenant for tenant, _ in rows}
    assert set(customers.notes.tenants.get()) == tenants
    (told,) = certificate(customers)["collections"].values()
    assert {tenant: each["rows"] for tenant, each in told["tenants"].items()} == {
        tenant: sum(1 for other, _ in rows if other == tenant) for tenant in tenants
    }
    assert all(each["source_digest"] == each["target_digest"] for each in told["tenants"].values())
    assert certificate(customers)["identical"]


def test_the_report_has_the_tenants_that_matter_most(customers: TenantedNotes, tmp_path: Path) -> None:
    """Those that differ, and then the largest."""
    told = tmp_path / "report.md"
    ended = run_here("report", "--work-dir", customers.work_dir, "--markdown", told)
    assert ended.code == 0, ended.stderr
    (found,) = certificate(customers)["collections"].values()
    sizes = {name or "none": each["rows"] for name, each in found["tenants"].items()}
    _, heading, table = told.read_text(encoding="utf-8").partition(f"{counted(len(sizes), 'tenant')} of Note")
    assert heading
    shown = [line.split(" | ")[:2] for line in table.splitlines() if line.endswith("| identical |")]
    assert [int(rows.replace(",", "")) for _, rows in shown] == sorted(sizes.values(), reverse=True)[:20]


def test_what_changes_is_in_the_tenant_that_the_row_names_now(customers: TenantedNotes) -> None:
    """Rows that move to another tenant, to a new one, to none and back; and rows that change otherwise."""
    before = customers.in_source()
    customers.execute(
        "UPDATE notes SET org = 'acme' WHERE id % 10 = 0",
        "UPDATE notes SET org = 'a-new-one', body = body || ' moved' WHERE id % 10 = 1",
        "UPDATE notes SET org = NULL WHERE id % 10 = 2",
        "UPDATE notes SET org = 'elsewhere' WHERE id % 10 = 3",
        "UPDATE notes SET org = 'and further' WHERE id % 10 = 3",
        "UPDATE notes SET org = 'not for long' WHERE id % 10 = 4",
        f"UPDATE notes SET org = '{max(tenant for tenant, _ in before if not tenant.startswith('t_'))}' "
        "WHERE org = 'not for long'",
        "UPDATE notes SET body = 'changed where it is' WHERE id % 10 = 5",
        "DELETE FROM notes WHERE id % 10 = 6",
        "UPDATE notes SET id = id + 1000000, org = 'another key' WHERE id % 10 = 7",
        "UPDATE notes SET org = 'deleted after all' WHERE id % 10 = 8 AND id % 20 = 8",
        "DELETE FROM notes WHERE org = 'deleted after all'",
    )
    customers.insert([(2_000_000, "born later", "a new customer", 0.5), (2_000_001, None, "nobody's", -0.0)])
    after = customers.in_source()
    assert customers.in_weaviate() == before
    customers.run("sync")
    assert customers.in_weaviate() == after


def test_verify_compares_and_certifies_each_tenant_as_it_is_now(customers: TenantedNotes) -> None:
    customers.run("verify")
    rows = customers.in_source()
    (told,) = certificate(customers)["collections"].values()
    assert {tenant: each["objects"] for tenant, each in told["tenants"].items()} == {
        tenant: sum(1 for other, _ in rows if other == tenant) for tenant, _ in rows
    }
    assert certificate(customers)["identical"]


def test_damage_is_found_in_the_right_tenant_and_mended(customers: TenantedNotes) -> None:
    """An object that stands in another customer's tenant is missing in its own, and extra there."""
    acme, other = customers.notes.with_tenant("acme"), customers.notes.with_tenant("a-new-one")
    moved, gone, altered = acme.query.fetch_objects(limit=3).objects
    acme.data.delete_by_id(moved.uuid)
    acme.data.delete_by_id(gone.uuid)
    acme.data.update(altered.uuid, properties={"score": 1e9})
    other.data.insert(moved.properties, uuid=moved.uuid)
    damaged = customers.run("verify", code=3).json
    assert {(each["uuid"], each["kind"]) for each in damaged["differences"]} == {
        (f"acme {moved.uuid}", "missing"),
        (f"acme {gone.uuid}", "missing"),
        (f"acme {altered.uuid}", "altered"),
        (f"a-new-one {moved.uuid}", "extra"),
    }
    (told,) = certificate(customers)["collections"].values()
    assert {tenant for tenant, each in told["tenants"].items() if each["differences"]} == {"acme", "a-new-one"}
    items = customers.run("postflight", code=3).json["items"]
    counts = next(each for each in items if each["name"] == "counts")
    assert "tenant a-new-one: " in counts["figure"]
    assert "tenant acme: " in counts["figure"]
    customers.run("verify", "--repair")
    assert customers.in_weaviate() == customers.in_source()
