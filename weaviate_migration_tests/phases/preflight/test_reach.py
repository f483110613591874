"""What a worker is told to reach: the command's own state and storage, and the server; or why it does not."""

import platform
from pathlib import Path

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.preflight.reach import Reached, reach_items, reached, signs
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.free_ports import free_port

TOKEN = "0123"


def config_of(work_dir: Path, weaviate_url: str = "embedded", storage: str = "") -> MigrationConfig:
    return MigrationConfig(sqlite_url="", work_dir=work_dir, weaviate_url=weaviate_url, storage=storage)


def files(folder: Path) -> list[str]:
    return sorted(
        path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith("state.sqlite")
    )


def test_who_has_the_command_s_folder_reaches_its_state_and_its_storage(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path / "work", storage=str(tmp_path / "kept"))
    config = config_of(work_folder.path, storage=work_folder.storage)
    with signs(work_folder, TOKEN):
        found = reached(config, TOKEN)
    assert [(each.thing, each.problem) for each in found] == [("state", ""), ("storage", "")]
    assert files(tmp_path) == []
    assert work_folder.store.all("sign") == {}


def test_who_has_folders_of_the_same_name_only_does_not(tmp_path: Path) -> None:
    ours, theirs = WorkFolder(tmp_path / "ours"), WorkFolder(tmp_path / "theirs")
    config = config_of(theirs.path)
    with signs(ours, TOKEN):
        assert [each.problem for each in reached(config, TOKEN)] == [
            "there is no such file",
            "what the command has written there is not there",
        ]
        assert not theirs.path.exists()
        with signs(theirs, "another"):
            state, _ = reached(config, TOKEN)
    assert state.problem == "it is another one than the command's"


def test_a_command_that_was_killed_leaves_signs_to_the_next_one(tmp_path: Path) -> None:
    work_folder = WorkFolder(tmp_path)
    work_folder.store.write("sign", "killed", "{}")
    left = tmp_path / ".weaviate_migration_sign_killed"
    left.write_text("killed")
    with signs(work_folder, TOKEN):
        assert not left.exists()
    assert work_folder.store.all("sign") == {}


def test_each_node_that_is_not_reached_is_named(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    config = config_of(tmp_path, f"http://127.0.0.1:{port},http://127.0.0.1:{other}?grpc_port={free_port()}")
    found = reached(config, TOKEN)
    items = {each.name: each for each in reach_items("w1", found, embedded=False)}
    server = items["worker reaches server"]
    assert server.verdict == "failed"
    assert server.figure.startswith("from w1: ")
    assert f":{port}" in server.figure
    assert f":{other}" in server.figure
    assert "--weaviate-url" in server.remedy


def test_an_embedded_server_is_reached_on_its_machine_only() -> None:
    found = [Reached("state", "s"), Reached("storage", "f")]
    for host, verdict in ((platform.node(), "passed"), ("another", "failed")):
        assert [each.verdict for each in reach_items(host, found, embedded=True)] == ["passed", "passed", verdict]
