"""Where a migration's large files are: a folder of this machine, or any other storage that fsspec knows.

A file gets its name when it is whole. On this machine a draft beside it takes its name. To another storage a draft of
this machine is uploaded: on object storage an upload appears in one step, and a rename there is a copy; on a server of
files, where half an upload is seen, it is renamed. Who asks a storage is known from the environment alone, as fsspec
and the storage's own library read it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, cast

from fsspec import AbstractFileSystem, get_filesystem_class
from fsspec.asyn import AsyncFileSystem, sync
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import get_protocol
from tenacity import RetryCallState, retry_if_exception
from upath import UPath

from weaviate_migration.base.atomic_file import replacing
from weaviate_migration.base.errors import ConfigurationError, MigrationError, StorageError
from weaviate_migration.base.repeats import Repeats, repeating
from weaviate_migration.base.storage import is_open, storage_errors

logger = logging.getLogger(__name__)

# A call that carries nothing; one that carries a file has a second more for each 500 kB.
CALL_SECONDS = 60.0
_BYTES_A_SECOND = 500_000
# Beside the repeats that a storage's own library makes.
_REPEATS = Repeats(max_retries=2, retry_delay=1.0)
# Servers of files: what is written there is seen before it is whole.
_SERVERS_OF_FILES = frozenset({"sftp", "ssh", "ftp", "smb", "hdfs", "arrow_hdfs", "webhdfs", "webHDFS"})
# What stays as it is, however often it is tried.
_LASTING = (FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)
_OTHER_FOLDER = "Give this user the right to write there, or name another folder."
_REMEDY = "Look whether the storage is there, and whether this user may write to it; the same command then goes on."


def storage_root(url: str, work_dir: Path) -> UPath:
    """The place that `--storage` names; absolute, and nothing is asked or made.

    Args:
        url: any fsspec path, such as s3://bucket/folder; '' is the work folder.

    Raises:
        ConfigurationError: this installation does not know such a storage.
    """
    try:
        get_filesystem_class(get_protocol(url))
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"--storage {url}: {error}.",
            "Install the package that fsspec needs for this storage (for s3: the extra `s3`), or name a folder.",
        ) from None
    root = UPath(url or work_dir)
    local = local_path(root)
    return root if local is None else UPath(local.absolute())


def stored_path(text: str | Path | UPath) -> UPath:
    """A path that `url_of` has told: on this machine, or elsewhere."""
    return UPath(text)


def url_of(path: UPath) -> str:
    """A path for people, and for records; a UPath alone does not tell the host that a server of files is on."""
    options = path.storage_options
    if (host := options.get("host")) is None:
        return str(path)
    user = f"{options['username']}@" if "username" in options else ""
    port = f":{options['port']}" if "port" in options else ""
    return f"{path.protocol}://{user}{host}{port}{path.path}"


def local_path(path: UPath) -> Path | None:
    """The path on this machine; None for one that is elsewhere."""
    return Path(path.path) if isinstance(path.fs, LocalFileSystem) else None


@contextmanager
def writing_whole(path: UPath, scratch: Path | None = None, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A file to write to, which gets its name at the end; after an error what was there is as it was.

    Args:
        path: its folder is made if it is not there.
        scratch: the folder, which is there, for the draft of what is uploaded; None: the one for temporary files.
        durable: as `base.atomic_file.replacing` has it.

    Raises:
        StorageError: it cannot be written.
    """
    if (local := local_path(path)) is not None:
        with replacing(local, durable=durable) as file:
            yield file
        return
    with TemporaryDirectory(dir=scratch, prefix="upload-") as folder:
        draft = Path(folder, path.name)
        with storage_errors(draft), draft.open("wb") as file:
            yield file
        upload(draft, path)


def write_whole(path: UPath, content: str, scratch: Path | None = None) -> None:
    """Gives a file this content as UTF-8; see `writing_whole`."""
    with writing_whole(path, scratch) as file:
        file.write(content.encode())


def read_text(path: UPath) -> str | None:
    """What a file holds; None where there is none.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        return cast(bytes, _asked(path, "cat_file", path.path)).decode()
    except FileNotFoundError:
        return None


def upload(file: Path, path: UPath) -> None:
    """Gives a file of this machine to another storage, under its name when it is whole there.

    Raises:
        StorageError: the storage did not take it.
    """
    seconds = _seconds_for(file.stat().st_size)
    try:
        if not _SERVERS_OF_FILES.isdisjoint(_protocols(path.fs)):
            draft = path.with_name(f"{path.name}.partial")
            _asked(path, "makedirs", path.parent.path, exist_ok=True)
            _asked(path, "put_file", str(file), draft.path, seconds=seconds)
            _asked(path, "mv", draft.path, path.path)
        else:
            _asked(path, "put_file", str(file), path.path, seconds=seconds)
    except FileNotFoundError as error:
        raise _failed(path, error) from error


def download(path: UPath, file: Path) -> None:
    """Fetches what another storage has into a file of this machine.

    Raises:
        FileNotFoundError: it is not there.
        StorageError: the storage did not give it.
    """
    size = size_of(path) or 0
    with storage_errors(file, size):
        _asked(path, "get_file", path.path, str(file), seconds=_seconds_for(size))


def size_of(path: UPath) -> int | None:
    """The bytes of a file; None where it is not there.

    Raises:
        StorageError: the storage cannot be asked.
    """
    try:
        return int(_asked(path, "info", path.path)["size"])
    except FileNotFoundError:
        return None


def bytes_in(path: UPath) -> int:
    """What a file or folder takes, with all that is in it; 0 where it is not there, or goes away meanwhile.

    Raises:
        StorageError: the storage cannot be asked.
    """
    return sum(int(each["size"]) for each in _asked(path, "find", path.path, detail=True).values())


def files_in(folder: UPath) -> list[UPath]:
    """The files that are right in a folder, by their names; none where it is not there.

    Raises:
        StorageError: the storage cannot be asked.
    """
    found = _asked(folder, "find", folder.path, maxdepth=1)
    return sorted((folder / each.rpartition("/")[2] for each in found), key=lambda path: path.name)


def remove(path: UPath) -> None:
    """Removes a file, or a folder with all that is in it, where it is there.

    Raises:
        StorageError: it cannot be removed.
    """
    # A path that leads through a file is that of nothing.
    with suppress(FileNotFoundError, NotADirectoryError):
        _asked(path, "rm", path.path, recursive=True)


def refuse_closed(root: UPath, scratch: Path | None = None) -> None:
    """Holds that a storage can be used: to one elsewhere a small file is written, read, and removed.

    Raises:
        ConfigurationError: it cannot be reached, or not be written to.
    """
    if (local := local_path(root)) is not None:
        if not is_open(local):
            raise ConfigurationError(f"--storage {local}: it is read-only, or closed to this user.", _OTHER_FOLDER)
        return
    try:
        try_out(root / ".weaviate_migration_trial", scratch)
    except StorageError as error:
        raise ConfigurationError(f"--storage: {error.message}", error.hint) from error


def try_out(trial: UPath, scratch: Path | None = None) -> None:
    """Writes a small file, reads it, and removes it.

    Raises:
        StorageError: one of these is not possible.
    """
    write_whole(trial, "trial", scratch)
    if read_text(trial) != "trial":
        raise StorageError(f"{url_of(trial)}: what was written there is not what is read.", _REMEDY)
    remove(trial)


@contextmanager
def storage_asked(path: UPath) -> Iterator[None]:
    """For what reads a file of another storage bit by bit: its errors become one of ours.

    Raises:
        StorageError: the storage failed.
        FileNotFoundError: the file is not there.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        if local_path(path) is not None or not _is_of_storage(error):
            raise
        raise _failed(path, error) from error


def _asked(path: UPath, method: str, *args: Any, seconds: float | None = None, **options: Any) -> Any:
    """Calls a storage; again, where it failed for what may pass.

    Raises:
        FileNotFoundError: what is asked for is not there.
        StorageError: the storage failed, or did not answer in time.
    """
    files = path.fs
    if isinstance(files, LocalFileSystem):
        with storage_errors(Path(path.path)):
            return getattr(files, method)(*args, **options)

    def call() -> Any:
        files.invalidate_cache()  # Other machines write there, too.
        if isinstance(files, AsyncFileSystem):  # Its libraries may wait without end for one that is silent (measured).
            return sync(files.loop, getattr(files, f"_{method}"), *args, timeout=seconds or CALL_SECONDS, **options)
        return getattr(files, method)(*args, **options)

    with storage_asked(path):
        return repeating(_REPEATS, retry_if_exception(_may_pass), _tell(path))(call)


def _tell(path: UPath) -> Callable[[RetryCallState], None]:
    def tell(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        logger.warning("%s did not answer as it should, and is asked again: %s", url_of(path), error)

    return tell


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Exception) and _is_of_storage(error) and not isinstance(error, _LASTING)


def _is_of_storage(error: Exception) -> bool:
    """Whether the operating system or a library of the storage raised it: a fault of ours keeps its own type."""
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or module not in ("builtins", "pyarrow", MigrationError.__module__.split(".")[0])


def _failed(path: UPath, error: Exception) -> StorageError:
    said = str(error).rstrip(".") or f"no answer ({type(error).__name__})"
    return StorageError(f"{url_of(path)}: the storage failed: {said}.", _REMEDY)


def _protocols(files: AbstractFileSystem) -> tuple[str, ...]:
    named = files.protocol
    return (named,) if isinstance(named, str) else tuple(named)


def _seconds_for(size: int) -> float:
    return CALL_SECONDS + size / _BYTES_A_SECOND
