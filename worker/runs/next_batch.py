"""Whose turn it is in a run that is judged piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconcile.model.nouns import Standing
from worker.model.runs import MemberStage, OpenRun
from worker.store.unit_of_work import Transaction, UnitOfWork

#: In the numbers of a run: so many retired servers were heard without being asked.
HEARD: Final = "retired_heard"


@dataclass(frozen=True, slots=True)
class Batch:
    """The servers to judge next: ``focus``, of which ``heard`` are retired and were not read.

    ``later`` are some of the servers of later batches, none if there are none.
    """

    focus: frozenset[int]
    later: frozenset[int] = frozenset()
    heard: int = 0


def next_batch(reading: Transaction, run: OpenRun, most: int) -> Batch | None:
    """Return the next concluded servers, and at the end those with an unknown partner.

    A single query finds concluded and waiting servers, because a server may conclude between two
    queries, and would be in both results.
    """
    first_servers = reading.members.first_at(
        run.id, {MemberStage.CONCLUDED: most + 1, MemberStage.WAITING: 1}
    )
    concluded, pending = first_servers[MemberStage.CONCLUDED], first_servers[MemberStage.WAITING]
    if concluded:
        focus, later = concluded[:most], concluded[most:]
        return Batch(frozenset(focus), frozenset((*later, *pending)))
    if pending:
        return None
    unheard = _unheard(reading, run)
    remaining = reading.members.unresolved(run.id) | unheard
    return Batch(remaining, heard=len(unheard)) if remaining else None


def last_batch(uow: UnitOfWork, run: OpenRun, most: int) -> Batch | None:
    """Look once more, while nobody can conclude until the lease is given back."""
    # Members conclude beside this transaction on PostgreSQL. The lock keeps them out until the
    # lease is released, so that the last one cannot be missed.
    uow.lock_members()
    return next_batch(uow, run, most)


def _unheard(reading: Transaction, run: OpenRun) -> set[int]:
    """Partners that are all retired: a person said that they tell nothing, and nobody is asked.

    A run about everything hears that once.
    """
    view = reading.runs.find(run.id)
    if run.scope.targets is not None or view is None or view.summary.get(HEARD):
        return set()
    retired = {s.id for s in reading.inventory.servers() if s.standing is Standing.RETIRED}
    records = reading.records.load(retired) if retired else ()
    return {p for r in records if retired.issuperset(r.partners) for p in r.partners}
