from typing import Any, get_args

import pytest
from pydantic import ValidationError

from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping, RelationMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.property_mapping import PropertyType, TenantMapping, TextIndex
from weaviate_migration.mapping.relation_groups import parents_of

NAME = PropertyMapping(name="title", column="title", index="words")


def collection(**fields: Any) -> CollectionMapping:
    return CollectionMapping(**{"name": "Note", "table": "notes", "properties": [NAME], **fields})


def mistakes(error: pytest.ExceptionInfo[ValidationError]) -> list[tuple[tuple[int | str, ...], str]]:
    return [(details["loc"], details["msg"].removeprefix("Value error, ")) for details in error.value.errors()]


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({}, "index", "is missing: a text property says how it is indexed: whole, words or stored"),
        ({"type": "text[]"}, "index", "is missing: a text property says how it is indexed: whole, words or stored"),
        ({"type": "int", "index": "whole"}, "index", "only text and text[] properties have one, this is of type int"),
        ({"type": "uuid", "index": "whole"}, "index", "only text and text[] properties have one, this is of type uuid"),
        (
            {"type": "int[]", "index": "stored"},
            "index",
            "only text and text[] properties have one, this is of type int[]",
        ),
        ({"type": "blob", "default": "AA=="}, "default", "only text properties have one, this is of type blob"),
        (
            {"type": "number[]", "json_key": "scores"},
            "json_key",
            "only text and text[] properties have one, this is of type number[]",
        ),
        (
            {"type": "date[]", "date_format": "epoch_seconds"},
            "date_format",
            "only date properties have one, this is of type date[]",
        ),
        ({"type": "int", "default": "0"}, "default", "only text properties have one, this is of type int"),
        (
            {"type": "text[]", "index": "whole", "default": "a"},
            "default",
            "only text properties have one, this is of type text[]",
        ),
        ({"index": "words", "default_for_empty": True}, "default_for_empty", "needs a `default`"),
        (
            {"type": "date", "json_key": "at"},
            "json_key",
            "only text and text[] properties have one, this is of type date",
        ),
        (
            {"index": "words", "json_key": "a", "on_unfit": "refuse"},
            "on_unfit",
            "cannot be `refuse` beside `json_key`: all of the column is kept anyway",
        ),
        (
            {"type": "int", "date_format": "epoch_seconds"},
            "date_format",
            "only date properties have one, this is of type int",
        ),
        ({"index": "whole", "tokenization": "word"}, "tokenization", "only texts with `index: words` have one"),
        ({"index": "whole", "containment": 0.9}, "containment", "only texts with `index: words` have one"),
        ({"type": "int", "tokenization": "word"}, "tokenization", "only texts with `index: words` have one"),
        (
            {"index": "whole", "stopwords": "none"},
            "stopwords",
            "only texts with `index: words` and the tokenization `word` have them",
        ),
        (
            {"index": "words", "tokenization": "trigram", "stopwords": ["und"]},
            "stopwords",
            "only texts with `index: words` and the tokenization `word` have them",
        ),
        (
            {"index": "stored", "ascii_fold": True},
            "ascii_fold",
            "only texts that are indexed have it: `whole` or `words`",
        ),
        ({"type": "date", "ascii_fold": True}, "ascii_fold", "only texts that are indexed have it: `whole` or `words`"),
        ({"index": "words", "ascii_fold_ignore": ["é"]}, "ascii_fold_ignore", "needs `ascii_fold: true`"),
        ({"index": "words", "stopwords": []}, "stopwords", "must be `en`, `none`, or a list of words"),
        ({"index": "words", "stopwords": "de"}, "stopwords", "must be `en`, `none`, or a list of words"),
        ({"index": "words", "stopwords": {"en": 1}}, "stopwords", "must be `en`, `none`, or a list of words"),
        *(
            (
                {"index": "words", "stopwords": ["und", word]},
                "stopwords",
                f"`{word}` is no word as Weaviate makes them: small letters and digits, nothing else",
            )
            for word in ("Und", "don't", "", " ", "a b", True, 7)
        ),
    ],
)
def test_property_whose_fields_do_not_fit_together(fields: dict[str, Any], place: str, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        PropertyMapping(name="a", column="a", **fields)
    assert mistakes(error) == [((place,), message)]


def test_stop_words_that_no_folded_text_has() -> None:
    with pytest.raises(ValidationError) as error:
        PropertyMapping(
            name="a",
            column="a",
            index="words",
            ascii_fold=True,
            ascii_fold_ignore=("é",),
            stopwords=("und", "für", "été", "ещё", "groß"),
        )
    told = "is in no text any more: `ascii_fold` takes the accents; write it without"
    assert mistakes(error) == [(("stopwords", 1), f"`für` {told}"), (("stopwords", 4), f"`groß` {told}")]


def test_letters_that_stay_are_single_ones() -> None:
    with pytest.raises(ValidationError) as error:
        PropertyMapping(name="a", column="a", index="words", ascii_fold=True, ascii_fold_ignore=("é", "", "ab"))
    assert [place for place, _ in mistakes(error)] == [("ascii_fold_ignore", 1), ("ascii_fold_ignore", 2)]


def test_a_collection_with_tenants_has_no_number_of_shards() -> None:
    with pytest.raises(ValidationError) as error:
        collection(tenant={"column": "org"}, shards=2)
    told = "a collection with tenants has a shard for each of them: leave it out"
    assert mistakes(error) == [(("shards",), told)]


@pytest.mark.parametrize("field", ["replication", "shards"])
@pytest.mark.parametrize("number", [0, -1, 1.5, "2", True])
def test_numbers_of_nodes_and_shards(field: str, number: object) -> None:
    with pytest.raises(ValidationError) as error:
        collection(**{field: number})
    assert [place for place, _ in mistakes(error)] == [(field,)]


OPTIONS: list[dict[str, Any]] = [
    {"replication": 1},
    {"shards": 1},
    {"stopwords": "en"},
    {"stopwords": "none"},
    {"stopwords": ["und", "oder"]},
    {"index_timestamps": True},
    {"index_timestamps": False},
    {"index_null_state": True},
    {"index_property_length": True},
    *(
        {"properties": [{"name": "title", "column": "title", "index": "words", **each}]}
        for each in (
            {"tokenization": "word"},
            {"tokenization": "trigram"},
            {"stopwords": "none"},
            {"stopwords": ["und"]},
            {"ascii_fold": True},
            {"ascii_fold": True, "ascii_fold_ignore": ["é"]},
        )
    ),
]


def test_what_is_said_of_a_collection_comes_back_from_json_and_changes_the_digest() -> None:
    mappings = [Mapping(name="x", collections=(collection(**each),)) for each in ({}, *OPTIONS)]
    for mapping in mappings:
        assert Mapping.model_validate_json(mapping.model_dump_json()) == mapping
    assert len({mapping.digest for mapping in mappings}) == len(mappings)
    named = {name for each in OPTIONS for name in each} - {"properties"}
    named |= {"tokenization", "ascii_fold", "ascii_fold_ignore"}
    assert not named & set(mappings[0].model_dump_json().split('"'))


def test_how_much_a_search_has_to_find_makes_no_other_migration() -> None:
    def mapping(**fields: Any) -> Mapping:
        return Mapping(name="x", collections=(collection(properties=[{"name": "a", "column": "a", **fields}]),))

    asking = mapping(index="words", containment=0.9)
    assert asking.digest == mapping(index="words").digest
    assert Mapping.model_validate_json(asking.model_dump_json()) == asking


def test_what_not_every_server_can_make() -> None:
    asking = [each for each in OPTIONS if collection(**each).asks_of_server]
    assert asking == [OPTIONS[0], *OPTIONS[-4:]]
    on_demand = {"name": "title", "column": "title", "index": "words", "tokenization": "kagome_ja"}
    assert collection(properties=[on_demand]).asks_of_server


def test_what_can_be_filtered_by() -> None:
    texts = {index: PropertyMapping(name="a", column="a", index=index) for index in get_args(TextIndex)}
    assert [index for index, prop in texts.items() if prop.is_filterable] == ["whole"]
    others = [PropertyMapping(name="a", column="a", type=each) for each in get_args(PropertyType) if "text" not in each]
    assert [prop.type for prop in others if not prop.is_filterable] == ["blob"]


def test_on_unfit_beside_what_it_goes_with() -> None:
    assert PropertyMapping(name="a", column="a", type="int").on_unfit == "keep"
    assert PropertyMapping(name="a", column="a", index="words", json_key="b", on_unfit="keep").json_key == "b"
    assert PropertyMapping(name="a", column="a", index="words", default="b", on_unfit="refuse").on_unfit == "refuse"


@pytest.mark.parametrize("name", ["id", "_id", "vector", "_additional"])
def test_reserved_property_name(name: str) -> None:
    with pytest.raises(ValidationError) as error:
        PropertyMapping(name=name, column="a", type="int")
    assert mistakes(error) == [(("name",), f"`{name}` is reserved by Weaviate; choose another name")]


def test_an_unknown_type_is_one_mistake_only() -> None:
    with pytest.raises(ValidationError) as error:
        PropertyMapping(name="a", column="a", type="integer", index="whole")  # type: ignore[arg-type]
    assert [place for place, _ in mistakes(error)] == [("type",)]


def test_property_names_differ_in_more_than_case() -> None:
    with pytest.raises(ValidationError) as error:
        collection(properties=[NAME, {"name": "tiTle", "column": "heading", "index": "words"}])
    assert mistakes(error) == [(("properties", 1, "name"), "`tiTle` is the name of properties[0], too")]


@pytest.mark.parametrize("provenance", [{}, {"provenance": "metaData"}])
def test_provenance_is_no_property(provenance: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as error:
        collection(properties=[{"name": "metadata", "column": "a", "index": "words"}], **provenance)
    assert mistakes(error) == [
        (("properties", 0, "name"), "`metadata` is also the name of the provenance property"),
    ]


def test_omitted_columns_are_not_needed_elsewhere() -> None:
    with pytest.raises(ValidationError) as error:
        collection(
            key=["id"],
            tenant={"column": "Org"},
            omit={"TITLE": "private", "ID": "private", "ORG": "private", "other": "private"},
        )
    assert mistakes(error) == [
        (("omit", "TITLE"), "column `TITLE` is also mapped, in properties[0]"),
        (("omit", "ID"), "column `ID` is part of the key"),
        (("omit", "ORG"), "column `ORG` names the tenant"),
    ]


def test_a_vector_is_a_name_or_a_name_and_a_column() -> None:
    mapping = collection(vectors=["own", {"name": "other"}, {"name": "made", "column": "blob"}])
    assert mapping.provided_vectors == ("own", "other")
    assert mapping.column_vectors == {"made": "blob"}
    assert mapping == collection(vectors=mapping.vectors)


def test_vectors_are_told_apart_and_their_columns_are_not_omitted() -> None:
    with pytest.raises(ValidationError) as error:
        collection(
            vectors=["same", {"name": "made", "column": "blob"}, {"name": "Same", "column": "Title"}],
            omit={"BLOB": "large", "title": "private"},
        )
    assert mistakes(error) == [
        (("vectors", 2, "name"), "`Same` is the name of vectors[0], too"),
        (("omit", "BLOB"), "column `BLOB` is also mapped, in vectors[1]"),
        (("omit", "title"), "column `title` is also mapped, in properties[0]"),
    ]


@pytest.mark.parametrize(
    "vector", [7, "1st", "", None, {"column": "blob"}, {"name": "a", "column": ""}, {"name": "a", "colum": "b"}]
)
def test_what_is_no_vector(vector: object) -> None:
    with pytest.raises(ValidationError) as error:
        collection(vectors=[vector])
    ((place, _),) = mistakes(error)
    assert place[:2] == ("vectors", 0)


WITHOUT_CONDITION = "collections[{}], too: all of them but one need a `where` or a `select`"


@pytest.mark.parametrize(
    ("name", "table", "place", "message"),
    [
        ("Note", "b", "name", "is that of collections[0], too"),
        ("NOTE", "b", "name", "is that of collections[0], too"),
        ("B", "Notes", "table", f"is that of {WITHOUT_CONDITION.format(0)}"),
        ("my", "b", "name", "String should match pattern '^[A-Z][_0-9A-Za-z]*$'"),
    ],
)
def test_collections_are_told_apart(name: str, table: str, place: str, message: str) -> None:
    given = [collection(), collection(name="MyNote", table="my notes"), {"name": name, "table": table}]
    with pytest.raises(ValidationError) as error:
        Mapping.model_validate({"name": "x", "collections": [*given[:2], {**given[2], "properties": [NAME]}]})  # type: ignore[dict-item]
    assert mistakes(error) == [(("collections", 2, place), message)]


SELECT = "SELECT n.id, p.title FROM notes n JOIN people p ON p.id = n.person"


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({"select": "SELECT FROM notes"}, "select", 'is not one SELECT, as SQLite reads it: near "FROM": syntax error'),
        ({"select": "DELETE FROM notes"}, "select", 'is not one SELECT, as SQLite reads it: near "DELETE": syntax er'),
        ({"select": "SELECT 1; SELECT 2"}, "select", "is not one SELECT, as SQLite reads it: You can only execute one"),
        ({"select": "SELECT 1) FROM (SELECT 1"}, "select", 'is not one SELECT, as SQLite reads it: near ")": syntax e'),
        ({"select": "SELECT :id"}, "select", "is not one SELECT, as SQLite reads it: parameters are not allowed in v"),
        ({"select": "-- nothing"}, "select", "is not one SELECT, as SQLite reads it: incomplete input"),
        ({"select": ""}, "select", "String should have at least 1 character"),
        ({"select": SELECT, "key": []}, "key", "is missing: name the columns of the `select` that identify a row"),
        ({"where": "size >"}, "where", 'is no condition, as SQLite reads it: near ")": syntax error'),
        ({"where": "size = ?"}, "where", "is no condition, as SQLite reads it: parameters are not allowed in views"),
        ({"where": "id > 1 ORDER BY id"}, "where", 'is no condition, as SQLite reads it: near "ORDER": syntax error'),
        ({"where": "id = 1) OR (true"}, "where", 'is no condition, as SQLite reads it: near ")": syntax error'),
        ({"where": "true; DROP TABLE notes"}, "where", 'is no condition, as SQLite reads it: near ";": syntax error'),
    ],
)
def test_what_is_no_statement_or_condition(fields: dict[str, Any], place: str, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        collection(**{"key": ["id"], **fields})
    ((found, said),) = mistakes(error)
    assert found == (place,)
    assert said.startswith(message)


def test_what_a_statement_gives_is_called_as_its_collection_is() -> None:
    given = {"name": "Note", "select": f"{SELECT};\n", "key": ["id"], "properties": [NAME]}
    named, unnamed = (
        CollectionMapping.model_validate({**given, "table": "notes"}),
        CollectionMapping.model_validate(given),
    )
    assert (named.table, named.rows_of, unnamed.table, unnamed.rows_of) == ("notes", "notes/Note", "Note", "Note/Note")
    assert unnamed.select == SELECT
    assert unnamed.extract_name == "Note_extract"


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({}, "notes"),
        ({"where": "id >\n  1"}, "notes where id > 1"),
        (
            {"where": f"id IN ({', '.join(map(str, range(50)))})"},
            "notes where id IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,…",
        ),
        ({"select": SELECT, "key": ["id"]}, "notes, with columns of a statement"),
        ({"select": SELECT, "key": ["id"], "table": "Note"}, "a statement"),
        ({"tenant": {"column": "org", "only": "acme"}}, "notes of tenant acme alone"),
    ],
)
def test_rows_are_named_in_a_line(fields: dict[str, Any], rows: str) -> None:
    assert collection(**fields).made_from == rows


def test_statements_come_back_from_json_and_change_the_digest() -> None:
    variants: list[dict[str, Any]] = [{}, {"where": "id > 1"}, {"where": "id > 2"}, {"select": SELECT, "key": ["id"]}]
    mappings = [Mapping(name="x", collections=(collection(**each),)) for each in variants]
    assert [Mapping.model_validate_json(each.model_dump_json()) for each in mappings] == mappings
    assert len({each.digest for each in mappings}) == len(mappings)


@pytest.mark.parametrize(
    ("collections", "found"),
    [
        ([{}, {"where": "id > 1"}, {"where": "id > 2"}], []),
        ([{"where": "id > 1"}, {"select": SELECT, "key": ["id"]}, {}], []),
        ([{"where": "id > 1"}, {}, {}], [(("collections", 2, "table"), f"is that of {WITHOUT_CONDITION.format(1)}")]),
        ([{}, {"tenant": {"column": "org", "only": "acme"}}, {"tenant": {"column": "org", "only": "other"}}], []),
        (
            [{"where": "id > 1"}, {"table": "notes/C0"}],
            [(("collections", 1, "name"), "rows of collections[0] are on record as `notes/C0`, too")],
        ),
    ],
)
def test_all_collections_of_a_table_but_one_have_a_condition_or_statement(
    collections: list[dict[str, Any]], found: list[tuple[tuple[str | int, ...], str]]
) -> None:
    given = [{"name": f"C{at}", "table": "notes", "properties": [NAME], **each} for at, each in enumerate(collections)]
    if not found:
        mapping = Mapping.model_validate({"name": "x", "collections": given})
        assert len({each.rows_of for each in mapping.collections}) == len(given)
        assert len({each.extract_name for each in mapping.collections}) == len(given)
        return
    with pytest.raises(ValidationError) as error:
        Mapping.model_validate({"name": "x", "collections": given})
    assert mistakes(error) == found


def test_relations_lead_to_what_a_statement_gives() -> None:
    given: list[dict[str, Any]] = [
        {"name": "Year", "select": "SELECT year, count(*) AS notes FROM notes GROUP BY year", "key": ["year"]},
        {"name": "Note", "table": "notes", "relations": [{"column": "year", "to_table": "year"}]},
    ]
    mapping = Mapping.model_validate({"name": "x", "collections": [{**each, "properties": [NAME]} for each in given]})
    assert [each.name for each in parents_of(mapping, mapping.collections[1])] == ["Year"]


def test_only_the_names_of_assets_may_clash() -> None:
    given = [collection(), collection(name="MyNote", table="my notes"), collection(name="My_note", table="my-notes")]
    mapping = Mapping(name="x", collections=tuple(given))
    names = [name for each in mapping.collections for name in (each.asset_name, each.extract_name)]
    assert names[:2] == ["note", "notes_extract"]
    assert len(set(names)) == 6
    assert [each.asset_name for each in given] == ["note", "my_note", "my_note"]


def test_a_collection_keeps_the_names_of_its_assets() -> None:
    given = [collection(name="MyNote", table="my notes"), collection(name="My_note", table="my-notes")]
    first, _ = Mapping(name="x", collections=tuple(given)).collections
    copy = first.model_copy(update={"description": "other"})
    assert (copy.asset_name, copy.extract_name) == (first.asset_name, first.extract_name)
    alone = Mapping(name="x", collections=(first,))
    assert (alone.collections[0].asset_name, alone.collections[0].extract_name) == ("my_note", "my_notes_extract")


def test_relations_lead_to_mapped_tables_in_any_case() -> None:
    Mapping(name="x", collections=(collection(relations=(RelationMapping(column="parent", to_table="NOTES"),)),))
    with pytest.raises(ValidationError) as error:
        Mapping(name="x", collections=(collection(relations=(RelationMapping(column="parent", to_table="pages"),)),))
    assert mistakes(error) == [
        (("collections", 0, "relations", 0, "to_table"), "`pages` is no mapped table; mapped are notes"),
    ]


def test_wrong_fields_hide_no_mistake_between_fields() -> None:
    wrong = {"name": "Title", "column": 7, "type": "int", "index": "whole"}
    with pytest.raises(ValidationError) as error:
        Mapping.model_validate(
            {
                "collections": [
                    {"name": "Note", "table": "notes", "properties": [NAME, wrong], "omit": {"title": "private"}},
                    {"name": "Note", "table": "pages"},
                ]
            }
        )
    assert {place for place, _ in mistakes(error)} == {
        ("name",),
        ("collections", 0, "properties", 1, "column"),
        ("collections", 0, "properties", 1, "index"),
        ("collections", 0, "properties", 1, "name"),
        ("collections", 0, "omit", "title"),
        ("collections", 1, "properties"),
        ("collections", 1, "name"),
    }


def test_models_are_frozen_and_strict() -> None:
    with pytest.raises(ValidationError):
        NAME.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        PropertyMapping(name="a", column="a", index="whole", default_for_empty="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "asset"),
    [("MultiModalContent", "multi_modal_content"), ("Message", "message"), ("HTMLPage2Go", "html_page2_go")],
)
def test_asset_names(name: str, asset: str) -> None:
    assert collection(name=name).asset_name == asset


def test_extract_names_are_plain() -> None:
    assert collection(table="Notes of Zoë-2").extract_name == "Notes_of_Zo__2_extract"


def test_json_gives_the_same_mapping_and_digest() -> None:
    mapping = Mapping(name="x", collections=(collection(key=("id",), vectors=("embedding",)),))
    again = Mapping.model_validate_json(mapping.model_dump_json())
    assert again == mapping
    assert again.digest == mapping.digest
    assert again.model_copy(update={"missing": "warn"}).digest != mapping.digest


def test_a_mapping_keeps_the_digest_that_older_versions_gave_it() -> None:
    mapping = Mapping.model_validate(
        {
            "name": "notes",
            "collections": [
                {
                    "name": "Note",
                    "table": "notes",
                    "vectors": ["own", {"name": "made", "column": "blob"}],
                    "properties": [
                        {"name": "title", "column": "title", "index": "words"},
                        {"name": "at", "column": "at", "type": "date", "date_format": "epoch_seconds"},
                    ],
                    "omit": {"password": "a secret"},
                }
            ],
        }
    )
    # As the version of commit dd9a0a9 gives it.
    assert mapping.digest == "e4b6a4d9ead7e86cb408f5a832077030ab13d2f03dbed74424ace787a2ade388"
    for field, value in (("omit_tables", {"users": "private"}), ("unmapped", "refuse")):
        assert mapping.model_copy(update={field: value}).digest != mapping.digest


def test_omitted_tables_are_not_mapped() -> None:
    omitted = {"NOTES": "private", "alembic_version": "bookkeeping", "Ä": "private"}
    with pytest.raises(ValidationError) as error:
        Mapping(name="x", collections=(collection(), collection(name="Other", table="ä")), omit_tables=omitted)
    assert mistakes(error) == [(("omit_tables", "NOTES"), "table `NOTES` is also mapped, in collections[0]")]


@pytest.mark.parametrize("omitted", [{"users": ""}, {"": "private"}, ["users"], {"users": None}])
def test_an_omitted_table_has_a_name_and_a_reason(omitted: object) -> None:
    with pytest.raises(ValidationError) as error:
        Mapping.model_validate({"name": "x", "collections": [collection()], "omit_tables": omitted})
    assert {place[0] for place, _ in mistakes(error)} == {"omit_tables"}


def test_how_columns_are_read_comes_back_from_json_and_changes_the_digest() -> None:
    spelled: list[dict[str, Any]] = [
        {"type": "boolean", "values": {"true": ["t", 1], "false": ["1", 0]}},
        {"type": "number", "decimal": "text"},
        {"type": "number", "decimal": {"scale": 2}},
        {"type": "date", "date_format": "%d/%m/%Y"},
        {"type": "date", "date_format": "apple"},
    ]
    vectors = [{"name": "v", "column": "c", "bytes": "int8", "length": 3, "distance": "dot"}, "own"]
    plain = Mapping(name="x", collections=(collection(),))
    mappings = [plain, Mapping(name="x", collections=(collection(vectors=vectors),))]
    mappings += [
        Mapping(name="x", collections=(collection(properties=[{"name": "p", "column": "c", **each}]),))
        for each in spelled
    ]
    for mapping in mappings:
        assert Mapping.model_validate_json(mapping.model_dump_json()) == mapping
    assert len({mapping.digest for mapping in mappings}) == len(mappings)
    assert not {"values", "decimal", "bytes", "length", "distance"} & set(plain.model_dump_json().split('"'))


def test_folded_leaves_what_sqlite_tells_apart() -> None:
    assert folded("Ä_ID") == "Ä_id"


def test_tenant_of_null_is_a_name_that_weaviate_takes_and_no_hash() -> None:
    for of_null in ("", "no one", "a" * 65, "ü"):
        with pytest.raises(ValidationError):
            TenantMapping(column="org", of_null=of_null)
    with pytest.raises(ValidationError) as error:
        TenantMapping(column="org", of_null="t_none")
    expected = "begins with `t_`, as the names of values do that cannot be names themselves"
    assert mistakes(error) == [(("of_null",), expected)]


PROPERTIES = [NAME, PropertyMapping(name="parentKey", column="parent", index="whole")]


@pytest.mark.parametrize(
    ("relations", "fields", "expected"),
    [
        ([{"parent_id": "title"}], {}, [(("relations", 0, "parent_id"), "`title` is the name of properties[0], too")]),
        (
            [{"parent_id": "tITLE", "reference": "metaData"}],
            {},
            [
                (("relations", 0, "parent_id"), "`tITLE` is the name of properties[0], too"),
                (("relations", 0, "reference"), "`metaData` is the name of the provenance property, too"),
            ],
        ),
        (
            [{"parent_id": "to", "reference": "to"}, {"reference": "tO"}],
            {},
            [
                (("relations", 0, "reference"), "`to` is the name of relations[0].parent_id, too"),
                (("relations", 1, "reference"), "`tO` is the name of relations[0].parent_id, too"),
            ],
        ),
        (
            [{"parent_id": "to"}],
            {"properties": [NAME], "omit": {"Parent": "secret"}},
            [(("omit", "Parent"), "column `Parent` is also mapped, in relations[0]")],
        ),
        ([{"parent_id": "to", "reference": "parent"}, {"parent_id": "second"}], {}, []),
        ([{}], {"properties": [NAME], "omit": {"parent": "secret"}}, []),
    ],
)
def test_what_leads_to_parents_has_a_name_and_a_column_of_its_own(
    relations: list[dict[str, Any]], fields: dict[str, Any], expected: list[tuple[tuple[int | str, ...], str]]
) -> None:
    named = [{"column": "parent", "to_table": "notes", **each} for each in relations]
    if not expected:
        collection(**{"properties": PROPERTIES, "relations": named, **fields})
        return
    with pytest.raises(ValidationError) as raised:
        collection(**{"properties": PROPERTIES, "relations": named, **fields})
    assert mistakes(raised) == expected


def test_what_leads_to_parents_is_in_the_digest_only_where_there_is_any() -> None:
    def whole(**fields: str) -> Mapping:
        relation = RelationMapping(column="parent", to_table="notes", **fields)
        return Mapping(name="notes", collections=(collection(relations=[relation]),))

    assert whole().model_dump()["collections"][0]["relations"] == ({"column": "parent", "to_table": "notes"},)
    assert len({whole().digest, whole(parent_id="to").digest, whole(reference="to").digest}) == 3


def referring(**fields: Any) -> dict[str, Any]:
    relation = {"column": "parent", "to_table": "PAGES", "reference": "page"}
    return {"name": "Note", "table": "notes", "properties": [NAME], "relations": [relation], **fields}


def pages(**fields: Any) -> dict[str, Any]:
    return {"name": "Page", "table": "pages", "properties": [NAME], **fields}


TENANT = {"column": "title"}


@pytest.mark.parametrize(
    ("collections", "expected"),
    [
        ([referring(), pages()], None),
        ([referring(tenant=TENANT), pages(tenant=TENANT)], None),
        (
            [referring(), pages(tenant=TENANT)],
            "cannot lead between a collection with tenants and one without: `parent_id` will do",
        ),
        (
            [referring(tenant=TENANT), pages()],
            "cannot lead between a collection with tenants and one without: `parent_id` will do",
        ),
        ([referring(tenant=TENANT), pages(tenant=TENANT, relations=[{"column": "n", "to_table": "notes"}])], None),
        ([referring(), pages(relations=[{"column": "note", "to_table": "notes", "reference": "note"}])], None),
        (
            [
                referring(tenant=TENANT),
                pages(tenant=TENANT, relations=[{"column": "n", "to_table": "Notes", "reference": "note"}]),
            ],
            "cannot lead around a circle in a collection with tenants: `parent_id` will do",
        ),
        (
            [referring(tenant=TENANT, table="Pages")],
            "cannot lead around a circle in a collection with tenants: `parent_id` will do",
        ),
        (
            [referring(), pages(), pages(name="Draft", where="draft")],
            "leads into one collection, and `PAGES` has 2: `parent_id` will do",
        ),
    ],
)
def test_a_reference_leads_into_one_collection_and_with_tenants_into_their_own(
    collections: list[dict[str, Any]], expected: str | None
) -> None:
    if expected is None:
        mapping = Mapping.model_validate({"name": "m", "collections": collections})
        assert mapping.collections[0].references == {"page": "Page"}
        return
    with pytest.raises(ValidationError) as raised:
        Mapping.model_validate({"name": "m", "collections": collections})
    assert mistakes(raised)[0] == (("collections", 0, "relations", 0, "reference"), expected)


def test_what_the_mapping_says_of_nodes_is_said_of_each_collection_that_does_not_say_it() -> None:
    own = collection(name="Other", table="other", replication=2)
    spread = Mapping(name="notes", replication=3, shards=5, collections=(collection(), own))
    assert [(each.replication, each.shards) for each in spread.collections] == [(3, 5), (2, 5)]
    alike = (collection(replication=3, shards=5), collection(name="Other", table="other", replication=2, shards=5))
    assert Mapping(name="notes", collections=alike).digest == spread.digest
    assert Mapping(name="notes", collections=(collection(), own)).digest != spread.digest


def test_tenants_are_the_shards_of_a_collection_that_has_them() -> None:
    (found,) = Mapping(name="notes", shards=5, collections=(collection(tenant={"column": "org"}),)).collections
    assert found.shards is None
