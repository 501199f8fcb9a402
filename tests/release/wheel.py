"""The wheel of a release: that it builds, and that it holds what it should and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.structure import PACKAGES
from worker.cli.shipped_files import FOLDERS

_BUILD_SECONDS: Final = 300
#: By these, type checkers know that a package has types.
_TYPED: Final = tuple(f"{package}/py.typed" for package in PACKAGES)


def check_wheel(root: Path, version: str) -> Iterator[str]:
    """Build the wheel, and check its name and its contents."""
    with TemporaryDirectory() as directory:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory]
        done = subprocess.run(
            build, cwd=root, check=False, capture_output=True, text=True, timeout=_BUILD_SECONDS
        )
        if done.returncode:
            last = (done.stderr.strip() or "no reason given").splitlines()[-1]
            yield f"The wheel cannot be built: {last}."
            return
        (wheel,) = Path(directory).glob("*.whl")
        if wheel.name != f"ipam_sync-{version}-py3-none-any.whl":
            yield f"The wheel is called {wheel.name}, which does not fit version {version}."
        yield from check_contents(set(zipfile.ZipFile(wheel).namelist()), expected(root))


def expected(root: Path) -> set[str]:
    """Return the files that a wheel of the checkout has, without its metadata."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()
    files = {name for name in tracked if name.startswith(tuple(f"{p}/" for p in PACKAGES))}
    shipped = {
        name.replace("docs/", "worker/shipped/", 1)
        for name in tracked
        if name.startswith(tuple(f"docs/{folder}/" for folder in FOLDERS))
    }
    return files | shipped | set(_TYPED)


def check_contents(names: set[str], wanted: set[str]) -> Iterator[str]:
    """Compare the names in a wheel with those that it should have."""
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    for name in sorted(wanted - names):
        yield f"The wheel does not have {name}. See [tool.hatch.build] in pyproject.toml."
    for name in sorted(names - wanted - metadata):
        yield f"The wheel has {name}, which is not committed or does not belong into it."
    if not any(name.endswith("/licenses/LICENSE") for name in metadata):
        yield "The wheel does not have the LICENSE."
