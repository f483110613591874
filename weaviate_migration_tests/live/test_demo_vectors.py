"""The demo's mapping with a model, and what is said where its package is not there."""

from pathlib import Path

import numpy as np
import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.demo import static_model as static_model_module
from weaviate_migration.demo.static_model import INSTALL_HINT, write_static_model
from weaviate_migration.demo.vector_mapping import MADE_OF, MODEL, write_demo_mapping
from weaviate_migration.mapping import read_mapping
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.vectors.open_provider import open_provider
from weaviate_migration_tests.live.command_line import at, run_here


def test_it_is_the_preset_with_vectors(tmp_path: Path) -> None:
    path = write_demo_mapping(tmp_path)
    made, preset = read_mapping(path), read_mapping()
    assert {
        each.name: list(each.made_vectors[0].from_columns) for each in made.collections if each.made_vectors
    } == MADE_OF
    assert [each.properties for each in made.collections] == [each.properties for each in preset.collections]
    provider = open_provider(made.models[MODEL])
    question, merge, other = provider.embed(["merge sorted inputs", "Merge sorted sequences.", "Send a mail."]).vectors
    assert question @ merge > question @ other
    assert np.isclose(np.linalg.norm(question), 1)


def test_it_is_the_same_when_it_is_written_again(tmp_path: Path) -> None:
    first = read_mapping(write_demo_mapping(tmp_path)).digest
    assert read_mapping(write_demo_mapping(tmp_path)).digest == first


def test_a_model_that_was_not_written_to_its_end_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_model_module, "_TABLE", Path("weights", "gone.safetensors"))
    with pytest.raises(ConfigurationError, match="has another model than it had"):
        write_static_model(tmp_path / "models" / "static")
    assert list((tmp_path / "models").iterdir()) == []


def test_without_the_package_it_is_said_in_a_line_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ServerAddress
) -> None:
    monkeypatch.setattr(static_model_module, "PACKAGE", "no_such_package_is_installed")
    ended = run_here("demo", "--dry-run", "--work-dir", tmp_path, "--json", *at(server))
    assert ended.code == 0, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if "vectors" in line]
    assert line == f"No vectors are made, and none searched: {INSTALL_HINT}"
    assert "weaviate-migration[demo]" in INSTALL_HINT
    with pytest.raises(ConfigurationError, match=r"the package no_such_package_is_installed.* is not installed"):
        write_demo_mapping(tmp_path)
