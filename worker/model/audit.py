"""What people decided: who, what, when, from where, and how it was before and after.

A decision is written in the transaction that carries it out, and nobody changes it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

#: What an audit row tells of one side: JSON values by name.
AuditValues: TypeAlias = Mapping[str, object]


class Action(StrEnum):
    """Decisions that a person can make. The words are kept, so a word in use never changes."""

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
    """A person who decides, and the door and host that they use: ``cli@ops01``."""

    who: str
    origin: str


@dataclass(frozen=True, slots=True)
class AuditedDecision:
    """A decision.

    ``subject`` is its object, for people. ``before`` None: it was not there. ``after`` None: it is
    not there any more.
    """

    action: Action
    subject: str
    before: AuditValues | None
    after: AuditValues | None


@dataclass(frozen=True, slots=True)
class Audited:
    """A stored decision. ``action`` may be a word of a newer program."""

    id: int
    at: datetime
    who: str
    origin: str
    action: str
    subject: str
    before: AuditValues | None
    after: AuditValues | None
