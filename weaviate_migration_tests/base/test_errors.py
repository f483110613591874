"""The tree of errors: each class has a category, and no two have one name."""

import sqlite3

import pytest

from weaviate_migration.base.errors import (
    ERROR_CATEGORIES,
    CutoverTimeoutError,
    MappingError,
    MigrationError,
    ServerNotUsableError,
    SourceBusyError,
    SourceNotUsableError,
    TargetError,
    category_of,
    error_named,
)


def tree(root: type[MigrationError] = MigrationError) -> list[type[MigrationError]]:
    return [root, *(each for child in root.__subclasses__() for each in tree(child))]


@pytest.mark.parametrize("kind", tree())
def test_every_error_has_a_category_and_is_found_by_its_name(kind: type[MigrationError]) -> None:
    assert category_of(kind("what is wrong")) in ERROR_CATEGORIES
    assert error_named(kind.__name__) is kind


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (MappingError("no such column"), "configuration"),
        (SourceNotUsableError("no database"), "source"),
        (SourceBusyError("locked"), "source"),
        (ServerNotUsableError("away"), "connection"),
        (TargetError("no such class"), "refused"),
        (CutoverTimeoutError("not ready"), "timeout"),
        (sqlite3.OperationalError("nobody mapped it"), "internal"),
        (KeyboardInterrupt(), "internal"),
    ],
)
def test_category(error: BaseException, category: str) -> None:
    assert category_of(error) == category
