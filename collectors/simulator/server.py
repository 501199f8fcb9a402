"""Many simulated WinRM services in one process, on one loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from collectors.simulator.accounts import Accounts
from collectors.simulator.authority import Authority
from collectors.simulator.connection import ClientConnection
from collectors.simulator.faults import Fault
from collectors.simulator.machine import DomainAccount
from collectors.simulator.shells import OpenShell
from collectors.simulator.station import Station

#: Many pollers connect at the same moment.
_BACKLOG: Final = 128
#: Thousands of listeners take a while on a busy machine.
_START_SECONDS: Final = 60.0
_T = TypeVar("_T")


class Simulator:
    """A context manager: within it the stations listen, afterwards nothing is left of them.

    Everything but the context manager's methods may be called from any thread.  ``directory`` is for
    its files, see ``Accounts``.
    """

    def __init__(
        self,
        stations: Iterable[Station],
        accounts: Sequence[DomainAccount],
        authority: Authority,
        directory: Path | None = None,
    ) -> None:
        self.stations = tuple(stations)
        self.authority = authority
        self._accounts = Accounts(accounts, directory)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator")
        self._servers: dict[Station, asyncio.Server] = {}
        self._reserved: dict[Station, socket.socket] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        _allow_many_files()
        self._accounts.__enter__()
        self._thread.start()
        try:
            self._in_loop(self._listen_all())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._in_loop(self._close_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._accounts.__exit__()

    def url(self, station: Station) -> str:
        """Where it is found."""
        return station.url

    def open_shells(self, station: Station | None = None) -> int:
        """Shells that nobody deleted, of one station or of all."""
        stations = self.stations if station is None else (station,)
        return sum(each.shells.open for each in stations)

    def shells_left(self) -> tuple[OpenShell, ...]:
        """Return the open shells of all stations, with their ages."""
        return tuple(shell for station in self.stations for shell in station.shells.left)

    def set_faults(self, station: Station, *texts: str) -> None:
        """Break a station, or mend it with no text. Raises BadFault."""
        self._in_loop(self.break_station(station, *texts))

    def call(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something on the loop, where machines live, and wait for it."""
        return self._in_loop(work)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _in_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        future: Future[_T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_START_SECONDS)

    async def break_station(self, station: Station, *texts: str) -> None:
        """``set_faults`` for who is on the loop already. Raises BadFault."""
        station.faults.set(*texts)
        refused = station.faults.has(Fault.REFUSED)
        if refused and station in self._servers:
            await self._deafen(station)
        elif not refused and station not in self._servers:
            await self._listen(station)

    async def _listen_all(self) -> None:
        for station in self.stations:
            await self._listen(station)
            if station.faults.has(Fault.REFUSED):
                await self._deafen(station)

    async def _listen(self, station: Station) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = ClientConnection(station, self._accounts, self.authority, reader, writer)
            task = self._loop.create_task(connection.serve())
            self._connections.add(task)
            try:
                await task
            except asyncio.CancelledError:  # the simulator ends; streams would report it as a bug
                pass
            finally:
                self._connections.discard(task)

        if station in self._reserved:
            self._reserved.pop(station).close()
        server = await asyncio.start_server(
            connected,
            station.address,
            station.port,
            backlog=_BACKLOG,
            ssl=station.front(self.authority) if station.tls else None,
        )
        station.port = server.sockets[0].getsockname()[1]
        self._servers[station] = server

    async def _deafen(self, station: Station) -> None:
        """Close a station's port, and keep it reserved, because it will listen there again."""
        server = self._servers.pop(station)
        family, address = server.sockets[0].family, server.sockets[0].getsockname()
        server.close()
        self._reserved[station] = reserved = socket.socket(family, socket.SOCK_STREAM)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(address)
        await asyncio.sleep(0)

    async def _close_all(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for reserved in self._reserved.values():
            reserved.close()
        self._reserved.clear()
        for task in (connections := list(self._connections)):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


def _allow_many_files() -> None:
    """Raise the limit of open files. A station is a file, and most systems allow 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
