"""What differs between IPAM and the servers and waits for a person, as findings.

Read off the pending lines of OperationTracker when a run closes.  What a person's word on a
relationship would change is told of each; relationships that IPAM does not have at all are only
counted, for at first contact that is every one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from reconcile.kinds.decisions import CHANGE_WAITS
from reconcile.kinds.reports import readable
from reconcile.model.finding_words import SERVERS_LACK
from reconcile.model.findings import Finding, Kind, Testimony
from reconcile.model.formatting import dotted, said
from reconcile.model.nouns import Operation
from reconcile.model.record import Entry, PropertyChange

_IPAM, _SERVERS = "IPAM", "servers"


def waiting(entries: Iterable[Entry], creations: int) -> tuple[Finding, ...]:
    """The findings about these entries, which wait, and so many relationships to be created."""
    of_record: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.planned.record is not None:
            of_record[entry.planned.record].append(entry)
    findings = [_of_record(entries_of_record) for entries_of_record in of_record.values()]
    if creations:
        findings.append(_to_be_created(creations))
    return tuple(findings)


def _of_record(entries: list[Entry]) -> Finding:
    planned = entries[0].planned
    values = tuple(value for entry in entries for value in _differences(entry))
    return Finding(
        Kind.CHANGE_WAITS,
        planned.relationship,
        planned.partners,
        CHANGE_WAITS.sentence(
            planned.relationship,
            map(_in_words, values),
            [entry.number for entry in entries],
        ),
        values,
    )


def _to_be_created(count: int) -> Finding:
    return Finding(
        Kind.CHANGE_WAITS,
        None,
        (),
        CHANGE_WAITS.sentence(creations=count),
        ((Operation.CREATE.value, ((_SERVERS, str(count)),)),),
        about=Operation.CREATE.value,
    )


def _differences(entry: Entry) -> Iterator[Testimony]:
    planned = entry.planned
    match planned.operation:
        case Operation.DELETE:
            yield planned.relationship, ((_IPAM, "has it"), (_SERVERS, SERVERS_LACK))
        case Operation.ADD_SCOPES:
            for scope in planned.scopes:
                yield dotted(scope), ((_IPAM, "does not have it"), (_SERVERS, "tell it"))
        case Operation.REMOVE_SCOPES:
            for scope in planned.scopes:
                yield dotted(scope), ((_IPAM, "has it"), (_SERVERS, SERVERS_LACK))
        case _:
            for change in planned.changes:
                yield _change(change)


def _change(change: PropertyChange) -> Testimony:
    stored_word, reported_word = (said(change.property, v) for v in (change.before, change.after))
    return change.property, ((_IPAM, stored_word), (_SERVERS, reported_word))


def _in_words(value: Testimony) -> str:
    subject, ((_, ours), (_, theirs)) = value
    return f"{subject}: database {readable(ours)}, servers {readable(theirs)}"
