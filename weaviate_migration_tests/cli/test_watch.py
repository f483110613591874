"""`status --watch` ends by Ctrl-C, wherever it was pressed."""

import io
import signal
from pathlib import Path

import pytest
from rich.console import Console

from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.watch import watch_status

# By far longer than a test may take: what does not stop at once fails by its timeout.
SECONDS_BETWEEN_LOOKS = 3600.0


class _Finalized:
    """Presses Ctrl-C as it is thrown away, where Python drops the exception of an ordinary handler."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


class _Interrupting(io.StringIO):
    """A place to write to that presses Ctrl-C in a finalizer, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def write(self, text: str) -> int:
        if self._left:
            self._left -= 1
            _Finalized()
        return super().write(text)


def test_ctrl_c_in_a_finalizer_ends_the_watching_and_leaves_the_handler_as_it_was(tmp_path: Path) -> None:
    before, shown = signal.getsignal(signal.SIGINT), _Interrupting(times=1)
    config = create_migration_config("", work_dir=tmp_path)
    watch_status(config, SECONDS_BETWEEN_LOOKS, Console(file=shown))
    assert "not begun" in shown.getvalue()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_does_not_wait_for_the_look(tmp_path: Path) -> None:
    class Impatient(io.StringIO):
        def write(self, _: str) -> int:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("the second one is raised")

    with pytest.raises(KeyboardInterrupt):
        watch_status(create_migration_config("", work_dir=tmp_path), SECONDS_BETWEEN_LOOKS, Console(file=Impatient()))
