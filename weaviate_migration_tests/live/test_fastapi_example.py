"""The example application, run as its README says: before, during and after the migration."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import weaviate

import weaviate_migration
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_command, until

CHECKOUT = Path(weaviate_migration.__file__).parents[1]
EXAMPLE = CHECKOUT / "examples" / "fastapi_app"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
SECONDS = 60


@dataclass(frozen=True)
class Application:
    """The example beside a database of its own."""

    folder: Path
    server: ServerAddress

    @contextmanager
    def running(self, **environment: str) -> Iterator[httpx.Client]:
        """The application behind a port of its own, until the block ends."""
        with subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", "0"],
            cwd=EXAMPLE,
            env={**os.environ, **self.settings, "PYTHONPATH": self._path, **environment},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            try:
                address = next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+", line)))
                with httpx.Client(base_url=address, timeout=SECONDS) as client:
                    yield client
            finally:
                process.terminate()
                said = process.communicate(timeout=SECONDS)[1]
        assert "Traceback" not in said

    @property
    def settings(self) -> dict[str, str]:
        return {
            "WEAVIATE_MIGRATION_SQLITE_URL": str(self.folder / "notes.db"),
            "WEAVIATE_MIGRATION_WORK_DIR": str(self.folder / "work"),
            "WEAVIATE_MIGRATION_WEAVIATE_URL": f"http://{self.server.host}:{self.server.http_port}",
            "WEAVIATE_MIGRATION_GRPC_PORT": str(self.server.grpc_port),
        }

    @property
    def _path(self) -> str:
        return os.pathsep.join([str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture
def application(tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient) -> Application:  # noqa: ARG001
    return Application(tmp_path, server)


def added(client: httpx.Client, body: str, tag: str = "blue") -> dict[str, Any]:
    answer = client.post("/notes", json={"body": body, "tag": tag})
    assert answer.status_code == 201
    return dict(answer.json())


def until_applied(client: httpx.Client, changes: int) -> None:
    """Waits for so many changes in all: on a busy machine longer than the application has a commit wait."""
    until(lambda: client.get("/dual-write").json()["writer"]["applied"] == changes)


def report_of(client: httpx.Client) -> dict[str, Any]:
    """What became of the shadow reads, once none is under way any more."""

    def reads() -> dict[str, Any]:
        return dict(client.get("/dual-write").json()["reads"])

    outcomes = ("same", "different", "failed", "late", "skipped")
    until(lambda: (found := reads())["reads"] == sum(found[each] for each in outcomes))
    return reads()


def test_the_application_before_and_after_the_migration(
    application: Application, client: weaviate.WeaviateClient
) -> None:
    with application.running() as app:
        first = added(app, "written before")
        assert app.get(f"/notes/{first['id']}").json() == first

    source = application.settings["WEAVIATE_MIGRATION_SQLITE_URL"]
    options = ["--mapping", EXAMPLE / "notes.yaml", "--work-dir", application.folder / "work", *at(application.server)]
    ended = run_command("migrate", "--live", "--sqlite-url", source, *options)
    assert ended.code == 0, ended.stderr
    stored = client.collections.use("Note")

    with application.running(DUAL_WRITE="1") as app:
        second = added(app, "written after")
        until_applied(app, 1)
        found = stored.query.fetch_object_by_id(second["id"])
        assert found is not None
        assert found.properties["body"] == "written after"

        app.get(f"/notes/{first['id']}")  # Connects, which may take too long.
        before = report_of(app)
        changed = app.put(f"/notes/{first['id']}", json={"body": "changed", "tag": "blue"}).json()
        until_applied(app, 2)
        assert app.get(f"/notes/{first['id']}").json() == changed
        assert {row["body"] for row in app.get("/notes", params={"tag": "blue"}).json()} == {"changed", "written after"}
        report = report_of(app)
        assert (report["same"] - before["same"], report["differences"], report["last_error"]) == (2, [], "")

        stored.data.update(second["id"], properties={"body": "damaged"})
        assert app.get(f"/notes/{second['id']}").json() == second
        (difference,) = report_of(app)["differences"]
        assert difference["about"] == f"note {second['id']}"
        assert "damaged" in difference["weaviate"]

        assert app.delete(f"/notes/{second['id']}").status_code == 204
        until_applied(app, 3)
        assert stored.query.fetch_object_by_id(second["id"]) is None
        assert app.get(f"/notes/{second['id']}").status_code == 404
        writer = app.get("/dual-write").json()["writer"]
        assert (writer["commits"], writer["applied"], writer["failures"]) == (3, 3, 0)


def test_the_readme_names_what_is_there() -> None:
    commands = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
    assert "weaviate-migration migrate --live --sqlite-url notes.db --mapping notes.yaml" in commands
    assert "DUAL_WRITE=1 uvicorn app:app" in commands
    for path in re.findall(r"\]\(([\w./]+)\)", README):
        assert (EXAMPLE / path).exists(), path
