"""A connection to somebody, ended by a deadline whatever happens on it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Final

from collectors.powershell.deadline import Deadline
from collectors.powershell.route import Address
from collectors.quote import escaped


@contextmanager
def reaching(deadline: Deadline) -> Iterator[Callable[[list[Address]], socket.socket]]:
    """A function that connects to the first of the addresses that takes it.

    Raises OSError.  The deadline watches what it connected until the end of the context.
    """
    handles: list[socket.socket] = []

    def connect(addresses: list[Address]) -> socket.socket:
        for place, (family, address) in enumerate(addresses):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                handles.append(deadline.guard(connection))
                share = deadline.remaining() / (len(addresses) - place)
                connection.settimeout(max(share, 0.001))
                connection.connect(address)
            except OSError:
                connection.close()
                if place == len(addresses) - 1:
                    raise
            else:
                connection.settimeout(max(deadline.remaining(), 0.001))
                return connection
        raise OSError("the name has no address")

    try:
        yield connect
    finally:
        for handle in handles:
            deadline.release(handle)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities and those of the file. Raises OSError."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


#: What happened, without the error's own text, which may quote the URL; the first that fits.
_HAPPENED: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "did not answer in time"),
    (ssl.SSLError, "does not speak TLS as it should"),
    (socket.gaierror, "has no address: the name is not known"),
    (FileNotFoundError, "cannot be verified: the file of its authorities is not there"),
    (ConnectionRefusedError, "refused the connection"),
    (ConnectionError, "broke off"),
    (HTTPException, "broke off, or answered with something that is not HTTP"),
)


def why(error: Exception, deadline: Deadline) -> str:
    """Return the cause of an error, as the end of a sentence about the receiver."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted: {escaped(error.verify_message, 200)}"
    if isinstance(error, OSError) and type(error) is OSError and error.strerror:
        return f"could not be reached: {escaped(error.strerror, 200)}"
    fitting = (words for kind, words in _HAPPENED if isinstance(error, kind))
    return _HAPPENED[0][1] if deadline.over else next(fitting, "cannot be asked like that")
