"""The files that ship with the program: alert rules, dashboard, systemd units and schemas.

Used by ``ipam-sync files``.  Their only source is docs/.  pyproject.toml puts them into a wheel as
``worker/shipped``; a checkout has them in docs/ alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

#: The build copies the folders there.
_IN_WHEEL: Final = Path(__file__).parents[1] / "shipped"
#: An editable install has no copies, so nothing can be out of date.
_IN_CHECKOUT: Final = Path(__file__).parents[2] / "docs"
#: The folders of docs/ that a wheel has.
FOLDERS: Final = ("alerts", "grafana", "prometheus", "systemd")


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """A file. ``path`` is relative, with slashes on every system."""

    path: str
    content: bytes


class FileOutcome(StrEnum):
    """Outcomes of writing a file."""

    WRITTEN = "written"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


class FilesDiffer(Exception):
    """Files of these names are there already, with other content. Nothing was written."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(", ".join(paths))
        self.paths = paths


def shipped_files() -> tuple[ShippedFile, ...]:
    """Return all of them, sorted by path."""
    root = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
    paths = (path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    return tuple(
        ShippedFile(path.relative_to(root).as_posix(), path.read_bytes()) for path in sorted(paths)
    )


def write_files(
    files: Collection[ShippedFile], directory: Path, *, force: bool = False
) -> dict[str, FileOutcome]:
    """Write the files below a directory and return what that came to, by path.

    Raises FilesDiffer before anything is written, unless ``force``, and OSError.
    """
    outcomes = {file.path: _outcome(directory / file.path, file.content) for file in files}
    differing = tuple(path for path, outcome in outcomes.items() if outcome is FileOutcome.REPLACED)
    if differing and not force:
        raise FilesDiffer(differing)
    for file in files:
        if outcomes[file.path] is not FileOutcome.UNCHANGED:
            _write(directory / file.path, file.content)
    return outcomes


def _outcome(target: Path, content: bytes) -> FileOutcome:
    """Return the outcome of writing. A link counts as different, because it is never followed."""
    if target.is_symlink():
        return FileOutcome.REPLACED
    if not target.exists():
        return FileOutcome.WRITTEN
    is_equal = target.is_file() and target.read_bytes() == content
    return FileOutcome.UNCHANGED if is_equal else FileOutcome.REPLACED


def _write(target: Path, content: bytes) -> None:
    """Write all of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.unlink(missing_ok=True)  # of a command that was killed
    unfinished.write_bytes(content)
    unfinished.replace(target)
