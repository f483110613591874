"""Text that any file and terminal takes."""

import re

# What XML 1.0 forbids, control characters that a terminal would obey, and the carriage return, which XML turns into
# another character. Keys and values of the source are in descriptions, and may hold all of them.
_NOT_PRINTABLE = re.compile("[^\\t\\n\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def printable(text: str) -> str:
    """The text, with control characters and lone surrogates as Python escapes them: an ESC becomes `\\x1b`."""
    return _NOT_PRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
