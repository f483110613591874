import os
import re
import textwrap
from pathlib import Path

import pytest

from weaviate_migration.base.errors import MappingError
from weaviate_migration.mapping import Mapping, PropertyMapping, read_mapping
from weaviate_migration.mapping.spellings import BooleanValues

SMALL = """\
name: notes
collections:
  - name: Note
    table: notes
    properties:
      - {name: title, column: title, index: words}
"""

# mapping.md, by hand: property, column, type, index, and the rest where there is any.
Row = tuple[str, str, str, str | None] | tuple[str, str, str, str | None, dict[str, object]]
SHIPPED: dict[tuple[str, str, str, tuple[str, ...]], list[Row]] = {
    ("conversations", "Conversation", "metadata", ("context",)): [
        ("conversationId", "id", "text", "whole"),
        ("title", "title", "text", "words", {"default": "Untitled Conversation", "default_for_empty": True}),
        ("userId", "user_id", "text", "whole", {"default": "unknown"}),
        ("createdAt", "created_at", "date", None),
        ("updatedAt", "updated_at", "date", None),
        ("isActive", "is_active", "boolean", None),
    ],
    ("messages", "Message", "extraData", ("embedding",)): [
        ("messageId", "id", "text", "whole"),
        ("conversationId", "conversation_id", "text", "whole"),
        ("role", "role", "text", "whole"),
        ("content", "content", "text", "words"),
        ("createdAt", "created_at", "date", None),
        ("toolCalls", "tool_calls", "text", "stored", {"default": "{}"}),
    ],
    ("documents", "Document", "metadata", ("embedding",)): [
        ("documentId", "id", "text", "whole"),
        ("title", "title", "text", "words"),
        ("content", "content", "text", "words"),
        ("contentType", "content_type", "text", "whole"),
        ("filePath", "file_path", "text", "whole"),
        ("fileSize", "file_size", "int", None),
        ("tags", "tags", "text[]", "whole"),
        ("createdAt", "created_at", "date", None),
        ("updatedAt", "updated_at", "date", None),
        ("isActive", "is_active", "boolean", None),
    ],
    ("document_chunks", "DocumentChunk", "metadata", ("embedding",)): [
        ("chunkId", "id", "text", "whole"),
        ("documentId", "document_id", "text", "whole"),
        ("content", "content", "text", "words"),
        ("chunkIndex", "chunk_index", "int", None),
        ("startOffset", "start_position", "int", None),
        ("endOffset", "end_position", "int", None),
    ],
    ("agent_interactions", "AgentInteraction", "metadata", ("embedding",)): [
        ("interactionId", "id", "text", "whole"),
        ("agentType", "agent_name", "text", "whole"),
        ("query", "input_data", "text", "words"),
        ("response", "output_data", "text", "words"),
        ("toolsUsed", "task_metadata", "text[]", "whole", {"json_key": "tools_used"}),
        ("executionTimeMs", "execution_time_ms", "number", None),
        ("tokensUsed", "tokens_used", "int", None),
        ("conversationId", "conversation_id", "text", "whole"),
        ("createdAt", "created_at", "date", None),
    ],
    ("multimodal_content", "MultiModalContent", "metadata", ("visual", "text")): [
        ("contentId", "id", "text", "whole"),
        ("mediaType", "media_type", "text", "whole"),
        ("filename", "filename", "text", "whole"),
        ("contentHash", "content_hash", "text", "whole"),
        ("storagePath", "storage_path", "text", "whole"),
        ("processingStatus", "processing_status", "text", "whole"),
        ("fileSize", "file_size", "int", None),
        ("processingResult", "processing_result", "text", "stored"),
        ("textContent", "processing_result", "text", "words", {"json_key": "text"}),
        ("conversationId", "conversation_id", "text", "whole"),
        ("createdAt", "created_at", "date", None),
        ("updatedAt", "updated_at", "date", None),
    ],
}
RELATIONS = {
    ("messages", "conversation_id", "conversations"),
    ("document_chunks", "document_id", "documents"),
    ("agent_interactions", "conversation_id", "conversations"),
    ("multimodal_content", "conversation_id", "conversations"),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "map.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def complaints(path: Path) -> list[str]:
    """The lines of the message, without the folder, and without the first, which counts them."""
    with pytest.raises(MappingError) as error:
        read_mapping(path)
    return str(error.value).replace(f"{path.parent}{os.sep}", "").splitlines()


def test_shipped_mapping_is_the_documented_one() -> None:
    mapping = read_mapping()
    read = {
        (each.table, each.name, each.provenance, each.provided_vectors): tuple(
            prop.model_copy(update={"description": ""}) for prop in each.properties
        )
        for each in mapping.collections
    }
    assert read == {
        head: tuple(
            PropertyMapping.model_validate(
                {"name": name, "column": column, "type": type_, "index": index, **(rest[0] if rest else {})}
            )
            for name, column, type_, index, *rest in rows
        )
        for head, rows in SHIPPED.items()
    }


def test_shipped_mapping_leaves_keys_to_the_file_and_omits_nothing() -> None:
    mapping = read_mapping()
    assert mapping.missing == "warn"
    assert [(each.key, each.omit) for each in mapping.collections] == [((), {})] * 6
    assert all(each.description for each in mapping.collections)
    assert {
        (each.table, relation.column, relation.to_table) for each in mapping.collections for relation in each.relations
    } == RELATIONS


def test_a_file_gives_the_model(tmp_path: Path) -> None:
    mapping = read_mapping(written(tmp_path, SMALL))
    title = PropertyMapping(name="title", column="title", index="words")
    assert mapping == Mapping.model_validate(
        {"name": "notes", "collections": [{"name": "Note", "table": "notes", "properties": [title]}]}
    )


def test_byte_order_mark_anchors_and_merges(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    more = "      - &date {name: a, column: a, type: date}\n      - {<<: *date, name: b}\n"
    path.write_text(SMALL + more, encoding="utf-8-sig")
    assert [prop.type for prop in read_mapping(path).collections[0].properties] == ["text", "date", "date"]


def values_of(tmp_path: Path, values: str) -> BooleanValues | None:
    more = f"      - {{name: done, column: done, type: boolean, values: {values}}}\n"
    return read_mapping(written(tmp_path, SMALL + more)).collections[0].properties[1].values


@pytest.mark.parametrize(
    ("values", "true", "false"),
    [
        ('{true: [t, true, Y, 1], false: [f, "false", N, 0]}', ("t", "true", "Y", 1), ("f", "false", "N", 0)),
        ("{true: [yes, True, ON], false: [no, False, OFF]}", ("yes", "True", "ON"), ("no", "False", "OFF")),
        ('{"true": ["1"], \'false\': ["0", ""]}', ("1",), ("0", "")),
        ("{false: [-1], true: [x]}", ("x",), (-1,)),
    ],
)
def test_spellings_of_booleans_are_read_as_they_stand_there(
    tmp_path: Path, values: str, true: tuple[str | int, ...], false: tuple[str | int, ...]
) -> None:
    found = values_of(tmp_path, values)
    assert found is not None
    assert [*map(repr, found.true), *map(repr, found.false)] == [*map(repr, true), *map(repr, false)]


def test_elsewhere_an_unquoted_true_is_no_text(tmp_path: Path) -> None:
    (line,) = complaints(written(tmp_path, SMALL.replace("column: title", "column: true")))[1:]
    assert "must be text, but YAML reads true or false (True) here" in line


PROPERTY = "collections[0].properties[0]"


# How a column is read, and what is wrong with it: type, field, place, message.
WRONG_READINGS = [
    ("boolean", "values: {true: [t, x], false: [f, x]}", "values.false[1]", "`x` is in true[1], too"),
    ("boolean", "values: {true: [t, t], false: [f]}", "values.true[1]", "`t` is in true[0], too"),
    ("boolean", "values: {true: [true], false: ['true']}", "values.false[0]", "`true` is in true[0], too"),
    ("boolean", "values: {true: [t], false: []}", "values.false", "needs at least one item"),
    ("boolean", "values: {true: [t]}", "values.false", "is missing"),
    ("boolean", "values: {true: [t], false: [1.0]}", "values.false[0]", "must be a text or an integer, not 1.0"),
    ("boolean", "values: {true: [t], false: [f], no: [n]}", "values.no", "is no field; Allowed: true, false"),
    ("int", "values: {true: [1], false: [0]}", "values", "only boolean properties have them, this is of type int"),
    ("int", "decimal: text", "decimal", "only number properties have it, this is of type int"),
    ("number", "decimal: txt", "decimal", "must be `text`, or `{scale: 2}` with the decimal places of an integer"),
    ("number", "decimal: {scale: 19}", "decimal", "must be `text`, or `{scale: 2}`"),
    ("number", "decimal: {places: 2}", "decimal", "must be `text`, or `{scale: 2}`"),
    ("date", "date_format: epoch", "date_format", "`epoch` is not allowed"),
    ("date", "date_format: 2", "date_format", "must be text, but YAML reads a number (2) here"),
    ("date", "date_format: '%d/%m'", "date_format", "the pattern lacks the year: %Y or %y"),
    ("date", "date_format: '%x %d %m %Y'", "date_format", "`%x` is not allowed in a pattern. Allowed: %Y, %y"),
    ("date", "date_format: '%d.%m.%Y %'", "date_format", "`%` is not allowed in a pattern"),
    ("date", "date_format: '%d.%m.%y %B'", "date_format", "the pattern has the month twice"),
    ("date", "date_format: '%d.%m.%y %I:%M'", "date_format", "%I and %p belong together"),
]
WRONG_VECTORS = [
    ("bytes: float32", "vectors[0].bytes (Note.v): needs a `column`"),
    ("length: 7", "vectors[0].length (Note.v): needs a `column`"),
    ("column: c, length: 0", "vectors[0].length (Note.v): must be 1 at least, not 0"),
    ("column: c, bytes: double", "vectors[0].bytes (Note.v): `double` is not allowed"),
    ("distance: l2", "vectors[0].distance (Note.v): `l2` is not allowed; Allowed: cosine, dot"),
]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: notes", "nam: notes", "map.yaml:1: name: is missing"),
        (
            "name: notes",
            "name: notes\nmisssing: warn",
            "map.yaml:2: misssing: is no field; did you mean `missing`? "
            "Allowed: name, missing, omit_tables, unmapped, models, replication, shards, collections",
        ),
        (
            "name: notes",
            "name: notes\nmissing: Warn",
            "map.yaml:2: missing: `Warn` is not allowed; did you mean `warn`? Allowed: refuse, warn",
        ),
        (
            "column: title,",
            "column: title, type: Integer,",
            f"map.yaml:6: {PROPERTY}.type (Note.title): `Integer` is not allowed; did you mean `int`? "
            "Allowed: text, text[], int, number, boolean, date, uuid, int[], number[], boolean[], date[], blob",
        ),
        (
            "column: title,",
            "column: yes,",
            f"map.yaml:6: {PROPERTY}.column (Note.title): must be text, but YAML reads true or false (True) here; "
            "put it in quotes if it is meant as text",
        ),
        (
            "column: title,",
            "column: ,",
            f"map.yaml:6: {PROPERTY}.column (Note.title): must be text, but YAML reads nothing here; "
            "put it in quotes if it is meant as text",
        ),
        (
            "column: title,",
            "column: title, default: 2024-01-31,",
            f"map.yaml:6: {PROPERTY}.default (Note.title): must be text, but YAML reads a date (2024-01-31) here; "
            "put it in quotes if it is meant as text",
        ),
        (
            "column: title,",
            "column: title, default_for_empty: 'yes',",
            f"map.yaml:6: {PROPERTY}.default_for_empty (Note.title): must be true or false, not `yes`",
        ),
        ("column: title,", "column: '',", f"map.yaml:6: {PROPERTY}.column (Note.title): must not be empty"),
        (
            "name: title",
            "name: my title",
            f"map.yaml:6: {PROPERTY}.name (Note.my title): `my title` is no name for Weaviate: "
            "a small letter or `_`, then letters without accents, digits and `_`",
        ),
        (
            "name: title",
            "name: Title",
            f"map.yaml:6: {PROPERTY}.name (Note.Title): `Title` is no name for Weaviate: "
            "a small letter or `_`, then letters without accents, digits and `_`",
        ),
        (
            "name: Note",
            "name: note",
            "map.yaml:3: collections[0].name (note): `note` is no name for Weaviate: "
            "a capital letter, then letters without accents, digits and `_`",
        ),
        (
            "table: notes",
            "table: notes\n    vectors: [1st]",
            "map.yaml:5: collections[0].vectors[0].name (Note): `1st` is no name for Weaviate: "
            "a letter or `_`, then letters without accents, digits and `_`",
        ),
        (
            "table: notes",
            "table: notes\n    tenant:\n      column: org\n      of_null: no one",
            "map.yaml:7: collections[0].tenant.of_null (Note): `no one` is no name for Weaviate: "
            "1 to 64 letters without accents, digits, `_` and `-`",
        ),
        (
            "table: notes",
            f"table: notes\n    tenant: {{column: org, of_null: {'n' * 65}}}",
            f"map.yaml:5: collections[0].tenant.of_null (Note): `{'n' * 60}…` is no name for Weaviate: "
            "1 to 64 letters without accents, digits, `_` and `-`",
        ),
        (
            "table: notes",
            "table: notes\n    tenant: {column: org, of_nul: none}",
            "map.yaml:5: collections[0].tenant.of_nul (Note): is no field; did you mean `of_null`? "
            "Allowed: column, of_null, only",
        ),
        (
            "name: Note",
            f"name: N{'o' * 200}",
            f"map.yaml:3: collections[0].name (N{'o' * 200}): is longer than 200 characters",
        ),
        (
            "table: notes",
            "table: notes\n    key: id",
            "map.yaml:5: collections[0].key (Note): must be a list, not `id`",
        ),
        (
            "table: notes",
            "table: notes\n    omit: [id]",
            "map.yaml:5: collections[0].omit (Note): must be names with texts, not a list",
        ),
        (
            "table: notes",
            "table: notes\n    relations:\n      - column",
            "map.yaml:6: collections[0].relations[0] (Note): must be fields with values, not `column`",
        ),
        (
            "table: notes",
            "table: notes\n    relations:\n      - {column: a, table: notes, to_table: notes}",
            "map.yaml:6: collections[0].relations[0].table (Note): is no field; did you mean `to_table`? "
            "Allowed: column, to_table, parent_id, reference",
        ),
        (
            "- {name: title, column: title, index: words}",
            "[]",
            "map.yaml:5: collections[0].properties (Note): needs at least one item",
        ),
        (
            "index: words",
            "type: date, index: words",
            f"map.yaml:6: {PROPERTY}.index (Note.title): only text and text[] properties have one, "
            "this is of type date",
        ),
        (
            "index: words",
            "index: words, name: again",
            f"map.yaml:6: {PROPERTY}.name (Note.again): is given twice, first in line 6",
        ),
        (
            "table: notes",
            "table: notes\n    name: Other",
            "map.yaml:5: collections[0].name (Other): is given twice, first in line 3",
        ),
    ],
)
def test_one_mistake(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path, SMALL.replace(old, new, 1))
    found = complaints(path)
    assert message in found[1:]
    # Only a misspelt name of a required field is two mistakes: one is missing, one is unknown.
    assert found[0] == ("the mapping has 2 mistakes:" if "nam: " in new else "the mapping has 1 mistake:")


@pytest.mark.parametrize(("of_type", "field", "place", "message"), WRONG_READINGS)
def test_a_mistake_in_how_a_column_is_read(tmp_path: Path, of_type: str, field: str, place: str, message: str) -> None:
    path = written(tmp_path, SMALL.replace("index: words", f"type: {of_type}, {field}"))
    (line,) = complaints(path)[1:]
    assert line.startswith(f"map.yaml:6: {PROPERTY}.{place} (Note.title): {message}")


@pytest.mark.parametrize(("field", "message"), WRONG_VECTORS)
def test_a_mistake_in_a_vector(tmp_path: Path, field: str, message: str) -> None:
    path = written(tmp_path, SMALL.replace("table: notes", f"table: notes\n    vectors: [{{name: v, {field}}}]"))
    (line,) = complaints(path)[1:]
    assert line.startswith(f"map.yaml:5: collections[0].{message}")


def test_all_mistakes_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """\
        name: notes
        missing: maybe
        collections:
          - name: Note
            table: notes
            properties:
              - name: title
                column: title
                indx: words
              - {name: id, column: id, index: whole}
              - name: title

                column: 12
                index: words
            relations:
              - column: page
                to_table: pages
          - name: Note
            table: [other]
        """,
    )
    starts = [line.split(" ")[0] + " " + line.split(" ")[1].rstrip(":") for line in complaints(path)[1:]]
    assert starts == [
        "map.yaml:2: missing",
        "map.yaml:7: collections[0].properties[0].index",
        "map.yaml:9: collections[0].properties[0].indx",
        "map.yaml:10: collections[0].properties[1].name",
        "map.yaml:11: collections[0].properties[2].name",
        "map.yaml:13: collections[0].properties[2].column",
        "map.yaml:17: collections[0].relations[0].to_table",
        "map.yaml:18: collections[1].properties",
        "map.yaml:18: collections[1].name",
        "map.yaml:19: collections[1].table",
    ]


FIELDS = "name, missing, omit_tables, unmapped, models, replication, shards, collections"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"map.yaml:1: is empty; a mapping has {FIELDS}"),
        (
            b"# nothing\n",
            f"map.yaml:1: is empty; a mapping has {FIELDS}",
        ),
        (
            b"- a\n",
            f"map.yaml:1: holds no fields at its top; a mapping has {FIELDS}",
        ),
        (
            b"just text",
            f"map.yaml:1: holds no fields at its top; a mapping has {FIELDS}",
        ),
        (b"name: a\n  table: b\n", "map.yaml:2: broken YAML: mapping values are not allowed here"),
        (b"name: [a\n", "map.yaml:2: broken YAML: expected ',' or ']', but got '<stream end>'"),
        (b"name: a\n---\nname: b\n", "map.yaml:2: broken YAML: but found another document"),
        (b"? [a]\n: b\n", "map.yaml:1: broken YAML: found unhashable key"),
        (b"name: !!python/name:os.system\n", "could not determine a constructor for the tag"),
        (b"name: 2024-13-01\n", "map.yaml: broken YAML: month must be in 1..12"),
        (b"name: \x00\n", "map.yaml: broken YAML: unacceptable character"),
        (b"name: \xff\xfe\n", "map.yaml: is not UTF-8 text (byte 6): save it as UTF-8"),
    ],
)
def test_what_is_no_mapping_at_all_takes_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(content)
    (line,) = complaints(path)
    assert message in line


def test_no_file(tmp_path: Path) -> None:
    told = ["mapping file none.yaml: No such file or directory", "Correct --mapping."]
    assert complaints(tmp_path / "none.yaml") == told


def test_a_directory(tmp_path: Path) -> None:
    assert complaints(tmp_path) == [f"mapping file {tmp_path.name}: Is a directory", "Correct --mapping."]


def test_file_that_has_not_changed_is_not_parsed_again(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL)
    first = read_mapping(path)
    assert read_mapping(path) is first
    assert read_mapping(written(tmp_path, SMALL.replace("name: notes", "name: other"))).name == "other"


def test_mappings_that_say_the_same_are_taken_for_one(tmp_path: Path) -> None:
    mapping = read_mapping(written(tmp_path, SMALL))
    same, other = read_mapping(written(tmp_path, f"# a remark\n{SMALL}")), read_mapping()
    assert len({mapping, same, other}) == 2


def test_a_preset_is_named_without_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_mapping(Path("conversations")) == read_mapping()
    (tmp_path / "conversations").write_text(SMALL, encoding="utf-8")
    assert read_mapping(Path("conversations")).name == "notes", "a file of that name wins"
    with pytest.raises(MappingError, match="No such file"):
        read_mapping(Path("conversation"))


def test_stop_words_that_yaml_takes_for_booleans(tmp_path: Path) -> None:
    said = SMALL.replace("index: words", "index: words, stopwords: [no, on, off, yes]", 1)
    assert said != SMALL
    (prop,) = (each for each in read_mapping(written(tmp_path, said)).collections[0].properties if each.stopwords)
    assert prop.stopwords == ("no", "on", "off", "yes")


def message_of(file: Path) -> str:
    """What is said of a file that is no mapping."""
    with pytest.raises(MappingError) as error:
        read_mapping(file)
    return error.value.message


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    assert "larger than 4.2 MB" in message_of(Path("/dev/zero"))


@pytest.mark.parametrize("text", ["[" * 20_000, "{a: " * 20_000, "- " * 20_000, "&a [" * 20_000])
def test_deep_nesting_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(text)
    told = message_of(file)
    assert told.startswith(str(file))
    assert "\n" not in told


def test_what_points_at_itself_is_told(tmp_path: Path) -> None:
    file = tmp_path / "circle.yaml"
    file.write_text(
        "name: circle\ncollections: &all\n  - *all\n  - name: Note\n    table: notes\n    properties: *all\n"
    )
    assert message_of(file).startswith("the mapping has ")


def test_aliases_that_multiply_are_not_written_out(tmp_path: Path) -> None:
    """Nine lines that stand for a thousand million items."""
    lists = "".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 10))
    file = tmp_path / "many.yaml"
    file.write_text(f"name: many\na0: &a0 [{', '.join(['x'] * 10)}]\n{lists}collections: *a9\n")
    assert len(message_of(file)) < 10_000


MULTIPLYING = {
    "a collection of 1,000 fields, 1,000 times": "name: many\ncollections:\n  - &c {"
    + ", ".join(f"f{at}: 1" for at in range(1_000))
    + "}\n"
    + "  - *c\n" * 1_000,
    "the same properties in 1,000 collections": "name: many\ncollections:\n  - &c {name: A, table: a, properties: &p ["
    + ", ".join(f"{{name: p{at}, column: p{at}}}" for at in range(1_000))
    + "]}\n"
    + "".join(f"  - {{name: B{at}, table: b{at}, properties: *p}}\n" for at in range(1_000)),
    "merges of merges": "a0: &a0 {"
    + ", ".join(f"f{at}: 1" for at in range(10))
    + "}\n"
    + "".join(f"a{at}: &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * 10)}]}}\n" for at in range(1, 10)),
}


@pytest.mark.parametrize("text", MULTIPLYING.values(), ids=MULTIPLYING)
def test_what_aliases_stand_for_is_counted_before_it_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "many.yaml"
    file.write_text(text)
    told = message_of(file)
    assert re.fullmatch(
        rf"{re.escape(str(file))}: its aliases stand for [\d,]+ values more, and at most [\d,]+ are read", told
    )


@pytest.mark.parametrize("number", ["9" * 10_000, "0x" + "f" * 10_000, "0b" + "1" * 100, "-1" + ":59" * 5_000])
@pytest.mark.parametrize("field", ["shards", "table", "nothing"])
def test_numbers_of_many_digits(tmp_path: Path, field: str, number: str) -> None:
    """Python cannot write the largest of them."""
    file = tmp_path / "number.yaml"
    file.write_text(f"name: n\ncollections:\n  - name: Note\n    {field}: {number}\n")
    told = message_of(file)
    assert told.startswith(str(file))
    assert "\n" not in told


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [ls]", "!ruby/object:Gem x", "!!java.util.Date 1"])
def test_tags_of_other_languages_make_nothing(tmp_path: Path, tag: str) -> None:
    file = tmp_path / "tagged.yaml"
    file.write_text(f"name: n\ncollections: {tag}\n")
    assert re.match(rf"{re.escape(str(file))}:2: broken YAML: could not determine a constructor", message_of(file))


LONG = "N" * 300_000
LONG_NAMES = {
    "a collection": f"name: n\ncollections:\n  - {{name: {LONG}, table: 1}}\n",
    "a field": f"name: n\ncollections:\n  - ? {LONG}\n    : 1\n",
    "a tag": f"name: !{LONG} n\n",
    "an alias": f"name: *{LONG}\n",
    "a value": f"name: n\nmissing: {LONG}\ncollections: []\n",
}


@pytest.mark.parametrize("text", LONG_NAMES.values(), ids=LONG_NAMES)
def test_long_names_are_cut(tmp_path: Path, text: str) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(text)
    assert len(message_of(file)) < 10_000


def test_of_many_mistakes_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("name: wrong\ncollections:\n" + "  - {nme: Note}\n" * 1_000)
    lines = message_of(file).splitlines()
    assert lines[0] == "the mapping has 4,000 mistakes:"
    assert lines[1].startswith(f"{file}:3: ")
    assert lines[-1] == "… and 3,950 more"
    assert len(lines) == 52
