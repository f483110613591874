"""The client of a run: one for all of its steps, and closed when it ends."""

import os
import signal
from pathlib import Path

import dagster as dg
import pytest
import weaviate

from weaviate_migration.defs.resources import BatchSettings, WeaviateServer
from weaviate_migration.target.connect import answers
from weaviate_migration.target.server import ServerAddress, running_process, running_server
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.notes import NoteMigration


def end_run(resource: WeaviateServer) -> None:
    """As Dagster does it."""
    resource.teardown_after_execution(dg.build_init_resource_context())


def test_steps_share_a_client_that_is_closed_at_the_end(server: ServerAddress, tmp_path: Path) -> None:
    resource = WeaviateServer(url=f"http://{server.host}:{server.http_port}", grpc_port=server.grpc_port)
    with (
        resource.client(WorkFolder(tmp_path), BatchSettings()) as first,
        resource.client(WorkFolder(tmp_path), BatchSettings()) as at_once,
    ):
        assert at_once is first
    with resource.client(WorkFolder(tmp_path), BatchSettings()) as later:
        assert later is first
        assert answers(later)
    end_run(resource)
    assert not first.is_connected()


def test_server_that_was_killed_between_steps_is_started_again(tmp_path: Path) -> None:
    resource, work_folder = WeaviateServer(), WorkFolder(tmp_path)
    with resource.client(work_folder, BatchSettings()) as first:
        pid = running_process(tmp_path / "weaviate")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with resource.client(work_folder, BatchSettings()) as second:
        assert second is not first
        assert answers(second)
    end_run(resource)
    assert running_server(tmp_path / "weaviate") is None


def test_a_migration_opens_a_client_for_the_command_and_one_for_its_run(
    notes: NoteMigration, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[weaviate.WeaviateClient] = []
    connect = weaviate.WeaviateClient.connect

    def counted(client: weaviate.WeaviateClient) -> None:
        if not client.is_connected():
            opened.append(client)
        connect(client)

    monkeypatch.setattr(weaviate.WeaviateClient, "connect", counted)
    assert notes.migrate().code == 0
    assert len(opened) == 2
    assert not any(each.is_connected() for each in opened)
