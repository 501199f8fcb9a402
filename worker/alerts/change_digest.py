"""What there is to say about what the machine applied, in words that are harmless in plain text.

As ``worker.alerts.wording`` does for alerts: each medium adds its own escaping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, TypeAlias

from collectors.quote import escaped
from reconcile.model.formatting import dotted_all, listed, said
from reconcile.model.nouns import Evidence, Operation, Value
from reconcile.model.record import Party, Planned, PropertyChange
from worker.alerts.message import Changes
from worker.alerts.wording import SURE, moment
from worker.model.change_feed import AppliedOperation

#: Of a message; the rest is counted.
MOST_OPERATIONS: Final = 50
#: A line of a message lists so many scopes and counts the rest.
_MOST_SCOPES: Final = 8
#: As long as a DNS name may be.
_NAME: Final = 255
#: Values are short words or numbers. A longer one is hostile or broken.
_VALUE: Final = 200

_WHAT: Final = {
    Operation.CREATE: "created",
    Operation.UPDATE: "updated",
    Operation.ADD_SCOPES: "scopes added",
    Operation.REMOVE_SCOPES: "scopes removed",
    Operation.DELETE: "deleted",
}


@dataclass(frozen=True, slots=True)
class Done:
    """The words about one operation: ``changes`` has a line for each property and for the scopes."""

    number: str
    kind: str
    what: str
    run: str
    at: str
    changes: tuple[str, ...]
    sure: str

    @property
    def sentence(self) -> str:
        """All of it."""
        changes = "; ".join(self.changes)
        return f"#{self.number} {self.what}{f': {changes}' if changes else ''}. {self.sure}."


@dataclass(frozen=True, slots=True)
class Group:
    """A relationship, and what was done to it in its order."""

    relationship: str
    servers: str
    operations: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class ChangeDigestText:
    """The texts of a whole message. ``more`` operations are not in it."""

    key: str
    headline: str
    since: str
    until: str
    groups: tuple[Group, ...]
    more: int


_Subject: TypeAlias = tuple[str, str, str]


def account(changes: Changes) -> ChangeDigestText:
    """The words about a message of changes."""
    operations = changes.operations[:MOST_OPERATIONS]
    return ChangeDigestText(
        key=escaped(changes.key, _NAME),
        headline=headline(changes),
        since=moment(changes.since),
        until=moment(changes.at),
        groups=tuple(_group(subject, tuple(of)) for subject, of in groupby(operations, _subject)),
        more=changes.count - len(operations),
    )


def headline(changes: Changes) -> str:
    """``3 changes applied to 2 relationships``, if it is known of how many."""
    applied = f"{_counted(changes.count, 'change')} applied"
    if changes.more:
        return applied
    number = len({_subject(operation) for operation in changes.operations})
    return f"{applied} to {_counted(number, 'relationship')}"


def done(operation: AppliedOperation) -> Done:
    """The words about one operation."""
    planned = operation.planned
    return Done(
        number=str(operation.number),
        kind=planned.operation,
        what=_WHAT[planned.operation],
        run=str(operation.run),
        at=moment(operation.at),
        changes=tuple(_changes(planned.operation, planned.changes, planned.scopes)),
        sure=SURE[planned.evidence],
    )


def example(at: datetime) -> Changes:
    """A message of every kind of operation, to try templates on."""
    first_party, two = Party(1, "dhcp01.test.example"), Party(2, "dhcp02.test.example")
    change, scopes = (PropertyChange("MCLT", 3600, 7200),), (0x0A00_0000,)
    samples = (
        Planned(o, 1, "TEST", first_party, two, change, scopes, Evidence.BOTH, "a test", (1, 2))
        for o in Operation
    )
    operations = tuple(
        AppliedOperation(n, 1, at, planned) for n, planned in enumerate(samples, start=1)
    )
    return Changes("example", operations, 1, at, at)


def _group(subject: _Subject, operations: Sequence[AppliedOperation]) -> Group:
    relationship, *servers = subject
    return Group(
        escaped(relationship, _NAME),
        ", ".join(escaped(name, _NAME) for name in servers if name),
        tuple(map(done, operations)),
    )


def _subject(operation: AppliedOperation) -> _Subject:
    planned = operation.planned
    return planned.relationship, planned.server1.name, planned.server2.name


def _changes(
    operation: Operation, changes: Sequence[PropertyChange], scopes: Sequence[int]
) -> Iterator[str]:
    """Yield lines about changes. A creation or deletion has one side only, so it is one line."""
    match operation:
        case Operation.UPDATE:
            for c in changes:
                yield f"{escaped(c.property, _NAME)}: {_said(c, c.before)} -> {_said(c, c.after)}"
        case Operation.CREATE:
            yield from _listed("with", [(c, c.after) for c in changes])
        case Operation.DELETE:
            yield from _listed("had", [(c, c.before) for c in changes])
        case Operation.ADD_SCOPES | Operation.REMOVE_SCOPES:
            pass
    if scopes:
        sign = "-" if operation in (Operation.DELETE, Operation.REMOVE_SCOPES) else "+"
        yield f"scopes {sign} {listed(dotted_all(scopes), _MOST_SCOPES)}"


def _listed(word: str, values: Sequence[tuple[PropertyChange, Value]]) -> Iterator[str]:
    words = [f"{escaped(c.property, _NAME)} {_said(c, v)}" for c, v in values if v is not None]
    if words:
        yield f"{word} {', '.join(words)}"


def _said(change: PropertyChange, value: Value) -> str:
    return escaped(said(change.property, value), _VALUE)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
