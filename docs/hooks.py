"""What the site has from outside of this folder: the README as its first page, other pages of the repository, examples.

MkDocs calls these functions while it builds. A link in a page leads to the same file in the repository and on the site,
where this folder is the root.
"""

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
FOLDER = "docs/"
FIRST_PAGE = {"README.md": "index.md"}
PATTERNS = ("README.md", "C*.md", "SECURITY.md", "examples/**/*.*", "weaviate_migration/mapping/*.yaml")
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what the patterns find."""
    for path in (found for pattern in PATTERNS for found in sorted(REPOSITORY.glob(pattern))):
        name = _on_site(path.relative_to(REPOSITORY).as_posix())
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Makes links between files of the repository lead to the same files on the site."""
    name = page.file.src_uri
    folder = dirname(_in_repository(name))

    def linked(link: re.Match[str]) -> str:
        return relpath(_on_site(normpath(join(folder, link[1]))), dirname(name) or ".")

    return LINK.sub(linked, markdown)


def _on_site(path: str) -> str:
    """Where a file of the repository is on the site."""
    return FIRST_PAGE.get(path, path.removeprefix(FOLDER))


def _in_repository(name: str) -> str:
    """Where a page of the site is in the repository."""
    originals = {on_site: path for path, on_site in FIRST_PAGE.items()}
    path = originals.get(name, name)
    return path if (REPOSITORY / path).exists() else FOLDER + path
