"""Where servers are reached, with which login, and whether the stored values can be used.

Used by workers and by commands that contact servers. The inventory file has the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from collectors.base import ReadError
from collectors.failover import PollTarget
from collectors.powershell.errors import LocalConfig
from collectors.powershell.host import Host, Login, Transport
from collectors.quote import escaped
from reconcile.model.nouns import Server, SkipReason
from worker.inventory.logon_ledger import login_of
from worker.model.credentials import (
    DEFAULT_CREDENTIAL,
    CredentialView,
    LogonResult,
    default_credential,
)
from worker.model.servers import Endpoint

#: They show a password or a proof of identity to whoever reads along.
_ONLY_OVER_TLS: Final = frozenset({Transport.BASIC, Transport.CERTIFICATE})
_CREDSSP: Final = "credssp"


class EndpointResolver:
    """Credentials by name, with the secrets that could be had, and what servers said to them."""

    def __init__(
        self,
        credentials: Iterable[CredentialView],
        logons: Iterable[LogonResult],
        logins: Mapping[str, Login],
        failed: Mapping[str, ReadError],
        *,
        insist: bool,
    ) -> None:
        self._logins = logins
        self._failed = failed
        self._insist = insist
        self._views = {view.credential.name: view for view in credentials}
        self.logons: Mapping[tuple[str, int], LogonResult] = {
            (logon.credential, logon.server): logon for logon in logons
        }

    def way(self, server: Server, endpoint: Endpoint, now: datetime) -> PollTarget:
        """How this server is reached, or why not."""
        try:
            credential = self._credential(server, endpoint)
            login = self._login(server, credential.credential.name)
            host = _host(server, endpoint, login)
        except ReadError as error:
            return error.to_failure()
        if credential.suspended_at is not None:
            return SkipReason.CREDENTIAL
        logon = self.logons.get((login.name, server.id))
        backs_off = logon is not None and logon.retry_at is not None and logon.retry_at > now
        return SkipReason.BACK_OFF if backs_off and not self._insist else host

    def _credential(self, server: Server, endpoint: Endpoint) -> CredentialView:
        credential_name = endpoint.credential
        if credential_name is None:
            credential_name = default_credential(self._views)
        if credential_name is not None and credential_name in self._views:
            return self._views[credential_name]
        name = server.name
        if endpoint.credential is not None:
            problem = f"its credential {credential_name!r} is not in the inventory"
        elif self._views:
            problem = f"it names no credential, and none is called {DEFAULT_CREDENTIAL!r}"
        else:
            problem = "there is no credential to ask it with"
        raise LocalConfig(
            f"{name}: it was not asked, for {problem}.",
            "Write credentials into the inventory file and import it: "
            "ipam-sync servers import FILE.yaml. See: ipam-sync credentials list",
        )

    def _login(self, server: Server, credential: str) -> Login:
        if (error := self._failed.get(credential)) is not None:
            raise LocalConfig(f"{server.name}: it was not asked: {error.message}", error.remedy)
        return self._logins[credential]


def logins_of(
    credentials: Iterable[CredentialView],
) -> tuple[dict[str, Login], dict[str, ReadError]]:
    """Credentials with their secrets, and why some have none, by name."""
    logins: dict[str, Login] = {}
    failed: dict[str, ReadError] = {}
    for view in credentials:
        try:
            logins[view.credential.name] = login_of(view.credential)
        except ReadError as error:
            failed[view.credential.name] = error
    return logins, failed


def _host(server: Server, endpoint: Endpoint, login: Login) -> Host:
    url = endpoint.url or f"https://{server.name}:5986/wsman"
    transport = _transport(server, endpoint, login)
    if (problem := url_problem(url, transport)) is not None:
        raise LocalConfig(
            f"{server.name}: its WinRM URL{'' if endpoint.url else ', made of its name,'} {problem}",
            "Correct its winrm: in the inventory file and import it.",
        )
    return Host(server.id, server.name, url, transport, login)


def _transport(server: Server, endpoint: Endpoint, login: Login) -> Transport:
    """Return the stored transport, or that of the credential. Raises LocalConfig.

    An earlier version may have stored one that there is no more.
    """
    if endpoint.transport is None:
        return Transport.NTLM if login.certificate is None else Transport.CERTIFICATE
    if (problem := transport_problem(endpoint.transport)) is not None:
        raise LocalConfig(
            f"{server.name}: it was not asked. Its transport "
            f"'{escaped(endpoint.transport)}' {problem}",
            "Correct its winrm: in the inventory file and import it.",
        )
    return Transport(endpoint.transport)


def url_problem(url: str, transport: str | None) -> str | None:
    """Return why a URL cannot be that of a WinRM service, or None if it can.

    It is the end of a sentence. The URL is not repeated, because it may contain a password.
    """
    example = "write it like https://dhcp01.corp.example:5986/wsman."
    if not url.isascii() or not url.isprintable() or " " in url:
        return f"is no URL; {example}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        return f"is no URL; {example}"
    if not usable:
        return f"is no URL; {example}"
    if parts.username is not None or parts.query or parts.fragment:
        return f"must have no user, no password, no ? and no #; {example}"
    if parts.scheme == "http" and transport in _ONLY_OVER_TLS:
        return f"must begin with https: {transport} is not safe over plain http."
    return None


def transport_problem(transport: str) -> str | None:
    """Return why a server cannot have this transport, as the end of a sentence, or None."""
    if transport in set(Transport):
        return None
    if transport == _CREDSSP:
        return (
            "is not supported: it hands the password to every server, and the limits that keep "
            "an account from being locked out do not hold for it. Use ntlm."
        )
    return f"is none of {', '.join(Transport)}."
