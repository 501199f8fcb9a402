"""How a poll over WinRM can end without an answer: one class for each thing that a person does next.

Nothing here is imported from a library: the worker raises ``LocalConfig``, too.
"""

from __future__ import annotations

from enum import StrEnum

from collectors.base import ReadError


class Layer(StrEnum):
    """Layers between us and the relationships of a server, in the order we pass them."""

    ADDRESS = "address"
    TLS = "tls"
    LOGIN = "login"
    SHELL = "shell"
    WMI = "wmi"
    DHCP = "dhcp"


class PollError(ReadError):
    """A server could not be polled. ``layer`` is the layer that refused."""

    layer: Layer = Layer.SHELL

    def __init__(
        self, message: str, remedy: str, *, layer: Layer | None = None, retry: bool | None = None
    ) -> None:
        super().__init__(message, remedy)
        if layer is not None:
            self.layer = layer
        if retry is not None:
            self.retry = retry


class Unreachable(PollError):
    """The server did not answer, or the connection broke."""

    code = "unreachable"
    retry = True
    layer = Layer.ADDRESS


class NameUnresolved(PollError):
    """The host name in the URL has no address."""

    code = "dns"
    layer = Layer.ADDRESS


class TimedOut(PollError):
    """The deadline of the poll came first, or the server itself gave up waiting."""

    code = "timeout"
    retry = True


class TlsFailed(PollError):
    """No TLS connection that we may trust."""

    code = "tls"
    layer = Layer.TLS


class LogonRefused(PollError):
    """The server does not let this credential in.

    ``counted``: a proof of the password was sent and refused, which a domain counts towards
    locking the account (rule R13).
    """

    code = "auth"
    layer = Layer.LOGIN

    def __init__(self, message: str, remedy: str, *, counted: bool) -> None:
        super().__init__(message, remedy)
        self.counted = counted


class NoScheme(PollError):
    """The server does not offer our way of logging on: no refusal of the credential."""

    code = "auth"
    layer = Layer.LOGIN


class Forbidden(PollError):
    """The logon was accepted, but the account, or anybody, may not do this."""

    code = "forbidden"


class QuotaExceeded(PollError):
    """A limit of the server's WinRM service is used up."""

    code = "quota"
    retry = True


class ProtocolBroken(PollError):
    """The answer is not from a WinRM service, or from one that breaks the protocol."""

    code = "protocol"


class ScriptFailed(PollError):
    """PowerShell ran, or should have run, and did not come to print its document."""

    code = "script"


class LocalConfig(PollError):
    """Something on our own side is missing or wrong. The server was not contacted."""

    code = "local_config"
    layer = Layer.LOGIN
