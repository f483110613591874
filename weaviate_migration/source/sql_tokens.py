"""SQL in pieces: what SQLite's pragmas do not tell stands only in the statements of its schema."""

import re
from collections.abc import Iterator, Sequence

# Blanks and comments; then what is one piece, whatever is in it; then any other character by itself. Blanks are ASCII,
# and every other character belongs to a name, as the dollar does (https://www.sqlite.org/draft/tokenreq.html).
_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t\n\f\r]|--[^\n]*|/\*.*?(?:\*/|\Z))+)
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
      | [\w$\x80-\U0010ffff]+ | .""",
    re.VERBOSE | re.DOTALL,
)


def tokens_of(sql: str) -> list[str]:
    """The tokens of a statement; blanks and comments between them are one blank."""
    return [" " if match["blank"] else match[0] for match in _TOKEN.finditer(sql)]


def in_parentheses(tokens: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """What stands between commas in the first parentheses, and all that follows these; nothing where there are none."""
    if "(" not in tokens:
        return [], []
    opening = tokens.index("(")
    closing = next(at for at, depth in _depths(tokens) if at > opening and depth == 0)
    return list(_split(tokens[opening + 1 : closing])), list(tokens[closing + 1 :])


def outside_parentheses(tokens: Sequence[str]) -> list[str]:
    """The tokens that are in no parentheses, without blanks."""
    return [tokens[at] for at, depth in _depths(tokens) if depth == 0 and tokens[at] not in (" ", ")")]


def unquoted(token: str) -> str:
    """The name that a token stands for, in whatever quotes it is."""
    if token[:1] not in ("'", '"', "`", "["):
        return token
    return token[1:-1] if token[0] == "[" else token[1:-1].replace(token[0] * 2, token[0])


def without_double_quotes(sql: str) -> str:
    """The statement with names in backquotes where it has double ones.

    SQLite takes a name in double quotes that nothing has for a text (https://www.sqlite.org/quirks.html#dblquote), or,
    where the statement stands within another one, for a name of that one. In backquotes it is a mistake.
    """

    def in_backquotes(match: re.Match[str]) -> str:
        return f"`{unquoted(match[0]).replace('`', '``')}`" if match[0][0] == '"' else match[0]

    return _TOKEN.sub(in_backquotes, sql)


def _depths(tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Position and depth of parentheses behind each token."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        yield at, depth


def _split(tokens: Sequence[str]) -> Iterator[list[str]]:
    """The tokens between commas that are in no parentheses."""
    begin = 0
    for at, depth in _depths(tokens):
        if tokens[at] == "," and depth == 0:
            yield list(tokens[begin:at])
            begin = at + 1
    yield list(tokens[begin:])
