"""PostgreSQL: where several machines keep their state, and Dagster its storage."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg2
from psycopg2 import sql

from weaviate_migration.target.server_process import LOOPBACK
from weaviate_migration_tests.cluster.program import Program, installed
from weaviate_migration_tests.live.free_ports import free_port

OWNER = "postgres"
_PACKAGE = "postgresql"
# Debian keeps them apart by version, and off PATH.
_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
# What was written is safe from a kill without it; only a machine that loses its power would lose it.
_NOT_FLUSHED = ("-c", "fsync=off")
_END_MILLISECONDS = 300_000
_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL on a folder; started again it has the data that it had.

    Attributes:
        folder: its data, its socket and its log.
        password: of `OWNER`, who may do all; None: everybody of this machine may, without one.
    """

    program: Program
    folder: Path
    port: int
    password: str | None

    def url(self, database: str = OWNER) -> str:
        """As SQLAlchemy takes it; without the password, which is in `environment`."""
        return f"postgresql+psycopg2://{OWNER}@{LOOPBACK}:{self.port}/{database}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client's process needs to be let in."""
        return {} if self.password is None else {"PGPASSWORD": self.password}

    def new_database(self) -> str:
        """Makes one that holds nothing, and returns its URL: a test need not know of the others."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def execute(self, statement: sql.Composable) -> None:
        """Has `OWNER` carry out a statement, outside of a transaction."""
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statement)

    def end_connections(self, url: str) -> None:
        """Ends those of one of its databases, as a restart or a network does, and waits until they hold nothing."""
        ending = sql.SQL("SELECT pg_terminate_backend(pid, {}) FROM pg_stat_activity WHERE datname = {}")
        database = url.rpartition("/")[2]
        self.execute(ending.format(sql.Literal(_END_MILLISECONDS), sql.Literal(database)))

    def start(self) -> None:
        """Starts it, also again, and waits until it takes connections."""
        self.program.start(self._answers)

    def kill(self) -> None:
        """Ends it on the spot: it recovers from its log at the next start."""
        self.program.kill()

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=LOOPBACK, port=self.port, user=OWNER, password=self.password, dbname=OWNER, connect_timeout=5
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True


@contextmanager
def run_postgres(password: str | None = None, beside: Path | None = None) -> Iterator[PostgresServer]:
    """A PostgreSQL that holds nothing, in a folder of its own, ended and removed with the context.

    It refuses to run as root, which then runs it as the user `postgres` of Debian's package; a folder of pytest's
    would be closed to that user.

    Args:
        beside: the folder that gets its own; None: the system's for temporary files.
    """
    user = OWNER if os.getuid() == 0 else None
    initdb, server_program = (installed(name, _PACKAGE, _PROGRAMS) for name in ("initdb", "postgres"))
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=beside))
    try:
        _make(folder, initdb, user, password)
        port = free_port()
        words = ["-D", str(folder / "data"), "-k", str(folder), "-h", LOOPBACK, "-p", str(port), *_NOT_FLUSHED]
        program = Program([str(server_program), *words], folder / "log", _environment(), user, end=signal.SIGINT)
        server = PostgresServer(program, folder, port, password)
        try:
            server.start()
            yield server
        finally:
            program.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, initdb: Path, user: str | None, password: str | None) -> None:
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    secret = folder / "password"
    secret.write_text(password or "unused")
    secret.chmod(0o644)  # The folder is closed to all others.
    subprocess.run(
        [
            *(str(initdb), "--pgdata", str(folder / "data"), "--username", OWNER, "--no-sync", "--encoding", "UTF8"),
            *("--auth", "trust" if password is None else "scram-sha-256", "--pwfile", str(secret)),
        ],
        check=True,
        capture_output=True,
        env=_environment(),
        cwd=folder,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    secret.unlink()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
