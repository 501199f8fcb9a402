"""An operations team with an empty store, on each database."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconcile.model.findings import Finding
from tests.worker.alerts.delivery.ops import Ops, mismatch, one_sided
from worker.store.unit_of_work import Store


@pytest.fixture
def ops(store: Store, tmp_path: Path) -> Ops:
    """Nothing happened yet."""
    return Ops(store, tmp_path)


@pytest.fixture
def hq(ops: Ops) -> Finding:
    """A warning."""
    return mismatch("HQ", *ops.servers[:2])


@pytest.fixture
def branch(ops: Ops) -> Finding:
    """A critical one, of the other servers."""
    return one_sided("Branch", *ops.servers[2:])
