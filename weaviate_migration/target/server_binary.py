"""Gets the Weaviate server's binary: from the client's cache, from the official release, or built with Go.

There is no package of it to depend on. All three ways end in one file, at the place and under the name where
weaviate-client's embedded mode looks for it, so that both share it. A test notices when a new client looks elsewhere.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from weaviate.embedded import EmbeddedOptions, EmbeddedV4
from weaviate.exceptions import WeaviateBaseError

from weaviate_migration.base.errors import ServerNotUsableError

SERVER_VERSION = "1.39.0"
GO_PACKAGE = f"github.com/weaviate/weaviate/cmd/weaviate-server@v{SERVER_VERSION}"
NO_ANSWER_SECONDS = 20
"""A download that brings nothing for so long is given up. A slow one that moves is not."""
BUILD_SECONDS = 3600
"""Go needs 3.5 minutes on two fast cores; the limit only ends what hangs."""

Say = Callable[[str], None]
"""Takes one line about what is going on, for the person who waits."""


class _NotObtainedError(Exception):
    """One of the ways did not lead to a binary; the message says which, and why."""


def say_on_stderr(line: str) -> None:
    """Prints the line to standard error, at once."""
    print(line, file=sys.stderr, flush=True)


def binary_folder() -> Path:
    """The folder that weaviate-client keeps server binaries in: `$XDG_CACHE_HOME`, or `~/.cache/weaviate-embedded`."""
    return Path(EmbeddedOptions().binary_path)


def binary_name() -> str:
    """The name that weaviate-client gives the binary of `SERVER_VERSION`."""
    tag = f"v{SERVER_VERSION}"
    return f"weaviate-{tag}-{hashlib.sha256(tag.encode()).hexdigest()}"


def server_binary(say: Say = say_on_stderr, folder: Path | None = None) -> Path:
    """The path of the server's binary, which is downloaded or built when it is not there yet.

    Of several processes that ask at once, one gets it and the others wait.

    Args:
        say: told what is being done, and how long it takes.
        folder: where binaries are kept; None for weaviate-client's own folder.

    Raises:
        ServerNotUsableError: there is no way to get it here; the message says what was tried.
    """
    binary = (folder or binary_folder()) / binary_name()
    if _is_executable(binary):
        return binary
    try:
        binary.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(binary.parent, say):
            if not _is_executable(binary):
                _obtain(binary, say)
    except OSError as error:
        raise _no_binary(binary, f"{binary.parent} cannot be written ({error.strerror or error})") from error
    return binary


def _is_executable(binary: Path) -> bool:
    return binary.is_file() and os.access(binary, os.X_OK)


@contextmanager
def _alone_in(folder: Path, say: Say) -> Iterator[None]:
    """Holds the folder's lock. No time limit: its holder has a deadline, and a killed process holds nothing."""
    lock = FileLock(folder / "weaviate-migration.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"another process is fetching Weaviate {SERVER_VERSION} into {folder}; waiting for it (up to some minutes)")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _obtain(binary: Path, say: Say) -> None:
    """Tries one way after the other, each in a work folder of its own: the binary appears complete or not at all."""
    work_folder = binary.parent / "weaviate-migration-incomplete"
    failures = []
    for way in (_download, _build):
        started = time.monotonic()
        shutil.rmtree(work_folder, ignore_errors=True)
        work_folder.mkdir()
        try:
            way(work_folder, say).replace(binary)
        except _NotObtainedError as failure:
            failures.append(str(failure))
            say(f"no Weaviate binary this way: {failure}")
        else:
            say(f"Weaviate {SERVER_VERSION} is in {binary} after {time.monotonic() - started:.0f} s")
            return
        finally:
            shutil.rmtree(work_folder, ignore_errors=True)
    raise _no_binary(binary, "; ".join(failures))


def _download(work_folder: Path, say: Say) -> Path:
    """Has weaviate-client download the official release."""
    say(
        f"downloading the official release of Weaviate {SERVER_VERSION} from github.com: a minute or two, "
        f"given up when nothing comes for {NO_ANSWER_SECONDS} s"
    )
    options = EmbeddedOptions(
        persistence_data_path=str(work_folder), binary_path=str(work_folder), version=SERVER_VERSION
    )
    try:
        with _socket_timeout(NO_ANSWER_SECONDS):
            EmbeddedV4(options).ensure_weaviate_binary_exists()
    except (OSError, EOFError, KeyError, tarfile.TarError, zipfile.BadZipFile, WeaviateBaseError) as error:
        raise _NotObtainedError(f"the download failed ({error})") from error
    return work_folder / binary_name()


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Sets the process's default: the client's download offers no time limit of its own."""
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(previous)


def _build(work_folder: Path, say: Say) -> Path:
    """Has Go build the server from its module proxy."""
    if shutil.which("go") is None:
        raise _NotObtainedError("Go is not on PATH to build it")
    say(
        f"building Weaviate {SERVER_VERSION} with Go, once: about 4 minutes on two cores, with 2 GB of module "
        "cache and 1.6 GB of build cache on the way"
    )
    try:
        subprocess.run(
            ["go", "install", GO_PACKAGE],
            env={**os.environ, "GOBIN": str(work_folder)},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise _NotObtainedError(f"go install failed ({_last_line(error.stderr)})") from error
    except subprocess.TimeoutExpired as error:
        raise _NotObtainedError(f"go install did not end within {BUILD_SECONDS} s") from error
    return work_folder / "weaviate-server"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "without a word"


def _no_binary(binary: Path, reason: str) -> ServerNotUsableError:
    return ServerNotUsableError(
        f"no binary of Weaviate {SERVER_VERSION} for an embedded server: {reason}",
        "Name a running server with --weaviate-url; or make github.com reachable; or install Go (1.26 or newer); or "
        f"put the release's binary at {binary}.",
    )
