"""Imported first by the process that those of the steps are forks of: it is not for Ctrl-C, which reaches it too.

Python protects such a process only when all is imported: before, an interrupt would end it with a stack trace. The
steps set handlers of their own.
"""

import signal
import sys

from weaviate_migration.base.memory import return_large_blocks

# By name: Dagster, which has one of its own, is not imported yet.
_INTERRUPTIONS = {"KeyboardInterrupt", "DagsterExecutionInterruptedError"}


def tell_unless_interrupted(unraisable: "sys.UnraisableHookArgs") -> None:
    """Prints an exception that nobody can be given, as Python does, but not that of Ctrl-C: the command tells that.

    It may come while a module is imported, in a callback of Python's own.
    """
    if unraisable.exc_type.__name__ not in _INTERRUPTIONS:
        sys.__unraisablehook__(unraisable)


signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.unraisablehook = tell_unless_interrupted
return_large_blocks()
