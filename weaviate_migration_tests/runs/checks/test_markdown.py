"""The Markdown, as a parser of GitHub's flavour reads it."""

import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from weaviate_migration.base.texts import as_code, printable
from weaviate_migration.runs.checks import CheckReport, CheckStatus, markdown_summary
from weaviate_migration.runs.checks.markdown import LARGEST, escaped
from weaviate_migration_tests.runs.checks.reports import REPORTS, TEXTS, outcome, report

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def text_of(inline: Token) -> str:
    """What is read of a piece of text; it must be plain."""
    children = inline.children or []
    assert {child.type for child in children} <= {"text", "text_special", "html_inline", "softbreak"}
    assert {child.content for child in children if child.type == "html_inline"} <= {"<br>"}
    return "".join(child.content for child in children).replace("<br>", "\n")


def tables_of(text: str) -> list[list[list[str]]]:
    """The tables' rows, their headings first."""
    tables: list[list[list[str]]] = []
    for token in PARSER.parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.level == 4:
            tables[-1][-1].append(text_of(token))
    return tables


@pytest.mark.parametrize(
    "text",
    [
        "![](http://elsewhere/?seen)",
        "[here](javascript:alert(1))",
        "https://elsewhere/?seen",
        "WWW.elsewhere.example",
        "<img src=//elsewhere onerror=alert(1)>",
        "&lt;script&gt;",
        "` <b>` **b** ~~no~~ $x$",
        "a | b",
        "# heading",
        "_a_ __b__ c_d_e _f",
        "a backslash \\",
    ],
)
def test_a_text_of_the_data_is_no_markup(text: str) -> None:
    for shown in (f"| a |\n| --- |\n| {escaped(text)} |", f"- {escaped(text)}", f"- {as_code(text)}", as_code(text)):
        found = [child for token in PARSER.parse(shown) for child in token.children or [token] if child.content]
        assert {each.type for each in found} <= {"text", "text_special", "code_inline"}, shown
        assert text in "".join(each.content for each in found if each.content != "a")
    # GitHub makes a link of an address where it stands so.
    assert not re.search(r"https?://|www\.", escaped(text), re.IGNORECASE)


@given(TEXTS)
def test_any_text_can_be_code(text: str) -> None:
    found = [child for token in PARSER.parse(f"- {as_code(text)}") for child in token.children or ()]
    assert [each.type for each in found] == ["code_inline"]
    assert found[0].content.strip() == " ".join(printable(text).split("\n")).strip()


def test_a_row_for_each_check() -> None:
    text = markdown_summary(
        report(
            outcome(CheckStatus.PASSED, partition="00"),
            outcome(CheckStatus.FAILED, partition="01"),
            outcome(CheckStatus.WARNED, name="search"),
            outcome(CheckStatus.NEVER_RAN, name="types", blocking=False),
        )
    )
    assert text.startswith(
        "### ❌ Not every blocking check passed\n\n4 checks: 1 failed, 1 never ran, 1 warned, 1 passed."
    )
    assert tables_of(text)[0][1:] == [
        ["❌", "note", "count", "failed, 1/2 partitions", "yes"],
        ["⚠️", "note", "search", "warned", "yes"],
        ["❔", "note", "types", "never ran", "no"],
    ]


def test_success() -> None:
    text = markdown_summary(report(outcome(CheckStatus.PASSED), outcome(CheckStatus.WARNED, name="search")))
    assert text.startswith("### ✅ Every blocking check passed\n")


def test_differences_are_folded_below() -> None:
    differences = [{"key": "a|b", "property": "body", "expected": "'x\ny'", "found": "None"}]
    failed = outcome(
        CheckStatus.FAILED,
        partition="03",
        description="1 differs <here>",
        metadata={"rows": 4, "first_differences": differences},
    )
    text = markdown_summary(report(failed))
    assert "<details><summary>❌ note: count, partition 03</summary>" in text
    assert "failed: 1 differs \\<here\\>\n" in text
    assert "Recorded: rows: 4\n" in text
    assert tables_of(text)[1] == [["key", "property", "expected", "found"], ["a|b", "body", "'x\ny'", "None"]]


def test_partitions_of_which_the_same_is_to_be_told_are_told_together() -> None:
    same = [outcome(CheckStatus.NEVER_RAN, partition=each, description="why") for each in ("00", "01")]
    other = outcome(CheckStatus.NEVER_RAN, partition="02", description="otherwise")
    text = markdown_summary(report(*same, other))
    assert text.count("<details>") == 2
    assert "note: count, partitions 00, 01</summary>" in text


def test_what_does_not_fit_is_counted() -> None:
    outcomes = [
        outcome(CheckStatus.FAILED, partition=f"{number:02}", description=f"{number} {'é' * 40_000}")
        for number in range(16)
    ]
    text = markdown_summary(report(*outcomes))
    told = text.count("<details>")
    assert 0 < told < 16
    assert len(text.encode()) < LARGEST + 10_000
    assert f"{16 - told} more did not pass; `weaviate-migration checks --json` has them all." in text


@given(TEXTS)
def test_text_in_a_cell_stays_what_it_is(text: str) -> None:
    (rows,) = tables_of(f"| one | two |\n| --- | --- |\n| {escaped(text)} | x |")
    (read, other) = rows[1]
    # Blanks around a cell's text are not part of it.
    assert (read.strip(), other) == (printable(text).strip(), "x")


@given(REPORTS)
def test_any_report_has_its_tables(some: CheckReport) -> None:
    text = markdown_summary(some)
    first, *others = tables_of(text)
    assert len(first) == len(some.groups) + 1
    assert text.count("\n<details><summary>") == len(some.not_passed) == text.count("\n</details>\n")
    wanted = [
        len(value) + 1
        for group in some.not_passed
        for value in group.worst.metadata.values()
        if isinstance(value, list) and value
    ]
    assert [len(table) for table in others] == wanted
