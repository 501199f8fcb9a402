"""Directories for servers that tests start: short names, and nothing is left behind.

Used by `tests/postgres.py`, `tests/valkey.py` and the tests of `ipam-sync up`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

# Not TMPDIR: a socket's path has at most 107 bytes, and root's own TMPDIR may be closed to others.
_BASE: Final = Path("/tmp")  # noqa: S108 - mkdtemp makes a directory that is ours alone


@contextmanager
def home(kind: str) -> Iterator[Path]:
    """A new directory, removed at the end; those of killed test runs are removed first."""
    prefix = f"ipam-sync-{kind}-"
    _sweep(prefix)
    directory = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=_BASE))
    try:
        yield directory
    finally:
        _remove(directory)


def _remove(directory: Path) -> None:
    """Remove a directory, even while a server that ends removes files of its own there."""
    while directory.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(directory)


def _sweep(prefix: str) -> None:
    """Directories named after a process that is gone."""
    for directory in _BASE.glob(f"{prefix}*"):
        pid = int(directory.name.removeprefix(prefix).split("-")[0])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            shutil.rmtree(directory, ignore_errors=True)  # another user's stays
        except PermissionError:
            continue  # alive, and another user's
