"""Runs the empty job on Dagster's own storage, and on ours."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from benchmarks.measurement import Measurement, python_command, timed_command
from benchmarks.run_events import events_by_type


def measure_empty_job(folder: Path, *, our_storage: bool = False) -> Measurement:
    """One run in a new home: the seconds of the whole process, the CPU seconds of the run alone."""
    with TemporaryDirectory(dir=folder) as place:
        home = Path(place)
        settings = {"telemetry": {"enabled": False}} | (_our_storage(home) if our_storage else {})
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        ended = timed_command(python_command("benchmarks.empty_job", home))
        return Measurement(ended.seconds, float(ended.output), events=events_by_type(home))


def _our_storage(home: Path) -> dict[str, object]:
    custom = {
        "module": "weaviate_migration.runs.dagster_storage",
        "class": "PooledSqliteStorage",
        "config": {"base_dir": str(home)},
    }
    return {"storage": {"custom": custom}}
