"""A job of one step whose process goes on: after its run, or within it."""

import os
import threading
from pathlib import Path

import dagster as dg

RECIPE = f"{__name__}.lasting_job"
AFTER_RUN, IN_RUN = "after the run", "in the run"
"""Where the process stays, until it is ended."""


def lasting_job(file: str, stays: str) -> dg.JobDefinition:
    """The job; its step writes the process's number into the file."""

    @dg.op
    def step() -> None:
        Path(file).write_text(f"{os.getpid()}\n", encoding="utf-8")
        for_ever = threading.Event()
        if stays == IN_RUN:
            for_ever.wait()
        threading.Thread(target=for_ever.wait).start()  # Python waits for it before it ends.

    @dg.job(executor_def=dg.in_process_executor)
    def lasting() -> None:
        step()

    return lasting
