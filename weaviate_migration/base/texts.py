"""The name that was probably meant, for messages about a name that is wrong."""

import difflib
from collections.abc import Iterable


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """Says which names are allowed, and the nearest of them: `; did you mean `title`? Allowed: id, title`.

    Args:
        name: what was given.
        allowed: what can be given; shown in this order.

    Returns:
        The end of a sentence, beginning with `; `.
    """
    names = list(allowed)
    spelled = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(name.casefold(), spelled, n=1)
    meant = f"did you mean `{spelled[near[0]]}`? " if near else ""
    return f"; {meant}Allowed: {', '.join(names) or 'nothing'}"
