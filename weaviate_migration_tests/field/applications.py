"""The applications whose files are taken through a migration. Each has a file here with two functions that use its own
package: `make` makes the file, `write_more` does what the application does later.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import weaviate_migration_tests

SECONDS = 120


@dataclass(frozen=True)
class Application:
    """One file that an application makes.

    Attributes:
        title: the application and its file, as docs/init.md names them.
        module: the file beside this one that uses the application.
        file: where the application keeps its database, in a folder of its own.
        is_light: whether the tests make it; `make field` makes all.
    """

    title: str
    module: str
    file: str
    is_light: bool = False

    @property
    def name(self) -> str:
        return f"{self.module}-{Path(self.file).stem}"

    def make(self, folder: Path) -> Path:
        """Returns the database."""
        path = folder / self.file
        path.parent.mkdir(parents=True)
        self._call("make", path)
        assert path.exists()
        return path

    def write_more(self, path: Path) -> None:
        self._call("write_more", path)

    def _call(self, function: str, path: Path) -> None:
        """In a process of its own, as the application is one."""
        program = (
            "import sys; from pathlib import Path; "
            f"from {__package__}.{self.module} import {function}; {function}(Path(sys.argv[1]))"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            cwd=Path(weaviate_migration_tests.__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr


APPLICATIONS = (
    Application("Dagster: runs", "dagster_home", "dagster_home/history/runs.db", is_light=True),
    Application("Dagster: index of events", "dagster_home", "dagster_home/history/runs/index.db"),
    Application(
        "Dagster: events of a run", "dagster_home", "dagster_home/history/runs/5d0a3c8e-7c0f-4b52-9f7e-1f4b8b1f0d11.db"
    ),
    Application("SQLAlchemy with Alembic", "alembic_batch", "app.db", is_light=True),
    Application("sqlite-utils", "sqlite_utils_dogs", "dogs.db", is_light=True),
    Application("Django", "django_site", "site.sqlite3"),
    Application("Datasette: internal file", "datasette_internal", "internal.db"),
    Application("sqlite-vec", "sqlite_vec_notes", "notes.db"),
    Application("MLflow", "mlflow_tracking", "mlflow.db"),
    Application("Optuna", "optuna_studies", "studies.db"),
    Application("Anki", "anki_collection", "collection.anki2"),
    Application("beets", "beets_library", "library.db"),
    Application("Tortoise ORM", "tortoise_events", "events.db"),
    Application("Huey", "huey_queue", "queue.db"),
    Application("DiskCache", "diskcache_cache", "cache.db"),
    Application("coverage.py", "coverage_data", ".coverage"),
)
