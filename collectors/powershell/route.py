"""From the host in a URL to addresses, within a deadline that the system's resolver knows not."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from collectors.powershell.deadline import Deadline

#: Family and socket address, as ``socket.connect`` takes it.
Address: TypeAlias = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]

#: How often, in seconds, one who waits for the resolver looks at the deadline.
_LOOK_UP: Final = 0.2
#: The ports that a URL without one means.
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class NetworkRoute:
    """The host as it is named (and certified), and where it is."""

    name: str
    port: int
    addresses: tuple[Address, ...]


def route(url: str, deadline: Deadline) -> NetworkRoute:
    """Where ``url`` points to.

    Raises:
        socket.gaierror: the name has no address.
        TimeoutError: it was not found out in time.
        ValueError: the URL has no host, or no port.
    """
    parts = urlsplit(url)
    name, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    if not name or port is None:
        raise ValueError(url)
    try:
        return NetworkRoute(name, port, _looked_up(name, port, socket.AI_NUMERICHOST))
    except socket.gaierror:
        return NetworkRoute(name, port, _LOOKUPS.wait(name, port, deadline))


@dataclass(slots=True)
class _Lookup:
    """A question to the resolver, which may take a minute and cannot be called off."""

    done: threading.Event = field(default_factory=threading.Event)
    addresses: tuple[Address, ...] = ()
    error: OSError | None = None


class _Lookups:
    """Asks each name once at a time, in threads that end when the resolver answers."""

    def __init__(self) -> None:
        # Guards the lookups in progress. The lookup itself runs without it.
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, int], _Lookup] = {}

    def wait(self, name: str, port: int, deadline: Deadline) -> tuple[Address, ...]:
        with self._lock:
            lookup = self._pending.get((name, port))
            if lookup is None:
                lookup = self._pending[name, port] = _Lookup()
                # getaddrinfo has no timeout. A thread that outlives the poll is the only way to
                # leave it.
                threading.Thread(
                    target=self._ask, args=(name, port, lookup), name="resolver", daemon=True
                ).start()
        while not lookup.done.wait(min(deadline.remaining(), _LOOK_UP)):
            if deadline.over:  # which somebody may have ended early
                raise TimeoutError
        if lookup.error is not None:
            raise lookup.error
        return lookup.addresses

    def _ask(self, name: str, port: int, lookup: _Lookup) -> None:
        try:
            lookup.addresses = _looked_up(name, port)
        except OSError as error:
            lookup.error = error
        finally:
            with self._lock:
                del self._pending[name, port]
            lookup.done.set()


def _looked_up(name: str, port: int, flags: int = 0) -> tuple[Address, ...]:
    try:
        infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # it cannot even be asked for
        raise socket.gaierror(socket.EAI_NONAME, "no valid host name") from error
    return tuple((family, address) for family, _, _, _, address in infos)


_LOOKUPS: Final = _Lookups()
