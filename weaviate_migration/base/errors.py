"""Every error that a person can cause, in one tree.

MigrationError                      exit code 1: it failed, the source is untouched
├── ConfigurationError              exit code 2: wrong usage, nothing was touched
│   ├── MappingError                a mapping file that is wrong, or does not fit the file
│   ├── SourceNotUsableError        what was named is no SQLite database with mapped tables
│   │   └── SourceAwayError         the file of a migration is not there, or empty, or may not be read any more
│   ├── ServerNotUsableError        the Weaviate server cannot be used: unreachable, too old, key refused
│   ├── StateNotUsableError         the database of a migration's state cannot be used: unreachable, refused, too new
│   └── MigrationConflictError      another migration, or somebody else's collection, is in the way
├── SourceError                     the SQLite side failed: corrupt, no space
│   ├── SourceBusyError             it is locked by another program, and may be free when tried again
│   └── SourceReplacedError         another file has taken its place meanwhile; trying again reads that one
├── StorageError                    a file of ours cannot be written: the disk is full, read-only or closed to this user
│   └── SourceStorageError          a copy of the source cannot be, or the source itself; it is a SourceError, too
├── StateConnectionError            the database of a migration's state has gone away while it was used
├── CaptureError                    changes of the source cannot be followed: capture is missing or was damaged
├── TargetError                     the Weaviate side failed
│   ├── TargetLimitError            its own settings do not allow it: a quota, replication on too few nodes
│   ├── UnusableAnswerError         what it answers is endless, packed, or not what a Weaviate says
│   ├── TargetTooLargeError         what is sent or asked for is larger than one message may be
│   └── TransientTargetError        it may work when tried again
│       ├── TargetConnectionError   no answer: the server is away, or the way to it
│       ├── TargetTimeoutError      no answer in time
│       └── TargetOverloadError     it answers that it cannot now: overloaded, read-only, out of memory or disk
├── EmbeddingError                  a model could not make vectors of texts
│   ├── EmbeddingLimitError         the command has asked a model as often as it may
│   └── TransientEmbeddingError     its service is away or overloaded: it may work when tried again
├── VectorCacheError                what keeps made vectors is damaged, or is no such file or database
├── WorkFolderBusyError             another command works with the same collections, and has not ended in time
├── LockLostError                   a lock was taken by another process, since this one was not heard of
├── CutoverTimeoutError             the cutover was not ready in time; no alias was moved
└── DifferencesError                exit code 3: ran to the end, but the two sides differ

Errors of other libraries are mapped to these at the edge (source/, target/), so that nothing above has to know them.
The message says what is wrong and where; `hint` says what to do; `category` is the same few words in logs, metrics,
alerts and reports.
"""

from typing import ClassVar, Literal, get_args

from weaviate_migration.base.redaction import redacted

ErrorCategory = Literal[
    "connection",
    "timeout",
    "overload",
    "size",
    "refused",
    "conversion",
    "source",
    "storage",
    "configuration",
    "internal",
]
"""What kind of thing went wrong:

- connection: no answer from Weaviate, or it does not let this client in; none from a model's service
- timeout: not done in the time that was given
- overload: Weaviate answers that it cannot now: too many requests, read-only, out of memory or disk
- size: larger than a message of Weaviate's may be; trying the same again will not help
- refused: Weaviate, or a check of ours, says no; trying the same again will not help
- conversion: a value that the mapping's property cannot hold; only of single rows, there is no exception for it
- source: the SQLite side
- storage: a disk of this machine: full, read-only, or closed to this user; or the database of the state is away
- configuration: wrong usage or settings
- internal: a fault of this project, or of a library
"""
ERROR_CATEGORIES: tuple[ErrorCategory, ...] = get_args(ErrorCategory)

LONGEST_MESSAGE = 20_000
"""Characters: names may be of any length, and stand in messages; 50 mistakes of a mapping take half of it."""


class MigrationError(Exception):
    """An error with a cause that a person can understand and a hint what to do about it; it holds no secrets.

    Args:
        message: what is wrong, and where (file, table, key, address).
        hint: what to do, one sentence; shown on a line of its own.
    """

    exit_code: ClassVar[int] = 1
    category: ClassVar[ErrorCategory] = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = redacted(message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…")
        super().__init__(self.message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigurationError(MigrationError):
    """Wrong usage or configuration; nothing was touched."""

    exit_code = 2
    category: ClassVar[ErrorCategory] = "configuration"


class MappingError(ConfigurationError):
    """A mapping file that is wrong in itself, or that names what the SQLite file does not have."""


class SourceNotUsableError(ConfigurationError):
    """What was named as the source is not a SQLite database, or has none of the mapped tables."""

    category: ClassVar[ErrorCategory] = "source"


class SourceAwayError(SourceNotUsableError):
    """The file of a migration is not there, or is empty, or may not be read any more; it may come back."""


class ServerNotUsableError(ConfigurationError):
    """The Weaviate server is unreachable, not ready, too old, or refuses the key."""

    category: ClassVar[ErrorCategory] = "connection"


class StateNotUsableError(ConfigurationError):
    """The database that keeps a migration's state is unreachable, refuses the user, or is of a newer version."""

    category: ClassVar[ErrorCategory] = "storage"


class MigrationConflictError(ConfigurationError):
    """Somebody else's collection, or another unfinished migration, is in the way."""


class LostCollectionError(MigrationConflictError):
    """The server does not have a collection that the migration has made there."""


class SourceError(MigrationError):
    """The SQLite side failed while it was read: corrupt, no disk space for the snapshot."""

    category: ClassVar[ErrorCategory] = "source"


class SourceBusyError(SourceError):
    """The SQLite file is locked by another program for longer than we wait; trying again may help."""


class SourceReplacedError(SourceError):
    """The path of the SQLite file leads to another file than the one that was opened; trying again reads that one."""


class StorageError(MigrationError):
    """A file of ours cannot be written: the disk is full or read-only, or this user may not; it may pass."""

    category: ClassVar[ErrorCategory] = "storage"


class SourceStorageError(StorageError, SourceError):
    """A copy of the source cannot be written, nor what is sorted of it, nor the source itself."""


class WorkerLostError(MigrationError):
    """Nobody takes the steps of a run, or who had one is gone; what was loaded stays, and the same may work again."""

    category: ClassVar[ErrorCategory] = "connection"


class StateConnectionError(MigrationError):
    """The database that keeps a migration's state could be used before, and cannot be any more; it may come back."""

    category: ClassVar[ErrorCategory] = "storage"


class CaptureError(MigrationError):
    """Changes cannot be followed without a gap: capture is missing, was damaged, or the file is not the one it was."""

    category: ClassVar[ErrorCategory] = "source"


class TargetError(MigrationError):
    """The Weaviate side failed, and trying the same again will not help."""

    category: ClassVar[ErrorCategory] = "refused"


class TargetLimitError(TargetError):
    """The settings of Weaviate do not allow it: a quota is reached, or nodes are too few for its replication."""


class UnusableAnswerError(TargetError):
    """What came from Weaviate is not an answer of one: without end, packed, or nothing that can be read."""


class TargetTooLargeError(TargetError):
    """What is sent to Weaviate, or asked of it, is larger than one message may be, and cannot be halved any more."""

    category: ClassVar[ErrorCategory] = "size"


class TransientTargetError(TargetError):
    """The Weaviate side failed in a way that may pass."""

    category: ClassVar[ErrorCategory] = "connection"


class TargetConnectionError(TransientTargetError):
    """Weaviate gives no answer: it is away, or the way to it is."""


class TargetTimeoutError(TransientTargetError):
    """Weaviate gives no answer in time."""

    category: ClassVar[ErrorCategory] = "timeout"


class TargetOverloadError(TransientTargetError):
    """Weaviate answers that it cannot now: too many requests, read-only, out of memory or disk."""

    category: ClassVar[ErrorCategory] = "overload"


class EmbeddingError(MigrationError):
    """A model could not make vectors of texts, or what it made is not to be used."""

    category: ClassVar[ErrorCategory] = "refused"
    may_pass: ClassVar[bool] = False


class TransientEmbeddingError(EmbeddingError):
    """The service of a model is away, overloaded or too slow; the same may work when it is tried again.

    Args:
        retry_after: so many seconds the service wants to be left alone; 0 where it does not say.
    """

    category: ClassVar[ErrorCategory] = "connection"
    may_pass: ClassVar[bool] = True

    def __init__(self, message: str, hint: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class EmbeddingLimitError(EmbeddingError):
    """The command has asked a model as often as it may; what was made is kept."""


class VectorCacheError(MigrationError):
    """What keeps made vectors is damaged, or is no such file or database."""

    category: ClassVar[ErrorCategory] = "storage"


class WorkFolderBusyError(MigrationError):
    """Another command, or a run, works with the same collections, and has not ended in time."""

    category: ClassVar[ErrorCategory] = "timeout"


class LockLostError(MigrationError):
    """Another process has taken a lock of this one, which was not heard of for too long; this one writes no more."""

    category: ClassVar[ErrorCategory] = "timeout"


class CutoverTimeoutError(MigrationError):
    """What the cutover waits for did not come about in time; no alias was moved."""

    category: ClassVar[ErrorCategory] = "timeout"


class DifferencesError(MigrationError):
    """Ran to the end, but the two sides differ or rows were refused."""

    exit_code = 3
    category: ClassVar[ErrorCategory] = "refused"


PASSING_ERRORS = (
    *(TransientTargetError, ServerNotUsableError, TransientEmbeddingError),
    *(SourceAwayError, SourceBusyError, SourceReplacedError, StorageError),
    *(StateNotUsableError, StateConnectionError),
)
"""What may be gone when it is tried again, where all could be used before: it is away, busy, full, or another one."""


def category_of(error: BaseException) -> ErrorCategory:
    """The category of any exception; one that is not of this tree is `internal`: nobody expected it."""
    return error.category if isinstance(error, MigrationError) else "internal"


def error_named(class_name: str) -> type[MigrationError] | None:
    """The class of this tree with that name, or None: Dagster keeps only the name of what a step raised."""
    pending: list[type[MigrationError]] = [MigrationError]
    while pending:
        candidate = pending.pop()
        if candidate.__name__ == class_name:
            return candidate
        pending.extend(candidate.__subclasses__())
    return None
