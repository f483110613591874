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
        module: the file beside this one that uses the application.
        file: where the application keeps its database, in a folder of its own.
        is_light: whether the tests make it; `make field` makes all.
    """

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
    Application("dagster_home", "dagster_home/history/runs.db", is_light=True),
    Application("dagster_home", "dagster_home/history/runs/index.db"),
    Application("dagster_home", "dagster_home/history/runs/5d0a3c8e-7c0f-4b52-9f7e-1f4b8b1f0d11.db"),
    Application("alembic_batch", "app.db", is_light=True),
    Application("sqlite_utils_dogs", "dogs.db", is_light=True),
    Application("django_site", "site.sqlite3"),
    Application("datasette_internal", "internal.db"),
    Application("sqlite_vec_notes", "notes.db"),
    Application("mlflow_tracking", "mlflow.db"),
    Application("optuna_studies", "studies.db"),
    Application("anki_collection", "collection.anki2"),
    Application("beets_library", "library.db"),
    Application("tortoise_events", "events.db"),
    Application("huey_queue", "queue.db"),
    Application("diskcache_cache", "cache.db"),
    Application("coverage_data", ".coverage"),
)
