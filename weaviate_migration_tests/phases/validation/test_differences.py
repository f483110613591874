"""What people are shown of two values that differ."""

from weaviate_migration.phases.validation.differences import shown


def test_short_values_are_shown_as_they_are() -> None:
    assert shown("1", 1) == ("'1'", "1")
    assert shown(None, b"\x00") == ("None", "b'\\x00'")


def test_long_values_are_shown_where_they_begin_to_differ() -> None:
    text = "word " * 1000
    expected, found = shown(text, text[:3000] + "X" + text[3001:])
    assert max(len(expected), len(found)) <= 202
    assert expected.startswith("…")
    assert expected.endswith("…")
    assert "X" in found
    assert "X" not in expected


def test_a_long_value_beside_a_short_one() -> None:
    expected, found = shown("x" * 1000, None)
    assert expected == "'" + "x" * 199 + "…"
    assert found == "None"
