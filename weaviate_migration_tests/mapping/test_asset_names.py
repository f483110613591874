"""Names of assets: readable, the same as ever where they can be, and no two alike."""

import itertools
import keyword
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.asset_names import (
    CHECKS,
    RELATIONS,
    RESERVED_BY_DAGSTER,
    RESERVED_BY_US,
    AssetNames,
    NamedBy,
    asset_names,
)

LONG = "quarterly_" + "report_of_all_regional_offices_" * 9
ODD_TABLES = [
    "用户",
    "订单",
    "a b",
    "a-b",
    "a_b",
    "A.B",
    "ä",
    "Ä",
    "..",
    "/",
    "",
    " ",
    "\t",
    "con",
    "🎉",
    LONG,
    LONG + "2",
]


def named(*collections: tuple[str, str]) -> list[AssetNames]:
    return asset_names([NamedBy(name, table, True) for name, table in collections])


def extracts(*tables: str) -> list[str]:
    return [each.extract for each in named(*((f"C{at}", table) for at, table in enumerate(tables)))]


@pytest.mark.parametrize(
    ("name", "table", "names"),
    [
        ("MultiModalContent", "multimodal_content", AssetNames("multi_modal_content", "multimodal_content_extract")),
        ("HTMLPage2Go", "Notes of Zoë-2", AssetNames("html_page2_go", "Notes_of_Zo__2_extract")),
        ("Customer", "用户", AssetNames("customer", "YongHu_extract")),
        ("Odd", "../x", AssetNames("odd", "___x_extract")),
        ("X", "-", AssetNames("x", "__extract")),
    ],
)
def test_by_itself(name: str, table: str, names: AssetNames) -> None:
    assert named((name, table)) == [names]


def test_names_that_differ_beyond_ascii_are_written_in_latin_letters() -> None:
    assert extracts("用户", "订单") == ["YongHu_extract", "DingDan_extract"]
    assert extracts("Grüße", "Größe", "notes") == ["Grusse_extract", "Grosse_extract", "notes_extract"]


@pytest.mark.parametrize("word", sorted({*RESERVED_BY_DAGSTER, *RESERVED_BY_US, *keyword.kwlist}))
def test_a_reserved_word_stays_readable(word: str) -> None:
    (names,) = named((word.title().replace("_", ""), word))
    assert names.collection.startswith(f"{word.lower()}_") or word != word.lower()
    assert names.collection not in {*RESERVED_BY_DAGSTER, *RESERVED_BY_US, *keyword.kwlist}
    assert names.extract == f"{word}_extract"


@pytest.mark.parametrize(
    "other", ["FooChecks", "FooRelations", "Foo_", "FOO", "BarExtract", "Bar_Extract", "Foo__Checks"]
)
def test_no_step_has_the_name_of_another(other: str) -> None:
    names = named(("Foo", "bar"), (other, "other"), ("Apart", "apart"))
    steps = [
        *(name for each in names for name in (each.collection + CHECKS, each.collection + RELATIONS)),
        *(name for each in names for name in (each.collection, each.extract)),
    ]
    assert len(set(steps)) == len(steps)
    assert names[2] == AssetNames("apart", "apart_extract")


def test_a_collection_without_relations_has_no_such_step() -> None:
    names = asset_names([NamedBy("Foo", "a", False), NamedBy("FooRelations", "b", False)])
    assert [each.collection for each in names] == ["foo", "foo_relations"]


def test_vectors_that_models_make_have_an_asset_of_their_own() -> None:
    names = asset_names([NamedBy("Message", "messages", True, True), NamedBy("Note", "notes", False)])
    assert names == [AssetNames("message", "messages_extract", "message_vectors"), AssetNames("note", "notes_extract")]


def test_a_collection_that_is_called_as_the_vectors_of_another_one() -> None:
    message, other = asset_names([NamedBy("Message", "a", False, True), NamedBy("MessageVectors", "b", False)])
    assert (message.collection, other.extract) == ("message", "b_extract")
    assert message.vectors is not None
    assert message.vectors.startswith("message_")
    assert message.vectors.endswith("_vectors")
    assert message.vectors != "message_vectors"
    assert other.collection.startswith("message_vectors_")
    assert other.collection != message.vectors
    apart = asset_names([NamedBy("Message", "a", False), NamedBy("MessageVectors", "b", False)])
    assert [each.collection for each in apart] == ["message", "message_vectors"]


def test_somebody_who_guesses_the_other_name_gets_another() -> None:
    (guessed,) = named(("Config", "a"))
    names = named(("Config", "a"), (guessed.collection.title(), "b"))
    assert len({each.collection for each in names}) == 2


def test_extracts_are_folders_on_any_file_system() -> None:
    found = extracts(*ODD_TABLES)
    assert len({name.casefold() for name in found}) == len(found)
    assert all(name.endswith("_extract") and name.isascii() and name.isidentifier() for name in found)
    assert all(len(os.fsencode(name)) <= 255 for name in found)
    assert [name for name in found if name.startswith("quarterly_report_of_all_regional_offices_")] == found[-2:]


def test_the_longest_name_that_worked_is_kept() -> None:
    assert extracts("x" * 247) == ["x" * 247 + "_extract"]
    assert extracts("x" * 248)[0].startswith("x" * 100 + "_")


def test_order_does_not_matter() -> None:
    shuffled = random.Random(3).sample(ODD_TABLES, len(ODD_TABLES))
    names = dict(zip(ODD_TABLES, extracts(*ODD_TABLES), strict=True))
    assert dict(zip(shuffled, extracts(*shuffled), strict=True)) == names


NAMES = st.from_regex(r"[A-B][_0-1A-Ca-c]{0,4}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, st.text("aA-_ äÄ用户.", max_size=4)), max_size=8))
def test_any_names(collections: list[tuple[str, str]]) -> None:
    names = named(*{name.lower(): (name, f"{table}{at}") for at, (name, table) in enumerate(collections)}.values())
    steps = [each.collection + ending for each in names for ending in ("", CHECKS, RELATIONS)]
    steps += [each.extract for each in names]
    assert [step for step, same in itertools.groupby(sorted(steps)) if len(list(same)) > 1] == []
    assert not {*steps} & {*RESERVED_BY_DAGSTER, *RESERVED_BY_US, *keyword.kwlist}
