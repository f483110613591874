"""The documentation as its tests read it: the README, and the pages of the site in the order of its navigation."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import weaviate_migration

CHECKOUT = Path(weaviate_migration.__file__).parents[1]
FOLDER = CHECKOUT / "docs"
README = CHECKOUT / "README.md"


def _files(entry: Any) -> Iterator[str]:
    """The files that an entry of the navigation names, and those below it."""
    if isinstance(entry, str):
        yield entry
    for below in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from _files(below)


def _pages() -> dict[str, str]:
    navigation = yaml.safe_load((CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    paths = [README, *(FOLDER / name for name in _files(navigation) if (FOLDER / name).exists())]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


PAGES = _pages()
"""The text of each page, by the name of its file."""


def code_blocks(language: str, page: str = "") -> list[str]:
    """The blocks of code in this language, of one page or of all."""
    text = PAGES[page] if page else "\n".join(PAGES.values())
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def typed_commands(text: str) -> list[str]:
    """What a reader types, of all that a terminal shows."""
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def console_commands(page: str = "") -> list[str]:
    """What a reader types, in the order of one page or of all."""
    return typed_commands("\n".join(code_blocks("console", page)))


def inline_code() -> list[str]:
    """What stands between single backticks, outside of blocks."""
    prose = re.sub(r"^```.*?^```$", "", "\n".join(PAGES.values()), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", prose)


def first_column(page: str, heading: str) -> list[str]:
    """The names in the first cells of a page's table that begins with this heading, without their backticks."""
    table = PAGES[page].split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    return [name.strip(" `") for cell in cells for name in cell.split("`, `")]
