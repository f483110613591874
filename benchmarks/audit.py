"""The audit of a file of messages, and what it is measured by: fetching the same rows. Both in this process."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.measurement import MeasuredCommandError, Measurement
from weaviate_migration.mapping import read_mapping
from weaviate_migration.phases.preflight.audit import audit_source


def measure_fetch(source: Path) -> Measurement:
    """One fetch of all messages, with sqlite3 as it is."""
    began = time.monotonic()
    with closing(sqlite3.connect(source)) as connection:
        rows = connection.execute("SELECT * FROM messages").fetchall()
    seconds = time.monotonic() - began
    if not rows:
        raise MeasuredCommandError(f"{source} has no messages.")
    return Measurement(seconds)


def measure_audit(source: Path, scratch: Path) -> Measurement:
    """One audit of the whole file."""
    mapping = read_mapping()
    began = time.monotonic()
    audit = audit_source(source, mapping, scratch)
    seconds = time.monotonic() - began
    if audit.refused:
        raise MeasuredCommandError(f"The audit would have {audit.refused} rows refused.")
    return Measurement(seconds)
