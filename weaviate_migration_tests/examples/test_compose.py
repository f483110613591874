"""The compose file: judged by the format's own rules, and each command, setting and name in it by what there is."""

import copy
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from compose_spec import PyCompose

from weaviate_migration.target.server_binary import SERVER_VERSION
from weaviate_migration_tests.examples.commands import (
    EXAMPLES,
    PROGRAMS,
    named_in_environment,
    refuse_wrong_settings,
    refuse_wrong_words,
    variables_in_file,
)

FOLDER = EXAMPLES / "compose"
TEXT = (FOLDER / "compose.yaml").read_text("utf-8")
ASKED_FOR = re.compile(r"\$\{(\w+):\?[^}]*\}")
COMPOSE: dict[str, Any] = yaml.safe_load(ASKED_FOR.sub(r"/value/of/\1", TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "weaviate-migration"}
SETTINGS = variables_in_file(FOLDER / "settings.env")
# Where a file of the containers is in the checkout.
HERE = {
    each["target"]: str(FOLDER / COMPOSE["configs"][each["source"]]["file"])
    for each in COMPOSE["x-migration"]["configs"]
}


def refuse_wrong_compose(compose: dict[str, Any]) -> None:
    PyCompose.from_yaml(yaml.safe_dump(compose)).validate()


def test_it_is_a_compose_file() -> None:
    refuse_wrong_compose(COMPOSE)


@pytest.mark.parametrize(
    ("service", "field", "value"),
    [
        ("worker", "comand", ["true"]),
        ("worker", "depends_on", {"postgres": {"condition": "healthy"}}),
        ("webserver", "configs", [{"source": "nowhere", "target": "/file"}]),
        ("redis", "healthcheck", {"test": ["CMD", "true"], "interval": "soon"}),
    ],
)
def test_mistakes_in_it_would_be_found(service: str, field: str, value: object) -> None:
    wrong = copy.deepcopy(COMPOSE)
    wrong["services"][service][field] = value
    with pytest.raises(ValueError, match=r"\w"):
        refuse_wrong_compose(wrong)


def test_each_volume_is_declared_and_has_its_service() -> None:
    mounted = [mount.partition(":")[0] for each in SERVICES.values() for mount in each.get("volumes", ())]
    assert sorted(each for each in mounted if not each.startswith("/")) == sorted(COMPOSE["volumes"])


def test_services_wait_for_services_that_there_are() -> None:
    awaited = {name for each in SERVICES.values() for name in each.get("depends_on", ())}
    assert awaited <= SERVICES.keys()
    for each in SERVICES.values():
        waits = each.get("depends_on", {})
        healthy = [name for name in waits if isinstance(waits, dict) and waits[name]["condition"] == "service_healthy"]
        assert [name for name in healthy if "healthcheck" not in SERVICES[name]] == []


@pytest.mark.parametrize("name", [name for name, each in OURS.items() if each["command"][0] in PROGRAMS])
def test_a_command_is_one(name: str) -> None:
    refuse_wrong_words([HERE.get(each, each) for each in OURS[name]["command"]])


def test_every_part_has_its_program() -> None:
    assert {each["command"][0] for each in OURS.values()} - {"python"} == PROGRAMS.keys()


def test_its_settings_are_settings() -> None:
    refuse_wrong_settings(SETTINGS)


def test_each_host_is_a_service() -> None:
    urls = [url for value in SETTINGS.values() for url in value.split(",") if "//" in url]
    hosts = {urlsplit(url).hostname for url in urls}
    assert {"postgres", "redis", "s3", "weaviate-0", "weaviate-1", "weaviate-2"} <= hosts - {None}
    assert {host for host in hosts if host} - SERVICES.keys() == {"migration"}  # The bucket of s3://migration.


def test_what_the_files_ask_of_the_environment_is_set() -> None:
    asked = set[str]().union(
        *(
            named_in_environment(yaml.safe_load((FOLDER / each["file"]).read_text("utf-8")))
            for each in COMPOSE["configs"].values()
            if each["file"].endswith(".yaml")
        )
    )
    assert asked
    assert asked <= SETTINGS.keys()


def test_the_values_that_it_asks_for_are_in_the_example_and_nowhere_else() -> None:
    assert set(ASKED_FOR.findall(TEXT)) == variables_in_file(FOLDER / ".env.example").keys()
    assert not any(variables_in_file(FOLDER / ".env.example").values())


def test_databases_that_are_named_are_made() -> None:
    named = {urlsplit(value).path[1:] for value in SETTINGS.values() if value.startswith("postgresql")}
    made = set(re.findall(r"^CREATE DATABASE (\w+);$", (FOLDER / "databases.sql").read_text("utf-8"), re.MULTILINE))
    # PostgreSQL itself makes the one of its user.
    assert named == {"dagster", "migration"}
    assert made | {SERVICES["postgres"]["environment"]["POSTGRES_USER"]} == named


def test_the_cluster_is_three_nodes_that_know_each_other() -> None:
    nodes = {name: each for name, each in SERVICES.items() if "semitechnologies/weaviate" in each["image"]}
    assert len(nodes) == 3
    for name, each in nodes.items():
        assert each["image"].endswith(f":{SERVER_VERSION}")
        assert each["environment"]["CLUSTER_HOSTNAME"] == name
        assert each["environment"]["RAFT_JOIN"].split(",") == list(nodes)
        assert int(each["environment"]["RAFT_BOOTSTRAP_EXPECT"]) == len(nodes)
        host, port = each["environment"]["CLUSTER_JOIN"].split(":")
        assert host in each["networks"]["default"]["aliases"]
        assert port == each["environment"]["CLUSTER_GOSSIP_BIND_PORT"]
        assert int(each["environment"]["CLUSTER_DATA_BIND_PORT"]) == int(port) + 1


def test_nothing_is_reached_from_other_machines() -> None:
    published = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_queue_of_the_source_has_a_worker_that_sees_the_file() -> None:
    executor = yaml.safe_load((EXAMPLES / "celery" / "executor.yaml").read_text("utf-8"))
    queue = executor["source_tags"]["dagster-celery/queue"]
    serving = [each for each in OURS.values() if each["command"][-2:] == ["-q", queue]]
    folder = str(Path(SETTINGS["WEAVIATE_MIGRATION_SQLITE_URL"]).parent)
    assert len(serving) == 1
    assert [mount.rpartition(":")[2] for mount in serving[0]["volumes"]] == [folder]
