"""Reads and keeps credentials, and what servers said to them (rule R13)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from collectors.powershell.logons import Admission
from worker.model.credentials import Credential, CredentialView, Logon, Proof, Refusal


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
