"""The closing summary fits the terminal, whatever there is to say, and what to do next is always on it."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from weaviate_migration.api.outcome import CollectionResult, MigrationResult
from weaviate_migration.cli.show.summary import show_result

TABLES = ("conversations", "messages", "documents", "document_chunks", "agent_interactions", "multimodal_content")
ALIASES = ("Conversation", "Message", "Document", "DocumentChunk", "AgentInteraction", "MultiModalContent")
BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
NEXT = (
    "The aliases are not moved, and migration 20260102T000000 stays unfinished. Once the cause in Weaviate is gone, "
    "the same command goes on with it, and with its snapshot; after a change to the source or the mapping, begin "
    "again: `weaviate-migration rollback --discard`."
)
LONG = (
    "Message: rows were refused, with key, reason and payload in /work/quarantine/Message.*.jsonl; " + "first a; " * 40
)


def result(exit_code: int, errors: Sequence[str] = (), warnings: Sequence[str] = ()) -> MigrationResult:
    return MigrationResult(
        success=exit_code == 0,
        exit_code=exit_code,
        started_at=BEGAN,
        completed_at=BEGAN + timedelta(seconds=61),
        migration_id="20260102T000000",
        total_records=6_000_000,
        migrated_records=5_999_998,
        errors=errors,
        warnings=warnings,
        phases={"connect": 7.1, "audit": 0.3, "schema": 1.2, "snapshot": 0.2, "extract": 12.0, "load": 42.0},
        collections={
            alias: CollectionResult(alias, f"{alias}_1", table, 1_000_000, 999_999, 1)
            for alias, table in zip(ALIASES, TABLES, strict=True)
        },
        next_step=NEXT,
    )


def shown(found: MigrationResult, *, width: int = 80, height: int = 24, terminal: bool = True) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, height=height, force_terminal=terminal, color_system=None)
    show_result(found, console)
    return file.getvalue().splitlines()


@pytest.mark.parametrize(("errors", "warnings"), [(0, 0), (1, 0), (0, 1), (3, 6), (30, 30)])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 24)])
def test_it_fits_and_says_what_is_next(errors: int, warnings: int, width: int, height: int) -> None:
    lines = shown(result(3, [LONG] * errors, ["a warning"] * warnings), width=width, height=height)
    assert len(lines) < height, lines
    assert max(map(cell_len, lines)) <= width
    assert " ".join(" ".join(lines).split()).endswith(NEXT)
    assert [alias for alias in ALIASES if not any(alias in line for line in lines)] == []
    assert sum("1,000,000" in line and "999,999" in line for line in lines) == len(ALIASES), "no figure is cut off"
    assert sum(line.startswith("error: Message: rows were refused") for line in lines) >= min(errors, 1)


def test_what_is_left_out_is_counted() -> None:
    lines = shown(result(3, ["short"] * 4, ["a warning"] * 30))
    told = sum(line.startswith(("error: ", "warning: ")) for line in lines)
    assert f"… and {34 - told} more; --json has all in full." in lines


def test_in_a_file_all_stands_in_full() -> None:
    lines = shown(result(3, [LONG], ["a warning"] * 30), terminal=False)
    assert f"error: {LONG}" in lines
    assert lines.count("warning: a warning") == 30
    assert lines[-1] == NEXT


def test_a_failure_before_anything_was_made() -> None:
    failed = MigrationResult(success=False, exit_code=2, errors=["There is no file app.db. Give another --sqlite-url."])
    assert shown(failed) == ["error: There is no file app.db. Give another --sqlite-url."]
