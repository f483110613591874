"""`make cluster` in short: all that it starts is started, and ended by Ctrl-C."""

import signal
import sys
from pathlib import Path

import weaviate_migration_tests.cluster.__main__ as make_cluster
from weaviate_migration_tests.cluster.program import Program, leave_out_if_unwanted, processes_about
from weaviate_migration_tests.live.command_line import SECONDS, child_environment


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
