"""What else can be wrong with a poll than the faults of a simulated service; for ``failure_table``.

Each function makes a poll go wrong for as long as its context lasts.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Output, PollLimits
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.scripts import Script, packaged
from collectors.simulator.authority import Authority
from collectors.simulator.machine import Execution
from tests.collectors.powershell.peers import Book, choosy, intercepting, listening, saying, silent
from tests.collectors.powershell.site import HELLO, Site, issued

_REFUSED = b"Zugriff verweigert.\r\n"
_EXHAUSTED = b"Exception of type 'System.OutOfMemoryException' was thrown.\r\n"


@dataclass
class Poll:
    """A poll that is about to be made of a service of the site."""

    site: Site
    host: Host
    limits: PollLimits
    script: Script = field(default_factory=lambda: packaged("failover"))
    book: Book = field(default_factory=Book)
    authorities: Path = field(init=False)

    def __post_init__(self) -> None:
        self.authorities = self.site.directory / "ca.pem"

    def run(self) -> Output:
        powershell = PowerShell(trust(self.authorities), self.limits, Logons(self.book))
        return powershell.run(self.script, self.host)

    def to(self, port: int) -> None:
        """Let the URL name another port."""
        scheme = self.host.url.partition("://")[0]
        self.host = replace(self.host, url=f"{scheme}://127.0.0.1:{port}/wsman")

    def prints(self, execution: Execution) -> None:
        self.site.windows.execution = execution


def no_address(poll: Poll) -> None:
    scheme = poll.host.url.partition("://")[0]
    poll.host = replace(poll.host, url=f"{scheme}://{'a' * 64}.example:5985/wsman")


@contextmanager
def dropped_packets(poll: Poll) -> Iterator[None]:
    """A listener that accepts nothing: when its queue is full, the system drops what comes."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        poll.to(listener.getsockname()[1])
        poll.limits = replace(poll.limits, connect_seconds=0.1)
        yield


@contextmanager
def slow_packets(poll: Poll) -> Iterator[None]:
    seconds = poll.limits.connect_seconds
    with dropped_packets(poll):
        poll.limits = replace(poll.limits, connect_seconds=seconds)
        yield


def _instead(serve: Callable[[socket.socket], object]) -> Circumstance:
    @contextmanager
    def another(poll: Poll) -> Iterator[None]:
        with listening(serve) as port:
            poll.to(port)
            yield

    return another


def no_authorities(poll: Poll) -> None:
    poll.authorities = poll.site.directory / "none.pem"


def no_certificate(poll: Poll) -> None:
    login = replace(poll.host.login, certificate=poll.site.directory / "none.pem")
    poll.host = replace(poll.host, login=login)


def http_to_tls_port(poll: Poll) -> None:
    poll.host = replace(poll.host, url=poll.host.url.replace("https:", "http:"))


def https_to_http_port(poll: Poll) -> None:
    poll.host = replace(poll.host, url=poll.host.url.replace("http:", "https:"))


def wrong_password(poll: Poll) -> None:
    poll.host = replace(poll.host, login=replace(poll.host.login, password="guessed"))  # noqa: S106 - wrong


def unknown_user(poll: Poll) -> None:
    poll.host = replace(poll.host, login=replace(poll.host.login, username="CORP\\nobody"))


@contextmanager
def intercepted(poll: Poll) -> Iterator[None]:
    """Somebody whose certificate is trusted, too, opens the TLS and hands everything on."""
    authority = poll.site.simulator.authority
    there = int(poll.host.url.rpartition(":")[2].partition("/")[0])
    with intercepting(authority, there) as port:
        poll.to(port)
        yield


@contextmanager
def strange_certificate(poll: Poll) -> Iterator[None]:
    login = issued(Authority("of another house"), poll.site.directory, "stranger")
    with choosy(poll.site.simulator.authority) as port:
        poll.to(port)
        poll.host = replace(poll.host, login=login)
        yield


def certificate_of_nobody(poll: Poll) -> None:
    login = issued(poll.site.simulator.authority, poll.site.directory, "nobody", "nobody")
    poll.host = replace(poll.host, login=login)


def endless(poll: Poll) -> None:
    poll.prints(Execution(HELLO, seconds=1e6))


def long_output(poll: Poll) -> None:
    poll.prints(Execution(bytes(1_000_000)))


def torrent(poll: Poll) -> None:
    poll.prints(Execution(bytes(1_000_000)))
    poll.limits = replace(poll.limits, output_bytes=64 * 1024)


def broken_off(poll: Poll) -> None:
    poll.prints(Execution(HELLO[:10], _REFUSED, 1))


def errors_only(poll: Poll) -> None:
    poll.prints(Execution(b"\r\n", _REFUSED, 0))


def out_of_memory(poll: Poll) -> None:
    poll.prints(Execution(HELLO[:10], _EXHAUSTED, 1))


def too_long(poll: Poll) -> None:
    poll.script = replace(poll.script, sent="#" * 9000)


Circumstance: TypeAlias = Callable[[Poll], AbstractContextManager[None] | None]

CIRCUMSTANCES: dict[str, Circumstance] = {
    **{
        each.__name__: each
        for each in (
            *(no_address, dropped_packets, slow_packets, no_authorities, no_certificate),
            *(http_to_tls_port, https_to_http_port, wrong_password, unknown_user, intercepted),
            *(
                strange_certificate,
                certificate_of_nobody,
                endless,
                long_output,
                torrent,
                broken_off,
                errors_only,
            ),
            *(out_of_memory, too_long),
        )
    },
    "ssh": _instead(saying(b"SSH-2.0-OpenSSH_9.6\r\n")),
    "silent_peer": _instead(silent),
    "vanishing_peer": _instead(lambda connection: connection.close()),
}
