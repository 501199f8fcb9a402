"""What there is to say of the broker without Celery: who works at what, and how its URL is shown.

A queue is named after the role of the processes that work at it.  Used by the settings and doors.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Processes of their own, so that people, ticks and judging never wait behind the schedule."""

    READ = "read"
    ON_DEMAND = "on-demand"
    CONTROL = "control"


#: Names of the other processes, where a role could stand.
BEAT: Final = "beat"
EXPORTER: Final = "exporter"
COMMAND: Final = "command"


class Task(StrEnum):
    """Tasks that messages ask for. The names are those on the wire."""

    READ = "ipam_sync.read"
    SETTLE = "ipam_sync.settle"
    SWEEP = "ipam_sync.sweep"
    TICK = "ipam_sync.tick"
    DELIVER = "ipam_sync.deliver"


class BrokerUnavailable(Exception):
    """The broker cannot be reached. The text says where, why and what to do."""

    code = "broker"


def without_password(url: str) -> str:
    """A URL for people."""
    # To the last @: a password may hold one that somebody forgot to write as %40.
    return re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", url, flags=re.DOTALL)
