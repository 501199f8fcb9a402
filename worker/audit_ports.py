"""What people decided: who, what, when, from where, and how it was before and after.

Part of the ports of ``worker.ports``: who lets a person decide something writes it here in the same
transaction, ``worker.store`` keeps it, and nobody changes it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

#: What an audit row tells of one side: JSON values by name.
Told: TypeAlias = Mapping[str, object]


class Action(StrEnum):
    """What a person can decide; the words are kept, so one that is in use never changes."""

    APPLY = "apply"
    REJECT = "reject"
    ADD_SERVER = "add_server"
    RENAME = "rename"
    TAG = "tag"
    ENABLE = "enable"
    DISABLE = "disable"
    RETIRE = "retire"
    CONFIRM = "confirm"
    IMPORT = "import"
    ADD_ALIAS = "add_alias"
    REMOVE_ALIAS = "remove_alias"
    RESUME = "resume"
    START_MAINTENANCE = "start_maintenance"
    END_MAINTENANCE = "end_maintenance"
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    SILENCE = "silence"
    UNSILENCE = "unsilence"
    RETRY_ALERTS = "retry_alerts"


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and through which door on which host: ``cli@ops01``."""

    who: str
    origin: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided.

    ``subject`` is what about, for people.  ``before`` None: it was not there; ``after`` None: it is
    not there any more.
    """

    action: Action
    subject: str
    before: Told | None
    after: Told | None


@dataclass(frozen=True, slots=True)
class Audited:
    """A decision as it is kept; ``action`` may be a word of a newer program."""

    id: int
    at: datetime
    who: str
    origin: str
    action: str
    subject: str
    before: Told | None
    after: Told | None


class AuditReading(Protocol):
    """Looks at what was decided."""

    def audits(
        self, limit: int, *, action: Action | None = None, since: datetime | None = None
    ) -> tuple[Audited, ...]:
        """The latest decisions, newest first; ``since``: none from before that time."""


class AuditKeeping(Protocol):
    """Adds to it; there is no way to change or to remove what is there."""

    def add_audits(self, person: Person, decisions: Sequence[Decision]) -> None:
        """These were decided by that person, now."""
