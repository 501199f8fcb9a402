"""The checks of a release. Each yields one sentence for each mistake: what is wrong, what to do."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

_HEADING: Final = re.compile(r"^## (?P<title>.*)$", re.MULTILINE)
_RELEASE: Final = re.compile(r"(?P<version>\S+) - (?P<date>\d{4}-\d{2}-\d{2})")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
_GIT_SECONDS: Final = 60


def version_of(root: Path) -> str:
    """Return the version in pyproject.toml."""
    document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(document["project"]["version"])


def check_version(version: str) -> Iterator[str]:
    """Check that the version has three numbers, as Semantic Versioning asks for."""
    if not _VERSION.fullmatch(version):
        yield f"The version {version} in pyproject.toml has not the form X.Y.Z, such as 1.4.0."


def check_changelog(root: Path, version: str, today: date) -> Iterator[str]:
    """Check that the newest heading of the CHANGELOG names the version and the day."""
    wanted = f"'## {version} - {today}'"
    heading = _HEADING.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    if heading is None:
        yield f"CHANGELOG.md has no heading. Begin it with {wanted}."
        return
    title = heading["title"].strip()
    release = _RELEASE.fullmatch(title)
    if release is None:
        yield f"The newest heading of CHANGELOG.md is '{title}'. Write {wanted} instead."
        return
    if release["version"] != version:
        yield (
            f"The newest heading of CHANGELOG.md names version {release['version']}, and "
            f"pyproject.toml version {version}. Correct one of them."
        )
    try:
        day = date.fromisoformat(release["date"])
    except ValueError:
        yield f"The newest heading of CHANGELOG.md has the date {release['date']}, which does not exist."
        return
    if day > today:
        yield f"The newest heading of CHANGELOG.md has the date {day}, which is in the future."


def check_tag(root: Path, version: str) -> Iterator[str]:
    """Check that a version tag of this commit is that of the version, and no other commit has it."""
    wanted = f"v{version}"
    here = [tag for tag in _git(root, "tag", "--points-at", "HEAD") if re.match(r"v\d", tag)]
    for tag in here:
        if tag != wanted:
            yield (
                f"This commit has the tag {tag}, and pyproject.toml version {version}. Delete the tag "
                f"(git tag -d {tag}) or correct the version."
            )
    if wanted not in here and wanted in _git(root, "tag", "--list", wanted):
        yield (
            f"The tag {wanted} names another commit, so version {version} was released before. "
            "Choose a new version."
        )


def check_tree(root: Path) -> Iterator[str]:
    """Check that everything is committed."""
    changed = _git(root, "status", "--porcelain")
    if changed:
        names = ", ".join(line[3:] for line in changed[:5]) + (", ..." if len(changed) > 5 else "")
        yield f"Not everything is committed: {names}. Commit or remove it."


def check_pages(pages: Mapping[Path, Callable[[], str]]) -> Iterator[str]:
    """Check that the generated pages say what the code says."""
    for path, build in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != build():
            yield f"{path.name} is out of date. Run make docs, and commit the page."


def _git(root: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["git", *words], cwd=root, check=True, capture_output=True, text=True, timeout=_GIT_SECONDS
    )
    return done.stdout.splitlines()
