"""`demo --live`: an application writes all the while, and none of its changes is lost."""

from pathlib import Path

import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_here


def test_no_change_is_lost(tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient) -> None:
    ended = run_here("demo", "--live", "--work-dir", tmp_path, "--json", *at(server))
    assert ended.code == 0, ended.stderr
    told = ended.json
    assert told["success"]
    assert (told["lost"], told["cutover"]["success"]) == ([], True)
    assert told["changes"] > told["changed_messages"] > 0
    messages = client.collections.use("Message").aggregate.over_all(total_count=True).total_count
    assert messages is not None
    assert messages > told["collections"]["Message"]["source_rows"]
    assert "lost: 0. The switch of the readers took " in ended.stderr
