"""A real terminal: a shell in tmux, whose screen can be read and whose keys can be pressed."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from weaviate_migration_tests.live.command_line import child_environment, command, until

_PROMPT = re.compile(r"done \[(\d+)\]>")


@dataclass(frozen=True)
class Terminal:
    """A shell in a pane of a tmux server of its own.

    Args:
        folder: the shell's; the commands that it is given are written down there.
        socket: the server's name.
    """

    folder: Path
    socket: str

    def run(self, *arguments: object, **environment: str) -> None:
        """Types a command of ours, on an empty screen; it runs beside the test.

        The command line is a script: so it takes one line, as a person's would.
        """
        words = [*(f"{name}={value}" for name, value in environment.items()), *command(*arguments)]
        (self.folder / "go").write_text(f"exec env {shlex.join(words)}\n", encoding="utf-8")
        self._tmux("clear-history")
        self._type("PS1='typed> '; clear")
        until(lambda: self.screen() == ["typed>"])
        self._type("PS1='done [$?]> '; sh go")

    def press(self, key: str) -> None:
        """Presses a key, such as C-c."""
        self._tmux("send-keys", key)

    def screen(self) -> list[str]:
        """The lines of the screen, down to the last that is not empty."""
        return self._tmux("capture-pane", "-p").rstrip().splitlines()

    def styled_screen(self) -> str:
        """The screen with the control sequences of its colours and styles."""
        return self._tmux("capture-pane", "-p", "-e")

    def shows(self, *texts: str) -> bool:
        """Whether all of these are on the screen."""
        screen = "\n".join(self.screen())
        return all(text in screen for text in texts)

    def exit_code(self) -> int:
        """Waits for the command's end, and returns what it ended with."""
        until(lambda: self._ended_with() is not None)
        code = self._ended_with()
        assert code is not None
        return code

    def _ended_with(self) -> int | None:
        found = _PROMPT.fullmatch((self.screen() or [""])[-1].strip())
        return int(found.group(1)) if found else None

    def _type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def _tmux(self, *words: str) -> str:
        return tmux(self.socket, *words)


def tmux(socket: str, *words: str) -> str:
    """Runs a command of tmux; fails the test where it fails."""
    ended = subprocess.run(["tmux", "-L", socket, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@contextmanager
def terminal(folder: Path, width: int = 80, height: int = 24) -> Iterator[Terminal]:
    """A terminal of this size; what runs in it is ended with it."""
    if shutil.which("tmux") is None:
        pytest.fail("These tests need a terminal, and tmux is not installed: `apt-get install tmux`.")
    folder.mkdir(parents=True, exist_ok=True)
    socket = f"weaviate-migration-{uuid4().hex[:8]}"
    subprocess.run(
        _start(socket, folder, width, height), env=child_environment({}), check=True, stdout=sys.stderr.fileno()
    )
    try:
        yield Terminal(folder, socket)
    finally:
        tmux(socket, "kill-server")


def _start(socket: str, folder: Path, width: int, height: int) -> Sequence[str]:
    size = ["-x", str(width), "-y", str(height)]
    # `-f /dev/null`: not as whoever runs the tests has set up tmux; `env -u`: nor their shell.
    return ["tmux", "-L", socket, "-f", "/dev/null", "new-session", "-d", *size, "-c", str(folder), "env -u ENV sh"]
