"""The package as others install it: a wheel, in an environment without the checkout. No internet is needed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import weaviate_migration

CHECKOUT = Path(weaviate_migration.__file__).parents[1]
BIN = Path(sys.executable).parent


def run(*command: object, cwd: Path, **environment: str) -> str:
    """What a command printed; one that fails fails the test, with its output."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def install_package(folder: Path) -> Path:
    """Installs the wheel into a new environment; our dependencies are lent to it, the checkout is not.

    Returns:
        The folder of the environment's commands: those of our package.
    """
    wheels = build_wheel(folder)
    venv.create(folder / "venv")
    commands = folder / "venv" / "bin"
    # A .pth file lends what is installed here; an editable install's own .pth files are not read from there.
    site = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    Path(site, "lent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    run(commands / "python", "-m", "pip", "install", "--quiet", "--no-deps", *wheels, cwd=folder)
    return commands


def build_wheel(folder: Path) -> list[Path]:
    """Builds it from copies of the files: building leaves folders behind."""
    sources = folder / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, sources)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "weaviate_migration", sources / "weaviate_migration", ignore=unwanted)
    build = (BIN / "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*build, "--wheel-dir", folder, sources, cwd=folder)
    return list(folder.glob("*.whl"))


def lend_commands(commands: Path, *names: str) -> None:
    """Puts commands of packages that are lent into the environment: as they are here, but run by its Python."""
    for name in names:
        _, _, program = (BIN / name).read_text(encoding="utf-8").partition("\n")
        (commands / name).write_text(f"#!{commands / 'python'}\n{program}", encoding="utf-8")
        (commands / name).chmod(0o755)
