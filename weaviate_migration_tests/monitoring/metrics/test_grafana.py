"""The dashboard of the example asks for metrics and labels that there are, and has the shape that Grafana imports."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

import weaviate_migration
from weaviate_migration.monitoring.metrics.catalogue import SPECS

EXAMPLE = Path(weaviate_migration.__file__).parents[1] / "examples" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((EXAMPLE / "dashboard.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
# A histogram has three series; everything is known by the machine, which Prometheus adds.
SERIES = {
    f"{spec.full_name}{suffix}": {*spec.labels, "instance", *(["le"] if suffix == "_bucket" else [])}
    for spec in SPECS
    for suffix in (("_bucket", "_sum", "_count") if spec.kind == "histogram" else ("",))
}
NAME = re.compile(r"\bweaviate_migration_\w+")


def expressions(panel: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for target in panel["targets"]:
        yield target["expr"], target["legendFormat"]


def labels_in(expression: str) -> set[str]:
    """Those of matchers, and those that sums keep."""
    matched = re.findall(r"[{,](\w+)=", expression)
    kept = re.findall(r"by \(([\w, ]+)\)", expression)
    return {*matched, *(name for each in kept for name in each.split(", "))}


def alert_rules() -> list[dict[str, Any]]:
    """The rules that the example's README proposes."""
    blocks = re.findall(r"```yaml\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (groups,) = [found["groups"] for found in map(yaml.safe_load, blocks) if "groups" in found]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_is_exposed(panel: dict[str, Any]) -> None:
    for expression, legend in expressions(panel):
        names = set(NAME.findall(expression))
        assert names
        known = set.intersection(*(SERIES[name] for name in names))
        assert labels_in(expression) | set(re.findall(r"{{(\w+)}}", legend)) <= known
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing)


def test_the_alerts_ask_for_what_is_exposed() -> None:
    for rule in alert_rules():
        (name,) = NAME.findall(rule["expr"])
        assert labels_in(rule["expr"]) <= SERIES[name]


def test_every_metric_but_the_details_is_shown() -> None:
    shown = {name for panel in PANELS for expression, _ in expressions(panel) for name in NAME.findall(expression)}
    assert {spec.full_name for spec in SPECS} - {re.sub("_bucket$", "", name) for name in shown} == {
        f"weaviate_migration_{name}"
        for name in (
            *("rows_read_total", "rows_changed_total", "rows_converted_total", "objects_removed_total"),
            *("progress_average_rows_per_second", "sync_position", "scrape_failed"),
        )
    }


def test_the_dashboard_has_what_grafana_imports() -> None:
    assert DASHBOARD["schemaVersion"] >= 36
    assert DASHBOARD["title"]
    assert re.fullmatch(r"[\w-]{1,40}", DASHBOARD["uid"])
    assert "id" not in DASHBOARD  # An id belongs to one Grafana.
    assert {"from", "to"} == DASHBOARD["time"].keys()
    for panel in PANELS:
        assert panel["type"] in {"stat", "gauge", "bargauge", "timeseries", "table"}
        assert panel["fieldConfig"].keys() == {"defaults", "overrides"}
        assert panel["title"]
        assert panel["description"]
    assert max(Counter(panel["id"] for panel in PANELS).values()) == 1


def test_panels_do_not_lie_on_each_other() -> None:
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in (panel["gridPos"] for panel in PANELS))


def test_every_variable_is_there() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps([PANELS, [each.get("datasource") for each in variables.values()]])))
    assert used - {"__rate_interval"} == set(variables)
    for each in variables.values():
        if each["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", each["definition"]).groups()  # type: ignore[union-attr]
            assert label in SERIES[metric]
