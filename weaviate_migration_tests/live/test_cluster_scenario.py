"""`make cluster` in short: a worker and a node die, and nothing is lost; Ctrl-C ends all that is started."""

import signal
import sys
from pathlib import Path

import pytest

import weaviate_migration_tests.cluster.__main__ as make_cluster
from weaviate_migration_tests.cluster.course import take_course, timed_say
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.cluster.program import Program, leave_out_if_unwanted, processes_about
from weaviate_migration_tests.cluster.redis_server import RedisServer
from weaviate_migration_tests.cluster.s3_server import S3Server
from weaviate_migration_tests.cluster.scenario import ClusterMigration, SharedServers
from weaviate_migration_tests.live.command_line import SECONDS, child_environment
from weaviate_migration_tests.live.held_up_load import LOST_SECONDS
from weaviate_migration_tests.live.three_nodes import ThreeNodes


# Some twenty processes are started, most of them after each other: a machine that does much else takes its time.
@pytest.mark.timeout(1800)
def test_nothing_is_lost_with_a_worker_and_a_node(
    tmp_path: Path,
    redis_server: RedisServer,
    postgres_server: PostgresServer,
    s3_server: S3Server,
    three_nodes: ThreeNodes,
) -> None:
    servers = SharedServers(redis_server, postgres_server, s3_server, three_nodes)
    migration = ClusterMigration(
        *(tmp_path / "machine", servers),
        rows=300,
        rate=5,
        partitions=2,
        partitions_per_task=1,
        tables=["messages"],
        lost_seconds=LOST_SECONDS,
    )
    with migration.running():
        outcome = take_course(migration, timed_say(), is_short=True)
    assert outcome.differences == []
    # A machine that is too busy may lose one more.
    assert outcome.lost_runs >= 1
    assert outcome.transactions > 0
    assert [each.info["cmdline"] for each in processes_about(tmp_path)] == []


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    leave_out_if_unwanted()
    words = [sys.executable, "-m", make_cluster.__name__.removesuffix(".__main__"), "--rows", "300"]
    cluster = Program(words, tmp_path / "cluster.log", child_environment({}))
    try:
        cluster.start(lambda: "two workers wait" in cluster.log.read_text())
        first, *_ = cluster.log.read_text().splitlines()
        folder = Path(first.split()[-1])
        assert processes_about(folder)
        cluster.family()[0].send_signal(signal.SIGINT)
        assert cluster.end_within(SECONDS) == 128 + signal.SIGINT, cluster.fate
    finally:
        cluster.stop()
    assert processes_about(folder) == []
    assert not folder.exists()
    assert "what had to be killed: nothing" in cluster.log.read_text()
