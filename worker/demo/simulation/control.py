"""How ``ipam-sync simulate set`` reaches the fleet that another process runs: a socket in its directory.

One JSON object a line in, one out: ``{"subject": ..., "changes": {...}}`` and ``{"error": null}``
or one sentence.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from collectors.simulator.changes import BadChange
from collectors.simulator.fleet import UnknownName
from collectors.simulator.running import RunningFleet
from reconcile.remedies.own import ipam_sync

_SOCKET: Final = "control.sock"
#: A command names servers and values of a fleet, never more.
_LONGEST: Final = 64 * 1024
#: The fleet answers at once unless it hangs.
_SECONDS: Final = 10.0


class NobodyThere(Exception):
    """No fleet runs in that directory."""

    code = "no_fleet"


class FleetBusy(Exception):
    """A fleet runs there already."""

    code = "fleet_runs"


class Refused(Exception):
    """The fleet cannot do it. The message is one sentence."""

    code = "bad_change"


def tell(directory: Path, subject: str, changes: Mapping[str, str]) -> None:
    """Change the fleet that runs in this directory. Raises NobodyThere and Refused."""
    try:
        with _connected(directory) as connection, connection.makefile("rwb") as lines:
            lines.write(json.dumps({"subject": subject, "changes": dict(changes)}).encode() + b"\n")
            lines.flush()
            answer = lines.readline(_LONGEST)
    except OSError as error:
        raise NobodyThere(
            f"No simulated fleet runs in {directory}. Start one there: "
            f"{ipam_sync('simulate', directory=str(directory)).text}"
        ) from error
    problem = json.loads(answer)["error"] if answer else "the fleet ended."
    if problem is not None:
        raise Refused(str(problem))


def _connected(directory: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_SECONDS)
    try:
        connection.connect(str(directory / _SOCKET))
    except OSError:
        connection.close()
        raise
    return connection


class Control:
    """A listener in the fleet's directory. It is a context manager.

    Raises FleetBusy and OSError.
    """

    def __init__(self, running: RunningFleet, directory: Path) -> None:
        self._running = running
        self._path = directory / _SOCKET
        self._listener = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, name="control")

    def __enter__(self) -> Self:
        if self._path.exists():
            with suppress(OSError):
                _connected(self._path.parent).close()
                self._listener.close()
                raise FleetBusy(
                    f"A simulated fleet runs in {self._path.parent} already. End it (Ctrl-C), or "
                    "name another directory: ipam-sync simulate --directory DIR"
                )
            self._path.unlink()  # of one that was killed
        try:
            self._listener.bind(str(self._path))
            self._listener.listen()
        except OSError:
            self._listener.close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # shut down
                return
            connection.settimeout(_SECONDS)
            with suppress(OSError, ValueError), connection, connection.makefile("rwb") as lines:
                answer = {"error": self._change(json.loads(lines.readline(_LONGEST)))}
                lines.write(json.dumps(answer).encode() + b"\n")

    def _change(self, asked: Any) -> str | None:  # noqa: ANN401  # whatever came over the socket
        try:
            changes = {str(key): str(value) for key, value in asked["changes"].items()}
            self._running.change(str(asked["subject"]), changes)
        except (BadChange, UnknownName) as error:
            return str(error)
        except (AttributeError, KeyError, TypeError):
            return "the fleet did not understand the message."
        return None
