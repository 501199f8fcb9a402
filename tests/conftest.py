"""What all tests share: the databases they run on, and how hypothesis searches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.compiled_statements import share_compiled_statements
from tests.exposed import Exposed, exposed
from tests.postgres import PostgresServer, running_postgres
from tests.valkey import ValkeyServer, running_valkey

# No deadline: a test that fails on a busy machine proves nothing. In CI the same commit gets the same
# verdict; who works on the project searches on with every run.
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.register_profile("unit", settings.get_profile("house"), max_examples=25)
settings.load_profile("house")

share_compiled_statements()

_OWN_SERVERS = frozenset({"valkey_server", "played", "poor"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need PostgreSQL or processes of their own, so that others run alone."""
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        callspec = getattr(item, "callspec", None)
        parameters = [] if callspec is None else list(callspec.params.values())
        if "postgres_server" in item.fixturenames or "postgresql" in parameters:
            item.add_marker(pytest.mark.postgres)
        starts_programs = "subprocess" in vars(item.module)
        if starts_programs or "e2e" in item.path.parts or _OWN_SERVERS & set(item.fixturenames):
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the test process (about a second), started when first asked for."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty PostgreSQL database."""
    with postgres_server.database() as name:
        yield postgres_server.url(name)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """One Valkey server for the test process, started when first asked for."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def broker(valkey_server: ValkeyServer) -> Iterator[ValkeyServer]:
    """The Valkey server, with nothing queued."""
    yield valkey_server
    valkey_server.client().flushall()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The SQLAlchemy URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ipam-sync.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; a test that takes it runs on SQLite and on PostgreSQL."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture(scope="session", name="exposed")
def what_is_exposed(tmp_path_factory: pytest.TempPathFactory) -> Exposed:
    """Every metric that an installation serves, with its labels and their words."""
    return exposed(f"sqlite:///{tmp_path_factory.mktemp('exposed') / 'empty.db'}")
