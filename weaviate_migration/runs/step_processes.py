"""Imported first by the process that those of the steps are forks of: it is not for Ctrl-C, which reaches it too.

Python protects such a process only when all is imported: before, an interrupt would end it with a stack trace. The
steps set handlers of their own.
"""

import signal

from weaviate_migration.base.memory import return_large_blocks

signal.signal(signal.SIGINT, signal.SIG_IGN)
return_large_blocks()
