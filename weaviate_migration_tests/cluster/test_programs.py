"""What several machines share starts, is killed, starts again, and leaves nothing behind."""

from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
import sqlalchemy
from upath import UPath

from weaviate_migration_tests.cluster.celery_worker import celery_settings, run_workers
from weaviate_migration_tests.cluster.postgres_server import PostgresServer, run_postgres
from weaviate_migration_tests.cluster.redis_server import RedisServer, run_redis
from weaviate_migration_tests.cluster.s3_server import S3Server, run_s3
from weaviate_migration_tests.live.command_line import until


def family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def values(url: str, statement: str) -> list[object]:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(statement))
        found = [value for (value,) in result] if result.returns_rows else []
    engine.dispose()
    return found


def test_each_database_of_postgres_is_another(postgres_server: PostgresServer) -> None:
    one, other = postgres_server.new_database(), postgres_server.new_database()
    values(one, "CREATE TABLE kept (value INTEGER)")
    of_tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'"
    assert (values(one, of_tables), values(other, of_tables)) == ([1], [0])


def test_a_killed_postgres_has_what_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_postgres("a password") as server:
        with pytest.raises(sqlalchemy.exc.OperationalError):
            values(server.url(), "SELECT 1")
        monkeypatch.setenv("PGPASSWORD", server.environment["PGPASSWORD"])
        values(server.url(), "CREATE TABLE kept AS SELECT 7 AS value")
        began = family(server.program.pid)
        server.kill()
        assert not [each for each in began if each.is_running()]
        with pytest.raises(psycopg2.OperationalError):
            server.new_database()
        server.start()
        assert values(server.url(), "SELECT value FROM kept") == [7]
        began = family(server.program.pid)
    assert not [each for each in began if each.is_running()]
    assert not server.folder.exists()


def test_redis_starts_again_at_the_same_port(tmp_path: Path) -> None:
    with run_redis(tmp_path) as server:
        server.kill()
        with redis.Redis.from_url(server.url()) as client, pytest.raises(redis.ConnectionError):
            client.ping()
        server.start()
        with redis.Redis.from_url(server.url()) as client:
            assert client.ping()
    assert not server.program.is_alive()


def test_files_go_to_the_s3_server_by_the_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    file = UPath(s3_server.new_bucket()) / "folder" / "file"
    file.write_bytes(b"content")
    assert UPath(file).read_bytes() == b"content"
    assert [each.name for each in file.parent.iterdir()] == ["file"]


def test_an_s3_server_that_starts_again_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_s3(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        bucket = server.new_bucket()
        server.kill()
        server.start()
        assert not UPath(bucket).exists()
    assert not server.program.is_alive()


def test_a_killed_worker_is_gone_with_all_its_processes(redis_server: RedisServer, tmp_path: Path) -> None:
    redis_server.empty()
    home = {"DAGSTER_HOME": str(tmp_path)}
    with run_workers(tmp_path, celery_settings(redis_server), home) as (worker,):
        began = family(worker.program.pid)
        until(worker.answers)
        worker.kill()
        assert not [each for each in began if each.is_running()]
        assert not worker.answers()
