"""From the inventory to a collector that reads live servers: where each is, as whom, how much at once.

Used by the doors that contact servers: ``plan``, ``sync``, ``collect`` and ``servers check``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from collectors.base import ReadError
from collectors.failover import FailoverCollector, PollTarget, ReadObserver
from collectors.powershell.client import PowerShell
from collectors.powershell.errors import LocalConfig
from collectors.powershell.host import Host, Login, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.quote import escaped
from reconcile.model.nouns import Server, SkipReason
from worker.config.settings import Settings
from worker.inventory.logon_ledger import StoredLogonBook, login_of, notice_changes
from worker.inventory.validation import transport_problem, url_problem
from worker.model.credentials import (
    DEFAULT_CREDENTIAL,
    CredentialView,
    LogonResult,
    default_credential,
)
from worker.model.servers import Endpoint
from worker.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Connections:
    """The means to contact servers, for as long as a command takes."""

    powershell: PowerShell
    ways: Mapping[int, PollTarget]
    first: frozenset[int]
    concurrency: int

    def collector(self, progress: ReadObserver | None = None) -> FailoverCollector:
        """Reads every server of the inventory."""
        return FailoverCollector(
            self.powershell,
            self.ways,
            concurrency=self.concurrency,
            first=self.first,
            progress=progress,
        )


@contextmanager
def live(
    store: Store, settings: Settings, *, concurrency: int | None = None, insist: bool = False
) -> Iterator[Connections]:
    """Everything to read live servers with.

    With ``insist`` a person asks: a server that backs off is asked all the same (a suspended
    credential is not used).  What servers said to the credentials is in the store afterwards.
    Raises ReadError if the certificates to trust cannot be read.
    """
    context = trust(settings.ca_file)
    with store.read() as reading:
        logins, failed = logins_of(reading.credentials.views())
    notice_changes(store, logins)
    if logins:  # what a server accepted yesterday may be wrong today
        with store.write() as uow:
            uow.credentials.mark_unproven()
            uow.commit()
    with store.read() as reading:
        current_time = reading.now()
        views = reading.views.servers()
        directory = EndpointResolver(
            reading.credentials.views(), reading.credentials.logons(), logins, failed, insist=insist
        )
    book = StoredLogonBook(store, logins)
    ways = {
        view.server.id: directory.way(view.server, view.endpoint, current_time) for view in views
    }
    accepted = frozenset(logon.server for logon in directory.logons.values() if logon.accepted_at)
    powershell = PowerShell(context, settings.poll_limits, Logons(book))
    try:
        yield Connections(powershell, ways, accepted, concurrency or settings.concurrency)
    finally:
        powershell.stop()
        book.flush()


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
