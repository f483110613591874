"""Any value that a SQLite column may hold, with those that sit on the border of some property's type."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.mapping.spellings import BooleanValues, DateFormat, DecimalScale
from weaviate_migration.mapping.values import SqlValue

# Tests share their cores: how long an example takes says nothing.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, 2**53 - 1, 2**53, 2**53 + 1, -(2**53), -(2**63), 2**63 - 1]),
)
# Around what dates since 1970 may be, in seconds and in milliseconds, and the first and last of them.
SINCE_1970 = st.one_of(
    st.integers(-(10**14), 3 * 10**14),
    st.floats(-1e11, 3e11),
    st.builds(lambda number, digits: round(number, digits), st.floats(0, 1e13), st.integers(0, 7)),
    st.sampled_from([-62135596800, -62135596801, 253402300799, 253402300800, 253402300799.99997]),
    st.sampled_from([-62135596800_000, -62135596800_001, 253402300799_999, 253402300800_000]),
    # A real of milliseconds that is before the year 10000, and whose microsecond is not; and of 2001.
    st.sampled_from([253402300799_999.97, -63113904000, -63113904001, 252423993599, 252423993600]),
    st.integers(-(10**16), 3 * 10**17) | st.integers(10**17, 2**63 - 1),
)
REALS = st.one_of(
    st.floats(allow_nan=False), st.sampled_from([0.0, -0.0, 1.0, 5e-324, 1.7976931348623157e308, 2.0**53, 1e15])
)
LARGEST_FLOAT32 = 3.4028234663852886e38
FLOAT32S = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.401298464324817e-45, 1.1754943508222875e-38, LARGEST_FLOAT32, -LARGEST_FLOAT32]),
)
NOT_UTF8 = st.binary(min_size=1, max_size=20).map(lambda data: data.decode("utf-8", "surrogateescape"))
DIGITS = st.from_regex(r"\A\d{4}-\d\d-\d\d([ Tx]\d\d:\d\d(:\d\d([.,]\d{1,12})?)?)? ?(Z|[+-]\d\d:?\d\d(:\d\d)?)?\Z")
BASIC_DIGITS = st.from_regex(r"\A\d{8}([T ]\d{4}(\d\d(\.\d{1,12})?)?)? ?(Z|UTC|[+-]\d\d(:?\d\d)?)?\Z")
MOMENTS = st.builds(
    lambda moment, separator, timespec, offset: moment.isoformat(separator, timespec) + offset,
    st.datetimes(),
    st.sampled_from([" ", "T"]),
    st.sampled_from(["minutes", "seconds", "milliseconds", "microseconds"]),
    st.sampled_from(
        [
            *("", " ", "Z", " Z", "+00:00", " +02:00", "-23:59", "+24:00", "+01:60", "+0000", " -0700", "+00", " -05"),
            *(
                "UTC",
                " UTC",
                " GMT",
                " +0000 UTC",
                " -0700 PDT m=+0.492",
                "+02:00 CEST",
                " +03 +03",
                "Z UTC",
                " UTC m=+1.5",
            ),
        ]
    ),
)
# The patterns of properties below, and near them.
PATTERNS = ("%d/%m/%Y %H:%M", "%a, %d %b %Y %I:%M:%S.%f %p %z", "%y%m%d%%")
BY_PATTERN = st.one_of(
    st.builds(
        lambda moment, pattern: moment.strftime(pattern),
        st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=14))])),
        st.sampled_from([*PATTERNS, "%d/%m/%y", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y"]),
    ),
    st.sampled_from(
        ["1/2/2026 3:04", "01/02/2026 25:00", "31/02/2026 00:00", "FRI, 2 jan 2026 3:4:5.1 pm Z", "690101%"]
    ),
    st.sampled_from(
        ["mon, 01 Jan 0001 01:00:00.0 AM +0500", "01/01/0999 00:00", "01/02/2026  03:04", "\u0660\u0661/01/2026 03:04"]
    ),
)
DECIMAL_TEXTS = st.one_of(
    st.from_regex(r"\A[+-]?\d{0,20}\.?\d{0,20}([eE][+-]?\d{1,4})?\Z", alphabet="0123456789.eE+-"),
    st.floats(allow_nan=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        ["12.50", "0.1", "1.0", "7", "-0.0", "0e999", "1e400", "1e-400", " 1", "1_0", "\u0663", "inf", "9" * 5000]
    ),
)
SPELLINGS = st.sampled_from(["t", "T", "f", "true", "false", "Y", "N", "yes", 1, 0, 1.0, 0.0, "1", "0", -1])
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)
JSON_TEXTS = st.builds(
    lambda value, ensure_ascii: json.dumps(value, ensure_ascii=ensure_ascii),
    st.lists(st.text(max_size=5)) | JSON_VALUES,
    st.booleans(),
).map(lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))
ODD_JSON = (
    '{"a": "first", "a": "last", "b": ["first"], "b": ["last"]}',
    '{"a": "text", "b": ["text"], "number": ' + "9" * 5000 + "}",
    '{"a": ' + "9" * 5000 + "}",
    '{"a": "text", "b": ["text"], "number": 1e999}',
    '{"a": "\udcff", "b": ["text"]}',
    '{"a": "text", "b": ["\udcff"]}',
    '{"a": "\\ud800", "b": ["\\ud83d\\ude00"]}',
    '{"a": "text"} ',
    '{"a": "text"}}',
    '\ufeff{"a": "text"}',
    '["a", "b",]',
    '["\\u0061"]',
    "[" * 5000 + "]" * 5000,
)
# Arrays of one type, or nearly so, and as SQLite's own JSON functions write them.
ITEMS: tuple[st.SearchStrategy[Any], ...] = (
    INTEGERS | st.sampled_from([10**20, -0.0]),
    REALS,
    REALS.filter(lambda each: each != float("inf")) | st.integers(-9, 9),
    st.booleans(),
    st.booleans() | st.sampled_from([0, 1]),
    st.datetimes().map(str),
    MOMENTS,
    st.none() | st.integers(0, 1),
)
ARRAYS = st.builds(
    lambda items, separators: json.dumps(items, separators=separators),
    st.one_of([st.lists(items, max_size=4) for items in ITEMS]),
    st.sampled_from([None, (",", ":")]),
)
UUID_SPELLINGS: tuple[Callable[[UUID], str], ...] = (
    *(str, str, str, lambda uuid: str(uuid).upper(), lambda uuid: uuid.hex, lambda uuid: uuid.urn),
    lambda uuid: f"{{{uuid}}}",
    lambda uuid: f"{{{uuid}",
    lambda uuid: f" {uuid}",
    lambda uuid: str(uuid)[:-1],
    lambda uuid: f"+{uuid.hex[1:]}",
    lambda uuid: f"{uuid.hex[:9]}_{uuid.hex[10:]}",
    lambda uuid: f"{uuid.hex[:4]}-{uuid.hex[4:]}",
    lambda uuid: uuid.urn.upper(),
)
UUIDS = st.builds(lambda uuid, spelled: spelled(uuid), st.uuids(), st.sampled_from(UUID_SPELLINGS))
TEXTS = st.one_of(
    st.text(),
    st.sampled_from(["", " ", "\0", "a\0b", "0", "1", "null", "\ufffe"]),
    st.sampled_from(ODD_JSON),
    NOT_UTF8,
    DIGITS,
    BASIC_DIGITS,
    MOMENTS,
    BY_PATTERN,
    DECIMAL_TEXTS,
    JSON_TEXTS,
    ARRAYS,
    UUIDS,
)
BLOBS = st.binary(max_size=40) | st.binary(min_size=16, max_size=16)
NO_TEXTS: st.SearchStrategy[SqlValue] = st.one_of(st.none(), INTEGERS, REALS, BLOBS)
SQL_VALUES: st.SearchStrategy[SqlValue] = st.one_of(st.none(), INTEGERS, REALS, SINCE_1970, TEXTS, SPELLINGS, BLOBS)


@st.composite
def spelled_fields(draw: st.DrawFn, of_type: str) -> dict[str, Any]:
    """What a property of this type says of how its column is read."""
    if of_type == "date":
        return {"date_format": draw(st.sampled_from([*get_args(DateFormat), *PATTERNS]))}
    if of_type == "boolean":
        return {"values": draw(st.sampled_from([None, SPELLED, BooleanValues(true=(1, "1"), false=("", 0, -1))]))}
    if of_type == "number":
        return {"decimal": draw(st.sampled_from([None, "text", *(DecimalScale(scale=scale) for scale in (1, 2, 18))]))}
    return {}


SPELLED = BooleanValues(true=("t", "true", "Y", 1), false=(0, "false", "N", "f"))
# Each type of property; a column with two properties; members; defaults; a column without a property.
EVERY_TYPE = CollectionMapping(
    name="Note",
    table="notes",
    properties=(
        PropertyMapping(name="noteId", column="id", index="whole"),
        PropertyMapping(name="body", column="BODY", index="words"),
        PropertyMapping(name="tags", column="tags", type="text[]", index="whole"),
        PropertyMapping(name="size", column="size", type="int"),
        PropertyMapping(name="score", column="score", type="number"),
        PropertyMapping(name="done", column="done", type="boolean"),
        PropertyMapping(name="at", column="at", type="date"),
        PropertyMapping(name="memberA", column="document", json_key="a", index="words"),
        PropertyMapping(name="document", column="document", index="stored"),
        PropertyMapping(name="membersB", column="document", json_key="b", type="text[]", index="whole"),
        PropertyMapping(name="title", column="title", index="words", default="untitled", default_for_empty=True),
        PropertyMapping(name="owner", column="owner", index="whole", default="nobody"),
        PropertyMapping(name="onlyMember", column="only", json_key="a", index="whole", default="none"),
        PropertyMapping(name="twiceAsNumber", column="twice", type="int"),
        PropertyMapping(name="twiceAsText", column="twice", index="words"),
        PropertyMapping(name="since", column="since", type="date", date_format="epoch_seconds"),
        PropertyMapping(name="sinceMs", column="since_ms", type="date", date_format="epoch_milliseconds"),
        PropertyMapping(name="sinceUs", column="since_us", type="date", date_format="epoch_microseconds"),
        PropertyMapping(name="sinceNs", column="since_ns", type="date", date_format="epoch_nanoseconds"),
        PropertyMapping(name="since2001", column="since_2001", type="date", date_format="apple"),
        *(
            PropertyMapping(name=f"byPattern{number}", column=f"by_pattern_{number}", type="date", date_format=pattern)
            for number, pattern in enumerate(PATTERNS)
        ),
        PropertyMapping(name="spelled", column="spelled", type="boolean", values=SPELLED),
        PropertyMapping(name="price", column="price", type="number", decimal="text"),
        PropertyMapping(name="cents", column="cents", type="number", decimal=DecimalScale(scale=2)),
        PropertyMapping(name="ident", column="ident", type="uuid"),
        PropertyMapping(name="counts", column="counts", type="int[]"),
        PropertyMapping(name="scores", column="scores", type="number[]"),
        PropertyMapping(name="flags", column="flags", type="boolean[]"),
        PropertyMapping(name="moments", column="moments", type="date[]"),
        PropertyMapping(name="picture", column="picture", type="blob"),
    ),
)
COLUMNS = (
    *("id", "body", "tags", "size", "score", "done", "at", "document", "title", "owner", "only", "twice"),
    *("unmapped", 'odd "name" of 🎉', "since", "since_ms", "since_us", "since_ns", "since_2001"),
    *("by_pattern_0", "by_pattern_1", "by_pattern_2", "spelled", "price", "cents"),
    *("ident", "counts", "scores", "flags", "moments", "picture"),
)
ROWS = st.tuples(*[SQL_VALUES] * len(COLUMNS))


def as_client_returns(mapping: CollectionMapping, draft: ObjectDraft) -> dict[str, Any]:
    """What weaviate-client gives for an object: dates in microseconds with a time zone, what is absent as None."""
    types = {prop.name: prop.type for prop in (*mapping.properties, *mapping.parent_properties)}
    returned: dict[str, Any] = dict.fromkeys(types)
    for name, value in draft.properties.items():
        returned[name] = _AS_RETURNED.get(types.get(name, ""), lambda each: each)(value)
    provenance = dict(draft.properties[mapping.provenance])
    provenance["migration_timestamp"] = _moment(provenance["migration_timestamp"])
    return {**returned, mapping.provenance: provenance}


def _moments(rfc3339: list[str]) -> list[datetime]:
    return list(map(_moment, rfc3339))


def _moment(rfc3339: str) -> datetime:
    assert rfc3339.endswith("Z")
    assert rfc3339[10] == "T"
    seconds, _, fraction = rfc3339[:-1].partition(".")
    return datetime.fromisoformat(seconds).replace(microsecond=int(f"{fraction[:6]:0<6}"), tzinfo=UTC)


_AS_RETURNED: dict[str, Callable[[Any], Any]] = {"date": _moment, "date[]": _moments, "uuid": UUID}
