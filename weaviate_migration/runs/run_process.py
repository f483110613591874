"""The process of a run whose steps others carry out: `python -m weaviate_migration.runs.run_process`.

Dagster's executors of other machines wait for their workers without end, whatever signal comes. So the command waits
for this process, which it can end. It reads the order from standard input, and ends when that does: with the command.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from weaviate_migration.runs.run_order import RunOrder
from weaviate_migration.runs.runner import dagster_instance

# To tell the workers to take no more of its steps.
_SECONDS_TO_END = 10.0


def main() -> None:
    """Makes the run of the order; its first line is the work folder."""
    work_dir, order = sys.stdin.readline().rstrip("\n"), sys.stdin.readline()
    threading.Thread(target=_end_with_command, name="command", daemon=True).start()
    with dagster_instance(Path(work_dir)) as instance:
        RunOrder.model_validate_json(order).execute(instance)


def _end_with_command() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SECONDS_TO_END)
    os._exit(1)


if __name__ == "__main__":
    main()
