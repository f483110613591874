"""Which events Dagster stored for a run."""

from collections import Counter
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef


def events_by_type(dagster_home: Path) -> dict[str, int]:
    """How many events of each type the newest run of this instance has; log records count as `LOG`."""
    own_storage = {"storage": {"sqlite": {"base_dir": str(dagster_home)}}}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(dagster_home), overrides=own_storage)) as instance:
        run = instance.get_runs(limit=1)[0]
        types = (entry.dagster_event_type for entry in instance.all_logs(run.run_id))
        return dict(sorted(Counter(each.value if each else "LOG" for each in types).items()))
