"""Another version of this repository, checked out beside this one for as long as it is measured."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measurement import ROOT, MeasuredCommandError


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    """A new worktree of a revision; it is removed at the end.

    Raises:
        MeasuredCommandError: Git has no such revision, or cannot check it out.
    """
    path = folder / "before"
    _git("worktree", "add", "--detach", str(path), revision)
    try:
        yield path
    finally:
        _git("worktree", "remove", "--force", str(path))


def _git(*arguments: str) -> None:
    ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise MeasuredCommandError(f"git {' '.join(arguments)}:\n{ended.stderr}")
