"""What `preflight` foretells of the time that a migration takes."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measurement import MeasuredCommandError, timed_command

_FIGURE = re.compile(r"about (?:(\d+) min )?([\d.]+) s for ")


def foretold_seconds(command: Sequence[str], checkout: Path) -> float:
    """Runs `preflight --json`, and gives the seconds that its item `duration` names.

    Args:
        command: the whole of it.
        checkout: the version of this repository that it runs.

    Raises:
        MeasuredCommandError: it failed, or named no time.
    """
    output = timed_command(command, checkout).output
    figures = {item["name"]: item["figure"] for item in json.loads(output)["items"]}
    found = _FIGURE.match(figures.get("duration", ""))
    if found is None:
        raise MeasuredCommandError(f"{' '.join(command)}\nnamed no time:\n{output[:2000]}")
    return int(found[1] or 0) * 60 + float(found[2])
