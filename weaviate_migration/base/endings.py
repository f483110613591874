"""What is closed at the end of a block, so that what fails then does not hide what failed before."""

import logging
from contextlib import ExitStack
from types import TracebackType
from typing import Literal

from weaviate_migration.base.redaction import RedactedError

logger = logging.getLogger(__name__)


class Endings(ExitStack):
    """An ExitStack whose block's error is the one that comes out: what fails while closing is logged then.

    Where the block itself went well, an error of closing comes out as usual.
    """

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> Literal[False]:
        """Closes everything, the last first; whatever fails, all is tried."""
        try:
            super().__exit__(error_type, error, trace)
        except Exception as later:
            if error is None or _is_told_otherwise(error, later):
                raise
            _tell(later, error)
        return False


def _is_told_otherwise(error: BaseException, later: BaseException) -> bool:
    """Whether this is no second failure, but the first one, as something that maps errors at its end tells it."""
    return later.__cause__ is error or isinstance(later, RedactedError)


def _tell(later: BaseException, first: BaseException) -> None:
    """Logs an error of closing, and those before it: Python keeps each as what the next one came upon."""
    found: BaseException | None = later
    while found is not None and found is not first:
        logger.warning("closing failed too: %s: %s", type(found).__name__, found)
        found = found.__cause__ or found.__context__
