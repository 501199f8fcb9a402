"""Rule R13: a wrong password must not lock an account out of a whole fleet.

Who sends the proof of a password asks here first; what the server said to it is told here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from collectors.powershell.deadline import Deadline
from collectors.quote import escaped
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.text import is_copyable

_LIST: Final = ipam_sync("credentials list")
#: Proofs under way of a credential that nobody has accepted yet.
MOST_UNPROVEN: Final = 3
#: A server that does not answer a proof holds its slot no longer.
SLOT_SECONDS: Final = 5.0
#: How often one who waits for other processes looks what became of their proofs.
_LOOK_SECONDS: Final = 0.1


class CredentialSuspended(Exception):
    """Too many servers refused this credential. No proof of it was sent."""

    def __init__(self, credential: str) -> None:
        resume = ipam_sync("credentials resume", credential) if is_copyable(credential) else _LIST
        super().__init__(
            f"The credential {escaped(credential)} is suspended, for several servers refused it."
            f" If it was right all along: {resume.text}"
        )
        self.credential = credential


class BookUnavailable(Exception):
    """The results of logons cannot be read or written. The server's state is unknown."""

    code = "logon_book"


class Admission(Enum):
    """Answers of the book to a request to send a proof."""

    FREE = "a server accepted it in this run: nobody has to wait"
    SLOT = "one of the few proofs that may be under way"
    WAIT = "as many are under way as may be"
    SUSPENDED = "it must not be used"


class LogonBook(Protocol):
    """A record of logons at servers, over all runs and processes. Thread-safe.

    ``enter``, ``leave`` and ``refused`` raise BookUnavailable.
    """

    def enter(self, credential: str, server: int) -> Admission:
        """Request one of the slots that all processes share. A ``SLOT`` lapses after a while."""

    def leave(self, credential: str, server: int) -> None:
        """Give the slot back: the server said nothing."""

    def suspended(self, credential: str) -> bool:
        """True if it must not be used."""

    def refused(self, credential: str, server: int) -> bool:
        """The server refused a proof of it. True if the credential is suspended now."""

    def accepted(self, credential: str, server: int) -> None:
        """The server let it in, and may have opened a shell: no reason to end here."""


class LogonProof:
    """A proof that is being sent. At most one of these methods is called."""

    def __init__(self, logons: Logons, credential: str, server: int) -> None:
        self._logons = logons
        self._credential = credential
        self._server = server

        self.is_answered = False

    def accepted(self) -> None:
        self.is_answered = True
        self._logons.accepted(self._credential, self._server)

    def refused(self) -> None:
        self.is_answered = True
        self._logons.refused(self._credential, self._server)


@dataclass(slots=True)
class _CredentialState:
    """The state of a credential in this process. ``slots`` are the times at which they lapse."""

    accepted: bool = False
    suspended: bool = False
    refusals: int = 0
    slots: dict[LogonProof, float] = field(default_factory=dict)

    @property
    def may_be_used(self) -> bool:
        """By everybody: a server accepted it, and none refused it since.

        After a refusal few may go on until a server accepts it: its password may have turned wrong,
        and the book may still be writing down what will suspend it.
        """
        return self.accepted and not self.refusals


class Logons:
    """The gate of a process: one for all threads that log on with the credentials of ``book``."""

    def __init__(self, book: LogonBook) -> None:
        self._book = book
        # Threads wait here for the answers to other proofs.
        self._changed = threading.Condition()
        self._standings: dict[str, _CredentialState] = {}

    def check(self, credential: str) -> None:
        """Raises CredentialSuspended.

        What was suspended and is not any more, for somebody mended it, begins anew.
        """
        if self._book.suspended(credential):
            self._suspend(credential)
            raise CredentialSuspended(credential)
        with self._changed:
            if self._standing(credential).suspended:
                self._standings[credential] = _CredentialState()

    @contextmanager
    def proof(self, credential: str, server: int, deadline: Deadline) -> Iterator[LogonProof]:
        """Send the proof within this, and tell the LogonProof what the server said.

        Until the credential was accepted once, this may wait for the answers to other proofs.

        Raises:
            CredentialSuspended: it was so before, or became so while this waited.
            BookUnavailable: nobody can say whether it may be sent.
            TimeoutError: the deadline came first.
        """
        proof = LogonProof(self, credential, server)
        self._enter(proof, credential, deadline)
        try:
            holds_slot = self._enter_book(credential, server, deadline)
            try:
                yield proof
            finally:
                # An answer gives the slot back itself. Without one the slot would block others
                # until it lapses.
                if holds_slot and not proof.is_answered:
                    self._book.leave(credential, server)
        finally:
            self._leave(proof, credential)

    def doubt(self, credential: str) -> None:
        """A new run has begun, and no server has accepted it in that yet."""
        with self._changed:
            self._standing(credential).accepted = False

    def wake(self) -> None:
        """Let those that wait look at their deadlines again."""
        with self._changed:
            self._changed.notify_all()

    def accepted(self, credential: str, server: int) -> None:
        self._book.accepted(credential, server)
        standing = self._standing(credential)
        if not standing.may_be_used:
            standing.refusals = 0  # they count only with no acceptance since
            self._let_all_in(standing)

    def refused(self, credential: str, server: int) -> None:
        with self._changed:
            self._standing(credential).refusals += 1
        if self._book.refused(credential, server):
            self._suspend(credential)

    def _suspend(self, credential: str) -> None:
        with self._changed:
            self._standing(credential).suspended = True
            self._changed.notify_all()

    def _standing(self, credential: str) -> _CredentialState:
        return self._standings.setdefault(credential, _CredentialState())

    def _enter(self, proof: LogonProof, credential: str, deadline: Deadline) -> None:
        standing = self._standing(credential)
        with self._changed:
            while not standing.suspended:
                if deadline.over:
                    raise TimeoutError
                current_time = time.monotonic()
                pending = [lapse for lapse in standing.slots.values() if lapse > current_time]
                # Each refusal takes a slot away: else five proofs would be out before the third.
                slots = max(1, MOST_UNPROVEN - standing.refusals)
                if standing.may_be_used or len(pending) < slots:
                    standing.slots[proof] = current_time + SLOT_SECONDS
                    return
                self._changed.wait(min(*pending, deadline.at) - current_time)
        raise CredentialSuspended(credential)

    def _enter_book(self, credential: str, server: int, deadline: Deadline) -> bool:
        """Enter the book of all processes. Here at most as many threads wait as there are slots."""
        standing = self._standing(credential)
        while not standing.accepted:
            match self._book.enter(credential, server):
                case Admission.FREE:
                    self._let_all_in(standing)
                case Admission.SLOT:
                    return True
                case Admission.SUSPENDED:
                    self._suspend(credential)
                    raise CredentialSuspended(credential)
                case Admission.WAIT:
                    if deadline.over:
                        raise TimeoutError
                    with self._changed:
                        # Other processes cannot wake this one, so it looks again.
                        self._changed.wait(_LOOK_SECONDS)
        return False

    def _let_all_in(self, standing: _CredentialState) -> None:
        with self._changed:
            standing.accepted = True
            self._changed.notify_all()

    def _leave(self, proof: LogonProof, credential: str) -> None:
        standing = self._standing(credential)
        with self._changed:
            standing.slots.pop(proof, None)
            if not standing.may_be_used:
                self._changed.notify_all()
