"""A migration as an entry in a `defs.yaml`: what it says, where its paths lead, and how mistakes are told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox
from jsonschema import Draft202012Validator

from weaviate_migration import SQLiteMigrationComponent
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.defs.component import SETTINGS
from weaviate_migration.mapping import PropertyMapping, read_mapping
from weaviate_migration_tests.live.notes import MAPPING, note_file

CASES = Path(__file__).parents[1] / "cases"
PLAIN = "  source: app.db\n  mapping: conversations\n"
TYPE = "weaviate_migration.SQLiteMigrationComponent"
# Of what Dagster itself calls when it loads an entry.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:.* is currently in (beta|preview)"),
]


@dataclass(frozen=True)
class Project:
    """A project with one entry, in the folder `notes`."""

    sandbox: DefsFolderSandbox

    @property
    def folder(self) -> Path:
        return self.sandbox.defs_folder_path / "notes"

    def write(self, attributes: str) -> None:
        """The entry, whose second line is the first of these."""
        self.folder.mkdir(exist_ok=True)
        self.write_file("defs.yaml", f"type: {TYPE}\nattributes:\n{attributes}")

    def write_file(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def load(self) -> tuple[SQLiteMigrationComponent, dg.Definitions]:
        with self.sandbox.load_component_and_build_defs(self.folder) as (component, definitions):
            assert isinstance(component, SQLiteMigrationComponent)
            dg.Definitions.validate_loadable(definitions)
            return component, definitions

    def mistake(self) -> str:
        """What is said of an entry that is wrong."""
        with pytest.raises(Exception, match="Error while") as raised:
            self.load()
        error: BaseException = raised.value
        while error.__cause__ is not None:
            error = error.__cause__
        return str(error)


@pytest.fixture
def project() -> Iterator[Project]:
    with create_defs_folder_sandbox() as sandbox:
        yield Project(sandbox)


def resource(definitions: dg.Definitions, name: str) -> Any:
    return (definitions.resources or {})[name]


def test_an_entry_with_nothing_but_what_it_needs(project: Project) -> None:
    project.write(PLAIN)
    component, definitions = project.load()
    assert component.mapping == read_mapping()
    assert resource(definitions, "source").url == str(project.folder / "app.db")
    assert resource(definitions, "weaviate").url == "embedded"
    assert resource(definitions, "weaviate").api_key == ""
    assert "migrate" in {job.name for job in definitions.resolve_all_job_defs()}


def test_an_entry_with_everything(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES_FILE", "/data/notes.db")
    project.write(
        """
  source: "sqlite:///{{ env.NOTES_FILE }}"
  mapping: notes.yaml
  server: {url: "https://example.com", grpc_port: 444, grpc_host: grpc.example.com, api_key_variable: NOTES_KEY}
  key_prefix: [old, notes]
  group_prefix: notes
  collection_prefix: Old
  work_dir: "{{ context.project_root }}/kept"
  sync_schedule: "*/5 * * * *"
  alerts: alerts.yaml
  queries: queries.yaml
  settings: {batch_size: 7, memory_limit_mb: 500, storage: kept_files}
"""
    )
    project.write_file("notes.yaml", MAPPING.format(missing="refuse", more=""))
    project.write_file("alerts.yaml", "alerts:\n  channels: ['json://localhost']\n")
    project.write_file("queries.yaml", "queries: [{name: a, collection: Note, bm25: note, keys: [1]}]\n")
    component, definitions = project.load()
    server = resource(definitions, "old_notes_weaviate")
    assert (server.url, server.grpc_port, server.grpc_host) == ("https://example.com", 444, "grpc.example.com")
    assert server.prefix == "Old"
    assert resource(definitions, "old_notes_source").url == "/data/notes.db"
    assert resource(definitions, "old_notes_batches").batch_size == 7
    assert component.work_dir == project.sandbox.project_root / "kept"
    (schedule,) = definitions.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.name, schedule.cron_schedule) == ("old_notes_sync_schedule", "*/5 * * * *")
    assert len(list(definitions.sensors or ())) > 1  # those of alerts beside that of changes
    keys = {spec.key.to_user_string(): spec.group_name for spec in definitions.resolve_all_asset_specs()}
    assert keys["old/notes/note"] == "notes_phase_2_history"
    checks = definitions.resolve_asset_graph().asset_check_keys
    assert dg.AssetCheckKey(dg.AssetKey(["old", "notes", "note"]), "queries") in checks


@pytest.mark.parametrize(
    ("key_prefix", "folder"), [('""', ""), ("crm", "crm"), ("[shop, eu]", "shop/eu")], ids=["none", "word", "words"]
)
def test_each_key_prefix_has_a_work_folder(key_prefix: str, folder: str, project: Project) -> None:
    """Nothing is made before a run needs it."""
    project.write(f"{PLAIN}  key_prefix: {key_prefix}\n")
    _, definitions = project.load()
    root = project.sandbox.project_root / ".weaviate_migration"
    assert not root.exists()
    (work_folder,) = [each for name, each in (definitions.resources or {}).items() if name.endswith("work_folder")]
    assert work_folder.resource_fn(None).path == root / folder


def test_a_key_is_named_and_never_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES_KEY", "not-to-be-seen")
    project.write(
        "  source: app.db\n  mapping: conversations\n  server: {url: http://h, api_key_variable: NOTES_KEY}\n"
    )
    _, definitions = project.load()
    assert resource(definitions, "weaviate").api_key == dg.EnvVar("NOTES_KEY")
    shown = repr([vars(each) for each in (definitions.resources or {}).values()])
    assert "not-to-be-seen" not in shown


def test_a_key_that_would_be_read_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES_KEY", "not_to_be_seen")
    project.write(f"{PLAIN}  server: {{api_key_variable: '{{{{ env.NOTES_KEY }}}}'}}\n")
    told = project.mistake()
    assert "api_key_variable" in told
    assert "not_to_be_seen" not in told


OWN_SERVER = """
import dagster as dg
from weaviate_migration.defs.resources import WeaviateServer

defs = dg.Definitions(resources={"warehouse": WeaviateServer(url="http://warehouse")})
"""


def test_a_resource_of_the_project_stands_for_ours(project: Project) -> None:
    project.write(
        f"{PLAIN}  key_prefix: crm\n  server: {{url: http://warehouse}}\n  resources: {{weaviate: warehouse}}\n"
    )
    (project.sandbox.defs_folder_path / "server.py").write_text(OWN_SERVER)
    with project.sandbox.build_all_defs() as whole:
        dg.Definitions.validate_loadable(whole)
        needed = whole.resolve_job_def("crm_migrate").get_required_resource_defs()
        assert needed["crm_weaviate"].required_resource_keys == {"warehouse"}
        assert "warehouse" in needed


def test_a_mapping_in_place_is_the_one_of_a_file(project: Project) -> None:
    """Templates are not filled in: what looks like a number or like a template is the text that stands there."""
    text = MAPPING.format(missing="refuse", more="description: '{{ 7 }} of 7'")
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    project.write(f"  source: app.db\n  mapping:\n{indented}")
    project.write_file("notes.yaml", text)
    component, _ = project.load()
    assert component.mapping == read_mapping(project.folder / "notes.yaml")


IN_PLACE = """
  source: app.db
  mapping:
    name: notes
    collections:
      - name: Note
        table: notes
        properties:
          - {name: body, column: body}
          - {name: done, column: done, type: boolean, valeus: {}}
          - {name: body, column: other, index: words}
"""


def test_mistakes_of_a_mapping_in_place(project: Project) -> None:
    """All of them, those between fields too, each with its line in the file."""
    project.write(IN_PLACE)
    file = project.folder / "defs.yaml"
    assert project.mistake().splitlines() == [
        "the mapping has 3 mistakes:",
        f"{file}:11: collections[0].properties[0].index (Note.body): is missing: a text property says how it is "
        "indexed: whole, words or stored",
        f"{file}:12: collections[0].properties[1].valeus (Note.done): is no field; did you mean `values`? Allowed: "
        + ", ".join(PropertyMapping.model_fields),
        f"{file}:13: collections[0].properties[2].name (Note.body): `body` is the name of properties[0], too",
    ]


def schema_mistakes(attributes: dict[str, Any]) -> list[str]:
    """What `dg check yaml` says of an entry, each with its place."""
    model = SQLiteMigrationComponent.get_model_cls()
    assert model is not None
    validator = Draft202012Validator(model.model_json_schema())
    found = validator.iter_errors({"source": "app.db", "mapping": "conversations"} | attributes)
    return sorted(f"{each.json_path}: {each.message}" for each in found)


@pytest.mark.parametrize("file", sorted(CASES.glob("*/mapping.yaml")), ids=lambda file: file.parent.name)
def test_the_schema_takes_every_mapping_that_is_right(file: Path) -> None:
    """`values` apart: the YAML of others makes booleans of its keys, unless they are in quotes."""
    text = re.sub(r"values: \{.*?\}", "", file.read_text(encoding="utf-8"))
    assert schema_mistakes({"mapping": yaml.safe_load(text)}) == []


@pytest.mark.parametrize(
    ("collection", "told"),
    [
        ({"select": "SELECT id FROM notes", "key": ["id"]}, []),
        ({"table": "notes", "vectors": ["own", {"name": "made", "column": "made", "bytes": "float32"}]}, []),
        ({"table": "notes", "tenant": None}, []),
        ({}, [": 'table' is a required property"]),
        ({"table": "notes", "tenant": {"column": "a", "x": "b"}}, [".tenant: Additional properties are not allowed"]),
        ({"table": "notes", "tenant": "org_id"}, [".tenant: 'org_id' is not of type 'null'"]),
        ({"table": "notes", "vectors": [{"nme": "own"}]}, [".vectors[0]: Additional", ".vectors[0]: 'name' is a req"]),
    ],
)
def test_what_the_schema_says_of_a_collection(collection: dict[str, Any], told: list[str]) -> None:
    given = {"name": "Note", "properties": [{"name": "body", "column": "body", "index": "words"}]} | collection
    found = schema_mistakes({"mapping": {"name": "notes", "collections": [given]}})
    assert len(found) == len(told)
    for each, expected in zip(sorted(found), sorted(told), strict=True):
        assert each.startswith(f"$.mapping.collections[0]{expected}")


@pytest.mark.parametrize(
    ("attributes", "right"),
    [
        ({"key_prefix": "crm"}, True),
        ({"key_prefix": ["shop", "eu_1"]}, True),
        ({"key_prefix": "{{ env.PREFIX }}"}, True),
        ({"key_prefix": "my desk"}, False),
        ({"key_prefix": ["shop", "e-u"]}, False),
        ({"group_prefix": "a-b"}, False),
        ({"collection_prefix": "Crm_1"}, True),
        ({"collection_prefix": ""}, True),
        ({"collection_prefix": "crm"}, False),
    ],
)
def test_what_the_schema_says_of_a_prefix(attributes: dict[str, Any], right: bool) -> None:
    assert (schema_mistakes(attributes) == []) is right


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ("  source: mysql://u:s3cret@host/db\n  mapping: conversations\n", "must be a SQLite file, not mysql"),
        ("  source: app.db\n  mapping: none.yaml\n", "notes/none.yaml: No such file"),
        ("  source: app.db\n  mapping: conversation\n", "notes/conversation: No such file"),
        (f"{PLAIN}  settings: {{batch_sise: 3}}\n", "did you mean `batch_size`?"),
        (f"{PLAIN}  settings: {{log_level: DEBUG}}\n", "settings.log_level"),
        (f"{PLAIN}  settings: {{max_retries: 1000}}\n", "--max-retries: input should be less than or equal to 100"),
        (f"{PLAIN}  key_prefix: a-b\n", "'a-b' cannot be part of a name in Dagster"),
        (f"{PLAIN}  collection_prefix: low\n", "has to begin with a capital letter"),
        (f"{PLAIN}  alerts: none.yaml\n", "notes/none.yaml: No such file"),
        (f"{PLAIN}  queries: none.yaml\n", "notes/none.yaml: No such file"),
        (f"{PLAIN}  resources: {{sorce: mine}}\n", "sorce"),
    ],
)
def test_what_is_wrong_is_told(attributes: str, told: str, project: Project) -> None:
    project.write(attributes)
    found = project.mistake()
    assert told in found
    assert "Traceback" not in found
    assert "s3cret" not in found


def scaffold(project: Project, **params: object) -> dict[str, Any]:
    """The fields of the entry that is written."""
    project.sandbox.scaffold_component(SQLiteMigrationComponent, "notes", scaffold_params=params)
    written: dict[str, Any] = yaml.safe_load((project.folder / "defs.yaml").read_text())
    return dict(written["attributes"])


def test_scaffolding_draws_up_the_mapping(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that was given from where one stands is one from the project: both can be moved together."""
    monkeypatch.chdir(project.sandbox.project_root)
    Path("data").mkdir()
    note_file(Path("data/notes.db"))
    written = scaffold(project, source="data/notes.db")
    assert written == {"source": "{{ context.project_root }}/data/notes.db", "mapping": "mapping.yaml"}
    component, definitions = project.load()
    assert [each.table for each in component.mapping.collections] == ["notes"]
    assert Path(resource(definitions, "source").url).samefile("data/notes.db")


def test_scaffolding_with_everything(project: Project, tmp_path: Path) -> None:
    given = {"mapping": "conversations", "key_prefix": "k", "group_prefix": "g", "collection_prefix": "C"}
    absolute = str(tmp_path / "none.db")
    written = scaffold(project, source=absolute, weaviate_url="http://h", grpc_port=7, **given)
    assert written == {"source": absolute, "server": {"url": "http://h", "grpc_port": 7}, **given}
    project.load()


def test_scaffolding_from_what_is_no_database(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no database at all, but text that is long enough to be one")
    with pytest.raises(SystemExit, match=re.escape("is no SQLite file")):
        scaffold(project, source=str(tmp_path / "a.txt"))
    assert not project.folder.exists()


def test_settings_are_those_that_have_no_field_of_their_own() -> None:
    assert set(SETTINGS) <= set(MigrationConfig.model_fields)
    assert set(SETTINGS).isdisjoint(SQLiteMigrationComponent.model_fields)
