"""Shadow reads: SQLite's answer always comes through, at once; what Weaviate says is only recorded."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from weaviate_migration import QueryRecorder, ShadowReads, compare_reads, compare_reads_async
from weaviate_migration.mapping.query_file import parse_queries
from weaviate_migration.phases.dual_write.shadow_reads import SHADOW_READS, ReadDifference
from weaviate_migration_tests.documentation import code_blocks

Answer = TypeVar("Answer")
SECONDS = 30


class Broken:
    """An answer that cannot be compared."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("no comparison")

    __hash__ = None  # type: ignore[assignment]


def raise_(error: Exception) -> Callable[[], object]:
    def read() -> object:
        raise error

    return read


def ready(value: Answer) -> Callable[[], Awaitable[Answer]]:
    async def read() -> Answer:
        return value

    return read


@pytest.fixture
def reads() -> ShadowReads:
    return ShadowReads(time_limit=SECONDS)


def test_answers_that_are_the_same(reads: ShadowReads) -> None:
    assert compare_reads(lambda: {"id": 1}, lambda: {"id": 1}, into=reads) == {"id": 1}
    assert reads.flush(SECONDS)
    report = reads.report()
    assert (report.reads, report.same, report.different) == (1, 1, 0)
    assert report.differences == ()


def test_sqlites_answer_counts_where_they_differ(reads: ShadowReads) -> None:
    assert compare_reads(lambda: [1, 2], lambda: [1], about="tag blue", into=reads) == [1, 2]
    assert reads.flush(SECONDS)
    assert reads.report().differences == (ReadDifference("tag blue", "[1, 2]", "[1]"),)


def test_the_first_differences_are_kept_and_all_are_counted() -> None:
    reads = ShadowReads(time_limit=SECONDS, most_differences=2)
    for number in range(5):
        compare_reads(lambda number=number: number, lambda: -1, about=number, into=reads)  # type: ignore[misc]
        assert reads.flush(SECONDS)
    report = reads.report()
    assert report.different == 5
    assert [each.about for each in report.differences] == ["0", "1"]


def test_long_answers_are_cut(reads: ShadowReads) -> None:
    compare_reads(lambda: "x" * 1_000_000, lambda: "", into=reads)
    assert reads.flush(SECONDS)
    (difference,) = reads.report().differences
    assert len(difference.sql) == 1_000


def test_what_is_the_same_can_be_said(reads: ShadowReads) -> None:
    compare_reads(lambda: ["a", "b"], lambda: ["b", "a"], into=reads, same=lambda one, two: sorted(one) == sorted(two))
    assert reads.flush(SECONDS)
    assert reads.report().same == 1


@pytest.mark.parametrize(("answer", "said"), [(raise_(OSError("gone")), "OSError: gone"), (Broken, "no comparison")])
def test_an_error_of_weaviates_side_is_only_recorded(
    reads: ShadowReads, answer: Callable[[], object], said: str
) -> None:
    assert compare_reads(lambda: 1, answer, into=reads) == 1
    assert reads.flush(SECONDS)
    report = reads.report()
    assert report.failed == 1
    assert said in report.last_error
    assert report.weaviate is None


def test_an_error_of_sqlites_side_is_the_callers(reads: ShadowReads) -> None:
    with pytest.raises(LookupError):
        compare_reads(raise_(LookupError()), lambda: 1, into=reads)
    assert reads.report().reads == 0


def test_the_caller_does_not_wait_for_weaviate(reads: ShadowReads) -> None:
    answered = threading.Event()
    compare_reads(lambda: True, lambda: answered.wait(SECONDS), into=reads)
    assert reads.report().same == 0
    answered.set()
    assert reads.flush(SECONDS)
    assert reads.report().same == 1


def test_reads_beyond_the_limit_are_skipped() -> None:
    reads = ShadowReads(time_limit=SECONDS, most_at_once=2)
    answered = threading.Event()
    for _ in range(5):
        assert compare_reads(lambda: True, lambda: answered.wait(SECONDS), into=reads)
    assert not reads.flush(0)
    answered.set()
    assert reads.flush(SECONDS)
    report = reads.report()
    assert (report.reads, report.same, report.skipped) == (5, 2, 3)


def test_a_late_answer_is_not_compared() -> None:
    reads = ShadowReads(time_limit=-1)
    compare_reads(lambda: 1, lambda: 2, into=reads)
    assert reads.flush(SECONDS)
    report = reads.report()
    assert (report.late, report.different) == (1, 0)
    assert report.weaviate is not None


def test_times_are_by_nearest_rank(reads: ShadowReads) -> None:
    for milliseconds in range(100, 0, -1):
        assert reads._begin(milliseconds / 1000)
        reads._compared(2 * milliseconds / 1000, None)
        reads._end()
    report = reads.report()
    assert report.sql is not None
    assert (report.sql.p50, report.sql.p95) == (0.05, 0.095)
    assert report.to_dict()["weaviate"] == {"p50": 0.1, "p95": 0.19}


def test_many_threads_are_all_counted() -> None:
    reads = ShadowReads(time_limit=SECONDS, most_at_once=1_000)
    threads = [
        threading.Thread(target=lambda: [compare_reads(lambda: 1, lambda: 1, into=reads) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads.flush(SECONDS)
    assert (reads.report().reads, reads.report().same) == (400, 400)


def test_two_arguments_are_enough() -> None:
    before = SHADOW_READS.report().reads
    assert compare_reads(lambda: 1, lambda: 1) == 1
    assert SHADOW_READS.report().reads == before + 1


def test_coroutines_are_compared(reads: ShadowReads) -> None:
    async def application() -> None:
        assert await compare_reads_async(ready(1), ready(1), into=reads) == 1
        assert await compare_reads_async(ready(1), ready(2), about="two", into=reads) == 1
        assert await asyncio.to_thread(reads.flush, SECONDS)

    asyncio.run(application())
    assert (reads.report().same, reads.report().differences) == (1, (ReadDifference("two", "1", "2"),))


def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    reads = ShadowReads(time_limit=0.01)
    ended = []

    async def never() -> int:
        try:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        finally:
            ended.append(True)

    async def application() -> None:
        assert await compare_reads_async(ready(1), never, into=reads) == 1
        assert await asyncio.to_thread(reads.flush, SECONDS)

    asyncio.run(application())
    assert reads.report().late == 1
    assert ended == [True]


def test_an_error_of_a_coroutine_is_only_recorded(reads: ShadowReads) -> None:
    async def gone() -> int:
        raise OSError("gone")

    async def application() -> None:
        assert await compare_reads_async(ready(1), gone, into=reads) == 1
        assert await asyncio.to_thread(reads.flush, SECONDS)

    asyncio.run(application())
    assert reads.report().last_error == "OSError: gone"


def test_an_event_loop_that_ends_leaves_nothing_under_way(reads: ShadowReads) -> None:
    """Its tasks are cancelled, even before their first step."""

    async def application() -> None:
        await compare_reads_async(ready(1), ready(1), into=reads)

    asyncio.run(application())
    assert reads.flush(0)


def test_a_read_that_hangs_does_not_keep_the_process_from_ending() -> None:
    program = "import threading, weaviate_migration as w; print(w.compare_reads(lambda: 1, threading.Event().wait))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "1\n"


BEFORE = {"less_than": datetime(2026, 1, 31, tzinfo=UTC)}
NOTES = {"collection": "Note", "bm25": "green tea", "filters": {"madeOn": BEFORE}}


def test_reads_are_recorded_as_a_file_of_queries(tmp_path: Path) -> None:
    recorder = QueryRecorder(most_queries=3)
    reads = ShadowReads(time_limit=SECONDS, recorder=recorder)

    def read(about: str, answer: list[dict[str, object]], **query: object) -> None:
        def weaviate_is_away() -> list[dict[str, object]]:
            raise ConnectionError(about)

        compare_reads(
            lambda: answer,
            weaviate_is_away,
            about=about,
            into=reads,
            query={**NOTES, **query},
            keys=lambda notes: [each["id"] for each in notes],
        )
        assert reads.flush(SECONDS)

    read("tea", [{"id": 2}, {"id": 1}])
    read("tea", [{"id": 3}, {"id": 2}, {"id": 1}])
    read("tea", [{"id": "a"}, {"id": "b"}], k=1)
    read("", [{"id": 7}], filters={})
    read("x" * 1_000, [{"id": 7}], filters={})
    read("nothing found", [], k=5)
    read("one too many", [{"id": 9}], k=7)
    recorder.save(tmp_path / "queries.yaml")
    saved = parse_queries((tmp_path / "queries.yaml").read_text(encoding="utf-8"), "queries.yaml").queries
    assert saved == recorder.queries
    assert [(each.name, each.k, each.keys) for each in saved] == [
        ("tea", 10, (3, 2, 1)),
        ("tea (2)", 1, ("a",)),
        ("x" * 50, 10, (7,)),
    ]
    assert saved[0].filters["madeOn"].operators == BEFORE
    assert recorder.left_out == 1
    assert reads.report().failed == 7, "each was recorded although Weaviate is away"


def test_query_that_is_none_is_a_failure_of_the_shadow_only() -> None:
    reads = ShadowReads(time_limit=SECONDS, recorder=QueryRecorder())
    assert compare_reads(lambda: [1], lambda: [1], into=reads, query={"collection": "Note", "bm52": "tea"}) == [1]
    assert reads.flush(SECONDS)
    assert (reads.report().failed, reads.report().same) == (1, 0)
    assert "bm52" in reads.report().last_error


def test_coroutines_are_recorded_too() -> None:
    recorder = QueryRecorder()
    reads = ShadowReads(time_limit=SECONDS, recorder=recorder)

    async def read() -> None:
        await compare_reads_async(ready([1, 2]), ready([1]), into=reads, query={"collection": "Note", "bm25": "tea"})
        await asyncio.to_thread(reads.flush, SECONDS)

    asyncio.run(read())
    assert [(each.name, each.keys) for each in recorder.queries] == [("recorded", (1, 2))]
    assert reads.report().different == 1


def test_the_documented_example_runs(tmp_path: Path) -> None:
    example = code_blocks("python", "live.md")[1]
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True)
    (recorded,) = parse_queries((tmp_path / "recorded.yaml").read_text(encoding="utf-8"), "recorded.yaml").queries
    assert (recorded.name, recorded.bm25, recorded.k, recorded.keys) == ("tea", "tea", 3, (1,))
