"""What columns become, as the files of many applications declare and fill them."""

import hashlib
import os
import re
import subprocess
import sys
from itertools import cycle, islice
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from weaviate_migration.mapping.values import SqlValue
from weaviate_migration_tests.phases.preflight.inference.guessing import guess_of, told

PROSE = ["The first note of all", "Another one, a little longer than it", "A third, and the last for today"]
JAPANESE = "これは日本語で書かれた長い文章です。単語の間に空白はありません。だから語の数は分からないのです。"


def repeated(*values: SqlValue, rows: int = 40) -> list[SqlValue]:
    """These values one after the other, again and again."""
    return list(islice(cycle(values), rows))


def becomes(declaration: str, values: list[SqlValue], found: str) -> object:
    return pytest.param(declaration, values, found, id=f"{declaration}: {found}")


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("title TEXT", [*PROSE], "text words"),
        becomes("role VARCHAR(50)", repeated("user", "assistant"), "text whole"),
        becomes("state TEXT", repeated("in progress", "not begun", None), "text whole"),
        becomes("body TEXT", repeated("ok", "word " * 500), "text words"),
        becomes("city TEXT", [f"New City {number}" for number in range(30)], "text words"),
        becomes("email TEXT", [f"person{number}@example.org" for number in range(30)], "text whole"),
        becomes("url TEXT", [f"https://example.org/{'x' * 300}/{number}" for number in range(30)], "text whole"),
        becomes("path TEXT", [f"/data/{'x' * 1200}/{number}" for number in range(30)], "text words"),
        becomes("page TEXT", ["<p>" + "word " * 9000], "text stored"),
        becomes("sizes TEXT", [f"[{'1, ' * 700_000}1]"], "text stored"),
        becomes("body TEXT", [JAPANESE] * 2, "text words"),
        becomes("note TEXT", ["", " ", None], "text words"),
        becomes("note VARCHAR(9)", ["", ""], "text whole"),
        becomes("note JSON", [""], "text stored"),
        becomes("zip TEXT", ["01234", "99999", "00501"], "text whole"),
        becomes("phone", ["030123456", "0301234567"], "text whole"),
        becomes("version TEXT", ["1.0", "1.10", "2.0"], "text whole"),
        becomes("settings JSON", ['{"a": 1}', '{"b": [2]}', "{}"], "text stored"),
        becomes("settings TEXT", ['{"a": 1}', "[null]", "[]", ""], "text stored"),
        becomes("tags TEXT", ['["red", "green"]', "[]", '["blue"]'], "text[] whole"),
        becomes("tags JSON", ["[]", "[]"], "text[] whole"),
        becomes("pages JSON", ['["' + "word " * 300 + '"]'], "text[] words"),
        becomes("log TEXT", ["[info] begun", "[info] ended"], "text words"),
    ],
)  # fmt: skip
def test_texts(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("age INTEGER", [1, 2, 3, None], "int"),
        becomes("price REAL", [1.0, 2.0], "number"),
        becomes("price FLOAT", [1.5, None], "number"),  # sqlite-utils
        becomes("price NUMERIC(10,2)", [1.25, 2, 3], "number"),
        becomes("code INTEGER", [1, 2, 3, "A"], "int"),
        becomes("code TEXT", ["A", "B", "C", 4], "text whole"),
        becomes("snowflake INTEGER", [1_186_000_000_000_000_001, 1_186_000_000_000_000_002], "nothing"),
        becomes("mostly_small INTEGER", [1, 2, 1_186_000_000_000_000_002], "int"),
        becomes("mixed", [1, 2, "a", "b", b"c", b"d"], "nothing"),
        becomes("infinite REAL", [float("inf"), float("-inf")], "nothing"),
        becomes("data BLOB", [b"a", b"b"], "nothing"),
        becomes("data BLOB", [1, 2, b"b"], "int"),
        becomes("broken TEXT", ["\udcff", "\udcfe"], "nothing"),
    ],
)
def test_numbers_and_mixed_values(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("done BOOLEAN", [0, 1, None], "boolean"),
        becomes("done bool", [0, 0], "boolean"),
        becomes("done tinyint(1)", [1, 0], "boolean"),
        becomes("done BIT", [1, 0], "boolean"),
        becomes("is_active INTEGER", [1, 0], "boolean"),
        becomes("IsActive INTEGER", [1, 1], "boolean"),
        becomes("hasAttachments", [0, 1], "boolean"),
        becomes("EmailConfirmed INTEGER", [0, 1], "boolean"),
        becomes("level INTEGER", [0, 1], "int"),
        becomes("island INTEGER", [0, 1], "int"),
        becomes("is_rank INTEGER", [0, 1, 2, 3], "int"),
        becomes("done BOOLEAN", [0, 1, 2, 3, 4], "int"),
        becomes("done BOOLEAN", [0, 1, 1, 1, -1], "boolean"),
        becomes("amount TINYINT(4)", [0, 1], "int"),
    ],
)
def test_booleans(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("created_at datetime(6)", ["2026-01-02 03:04:05.123456"], "date"),  # Rails, Django, SQLAlchemy
        becomes("Created TEXT", ["2024-02-29 12:34:56.1234567", "0001-01-01 00:00:00"], "date"),  # EF Core
        becomes("Sent TEXT", ["2024-03-31 02:30:00+02:00", None], "date"),  # EF Core, DateTimeOffset
        becomes("created_at datetime", ["2024-01-02 03:04:05.123456789+02:00"], "date"),  # Go, mattn
        becomes("createdAt DATETIME", [1_700_000_000_000, 1_700_000_000_001], "date epoch_milliseconds"),  # Prisma
        becomes("created timestamp", [1_700_000_000_000], "date epoch_milliseconds"),  # Hibernate
        becomes("time INTEGER", [1_700_000_000], "date epoch_seconds"),
        becomes("created REAL", [1_700_000_000.25, 1_700_000_000.5], "date epoch_seconds"),  # Python's time.time()
        becomes("deleted_at INTEGER", [0, 1_700_000_000, 1_700_000_005], "date epoch_seconds"),
        becomes("deleted_at INTEGER", [0, 0, 0, 1_700_000_005], "int"),
        becomes("deleted_at INTEGER", [0, 0], "int"),
        becomes("expires INTEGER", [1_700_000_000, 9_999_999_999_999], "int"),
        becomes("seen DATETIME", ["2024-01-02", "yesterday", "2024-01-03"], "date"),
        becomes("seen TEXT", ["2024-01-02", "yesterday", "2024-01-03"], "text whole"),
        becomes("seen TEXT", ["2024-01-02", "", "2024-01-03"], "date"),
        becomes("seen TEXT", ["2024-01-02", "", "", ""], "text whole"),
        becomes("amount INTEGER", [1_700_000_000, 1_700_000_001], "int"),
        becomes("execution_time INTEGER", [12, 1300, 7], "int"),
        becomes("birthday DATE", ["1815-12-10", "1912-06-23"], "date"),
        becomes("Duration TEXT", ["00:01:30", "1.02:03:04.5000000"], "text whole"),  # EF Core, TimeSpan
        becomes("creation_utc INTEGER", [13_350_000_000_000_000], "nothing"),  # Chrome
        becomes("mtime REAL", [2_460_310.5], "number"),  # Fossil's Julian days
    ],
)
def test_dates(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("active boolean", ["t", "f", "t"], "boolean {true: t, false: f}"),  # Rails, until 5.2
        becomes("active boolean", ["t", "f", 1, 0], "boolean {true: t 1, false: f 0}"),  # Rails, later
        becomes("active boolean", ["t", "t"], "boolean {true: t, false: f}"),
        becomes("active BOOLEAN", ["FALSE", None], "boolean {true: TRUE, false: FALSE}"),
        becomes("is_new VARCHAR(5)", ["True", "False", ""], "boolean {true: True, false: False}"),
        becomes("is_new TEXT", ["1", "0", "1"], "boolean {true: 1, false: 0}"),
        becomes("paid TEXT", ["true", "false", "TRUE", "true"], "boolean {true: true TRUE, false: false}"),
        becomes("open CHAR(1)", ["Y", "N", "N"], "boolean {true: Y, false: N}"),  # Java and Hibernate
        becomes("open TEXT", ["yes", "no"], "boolean {true: yes, false: no}"),
        becomes("Paid INTEGER", [0, 1], "boolean"),  # EF Core
        becomes("base TEXT", ["t", "f"], "text whole"),
        becomes("switch TEXT", ["on", "off"], "text whole"),
        becomes("digit TEXT", ["1", "0"], "text whole"),
        becomes("answer TEXT", ["yes", "yes"], "text whole"),
        becomes("answer TEXT", ["yes", "no", "maybe"], "text whole"),
        becomes("is_new TEXT", ["new", "old", "true"], "text whole"),
        becomes("active boolean", ["t", "f", "t", "unknown"], "boolean {true: t, false: f}"),
    ],
)
def test_booleans_as_text(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("last_visit_date INTEGER", [1_700_000_000_000_000], "date epoch_microseconds"),  # Firefox
        becomes("dateAdded INTEGER", [1_700_000_000_000_000], "date epoch_microseconds"),
        becomes("expiry INTEGER", [1_700_000_000], "date epoch_seconds"),
        becomes("created_at INTEGER", [1_700_000_000_123_456_789], "date epoch_nanoseconds"),  # Go's UnixNano
        becomes("ZCREATIONDATE TIMESTAMP", [700_000_000.25, 1.0], "date apple"),  # Core Data
        becomes("ZBIRTHDAY TIMESTAMP", [700_000_000, 7, 0], "date apple"),
        becomes("ZPINNED INTEGER", [0, 1], "boolean"),
        becomes("ZDURATION FLOAT", [700_000_000.25], "number"),
        becomes("visit_time REAL", [700_000_000.25, 600_000_000.75], "date apple"),  # Safari
        becomes("date INTEGER", [700_000_000, 600_000_000], "int"),
        becomes("date INTEGER", [700_000_000_000_000_000], "nothing"),  # Messages of Apple
        becomes("created_at", ["2024-01-02 03:04:05 +0000 UTC"], "date"),  # Go, modernc
        becomes("created_at", ["2024-01-02 03:04:05 -0700"], "date"),  # Ruby
        becomes("created_at TEXT", ["20240102T030405Z"], "date"),
        becomes("day TEXT", ["20240102", "20240103"], "text whole"),
        becomes("date TEXT", ["20240102", "20240103"], "date"),
        becomes("day TEXT", ["13/02/2024", "01/02/2024"], "date %d/%m/%Y"),
        becomes("day TEXT", ["02/13/2024", "01/02/2024"], "date %m/%d/%Y"),
        becomes("day TEXT", ["02/12/2024", "01/02/2024"], "text whole"),
        becomes("day TEXT", ["1/13/2024 4:05 PM", "1/2/2024 12:00 AM"], "date %m/%d/%Y %I:%M %p"),
        becomes("day TEXT", ["13-02-2024 04:05", "01-02-2024 14:05"], "date %d-%m-%Y %H:%M"),
        becomes("day TEXT", ["13/02/2024", "02/13/2024", "01/02/2024"], "text whole"),
        becomes("day TEXT", ["01.02.2024", "3.4.2024"], "date %d.%m.%Y"),
        becomes("day TEXT", ["2024/02/01", "2024/3/4"], "date %Y/%m/%d"),
        becomes("day TEXT", ["2024.02.01 04:05:06"], "date %Y.%m.%d %H:%M:%S"),
        becomes("day TEXT", ["1 Feb 2024", "13 Mar 2024"], "date %d %b %Y"),
        becomes("day TEXT", ["February 1, 2024", "May 13, 2024"], "date %B %d, %Y"),
        becomes("sent TEXT", ["Thu, 01 Feb 2024 04:05:06 +0100"], "date %a, %d %b %Y %H:%M:%S %z"),
        becomes("modified TEXT", ["Thu, 01 Feb 2024 04:05:06 GMT"], "date %a, %d %b %Y %H:%M:%S GMT"),
        becomes("at TEXT", ["Thu Feb  1 04:05:06 2024"], "date %a %b %d %H:%M:%S %Y"),
        becomes("at TEXT", ["Thu Feb 01 04:05:06 +0000 2024"], "date %a %b %d %H:%M:%S %z %Y"),
        becomes("score TEXT", ["1/2", "3/4"], "text whole"),
        becomes("address TEXT", ["10.0.2.2024", "10.0.0.1"], "text whole"),
    ],
)
def test_dates_of_many_spellings(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("Total TEXT", ["19.95", "-0.10", "79228162514264337593543950335", "1.0"], "number text"),  # EF Core
        becomes("price TEXT", ["19.95", "0.10", ""], "number text"),
        becomes("price TEXT", ["12.50", "0.99", "1e3", "7"], "number text"),
        becomes("amount DECIMAL_TEXT(9)", ["0.5", "7", "1e3"], "number text"),
        becomes("version TEXT", ["1.0", "1.10"], "text whole"),
        becomes("total TEXT", ["1", "2"], "text whole"),
        becomes("total TEXT", ["1.5", "n/a", "n/a"], "text whole"),
    ],
)
def test_numbers_as_text(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


UUIDS = [uuid5(NAMESPACE_OID, str(number)) for number in range(20)]
SEQUENTIAL = [UUID(int=(number << 96) + 0x1234_4234_9234_000000000000) for number in range(20)]
HASHES = [hashlib.md5(str(number).encode()) for number in range(20)]


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("user TEXT", [str(each) for each in UUIDS], "uuid"),
        becomes("Id TEXT", [str(each).upper() for each in UUIDS], "uuid"),  # EF Core
        becomes("id char(32)", [each.hex for each in UUIDS], "uuid"),  # Django
        becomes("id BLOB", [each.bytes for each in UUIDS], "uuid"),
        becomes("Id BLOB", [each.bytes_le for each in UUIDS], "nothing"),  # .NET
        becomes("Id BLOB", [each.bytes_le for each in SEQUENTIAL], "nothing"),  # of SQL Server
        becomes("user TEXT", [str(UUIDS[0]), None], "uuid"),
        becomes("user TEXT", [UUIDS[0].hex], "text whole"),
        becomes("uuid TEXT", [UUIDS[0].hex], "uuid"),
        becomes("sequel_of_id char(32)", [UUIDS[0].hex, None], "uuid"),
        becomes("user UUID", [UUIDS[0].bytes], "uuid"),
        becomes("user BLOB", [UUIDS[0].bytes], "nothing"),
        becomes("digest TEXT", [each.hexdigest() for each in HASHES], "text whole"),
        becomes("digest BLOB", [each.digest() for each in HASHES], "nothing"),
        becomes("user TEXT", [*map(str, UUIDS[:2]), *["admin"] * 3], "text whole"),
    ],
)
def test_uuids(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("sizes TEXT", ["[1, 2]", "[]", "[3]"], "int[]"),
        becomes("sizes TEXT", ["[1, 2]", "[2.5]"], "number[]"),
        becomes("sizes TEXT", ["[1.0, 2.0]", "[]"], "number[]"),
        becomes("sizes TEXT", ["[1, 2, 3, 4, 5, 6, 7, 8]"] * 9, "int[]"),
        becomes("sizes TEXT", ["[1.5, 2]"] * 9, "number[]"),
        becomes("flags TEXT", ["[true, false]", "[]"], "boolean[]"),
        becomes("flags TEXT", ["[0, 1]"], "int[]"),
        becomes("days JSON", ['["2024-01-02", "2024-01-03 04:05:06"]', "[]"], "date[]"),
        becomes("days JSON", ['["2024-01-02"]', '["yesterday"]'], "text[] whole"),
        becomes("mixed JSON", ['["a", 1]', '[1, "a"]'], "text stored"),
        becomes("nested JSON", ["[[1]]", "[[2]]"], "text stored"),
        becomes("large JSON", ["[9007199254740993]"], "text stored"),
        becomes("tags JSON", ['["a"]', '{"a": 1}', '["b"]'], "text[] whole"),
        becomes("tags TEXT", ['["a"]', "null", '["b"]'], "text whole"),
    ],
)
def test_arrays(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "found"),
    [
        ("a BOOLEAN", "boolean"),
        ("a tinyint(1)", "boolean"),
        ("a INTEGER", "int"),
        ("a UNSIGNED BIG INT", "int"),
        ("a DATETIME", "date"),
        ("a TIME", "text whole"),
        ("a POINT", "text whole"),
        ("a INTERVAL", "text whole"),
        ("a timestamp with time zone", "date"),
        ("a uniqueidentifier", "uuid"),
        ("a REAL", "number"),
        ("a DOUBLE PRECISION", "number"),
        ("a DECIMAL(10,5)", "number"),
        ("a VARCHAR(20)", "text whole"),
        ("a TEXT", "text words"),
        ("a CLOB", "text words"),
        ("a JSON", "text stored"),
        ("a", "text whole"),
        ("a BLOB", "nothing"),
        ("a FLOAT[384]", "nothing"),
        ("a F32_BLOB(384)", "nothing"),
    ],
)
@pytest.mark.parametrize("values", [[], [None, None]], ids=["no row", "only NULL"])
def test_a_column_without_values_goes_by_its_declaration(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "found"),
    [
        becomes("id INTEGER", [1_700_000_000_000, 1_700_000_000_001], "int"),  # Anki: milliseconds that are keys
        becomes("created_at INTEGER", [1_700_000_000, 1_700_000_001], "int"),
        becomes("is_first INTEGER", [0, 1], "int"),
        becomes("id TEXT", ["a b c d", "a b c e", "b c d e"], "text whole"),
        becomes("day TEXT", ["2024-01-02", "2024-01-03"], "text whole"),
        becomes("id TEXT", ["x" * 2000], "text stored"),
        becomes("weight REAL", [0.5, 1.5], "number"),
        becomes("id BLOB", [bytes(range(16))], "nothing"),
        becomes("id", [], "text whole"),
    ],
)
def test_keys_stay_what_they_are(declaration: str, values: list[SqlValue], found: str) -> None:
    assert told(guess_of(declaration, values, is_key=True)) == found


@pytest.mark.parametrize(
    ("declaration", "values", "reason"),
    [
        (
            "role TEXT",
            repeated("user", "assistant", rows=1204),
            "2 different values in 1,204 rows, 9 characters at most",
        ),
        ("title TEXT", [*PROSE], "all 3 texts of several words, 29 characters on average"),
        ("a INTEGER", [5, 1204], "integers from 5 to 1,204"),
        ("a INTEGER", [5, 7, "x"], "integers from 5 to 7; 1 of 3 values does not fit"),
        ("a TEXT", ["", ""], "2 empty texts"),
        ("a INTEGER", [None], "no value in 1 row, declared INTEGER"),
        ("a INTEGER", [1_700_000_000] * 2, "always 1,700,000,000; could be seconds since 1970"),
        ("at INTEGER", [1_700_000_000, 0, 1_700_000_000], "seconds since 1970; outside of 2000 to 2100: 1 of 3 values"),
        ("a boolean", ["t", "f", "t"], "declared boolean, all 3 values t or f"),
        ("a TEXT", ["[]x"], "single words, 3 characters at most"),
        ("seen DATETIME", ["2024-01-02", "x", "2024-01-02"], "2 of 3 values dates as text; 1 of 3 values does not fit"),
        (
            "creation_utc INTEGER",
            [13_350_000_000_000_000],
            "always 13,350,000,000,000,000, most of them beyond what Weaviate holds exactly; could be microseconds "
            "since 1601, as Chrome writes them, which no date_format reads",
        ),
        ("a BLOB", [b"abc", b"abc", b"d"], "3 blobs: 2 of 3 bytes, 1 of 1"),
    ],
)
def test_the_reason_has_the_figures(declaration: str, values: list[SqlValue], reason: str) -> None:
    assert guess_of(declaration, values).reason == reason


def test_a_reason_is_one_line() -> None:
    assert not re.search(r"\s{2}|\n", guess_of("a\nb\n  INTEGER", [None]).reason)


OTHER_LANGUAGE = """
from datetime import datetime
from weaviate_migration.mapping import date_patterns

class German(datetime):
    def strftime(self, form: str) -> str:
        return super().strftime(form).replace("Jan", "Jän")

date_patterns._ANY_TIME = German(2026, 1, 2, 15)
from weaviate_migration_tests.phases.preflight.inference.guessing import guess_of, told
print(told(guess_of("day TEXT", ["1 Feb 2024"])), told(guess_of("day TEXT", ["1.2.2024"])), sep=", ")
"""


def test_a_process_with_another_language_reads_dates_without_names() -> None:
    """As where an application has set LC_TIME before it imports us; a locale may not be installed."""
    ended = subprocess.run(
        [sys.executable, "-c", OTHER_LANGUAGE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ended.stdout == "text words, date %d.%m.%Y\n"
