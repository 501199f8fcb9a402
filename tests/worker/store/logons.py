"""A credential, and servers that refuse or accept it; for the tests of rule R13."""

from __future__ import annotations

from worker.model.credentials import Credential, CredentialView, LogonRefusal, LogonResult
from worker.store.unit_of_work import Store

CORP = Credential("corp", "CORP\\svc-ipam", password_env="CORP_PASSWORD")  # noqa: S106 - a name
OTHER = Credential("other", "svc", password_file="/run/secrets/other")  # noqa: S106 - a name
MARK = 4711


def put(store: Store, *credentials: Credential) -> None:
    """State them, as an import of the inventory does."""
    with store.write() as uow:
        for credential in credentials:
            uow.credentials.save(credential)
        uow.commit()


def view(store: Store, name: str = "corp") -> CredentialView:
    """How it fares."""
    with store.read() as reading:
        (found,) = (v for v in reading.credentials.views() if v.credential.name == name)
    return found


def logon(store: Store, server: int) -> LogonResult:
    """What a server said to the only credential that it was asked with."""
    with store.read() as reading:
        (found,) = (n for n in reading.credentials.logons() if n.server == server)
    return found


def refuse(store: Store, *servers: int, salt: bytes | None = None) -> list[bool]:
    """Each in a transaction of its own; whether the credential was suspended then."""
    salt = salt or view(store).salt
    return [refuse_once(store, server, salt) for server in servers]


def refuse_once(store: Store, server: int, salt: bytes) -> bool:
    """True if the credential is suspended then."""
    with store.write() as uow:
        suspended = uow.credentials.record_refusal(LogonRefusal("corp", server, salt, MARK))
        uow.commit()
    return suspended


def accept(store: Store, *servers: int) -> None:
    """They let corp in."""
    with store.write() as uow:
        uow.credentials.record_acceptance("corp", servers)
        uow.commit()
