"""The demo file is what it says: large enough, consistent, the same every time, and as awkward as real files."""

import re
import sqlite3
import statistics
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration import demo
from weaviate_migration.base.errors import ConfigurationError, MigrationError, SourceError
from weaviate_migration.demo import DemoCounts, sqlite_file, write_demo_file
from weaviate_migration.demo.contents import LONGEST_CHUNK, SHORTEST_CHUNK, cut_text
from weaviate_migration.demo.sqlite_file import TABLES
from weaviate_migration.demo.stdlib_docs import ModuleDocs, ObjectDocs, read_modules
from weaviate_migration.demo.tour import DEMO_SEARCHES, DemoSearch

MAPPED_TABLES = (
    "conversations",
    "messages",
    "documents",
    "document_chunks",
    "agent_interactions",
    "multimodal_content",
)
FEWEST_ROWS = {"documents": 200, "document_chunks": 2_000, "messages": 1_000, "conversations": 200}
TABLE_OF_COLLECTION = {"Message": "messages", "DocumentChunk": "document_chunks", "Document": "documents"}

# Each finds at least one row; `GLOB` because it tells upper from lower case.
DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
AWKWARD_ROWS = {
    "a NULL that has a default": "SELECT 1 FROM conversations WHERE title IS NULL",
    "an empty text that has a default": "SELECT 1 FROM conversations WHERE title = ''",
    "an empty text in a NOT NULL column": "SELECT 1 FROM messages WHERE content = ''",
    "an empty text where JSON is expected": "SELECT 1 FROM messages WHERE tool_calls = ''",
    "tool calls": "SELECT 1 FROM messages WHERE tool_calls LIKE '%search_docs%' AND role = 'assistant'",
    "a date with microseconds": f"SELECT 1 FROM messages WHERE created_at GLOB '{DATE} *.??????'",
    "a date without microseconds": f"SELECT 1 FROM messages WHERE created_at GLOB '{DATE} ??:??:??'",
    "a date with microseconds of zero": "SELECT 1 FROM conversations WHERE updated_at GLOB '*.000000'",
    "a date with a T": f"SELECT 1 FROM documents WHERE updated_at GLOB '{DATE}T*'",
    "a date that is missing": "SELECT 1 FROM messages WHERE created_at IS NULL",
    "a date that is none": "SELECT 1 FROM messages WHERE created_at = 'yesterday'",
    "the JSON text null": "SELECT 1 FROM documents WHERE tags = 'null' AND typeof(tags) = 'text'",
    "a JSON column that is NULL": "SELECT 1 FROM documents WHERE tags IS NULL",
    "a JSON array without blanks": """SELECT 1 FROM documents WHERE tags LIKE '%","%'""",
    "a JSON array of mixed types": "SELECT 1 FROM documents WHERE json_type(tags, '$[1]') = 'integer'",
    "a JSON member of another type": "SELECT 1 FROM agent_interactions"
    " WHERE json_type(task_metadata, '$.tools_used') = 'text'",
    "a JSON member that is null": "SELECT 1 FROM multimodal_content"
    " WHERE json_type(processing_result, '$.text') = 'null'",
    "a key that is no UUID": "SELECT 1 FROM documents WHERE id = 'doc:heapq' OR id GLOB 'doc:*'",
    "a key that is a UUID": "SELECT 1 FROM documents WHERE id GLOB '????????-????-5???-????-????????????'",
    "an integer beyond 2^53": "SELECT 1 FROM documents WHERE file_size = 9007199254740993",
    "a boolean that is neither 0 nor 1": "SELECT 1 FROM documents WHERE is_active = 2",
    "a text in an integer column": "SELECT 1 FROM agent_interactions WHERE typeof(tokens_used) = 'text'",
    "an infinite number": "SELECT 1 FROM agent_interactions WHERE execution_time_ms = 9e999",
    "a relation that is NULL": "SELECT 1 FROM agent_interactions WHERE conversation_id IS NULL",
    "a blob in an extra column": "SELECT 1 FROM multimodal_content WHERE typeof(thumbnail) = 'blob'",
    "a value in an extra column": "SELECT 1 FROM messages WHERE token_count > 0",
    "a first chunk": "SELECT 1 FROM document_chunks WHERE chunk_index = 0",
    "an emoji in a message": "SELECT 1 FROM messages WHERE instr(content, char(0x1F914))",
    "a mathematical letter in a chunk": "SELECT 1 FROM document_chunks WHERE instr(content, char(0x1D499))",
}


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoCounts]:
    path = tmp_path_factory.mktemp("demo") / "application.db"
    return path, write_demo_file(path)


@pytest.fixture
def connection(demo_file: tuple[Path, DemoCounts]) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(demo_file[0])) as opened:
        yield opened


@pytest.fixture(scope="module")
def standard_library() -> tuple[ModuleDocs, ...]:
    return read_modules()


@pytest.fixture
def small_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """One module in place of the standard library, for tests of the place where the file is written."""
    merge = ObjectDocs("merge", "merge(*iterables)", "Merge sorted inputs.")
    modules = (ModuleDocs("heapq", "heapq.py", 123, "Heaps.", (merge,)),)
    monkeypatch.setattr(sqlite_file, "read_modules", lambda: modules)


def test_only_the_named_things_are_exported() -> None:
    public = {name for name, each in vars(demo).items() if name[0] != "_" and not isinstance(each, ModuleType)}
    assert public == set(demo.__all__)


class TestContent:
    def test_counts_are_those_of_the_file(
        self, demo_file: tuple[Path, DemoCounts], connection: sqlite3.Connection
    ) -> None:
        found = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        assert asdict(demo_file[1]) == found

    def test_there_are_enough_rows(self, demo_file: tuple[Path, DemoCounts]) -> None:
        counts = asdict(demo_file[1])
        assert all(counts.values())
        assert {table: counts[table] for table, fewest in FEWEST_ROWS.items() if counts[table] < fewest} == {}

    def test_file_has_just_these_tables(self, connection: sqlite3.Connection) -> None:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert names == {*MAPPED_TABLES, "users", "alembic_version", "search_queries"}

    def test_every_offset_is_true(self, connection: sqlite3.Connection) -> None:
        contents = dict(connection.execute("SELECT id, content FROM documents"))
        chunks = connection.execute("SELECT document_id, start_position, end_position, content FROM document_chunks")
        assert [row for row in chunks if contents[row[0]][row[1] : row[2]] != row[3]] == []

    def test_offsets_agree_with_sqlites_own_counting(self, connection: sqlite3.Connection) -> None:
        wrong = connection.execute(
            "SELECT c.id FROM document_chunks c JOIN documents d ON d.id = c.document_id WHERE c.content"
            " IS NOT substr(d.content, c.start_position + 1, c.chunk_size)"
        )
        assert wrong.fetchall() == []

    def test_chunks_are_numbered_from_zero(self, connection: sqlite3.Connection) -> None:
        wrong = connection.execute(
            "SELECT document_id FROM document_chunks GROUP BY document_id"
            " HAVING min(chunk_index) <> 0 OR max(chunk_index) <> count(*) - 1"
        )
        assert wrong.fetchall() == []

    def test_every_document_has_chunks(self, connection: sqlite3.Connection) -> None:
        query = "SELECT id FROM documents WHERE id NOT IN (SELECT document_id FROM document_chunks)"
        assert connection.execute(query).fetchall() == []

    def test_chunks_are_neither_long_nor_scraps(self, connection: sqlite3.Connection) -> None:
        sizes = [size for (size,) in connection.execute("SELECT chunk_size FROM document_chunks")]
        assert max(sizes) <= LONGEST_CHUNK
        assert statistics.median(sizes) >= SHORTEST_CHUNK

    def test_foreign_keys_hold(self, connection: sqlite3.Connection) -> None:
        declared = {table for table in TABLES if connection.execute(f"PRAGMA foreign_key_list({table})").fetchall()}
        assert declared == {*MAPPED_TABLES, "search_queries"} - {"conversations"}
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    def test_file_is_sound(self, connection: sqlite3.Connection) -> None:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    @pytest.mark.parametrize("table", MAPPED_TABLES)
    def test_every_key_is_a_text(self, connection: sqlite3.Connection, table: str) -> None:
        wrong = connection.execute(f"SELECT id FROM {table} WHERE typeof(id) <> 'text' OR id = ''")
        assert wrong.fetchall() == []

    @pytest.mark.parametrize("table", MAPPED_TABLES)
    def test_no_row_is_larger_than_a_megabyte(self, connection: sqlite3.Connection, table: str) -> None:
        largest = max(
            sum(len(str(value).encode()) for value in row) for row in connection.execute(f"SELECT * FROM {table}")
        )
        assert largest < 1_000_000

    def test_messages_follow_each_other(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT conversation_id, created_at FROM messages WHERE created_at LIKE '2%'")
        assert all(before[1] < after[1] for before, after in pairwise(rows) if before[0] == after[0])

    def test_dates_spread_over_a_year(self, connection: sqlite3.Connection) -> None:
        months = connection.execute("SELECT DISTINCT substr(created_at, 1, 7) FROM conversations").fetchall()
        assert len(months) >= 12


class TestAwkwardParts:
    @pytest.mark.parametrize("query", AWKWARD_ROWS.values(), ids=AWKWARD_ROWS.keys())
    def test_there_is(self, connection: sqlite3.Connection, query: str) -> None:
        assert connection.execute(query).fetchone() == (1,)

    def test_one_mapped_column_is_missing(self, connection: sqlite3.Connection) -> None:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(conversations)")}
        assert columns == {"id", "title", "created_at", "updated_at", "is_active"}

    @pytest.mark.parametrize("table", MAPPED_TABLES)
    def test_keys_are_declared_as_sqlalchemy_does(self, connection: sqlite3.Connection, table: str) -> None:
        _, name, declared, not_null, _, in_key = connection.execute(f"PRAGMA table_info({table})").fetchone()
        assert (name, declared, not_null, in_key) == ("id", "VARCHAR", 1, 1)


class TestSearches:
    @pytest.mark.parametrize("search", DEMO_SEARCHES, ids=lambda search: search.query)
    def test_every_word_occurs_together_in_some_row(self, connection: sqlite3.Connection, search: DemoSearch) -> None:
        words = search.query.split()
        condition = " AND ".join(f"{search.property_name} LIKE '%' || ? || '%'" for _ in words)
        table = TABLE_OF_COLLECTION[search.collection]
        assert connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}", words).fetchone()[0] > 0


class TestPlace:
    def test_two_files_are_equal(self, demo_file: tuple[Path, DemoCounts], tmp_path: Path) -> None:
        assert write_demo_file(tmp_path / "again.db") == demo_file[1]
        assert _dump(tmp_path / "again.db") == _dump(demo_file[0])

    @pytest.mark.usefixtures("small_library")
    def test_file_is_closed_and_in_wal_mode(self, tmp_path: Path) -> None:
        write_demo_file(tmp_path / "demo.db")
        assert [path.name for path in tmp_path.iterdir()] == ["demo.db"]
        with closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    @pytest.mark.usefixtures("small_library")
    def test_replacing_must_be_allowed(self, tmp_path: Path) -> None:
        path = tmp_path / "demo.db"
        write_demo_file(path)
        before = path.read_bytes()
        with pytest.raises(ConfigurationError, match="exists already"):
            write_demo_file(path)
        assert path.read_bytes() == before

    @pytest.mark.usefixtures("small_library")
    def test_demo_file_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "demo.db"
        counts = write_demo_file(path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM messages")
        assert write_demo_file(path, replace=True) == counts
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM messages").fetchone() == (counts.messages,)

    @pytest.mark.usefixtures("small_library")
    def test_reader_may_have_left_its_index_behind(self, tmp_path: Path) -> None:
        path = tmp_path / "demo.db"
        write_demo_file(path)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
            reader.execute("SELECT count(*) FROM messages").fetchone()
        write_demo_file(path, replace=True)
        assert [left.name for left in tmp_path.iterdir()] == ["demo.db"]

    @pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\0" * 100, b"somebody's letter"])
    def test_another_file_is_never_replaced(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "other.db"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="no demo file"):
            write_demo_file(path, replace=True)
        assert path.read_bytes() == content

    def test_folder_is_never_replaced(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="no demo file"):
            write_demo_file(tmp_path, replace=True)

    def test_link_is_never_replaced(self, tmp_path: Path) -> None:
        link = tmp_path / "link.db"
        link.symlink_to(tmp_path / "nowhere.db")
        with pytest.raises(ConfigurationError, match="no demo file"):
            write_demo_file(link, replace=True)

    @pytest.mark.usefixtures("small_library")
    def test_file_in_use_is_not_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "demo.db"
        write_demo_file(path)
        with closing(sqlite3.connect(path)) as application:
            with application:
                application.execute("DELETE FROM search_queries")
            with pytest.raises(ConfigurationError, match="journal with changes"):
                write_demo_file(path, replace=True)

    @pytest.mark.usefixtures("small_library")
    def test_folder_must_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be made"):
            write_demo_file(tmp_path / "missing" / "demo.db")

    @pytest.mark.usefixtures("small_library")
    def test_failure_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "script", lambda _name: "UPDATE no_such_table SET x = 1;")
        with pytest.raises(SourceError, match="no_such_table"):
            write_demo_file(tmp_path / "demo.db")
        assert list(tmp_path.iterdir()) == []


class TestCutText:
    @given(st.lists(st.sampled_from(["word", "two🧮", " ", "\n", "\n\n", "x" * 300])).map("".join))
    def test_pieces_leave_out_only_blanks(self, text: str) -> None:
        pieces = list(cut_text(text))
        edges = [0, *(position for piece in pieces for position in piece), len(text)]
        assert edges == sorted(edges)
        assert "".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)).strip() == ""
        assert all(0 < end - start <= LONGEST_CHUNK for start, end in pieces)

    def test_ends_at_the_first_paragraph_that_is_long_enough(self) -> None:
        text = "a" * 300 + "\n\n" + "b" * 300 + "\n\n" + "c" * 300
        assert list(cut_text(text)) == [(0, 602), (604, 904)]

    def test_ends_at_a_line_where_there_is_no_paragraph(self) -> None:
        assert list(cut_text("a" * 500 + "\n" + "b b" * 200)) == [(0, 500), (501, 1101)]

    def test_cuts_words_only_as_a_last_resort(self) -> None:
        assert list(cut_text("🧮" * 1_000)) == [(0, LONGEST_CHUNK), (LONGEST_CHUNK, 1_000)]


class TestReadModules:
    def test_standard_library_has_hundreds_in_order(self, standard_library: tuple[ModuleDocs, ...]) -> None:
        names = [module.name for module in standard_library]
        assert len(names) >= 200
        assert names == sorted(set(names))

    def test_nothing_of_tests_or_installed_packages(self, standard_library: tuple[ModuleDocs, ...]) -> None:
        unwanted = re.compile(r"(^|\.)(tests?|idlelib|lib2to3|turtledemo|pip|pytest)(\.|$)")
        assert [module.name for module in standard_library if unwanted.search(module.name)] == []

    def test_modules_are_not_imported(self, tmp_path: Path) -> None:
        _write(tmp_path / "explosive.py", '"""Docs."""\nraise SystemExit')
        assert [module.name for module in read_modules(tmp_path)] == ["explosive"]

    def test_known_function_is_complete(self, standard_library: tuple[ModuleDocs, ...]) -> None:
        heapq = next(module for module in standard_library if module.name == "heapq")
        merge = next(item for item in heapq.objects if item.qualified_name == "merge")
        assert merge.signature == "merge(*iterables, key=None, reverse=False)"
        assert merge.first_paragraph == "Merge multiple sorted inputs into a single sorted output."
        assert heapq.relative_path == "heapq.py"
        assert heapq.text.startswith(heapq.docstring)

    def test_names_signatures_and_order(self, tmp_path: Path) -> None:
        source = '''"""Shapes 🔷."""
class Shape(Base):
    """A shape."""
    async def draw(self, *, scale: float = 1.0) -> None:
        """Draw it."""
    def _hidden(self):
        """Not public."""
def area(): pass
'''
        _write(tmp_path / "shapes" / "__init__.py", source)
        assert read_modules(tmp_path) == (
            ModuleDocs(
                name="shapes",
                relative_path="shapes/__init__.py",
                file_size=len(source.encode()),
                docstring="Shapes 🔷.",
                objects=(
                    ObjectDocs("Shape", "class Shape(Base)", "A shape."),
                    ObjectDocs("Shape.draw", "Shape.draw(self, *, scale: float=1.0)", "Draw it."),
                ),
            ),
        )

    @pytest.mark.parametrize(
        ("path", "source"),
        [
            ("test/case.py", '"""A test."""'),
            ("site-packages/installed.py", '"""Installed."""'),
            ("json/__main__.py", '"""A command."""'),
            ("silent.py", "x = 1"),
            ("broken.py", '"""Docs."""\ndef ('),
            ("binary.py", '"""A NUL: \0."""'),
            ("readme.txt", '"""No Python."""'),
        ],
    )
    def test_left_out(self, tmp_path: Path, path: str, source: str) -> None:
        _write(tmp_path / "kept.py", '"""Kept, in spite of its invalid escape: \\d."""')
        _write(tmp_path / path, source)
        assert [module.name for module in read_modules(tmp_path)] == ["kept"]

    @pytest.mark.parametrize(("name", "public"), [("heapq", True), ("_pyio", False), ("importlib._bootstrap", False)])
    def test_public_names(self, name: str, public: bool) -> None:
        assert ModuleDocs(name, "", 0, "", ()).is_public is public

    def test_python_without_sources_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(MigrationError, match=re.escape(str(tmp_path))) as raised:
            read_modules(tmp_path)
        assert ".py files" in raised.value.hint

    def test_zipped_library_has_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(MigrationError, match="has none"):
            read_modules(tmp_path / "python313.zip")


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def _write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
