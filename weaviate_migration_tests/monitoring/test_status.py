"""A status names who works with the migrations that several machines share."""

import json
from pathlib import Path

import pytest

from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.status_lines import status_lines
from weaviate_migration.monitoring.status import status_before_first
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import MACHINE, command_name
from weaviate_migration.work_folder.state_store import close_stores
from weaviate_migration_tests.cluster.postgres_server import PostgresServer


@pytest.mark.parametrize("is_shared", [True, False])
def test_who_works_with_a_state_that_several_machines_share_is_named(
    tmp_path: Path, request: pytest.FixtureRequest, is_shared: bool
) -> None:
    """In the state of one machine a killed command leaves its note: nobody can rely on it."""
    request.addfinalizer(close_stores)
    server: PostgresServer | None = request.getfixturevalue("postgres_server") if is_shared else None
    state_url = server.new_database() if server is not None else ""
    other = WorkFolder(tmp_path / "other", state_url=state_url)
    config = create_migration_config(
        "app.db", work_dir=tmp_path / "work" if is_shared else other.path, state_url=state_url
    )
    with other.locked(command_name("migrate")):
        found = status_before_first(config)
    assert found is not None
    lines = dict(status_lines(found, of={"under way"}))
    (told,) = json.loads(json.dumps(found.to_dict()["under_way"])) or [None]
    if not is_shared:
        assert (lines, told) == ({}, None)
        return
    assert lines["under way"].startswith("`weaviate-migration migrate` (process ")
    assert (told["name"], told["machine"]) == ("`weaviate-migration migrate`", MACHINE)
    ended = status_before_first(config)
    assert ended is not None
    assert ended.under_way == []
