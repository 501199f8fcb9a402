"""Machines that were replaced (R1), in fleets and histories of every kind."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from reconcile.findings.drift import drift
from reconcile.model.findings import Finding, Kind
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import Ipam
from tests.reconcile.machines import Estate
from tests.reconcile.strategies import History, histories

more = settings(
    max_examples=60,
    deadline=None,  # a busy machine is no failure
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def lived(history: History, apply_all: bool, replaced: frozenset[int]) -> Estate:
    """IPAM after all rounds but the last, when these servers answer from other machines."""
    note(f"{history!r} replaced {set(replaced)}")
    known = {s.id: f"old{s.id}" for s in history.managed}
    servers = tuple(replace(s, machine_id=known[s.id]) for s in history.managed)
    ipam = Estate(servers=servers, machines=known)
    for moment in history.rounds[:-1]:
        ipam.run(history.told(moment), apply_all=apply_all)
    ipam.machines |= {s: f"new{s}" for s in replaced & ipam.machines.keys()}
    return ipam


some = st.frozensets(st.integers(1, 5), min_size=1)


@more
@given(histories(rounds=3), st.booleans(), some)
def test_no_removal_ever_rests_on_a_replaced_machine(
    history: History, apply_all: bool, gone: frozenset[int]
) -> None:
    """No new one is planned, and none that waits is confirmed, of a row with such a partner."""
    ipam = lived(history, apply_all, gone)
    told = history.told(history.rounds[-1])
    inputs = ipam.inputs(told)
    for need in ipam.plan(told).needs:
        if need.confirmed and need.planned.destructive:
            record = ipam.records[need.planned.record or 0]
            assert not any(inputs.replaced(partner) for partner in record.partners)


@more
@given(histories(rounds=3), st.booleans(), some)
def test_a_replaced_machine_that_has_nothing_does_no_more_than_a_silent_one(
    history: History, apply_all: bool, gone: frozenset[int]
) -> None:
    """Nothing is planned, withdrawn or resolved that would not be, had it not been read."""
    ipam = lived(history, apply_all, gone)
    told = history.told(history.rounds[-1])
    empty = ipam.plan({s: v if v is None or s.id not in gone else [] for s, v in told.items()})
    silent = ipam.plan({s: None if s.id in gone else v for s, v in told.items()})
    assert contents(empty) <= contents(silent)
    assert set(empty.superseded) <= set(silent.superseded)
    assert set(empty.ended) <= set(silent.ended)
    assert resolved(ipam, empty) <= resolved(ipam, silent)


def contents(plan: Plan) -> set[tuple[object, ...]]:
    return {(p.operation, p.record, p.relationship, p.changes, p.scopes) for p in plan.new}


def resolved(ipam: Ipam, plan: Plan) -> set[Finding]:
    """But for what another finding says now: it answers, it was replaced, it is one-sided."""
    life = drift(plan.findings, ipam.findings.values(), plan.judged)
    one_sided = {
        (f.relationship, frozenset(f.servers)) for f in life.now if f.kind is Kind.ONE_SIDED
    }
    said = (Kind.SERVER_UNREAD, Kind.EMPTY_READ_UNCONFIRMED)
    return {
        f
        for f in life.resolved
        if (f.relationship, frozenset(f.servers)) not in one_sided
        and not (f.kind in said and f.relationship is None)
    }


@more
@given(histories(rounds=3), st.booleans(), some)
def test_a_confirmed_machine_is_as_good_as_the_old_one(
    history: History, apply_all: bool, gone: frozenset[int]
) -> None:
    told = history.told(history.rounds[-1])
    same = lived(history, apply_all, frozenset()).plan(told)
    ipam = lived(history, apply_all, gone)
    for server in history.managed:
        ipam.confirm(server)
    assert ipam.plan(told) == same
