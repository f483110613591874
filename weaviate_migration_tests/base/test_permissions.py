"""Who may read what is created: its owner alone, whatever the umask; what the user names, whoever the umask lets."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from weaviate_migration.base import permissions
from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.permissions import as_named, close_to_others, make_folder, narrow_umask, owner_only, widen


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def narrowed(umask: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """The umask of the user, in a process that a command has narrowed."""
    monkeypatch.setattr(permissions, "_umask_of_the_user", None)
    narrow_umask()
    return umask


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("umask")
def test_what_is_ours_is_for_its_owner_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "folder")
    with open(tmp_path / "file", "w", opener=owner_only) as file:
        file.write("a row")
    replace_file(tmp_path / "made" / "replaced", "a row")
    assert [mode(tmp_path / name) for name in ("folder", "made")] == [0o700] * 2
    assert [mode(tmp_path / name) for name in ("file", "made/replaced")] == [0o600] * 2


@pytest.mark.parametrize("is_command", [True, False])
def test_what_the_user_names_gets_what_the_umask_gives(
    tmp_path: Path, umask: int, is_command: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "_umask_of_the_user", None)
    if is_command:
        narrow_umask()
    with open(tmp_path / "opened", "w", opener=as_named):
        pass
    replace_file(tmp_path / "replaced", "text", named=True)
    (tmp_path / "made").touch()
    widen(tmp_path / "made")
    assert {mode(each) for each in tmp_path.iterdir()} == {0o666 & ~umask}


@pytest.mark.usefixtures("narrowed")
def test_a_file_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    for name in ("opened", "replaced"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o640)
    with open(tmp_path / "opened", "a", opener=as_named):
        pass
    replace_file(tmp_path / "replaced", "text", named=True)
    assert {mode(each) for each in tmp_path.iterdir()} == {0o640}


@pytest.mark.usefixtures("narrowed")
def test_a_narrowed_process_creates_what_its_owner_alone_can_read(tmp_path: Path) -> None:
    narrow_umask()
    (tmp_path / "by a library").touch()
    (tmp_path / "folder").mkdir()
    assert mode(tmp_path / "by a library") == 0o600
    assert mode(tmp_path / "folder") == 0o700


def test_an_open_folder_is_closed_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    (folder / "a" / "b").mkdir(parents=True)
    program = folder / "a" / "b" / "program"
    for file in (elsewhere, program, folder / "rows"):
        file.touch()
    (folder / "leads elsewhere").symlink_to(elsewhere)
    (folder / "leads nowhere").symlink_to(tmp_path / "nowhere")
    for path in (folder, folder / "a", folder / "a" / "b", program):
        path.chmod(0o777)
    for path in (elsewhere, folder / "rows"):
        path.chmod(0o666)
    close_to_others(folder)
    assert {mode(each) for each in (folder, folder / "a", folder / "a" / "b", program)} == {0o700}
    assert mode(folder / "rows") == 0o600
    assert mode(elsewhere) == 0o666
