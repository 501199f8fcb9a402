"""An operations team with an empty store, on each database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.telling.ops import Ops
from worker.store.store import SqlStore


@pytest.fixture
def ops(store: SqlStore, tmp_path: Path) -> Ops:
    """Nothing happened yet."""
    return Ops(store, tmp_path)
