"""How runs behave: rules of judgement, limits of the guard, policy and timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from reconcile.evidence.inputs import Rules
from reconcile.findings.life import Patience
from reconcile.model.findings import Severity
from reconcile.planning.guard import RemovalLimits


class Policy(StrEnum):
    """Policies for recorded operations.

    ``auto`` applies them within the rules. ``review`` waits for a person.
    """

    AUTO = "auto"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Timing:
    """Intervals of the work in the background.

    Servers are read every ``interval``. A process that does not renew a ``lease`` in time counts as
    dead. Recovery runs every ``sweep``, and the schedule every ``tick``.
    """

    interval: timedelta = timedelta(minutes=15)
    lease: timedelta = timedelta(seconds=30)
    sweep: timedelta = timedelta(seconds=10)
    tick: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """How runs behave: rules of judgement, limits of the guard, policy, timing, when a problem is
    open and how loud it is where people say so.
    """

    rules: Rules = Rules()
    limits: RemovalLimits = RemovalLimits()
    policy: Policy = Policy.AUTO
    timing: Timing = Timing()
    patience: Patience = field(default_factory=Patience)
    severities: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))
