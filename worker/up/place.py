"""The data directory of ``ipam-sync up``: what is where in it, and that one process has it.

::

    ipam-sync.toml   the settings for every other command
    ipam-sync.db     SQLite, or postgres/ with PostgreSQL's files
    valkey/          the queue
    run/             sockets and locks, for the owner only
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from worker.up import postgres
from worker.up.child import CannotRun

#: sun_path of Linux has 108 bytes with the terminating zero.
_LONGEST_SOCKET_BYTES: Final = 107
_HEAD: Final = """\
# What other commands need to find the database and the broker of `ipam-sync up`, which writes
# this part anew at each start. Settings of your own go below the line.
"""
#: What is no UTF-8 stays what it is, for the commands to complain about.
_AS_IT_IS: Final = MappingProxyType({"encoding": "utf-8", "errors": "surrogateescape"})
_LINE: Final = "# ----- your own settings -----\n"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The places of all files. ``uses_postgres`` is decided once for a directory."""

    root: Path
    uses_postgres: bool

    @property
    def settings(self) -> Path:
        """Settings for other commands."""
        return self.root / "ipam-sync.toml"

    @property
    def run(self) -> Path:
        """For sockets and locks."""
        return self.root / "run"

    @property
    def broker(self) -> Path:
        """The broker's socket."""
        return self.run / "valkey.sock"

    @property
    def queue(self) -> Path:
        """Valkey's files."""
        return self.root / "valkey"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's files."""
        return self.root / "postgres"

    @property
    def urls(self) -> dict[str, str]:
        """The settings that say where database and broker are."""
        database = f"sqlite:///{_sqlite(self.root)}"
        return {
            "database_url": postgres.url(self.run) if self.uses_postgres else database,
            "broker_url": f"unix://{quote(str(self.broker))}",
        }

    def write_settings(self) -> None:
        """Leave what people wrote below the line as it is."""
        own_lines = ""
        if self.settings.exists():
            own_lines = self.settings.read_text(**_AS_IT_IS).partition(_LINE)[2]
        lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in self.urls.items()]
        new = self.settings.with_suffix(".new")
        new.write_text(_HEAD + "".join(lines) + _LINE + own_lines, **_AS_IT_IS)
        new.chmod(0o600)
        new.replace(self.settings)


@contextmanager
def occupied(root: Path, *, wants_postgres: bool) -> Iterator[DataDirectory]:
    """The data directory, ours alone within this context. Raises CannotRun."""
    root = root.expanduser().absolute()
    place = DataDirectory(root, _uses_postgres(root, wants=wants_postgres))
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.run.mkdir(mode=0o700, exist_ok=True)
        place.queue.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"The data directory {root} cannot be used: {error.strerror}. "
            "Name another one: ipam-sync up --data DIR"
        ) from error
    _check_run(place.run)
    with (place.run / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            raise CannotRun(
                f"Another ipam-sync up (process {holder}) works with {root}. Use that one: "
                f"export IPAM_SYNC_CONFIG={shlex.quote(str(place.settings))}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield place


def _sqlite(root: Path) -> Path:
    return root / "ipam-sync.db"


def _uses_postgres(root: Path, *, wants: bool) -> bool:
    """A directory keeps the kind of database that it began with."""
    has_postgres = (root / "postgres").exists()
    if wants and not has_postgres and _sqlite(root).exists():
        raise CannotRun(
            f"{root} has an SQLite database already, and with --postgres you would begin with an "
            "empty one. Name another directory, or move ipam-sync.db away."
        )
    if (wants or has_postgres) and os.geteuid() == 0:
        raise CannotRun(
            "PostgreSQL refuses to run as root: start ipam-sync up --postgres as another account."
        )
    return wants or has_postgres


def fits_sockets(root: Path) -> bool:
    """True if the names of sockets in this data directory are short enough."""
    run = DataDirectory(root.expanduser().absolute(), uses_postgres=False).run
    return _longest_socket(run) <= _LONGEST_SOCKET_BYTES


def _longest_socket(run: Path) -> int:
    return max(len(os.fsencode(run / name)) for name in ("valkey.sock", ".s.PGSQL.5432.lock"))


def _check_run(run: Path) -> None:
    """Check the directory of the sockets. With access to a socket one can do everything."""
    longest = _longest_socket(run)
    if longest > _LONGEST_SOCKET_BYTES:
        raise CannotRun(
            f"The name of {run} is too long for sockets in it ({longest} bytes of "
            f"{_LONGEST_SOCKET_BYTES}). Name a shorter data directory."
        )
    status = run.stat()
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise CannotRun(
            f"{run} must belong to the account that runs ipam-sync, and be closed to all others: "
            f"chmod 700 {run}"
        )
