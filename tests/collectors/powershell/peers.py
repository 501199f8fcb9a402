"""Peers of a poll that are not WinRM services at all, and a book of logons in memory."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from collectors.powershell import logons
from collectors.powershell.deadline import Deadline
from collectors.powershell.logons import Admission
from collectors.simulator.authority import Authority


@contextmanager
def listening(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """The port of a listener that hands each connection to ``serve``, in a thread of its own.

    At the end all connections are shut down and all threads are joined.
    """
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=one, args=(connection,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads.append(threading.Thread(target=accept))
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            threads[0].join()
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for connection in connections:
                connection.close()


def silent(connection: socket.socket) -> None:
    """Reads and never answers."""
    while connection.recv(65536):
        pass


def saying(answer: bytes) -> Callable[[socket.socket], None]:
    """Gives this answer to every request, as far as requests come one at a time."""

    def serve(connection: socket.socket) -> None:
        while connection.recv(1024 * 1024):
            connection.sendall(answer)

    return serve


def dripping(answer: bytes, halt: threading.Event) -> Callable[[socket.socket], None]:
    """Gives this answer, and then a byte every now and then until ``halt``."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1024 * 1024)
        connection.sendall(answer)
        while not halt.wait(0.05):
            connection.sendall(b".")

    return serve


@contextmanager
def intercepting(authority: Authority, port: int) -> Iterator[int]:
    """The port of somebody who opens the TLS of a service and hands on what is in it.

    What it shows is issued by the same authority, so that clients trust it.
    """
    front = _front(authority)
    back = ssl.create_default_context(cadata=authority.pem.decode("ascii"))
    # In TLS 1.3 there is more to read than what was sent, and one would wait for what is not there.
    front.maximum_version = back.maximum_version = ssl.TLSVersion.TLSv1_2

    def serve(connection: socket.socket) -> None:
        with (
            front.wrap_socket(connection, server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as plain,
            back.wrap_socket(plain, server_hostname="127.0.0.1") as server,
        ):
            _hand_on(client, server)

    with listening(serve) as listener:
        yield listener


@contextmanager
def choosy(authority: Authority) -> Iterator[int]:
    """The port of a TLS service that takes only clients with a certificate of this authority."""
    front = _front(authority)
    front.verify_mode = ssl.CERT_REQUIRED
    front.load_verify_locations(cadata=authority.pem.decode("ascii"))

    def serve(connection: socket.socket) -> None:
        with front.wrap_socket(connection, server_side=True) as client:
            silent(client)

    with listening(serve) as listener:
        yield listener


def _front(authority: Authority) -> ssl.SSLContext:
    """Of a TLS service whose certificate is one of this authority."""
    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as directory:
        chain = Path(directory, "chain.pem")
        certificate = authority.server("between.example", "127.0.0.1")
        chain.write_bytes(certificate + authority.key_pem)
        front.load_cert_chain(chain)
    return front


def _hand_on(client: ssl.SSLSocket, server: ssl.SSLSocket) -> None:
    """What each says to the other, until one has nothing more to say."""
    while True:
        spoken = [each for each in (client, server) if each.pending()]
        for source in spoken or select.select([client, server], [], [])[0]:
            piece = source.recv(65536)
            if not piece:
                return
            (server if source is client else client).sendall(piece)


class Book:
    """A LogonBook that suspends a credential when three servers refused it since the last success."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.refusals: dict[str, set[int]] = {}
        self.refused_times: Counter[str] = Counter()
        self.acceptances: Counter[str] = Counter()
        self.slots: defaultdict[str, dict[int, float]] = defaultdict(dict)

    def enter(self, credential: str, server: int) -> Admission:
        with self._lock:
            refused = len(self.refusals.get(credential, ()))
            if refused >= 3:
                return Admission.SUSPENDED
            if self.acceptances[credential] and not refused:
                return Admission.FREE
            now = time.monotonic()
            live = [lapse for lapse in self.slots[credential].values() if lapse > now]
            if len(live) + refused >= 3:
                return Admission.WAIT
            self.slots[credential][server] = now + logons.SLOT_SECONDS
            return Admission.SLOT

    def leave(self, credential: str, server: int) -> None:
        with self._lock:
            self.slots[credential].pop(server, None)

    def suspended(self, credential: str) -> bool:
        with self._lock:
            return len(self.refusals.get(credential, ())) >= 3

    def refused(self, credential: str, server: int) -> bool:
        with self._lock:
            self.refused_times[credential] += 1
            self.slots[credential].pop(server, None)
            self.refusals.setdefault(credential, set()).add(server)
        return self.suspended(credential)

    def accepted(self, credential: str, server: int) -> None:  # noqa: ARG002 - the port's
        with self._lock:
            self.acceptances[credential] += 1
            self.slots[credential].clear()
            self.refusals.pop(credential, None)


def ample() -> Deadline:
    """A deadline that no test comes near."""
    return Deadline(60)
