from datetime import UTC, datetime
from typing import Any

import pytest

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.converters import property_converter
from weaviate_migration.mapping.date_patterns import pattern_mistake
from weaviate_migration.mapping.object_to_row import inverse
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.meaning import judge

LEFT_OUT = (None, False)


def date(date_format: str = "text") -> PropertyMapping:
    return PropertyMapping(name="p", column="c", type="date", date_format=date_format)


@pytest.mark.parametrize(
    ("text", "rfc3339"),
    [
        ("2024-05-17T02:23:57+0000", "2024-05-17T02:23:57Z"),
        ("2024-05-17 02:23:57-0700", "2024-05-17T09:23:57Z"),
        ("2024-05-17 02:23 +05", "2024-05-16T21:23:00Z"),
        ("2024-05-17 02:23:57.5 UTC", "2024-05-17T02:23:57.5Z"),
        ("2024-05-17T02:23:57UTC", "2024-05-17T02:23:57Z"),
        ("2024-05-17 02:23:57 +0000 UTC", "2024-05-17T02:23:57Z"),
        ("2024-05-17 02:23:57.241892123 -0700 PDT m=+0.492", "2024-05-17T09:23:57.241892123Z"),
        ("2024-05-17 02:23:57 +0300 +03", "2024-05-16T23:23:57Z"),
        ("20240517", "2024-05-17T00:00:00Z"),
        ("20240229T1015Z", "2024-02-29T10:15:00Z"),
        ("20240131T101530Z", "2024-01-31T10:15:30Z"),
        ("20240131T101530.123+0530", "2024-01-31T04:45:30.123Z"),
    ],
)
def test_other_forms_of_dates_fill_the_property_and_are_kept(text: str, rfc3339: str) -> None:
    assert property_converter(date())(text) == (rfc3339, False)
    assert judge(date())(text, datetime.fromisoformat(rfc3339))


@pytest.mark.parametrize(
    "text",
    [
        *("20240230", "2024013", "202401311", "20240131 101530Z", "20240131T10Z", "20240131T101530 UTC", "20240131Z"),
        *("2024-05-17 UTC", "2024-05-17 02:23:57 PDT", "2024-05-17 02:23:57 utc", "2024-05-17 02:23:57 +0000 utc"),
        *(
            "2024-05-17 02:23:57 +2400",
            "2024-05-17 02:23:57 +0060",
            "2024-05-17 02:23:57  UTC",
            "2024-05-17 02:23:57+000",
        ),
        *("2024-05-17 02:23:57Z UTC", "2024-05-17 02:23:57 UTC m=+0.5", "0001-01-01 00:00:00 +0100 CET"),
    ],
)
def test_what_is_like_another_form_of_a_date(text: str) -> None:
    assert property_converter(date())(text) == LEFT_OUT
    assert judge(date())(text, None)


@pytest.mark.parametrize(
    ("date_format", "value", "converted"),
    [
        ("epoch_microseconds", 1767322800123456, ("2026-01-02T03:00:00.123456Z", True)),
        ("epoch_microseconds", 1767322800123456.0, ("2026-01-02T03:00:00.123456Z", False)),
        ("epoch_microseconds", 0.5, ("1970-01-01T00:00:00Z", False)),
        ("epoch_microseconds", -62135596800000000, ("0001-01-01T00:00:00Z", True)),
        ("epoch_microseconds", -62135596800000001, LEFT_OUT),
        ("epoch_nanoseconds", 1767322800123456000, ("2026-01-02T03:00:00.123456Z", True)),
        ("epoch_nanoseconds", 1767322800123456789, ("2026-01-02T03:00:00.123457Z", False)),
        ("epoch_nanoseconds", 500, ("1970-01-01T00:00:00Z", False)),
        ("epoch_nanoseconds", -1000, ("1969-12-31T23:59:59.999999Z", True)),
        ("epoch_nanoseconds", 2**63 - 1, ("2262-04-11T23:47:16.854776Z", False)),
        ("apple", 0, ("2001-01-01T00:00:00Z", True)),
        ("apple", 789015600.25, ("2026-01-02T03:00:00.250000Z", True)),
        ("apple", 789015600.1234567, ("2026-01-02T03:00:00.123457Z", False)),
        ("apple", 789015600.0, ("2026-01-02T03:00:00Z", False)),
        ("apple", -63113904000, ("0001-01-01T00:00:00Z", True)),
        ("apple", -63113904001, LEFT_OUT),
        ("apple", "789015600", LEFT_OUT),
        ("%d/%m/%Y", "31/01/2024", ("2024-01-31T00:00:00Z", True)),
        ("%d/%m/%Y", "1/2/2024", ("2024-02-01T00:00:00Z", False)),
        ("%d/%m/%Y", "30/02/2024", LEFT_OUT),
        ("%d/%m/%Y", "31/01/2024 ", LEFT_OUT),
        ("%d/%m/%Y", "\u0663\u0661/01/2024", LEFT_OUT),
        ("%d/%m/%Y", 20240131, LEFT_OUT),
        ("%d/%m/%Y", b"31/01/2024", LEFT_OUT),
        ("%m/%d/%y %I:%M %p", "01/31/69 12:05 AM", ("1969-01-31T00:05:00Z", True)),
        ("%m/%d/%y %I:%M %p", "01/31/68 12:05 pm", ("2068-01-31T12:05:00Z", False)),
        ("%m/%d/%y %I:%M %p", "01/31/68 13:05 PM", LEFT_OUT),
        ("%a %b %d %H:%M:%S %Y", "Wed Jan 31 10:15:30 2024", ("2024-01-31T10:15:30Z", True)),
        ("%a %b %d %H:%M:%S %Y", "Thu Jan 31 10:15:30 2024", ("2024-01-31T10:15:30Z", False)),
        ("%a %b %d %H:%M:%S %Y", "Wed Jän 31 10:15:30 2024", LEFT_OUT),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-01-31T10:15:30.000001+0000", ("2024-01-31T10:15:30.000001Z", True)),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-01-31T10:15:30.1-07:00", ("2024-01-31T17:15:30.100000Z", False)),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "0001-01-01T00:00:00.0+0100", LEFT_OUT),
        ("%Y-%m-%d %H:%M:%S", "2024-01-31 23:59:60", LEFT_OUT),
        ("%Y%m%d100%%", "20240131100%", ("2024-01-31T00:00:00Z", True)),
    ],
)
def test_dates_of_a_format(date_format: str, value: SqlValue, converted: Any) -> None:
    prop = date(date_format)
    assert property_converter(prop)(value) == converted
    found = None if converted[0] is None else datetime.fromisoformat(converted[0])
    assert judge(prop)(value, found)
    if converted[1]:
        assert repr(inverse(prop)(found)) == repr(value)


@pytest.mark.parametrize(
    ("date_format", "value", "wrong"),
    [
        ("epoch_microseconds", 1767355200000001, datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ("epoch_nanoseconds", 1767355200000002000, datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ("apple", 0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("apple", 0, None),
        ("%d/%m/%Y", "01/02/2024", datetime(2024, 1, 2, tzinfo=UTC)),
        ("%d/%m/%Y", "01/02/2024", None),
        ("%d/%m/%Y", "soon", datetime(2024, 1, 2, tzinfo=UTC)),
        ("%d/%m/%Y %z", "01/02/2024 +0100", datetime(2024, 2, 1, tzinfo=UTC)),
    ],
)
def test_another_moment_does_not_agree(date_format: str, value: SqlValue, wrong: Any) -> None:
    assert not judge(date(date_format))(value, wrong)


@pytest.mark.parametrize(
    "pattern", ["%Y-%m-%d", "%y%m%d%%", "%A, %B %d %Y %I %p", "%d %b %Y%%%z", "%d%m%Y %H.%M.%S,%f"]
)
def test_patterns_that_tell_a_moment(pattern: str) -> None:
    assert pattern_mistake(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "mistake"),
    [
        ("%H:%M", "the pattern lacks the year and the month and the day: %Y or %y, %m or %b or %B, %d"),
        ("%d/%m", "the pattern lacks the year: %Y or %y"),
        ("%d/%m/%Y %y", "the pattern has the year twice"),
        ("%d %b %m %Y", "the pattern has the month twice"),
        ("%d/%m/%Y %H %H", "the pattern has the hour twice"),
        ("%d/%m/%Y %p", "%I and %p belong together: hours from 1 to 12, and which half of the day"),
        ("%c", "`%c` is not allowed in a pattern. Allowed: %Y,"),
        ("%d/%m/%Y%", "`%` is not allowed in a pattern. Allowed: %Y,"),
        ("%d/%m/%Y %-H", "`%-` is not allowed in a pattern. Allowed: %Y,"),
        ("%Y-%j", "`%j` is not allowed in a pattern. Allowed: %Y,"),
    ],
)
def test_patterns_that_tell_none(pattern: str, mistake: str) -> None:
    assert (pattern_mistake(pattern) or "").startswith(mistake)


def test_a_language_in_which_names_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where somebody has set LC_TIME; a locale may not be installed, and would be set for the whole process."""

    class German(datetime):
        def strftime(self, form: str) -> str:
            return super().strftime(form).replace("Jan", "Jän")

    monkeypatch.setattr("weaviate_migration.mapping.date_patterns._ANY_TIME", German(2026, 1, 2, 15))
    assert "another language" in (pattern_mistake("%d %b %Y") or "")
    assert pattern_mistake("%d.%m.%Y") is None
