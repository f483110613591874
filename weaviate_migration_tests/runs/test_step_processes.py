"""What a process of a step prints that nobody can be given, such as an exception in a callback of Python's own."""

import subprocess
import sys

import pytest

from weaviate_migration_tests.live.command_line import child_environment

_PROGRAM = """
import weakref
from dagster import DagsterExecutionInterruptedError
from weaviate_migration.runs import step_processes

class Module: pass

def gone(_): raise {error}

module = Module()
kept = weakref.ref(module, gone)
del module
"""


@pytest.mark.parametrize(
    ("error", "is_told"),
    [("DagsterExecutionInterruptedError", False), ("KeyboardInterrupt", False), ("ValueError", True)],
)
def test_ctrl_c_in_a_callback_of_pythons_own_leaves_no_trace(error: str, is_told: bool) -> None:
    """It may come while a module is imported."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(error=error)],
        env=child_environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ("Traceback" in ended.stderr) is is_told, ended.stderr
