"""What coverage.py writes down: which lines of which files ran, in which contexts."""

from pathlib import Path

from coverage import CoverageData


def make(file: Path) -> None:
    data = CoverageData(basename=str(file))
    for number in range(6):
        data.set_context(f"test_{number}")
        data.add_lines({f"/app/m{place}.py": range(number, 60, place + 1) for place in range(4)})
    data.add_file_tracers({"/app/m0.py": "a.plugin"})
    data.write()


def write_more(file: Path) -> None:
    data = CoverageData(basename=str(file))
    data.read()
    data.set_context("later")
    data.add_lines({"/app/m1.py": [500, 501], "/app/new.py": [1]})
    data.write()
