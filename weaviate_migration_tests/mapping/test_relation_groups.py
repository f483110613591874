"""Which collections name each other's rows: any graph of relations."""

import pytest

from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.relation_groups import (
    load_layers,
    loaded_before,
    parents_first,
    parents_of,
    related_groups,
)


def mapping_of(relations: str, **more: object) -> Mapping:
    """`A>B A>A C` has three collections; A names rows of B and of its own; each has these fields, too."""
    edges = [part.split(">") for part in relations.split()]
    names = sorted({name for edge in edges for name in edge})
    return Mapping.model_validate(
        {
            "name": "graph",
            "collections": [
                {
                    "name": name,
                    "table": name.lower(),
                    "properties": [{"name": "id_", "column": "id", "index": "whole"}],
                    "relations": [
                        {"column": f"c{at}", "to_table": edge[1], "reference": f"r{at}"}
                        for at, edge in enumerate(edges)
                        if edge[0] == name and len(edge) > 1
                    ],
                    **more,
                }
                for name in names
            ],
        }
    )


@pytest.mark.parametrize(
    ("relations", "groups"),
    [
        ("A B", []),
        ("A>B", ["A"]),
        ("A>A", ["A"]),
        ("A>B A>B B>C", ["A", "B"]),
        ("A>B B>A", ["AB"]),
        ("A>B B>A A>A B>C", ["AB"]),
        ("A>B B>C C>A D>A C>E", ["ABC", "D"]),
        ("A>B B>A C>D D>C B>C", ["AB", "CD"]),
        ("A>B B>C C>B C>D D>D", ["A", "BC", "D"]),
        ("A>B B>A B>C C>B", ["ABC"]),
    ],
)
def test_groups(relations: str, groups: list[str]) -> None:
    found = related_groups(mapping_of(relations))
    assert ["".join(each.name for each in group) for group in found] == groups


def test_parents_are_each_there_once() -> None:
    mapping = mapping_of("A>B A>B A>A B>A")
    assert [each.name for each in parents_of(mapping, mapping.collections[0])] == ["A", "B"]


@pytest.mark.parametrize(
    ("relations", "before"),
    [
        ("A B", {}),
        ("A>B B>C A>C", {"A": "BC", "B": "C"}),
        ("A>A", {}),
        ("A>B B>A", {}),
        ("A>B B>A B>C C>C", {"B": "C"}),
        ("A>B B>C C>B D>A", {"A": "B", "D": "A"}),
    ],
)
def test_what_references_lead_to_comes_first_unless_they_lead_back(relations: str, before: dict[str, str]) -> None:
    mapping = mapping_of(relations)
    found = {each.name: "".join(parent.name for parent in loaded_before(mapping, each)) for each in mapping.collections}
    assert {name: parents for name, parents in found.items() if parents} == before
    order = [each.name for each in parents_first(mapping)]
    assert all(order.index(parent) < order.index(name) for name, parents in before.items() for parent in parents)


@pytest.mark.parametrize(
    ("relations", "layers"),
    [
        ("A B", ["AB"]),
        ("A>B B>C A>C", ["C", "B", "A"]),
        ("A>B C>B D", ["BD", "AC"]),
    ],
)
def test_what_needs_others_is_loaded_after_them_with_tenants_alone(relations: str, layers: list[str]) -> None:
    with_tenants = mapping_of(relations, tenant={"column": "org"})
    assert ["".join(each.name for each in layer) for layer in load_layers(with_tenants)] == layers
    without = mapping_of(relations)
    assert load_layers(without) == [list(without.collections)]
