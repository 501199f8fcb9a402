"""SQLite stores that nobody ever used: migrating a new one takes longer than most tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from worker.store.schema import open_store


def in_new_store(file: Path) -> str:
    """The URL of a store there: a new one, unless one is there already."""
    if not file.exists():
        file.write_bytes(_content())
    return f"sqlite:///{file}"


@cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "pristine.db"
        open_store(f"sqlite:///{file}").close()
        return file.read_bytes()
