"""Reads the documentation that comes with every Python: the docstrings of its standard library.

The sources are parsed, never imported: importing some of them has effects (`antigravity` opens a browser).
"""

import ast
import os
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.errors import MigrationError

# Tests and test programs, data in the form of a module, and 97 codecs with the same docstring.
SKIPPED_FOLDERS = frozenset(
    {"__pycache__", "test", "tests", "idle_test", "idlelib", "lib2to3", "turtledemo", "pydoc_data", "encodings"}
)

_Callable = ast.FunctionDef | ast.AsyncFunctionDef
_Documented = _Callable | ast.ClassDef


@dataclass(frozen=True)
class ObjectDocs:
    """A public function, class or method that has a docstring.

    Attributes:
        qualified_name: its name within the module, `OrderedDict.move_to_end`.
        signature: the same with its arguments, or for a class with its bases.
        docstring: without indentation.
    """

    qualified_name: str
    signature: str
    docstring: str

    @property
    def first_paragraph(self) -> str:
        """What the object does, in short."""
        return self.docstring.split("\n\n", 1)[0]


@dataclass(frozen=True)
class ModuleDocs:
    """A module with documentation: of its own, of its objects, or both.

    Attributes:
        name: dotted, as it is imported.
        relative_path: of the source, below the standard library's folder, with `/`.
        file_size: of the source, in bytes.
        docstring: the module's own; may be empty.
        objects: in the order of the source.
    """

    name: str
    relative_path: str
    file_size: int
    docstring: str
    objects: tuple[ObjectDocs, ...]

    @property
    def is_public(self) -> bool:
        """No part of the dotted name begins with an underscore."""
        return not any(part.startswith("_") for part in self.name.split("."))

    @property
    def text(self) -> str:
        """All of the documentation, paragraphs separated by blank lines."""
        parts = [self.docstring, *(f"{item.signature}\n\n{item.docstring}" for item in self.objects)]
        return "\n\n".join(part for part in parts if part)


def read_modules(library: Path | None = None) -> tuple[ModuleDocs, ...]:
    """All documented modules of the standard library, sorted by name.

    Args:
        library: the folder with the sources; by default the one of the running Python.

    Raises:
        MigrationError: the sources are not there, as in a zipped or stripped Python.
    """
    folder = library or Path(sysconfig.get_path("stdlib"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser's remarks about somebody else's sources
        modules = [module for path in _source_files(folder) if (module := _read_module(folder, path))]
    if not modules:
        raise MigrationError(
            f"The demo is made from the sources of Python's standard library, and {folder} has none.",
            hint="Use a Python that is installed with its .py files, not a zipped or stripped one.",
        )
    return tuple(sorted(modules, key=lambda module: module.name))


def _source_files(library: Path) -> Iterator[Path]:
    """Paths of the modules; folders that cannot be packages (`site-packages`) are not even entered."""
    for folder, subfolders, files in os.walk(library):
        subfolders[:] = [name for name in subfolders if name.isidentifier() and name not in SKIPPED_FOLDERS]
        for path in (Path(folder, name) for name in files):
            if path.suffix == ".py" and path.stem.isidentifier() and path.stem != "__main__":
                yield path


def _read_module(library: Path, path: Path) -> ModuleDocs | None:
    """The documentation in one file; None if there is none, or if this Python cannot parse the file."""
    source = path.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    relative = path.relative_to(library)
    docstring, objects = ast.get_docstring(tree) or "", tuple(_documented_objects(tree.body))
    if not (docstring or objects):
        return None
    return ModuleDocs(_dotted_name(relative), relative.as_posix(), len(source), docstring, objects)


def _dotted_name(relative: Path) -> str:
    """`json/decoder.py` is `json.decoder`, `json/__init__.py` is `json`."""
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _documented_objects(body: list[ast.stmt], prefix: str = "") -> Iterator[ObjectDocs]:
    """The public objects defined directly in `body`, each followed by its own members."""
    for node in body:
        if not isinstance(node, _Documented) or node.name.startswith("_"):
            continue
        name = f"{prefix}{node.name}"
        if docstring := ast.get_docstring(node):
            yield ObjectDocs(name, _signature(name, node), docstring)
        if isinstance(node, ast.ClassDef):
            yield from _documented_objects(node.body, f"{name}.")


def _signature(name: str, node: _Documented) -> str:
    """How the object is declared: `merge(*iterables, key=None)` or `class Counter(dict)`."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {name}({bases})" if bases else f"class {name}"
    return f"{name}({ast.unparse(node.args)})"
