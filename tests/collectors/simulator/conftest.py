from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from collectors.simulator.shells import Quotas
from tests.collectors.simulator.service import Service


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def service(runner: asyncio.Runner) -> Service:
    """The shells of a machine with the quotas that Windows has by default."""
    return Service(runner, Quotas())
