"""Each run has the process that its steps are forked from to itself."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import multiprocessing, os
from multiprocessing import forkserver
from weaviate_migration.runs.fork_server import own_step_processes

context = multiprocessing.get_context("forkserver")

def key_in_a_step():
    with context.Pool(1) as pool:
        return pool.apply(os.getenv, ("KEY",))

"""


def printed(lines: str) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", PROGRAM + lines], capture_output=True, text=True, check=True)
    return ended.stdout.split()


def test_the_steps_of_each_run_have_its_own_environment() -> None:
    found = printed("""
for key in ("one", "two"):
    os.environ["KEY"] = key
    with own_step_processes():
        print(key_in_a_step())
""")
    assert found == ["one", "two"]


def test_the_process_that_the_application_forks_from_is_not_used_and_left_alone() -> None:
    found = printed("""
os.environ["KEY"] = "application"
print(key_in_a_step())
before = forkserver._forkserver._forkserver_pid
os.environ["KEY"] = "run"
with own_step_processes():
    print(key_in_a_step())
print(key_in_a_step())
print(forkserver._forkserver._forkserver_pid == before)
""")
    assert found == ["application", "run", "application", "True"]


def test_a_program_is_not_run_again_by_each_step(tmp_path: Path) -> None:
    """As people write it in a script: without `if __name__ == "__main__"`."""
    script = tmp_path / "script.py"
    script.write_text(
        PROGRAM + 'print("began")\nos.environ["KEY"] = "run"\nwith own_step_processes():\n    print(key_in_a_step())\n',
        encoding="utf-8",
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split() == ["began", "run"]


def test_processes_of_other_threads_have_the_program(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        PROGRAM
        + """
import threading

def of_the_program():
    return "here"

def start():
    with context.Pool(1) as pool:
        print(pool.apply(of_the_program))

if __name__ == "__main__":
    with own_step_processes():
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
""",
        encoding="utf-8",
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split() == ["here"]
