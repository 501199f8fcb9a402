"""Credentials, and what servers said to them (rule R13): values, and what the store keeps of them.

Part of the ports of ``worker.ports``; a secret is never part of this (rule R12).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from collectors.powershell.logons import Admission


@dataclass(frozen=True, slots=True)
class Credential:
    """Who we say we are: a user, and where the password is; or a certificate and its key.

    The password is in a variable of the environment or in a file; with neither the user has a
    Kerberos ticket.  Paths are absolute.  A secret is never part of this (rule R12).
    """

    name: str
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class CredentialView:
    """A credential, and how it fares (rule R13).

    ``servers`` are so many that use it; ``refused_by`` are those that refused it with no server
    accepting it since; ``accepted_at`` is when it last was accepted by a server that had not
    before, or that had refused it in between.  ``salt`` is another one after every change;
    ``proven``: a server accepted it since the latest run began.
    """

    credential: Credential
    servers: int
    refused_by: tuple[int, ...]
    accepted_at: datetime | None
    suspended_at: datetime | None
    salt: bytes = field(repr=False)
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What of a credential may change from one logon to the next, see ``CredentialView``."""

    name: str
    salt: bytes = field(repr=False)
    proven: bool
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Logon:
    """What a server said to a credential.

    It accepts it since ``accepted_at``, or refused it ``refusals`` times in a row, the last time
    at ``refused_at``, and is left alone until ``retry_at``.  ``mark`` is of the refused secret.
    """

    credential: str
    server: int
    accepted_at: datetime | None
    refused_at: datetime | None = None
    refusals: int = 0
    retry_at: datetime | None = None
    mark: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server refused a secret: of what salt it is, and its mark (see ``worker.credentials``)."""

    credential: str
    server: int
    salt: bytes = field(repr=False)
    mark: int = field(repr=False)


class CredentialsReading(Protocol):
    """Looks at credentials."""

    def credentials(self) -> tuple[CredentialView, ...]:
        """Every credential, ordered by name."""

    def proofs(self) -> tuple[Proof, ...]:
        """The same, but only what is asked before every logon."""

    def logons(self, server: int | None = None, *, refused: bool = False) -> tuple[Logon, ...]:
        """What servers, or one of them, said to credentials; by credential and server.

        ``refused``: only what was refused last, and has a mark.
        """


class CredentialsKeeping(Protocol):
    """Changes them, and counts what servers say."""

    def set_credential(self, credential: Credential) -> None:
        """Add it or change it; a changed one begins anew: no refusal, no suspension."""

    def doubt_credentials(self) -> None:
        """A run begins: until a server accepts a credential again, few proofs may be under way."""

    def enter_logon(self, credential: str, server: int) -> Admission:
        """A slot for a proof, if there is one."""

    def leave_logon(self, credential: str, server: int) -> None:
        """The server said nothing to the proof."""

    def logon_refused(self, refusal: Refusal) -> bool:
        """Count it, and leave the server alone for a while, longer each time.

        True if this secret must not be used any more: three servers refused it with none
        accepting it since, or it is not the credential's secret any more.
        """

    def logon_accepted(
        self, credential: str, servers: Collection[int], *, fresh: bool = True
    ) -> None:
        """These servers accepted it.

        ``fresh``: just now, so earlier refusals, whosever, do not count any more.  A suspension
        stands all the same.
        """

    def logon_worked(self, credential: str) -> None:
        """A server was read with it just now: earlier refusals do not count any more."""

    def resume_credential(self, name: str) -> bool:
        """A person says that it is right: end its suspension and forget all refusals.

        True if there were any.
        """

    def forget_refusals(self, name: str, salt: bytes) -> None:
        """Its secret is another one: the same, and a new salt; nothing if this is not the salt."""
