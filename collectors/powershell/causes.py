"""The one table from what other libraries raise to what a person can act on.

pywinrm, requests, urllib3, pyspnego, ssl and the standard library each have errors of their own,
wrapped in one another; nothing of that leaves this package.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from http.client import IncompleteRead
from typing import Any, Final

import requests
from spnego.exceptions import BadMICError
from urllib3.exceptions import HTTPError
from winrm.exceptions import (
    InvalidCredentialsError,
    WinRMError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)

from collectors.base import ReadError
from collectors.powershell.attempt import Attempt, ProofResult
from collectors.powershell.errors import (
    Layer,
    LocalConfig,
    LogonRefused,
    NameUnresolved,
    NoScheme,
    PollError,
    ProtocolBroken,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from collectors.powershell.faults import FAULTS, STATUSES, Meaning
from collectors.powershell.soap import Malformed
from collectors.quote import escaped

_NOT_WINRM: Final = (
    "Check that the URL is that of the server's WinRM service, and that no proxy stands between."
)

#: What OpenSSL found wrong with a certificate (X509_V_ERR_...), and what to do about it.
_CERTIFICATES: Final = {
    9: ("is not valid yet", "Set the clocks right, here and there, or renew the certificate."),
    10: ("has expired", "Renew the certificate and give it to the WinRM listener."),
    18: (
        "is self-signed and not among the trusted ones",
        "Give the listener a certificate of your authority, or add this one to IPAM_SYNC_CA_FILE.",
    ),
    62: (
        "is for another name",
        "Use the name in the certificate in the URL, or give the listener one for this name.",
    ),
    64: (
        "is not for this address",
        "Use the server's name in the URL instead of its address.",
    ),
}
_UNKNOWN_AUTHORITY: Final = (
    "comes from an authority that is not trusted",
    "Add the authority's certificate to IPAM_SYNC_CA_FILE.",
)


def explained(error: Exception, attempt: Attempt) -> ReadError:
    """Return an error as one of ours, whose text says what a person can do about it."""
    if isinstance(error, ReadError):
        return error
    if attempt.deadline.over:  # whatever broke, broke because the time was up
        return _too_slow(error, attempt)
    roots = list(_roots(error))
    for kind, explain in _TABLE:
        for root in roots:
            if isinstance(root, kind):
                return explain(root, attempt)
    if attempt.layer is Layer.LOGIN:
        return _not_winrm("answers a logon with what is no challenge of its protocol", attempt)
    sentence = (
        "an encrypted message that cannot be opened" if attempt.encrypts else "no answer of WinRM"
    )
    return _not_winrm(f"sent {sentence} ({type(error).__name__})", attempt)


def _roots(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors inside of the wrappers of requests and urllib3, the outermost first."""
    pending: list[Any] = [error]
    visited: set[int] = set()
    while pending:
        inner = pending.pop(0)
        if not isinstance(inner, BaseException) or id(inner) in visited:
            continue
        visited.add(id(inner))
        wraps = isinstance(inner, requests.RequestException | HTTPError)
        if not wraps or isinstance(inner, IncompleteRead):
            yield inner
        pending += [getattr(inner, "reason", None), *inner.args, inner.__cause__]
        pending.append(inner.__context__)


def _too_slow(_: BaseException, attempt: Attempt) -> PollError:
    host = attempt.host
    if attempt.deadline.stopped:
        return TimedOut(
            f"{host.name}: asking the server was broken off.", "Ask again.", layer=attempt.layer
        )
    doing = {
        Layer.ADDRESS: "did not take the connection",
        Layer.TLS: "did not finish the TLS handshake",
        Layer.LOGIN: "did not answer the logon",
    }.get(attempt.layer, "let us in, but did not finish the script")
    return TimedOut(
        f"{host.name}: the server {doing} in time ({_at(attempt)}).",
        "Look at its load and at firewalls that drop packets; the next poll tries again,"
        " and the setting IPAM_SYNC_POLL_DEADLINE gives it longer.",
        layer=attempt.layer,
    )


def _name(error: BaseException, attempt: Attempt) -> PollError:
    later = getattr(error, "errno", None) == socket.EAI_AGAIN
    return NameUnresolved(
        f"{attempt.host.name}: the name in {_at(attempt)} has no address ({_reason(error)}).",
        "Correct the name in the URL, or the DNS that this machine uses.",
        retry=later,
    )


def _certificate(error: BaseException, attempt: Attempt) -> PollError:
    number = getattr(error, "verify_code", 0)
    problem, remedy = _CERTIFICATES.get(number, _UNKNOWN_AUTHORITY)
    reason = _bare(str(getattr(error, "verify_message", "")))
    return TlsFailed(
        f"{attempt.host.name}: the TLS certificate at {_at(attempt)} {problem} ({reason}).", remedy
    )


def _tls(error: BaseException, attempt: Attempt) -> PollError:
    if attempt.proof is ProofResult.REFUSED:
        return _refused(error, attempt)
    reason = str(getattr(error, "reason", None) or "closed")
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return TlsFailed(
            f"{attempt.host.name}: what listens at {_at(attempt)} speaks no TLS.",
            "Correct the port (WinRM has TLS at 5986), or use transport ntlm and an http: URL.",
        )
    later = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return _no_tls(f"failed ({escaped(reason.lower().replace('_', ' '))})", attempt, retry=later)


def _no_tls(what: str, attempt: Attempt, *, retry: bool) -> PollError:
    return TlsFailed(
        f"{attempt.host.name}: the TLS connection to {_at(attempt)} {what}.",
        "Check that the listener there has a certificate and shares TLS 1.2 or newer with us.",
        retry=retry,
        layer=attempt.layer,
    )


def _refused(_: BaseException, attempt: Attempt) -> PollError:
    host = attempt.host
    identity = f"{host.login.username or 'the certificate'} (credential {host.login.name})"
    if attempt.proof is ProofResult.UNSENT:
        offered = ", ".join(escaped(scheme, 20) for scheme in attempt.offered) or "none"
        return NoScheme(
            f"{host.name}: the server does not offer the way to log on that we use,"
            f" {host.transport} (it offers: {offered}).",
            "Give the server another transport in the inventory, or allow this one there:"
            " winrm get winrm/config/service/auth",
        )
    return LogonRefused(
        f"{host.name}: the server refuses {identity} by {host.transport}.",
        "Check password, lock and expiry of the account, and that it may log on there over the"
        " network; it is not tried again at once, so as not to lock it.",
        counted=attempt.proof is ProofResult.REFUSED,
    )


def _fault(error: WSManFaultError, attempt: Attempt) -> PollError:
    codes = [code for code in (error.wsman_fault_code, error.wmierror_code) if code is not None]
    reason = _bare(error.reason) or "no reason given"
    for code in codes:
        if (meaning := FAULTS.get(code % 2**32)) is not None:
            return _meant(meaning, attempt, f"code {code % 2**32}: {reason}")
    ours = str(error.fault_code).endswith("Sender")
    return ProtocolBroken(
        f"{attempt.host.name}: the server answered with a fault that we do not know"
        f" ({', '.join(map(str, codes)) or 'no code'}: {reason}).",
        "Look into its event log (Windows Remote Management) for the reason.",
        retry=not ours,
    )


def _status(error: WinRMTransportError, attempt: Attempt) -> PollError:
    if attempt.proof is ProofResult.REFUSED:  # so says HTTP 403 to a client certificate
        return _refused(error, attempt)
    later = error.code >= requests.codes.server_error
    meaning = Meaning(ProtocolBroken, f"answered with HTTP {error.code}", _NOT_WINRM, later)
    return _meant(STATUSES.get(error.code, meaning), attempt, _at(attempt))


def _meant(meaning: Meaning, attempt: Attempt, detail: str) -> PollError:
    return meaning.kind(
        f"{attempt.host.name}: the server {meaning.what} ({detail}).",
        meaning.remedy,
        layer=attempt.layer,
        retry=meaning.retry,
    )


def _gave_up(_: BaseException, attempt: Attempt) -> PollError:
    return _meant(FAULTS[0x80338029], attempt, "before it began")


def _late(error: BaseException, attempt: Attempt) -> PollError:
    connecting = attempt.layer is Layer.ADDRESS
    return _broke(error, attempt) if connecting else _too_slow(error, attempt)


def _broke(error: BaseException, attempt: Attempt) -> PollError:
    host, number = attempt.host, getattr(error, "errno", None)
    if isinstance(error, PermissionError) and number is None:  # of the NTLM library
        return _not_winrm(
            "wants NTLM, but sent no challenge (NTLM may be restricted there)", attempt
        )
    if number in {errno.EMFILE, errno.ENFILE}:
        return LocalConfig(
            f"{host.name}: it was not asked, for this process may open no more files.",
            "Raise the limit (ulimit -n) or lower --concurrency.",
            layer=Layer.ADDRESS,
        )
    if attempt.layer is Layer.ADDRESS:
        problem = f"cannot be reached at {_at(attempt)} ({_reason(error)})"
        remedy = "Check that the server is up, that WinRM listens at that port, and firewalls."
    elif attempt.layer is Layer.TLS:
        return _no_tls("was closed by the server during the handshake", attempt, retry=True)
    else:
        problem = f"hung up before its answer was whole ({_at(attempt)})"
        hint = "" if attempt.tls else "; if it stays so, see that the http: URL names no TLS port"
        remedy = f"The next poll tries again{hint}."
    return Unreachable(f"{host.name}: the server {problem}.", remedy, layer=attempt.layer)


def _tampered(_: BaseException, attempt: Attempt) -> PollError:
    return ProtocolBroken(
        f"{attempt.host.name}: a message of the server was changed on its way, or was encrypted"
        f" with other keys ({_at(attempt)}).",
        "Somebody or something may be between ipam-sync and the server: prefer an https: URL.",
        layer=attempt.layer,
    )


def _not_winrm(problem: str, attempt: Attempt) -> PollError:
    return ProtocolBroken(
        f"{attempt.host.name}: what answers at {_at(attempt)} is no WinRM service as we know it:"
        f" it {problem}.",
        _NOT_WINRM,
        layer=attempt.layer,
    )


def _at(attempt: Attempt) -> str:
    return escaped(attempt.host.url, 200)


def _reason(error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or (
        "timed out" if isinstance(error, TimeoutError) else ""
    )
    return _bare(str(reason or error)).lower()


def _bare(said: str) -> str:
    """Return the text of a library or a server without the full stop, to be put into brackets."""
    return escaped(said, 200).rstrip(". ")


_TABLE: Final[tuple[tuple[type[BaseException], Callable[[Any, Attempt], PollError]], ...]] = (
    (Malformed, lambda error, attempt: _not_winrm(str(error), attempt)),
    (BadMICError, _tampered),
    (WSManFaultError, _fault),
    (WinRMOperationTimeoutError, _gave_up),
    (WinRMTransportError, _status),
    (InvalidCredentialsError, _refused),
    (WinRMError, _tampered),  # of those without a name of their own: the length is not the one told
    (UnicodeDecodeError, lambda _, attempt: _not_winrm("sent text that is not UTF-8", attempt)),
    (socket.gaierror, _name),
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, _tls),
    (IncompleteRead, _broke),
    (TimeoutError, _late),
    (OSError, _broke),
)
