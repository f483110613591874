import pytest

from weaviate_migration.phases.preflight.audit import KeyReport, OrphanReport, SourceAudit, TableReport, verdict


def table(rows: int = 10, null: int = 0, duplicate: int = 0, too_large: int = 0, orphans: int = 0) -> TableReport:
    return TableReport(
        table="notes",
        collection="Note",
        exists=True,
        rows=rows,
        key=KeyReport(("id",), False, null, ("rowid 1",), duplicate, ("a",)),
        too_large=too_large,
        too_large_examples=("b",),
        refused=null + duplicate + too_large,
        orphans=(OrphanReport("parent", "parents", orphans, ("c",)),),
    )


@pytest.mark.parametrize(
    ("report", "passed", "stops", "words"),
    [
        (table(), True, False, ["All 10 rows can become objects"]),
        (table(rows=0), True, False, ["All 0 rows"]),
        (table(null=5), False, False, ["5 of 10 rows", "key: id", "NULL", "rowid 1", "in the quarantine"]),
        (table(null=6), False, True, ["6 of 10 rows", "Correct the mapping", "`key` of notes"]),
        (table(null=2, duplicate=4), False, True, ["2 with NULL", "4 whose key another row has, too, such as a"]),
        (table(too_large=1), False, False, ["1 larger than the server takes, such as b"]),
        (table(orphans=3), False, False, ["3 rows have no parent", "no key of parents", "such as c", "as they are"]),
        (table(duplicate=8, orphans=3), False, True, ["8 of 10", "3 rows have no parent", "Correct the mapping"]),
        (TableReport("notes", "Note", exists=False), True, False, ["All 0 rows"]),
    ],
)
def test_verdict(report: TableReport, passed: bool, stops: bool, words: list[str]) -> None:
    found = verdict(SourceAudit((report,), {}, ()))
    assert (found.passed, found.stops) == (passed, stops)
    assert all(word in found.text for word in words), found.text


def test_one_table_is_enough() -> None:
    found = verdict(SourceAudit((table(rows=1000), table(rows=3, null=2)), {}, ()))
    assert found.stops
