"""A scope and a name are at most once per server: what waits for what (rule R4)."""

from __future__ import annotations

from dataclasses import replace

from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Operation, Server, Story
from reconcile.model.record import Contest, EntryStatus
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, kinds, net, nets, operations

A, B, C = HUB, SPOKE, OTHER
Told = dict[Server, list[Story] | None]


def two(hq: frozenset[int], dr: frozenset[int]) -> Told:
    """HQ and DR between A and B with these scopes."""
    one, other = both(name="HQ", scopes=hq), both(name="DR", scopes=dr)
    return {A: [one[0], other[0]], B: [one[1], other[1]]}


def scopes(ipam: Ipam) -> dict[str, frozenset[int]]:
    return {r.relationship_name: r.scopes for r in ipam.records.values()}


def the_finding(plan: Plan) -> Finding:
    (finding,) = (f for f in plan.findings if f.kind is Kind.BLOCKED)
    return finding


def test_a_scope_that_moves_is_removed_before_it_is_added() -> None:
    """Both ends in one plan, what frees before what takes, and the taker knows its holder."""
    ipam = Ipam(servers=(A, B))
    ipam.run(two(nets("10.1.0.0", "10.2.0.0"), nets("10.3.0.0")))
    plan = ipam.run(two(nets("10.1.0.0"), nets("10.2.0.0", "10.3.0.0")))
    removal, addition = plan.new
    assert (removal.operation, addition.operation) == (
        Operation.REMOVE_SCOPES,
        Operation.ADD_SCOPES,
    )
    assert set(addition.contested) == {
        Contest(A.id, net("10.2.0.0"), removal.record),
        Contest(B.id, net("10.2.0.0"), removal.record),
    }
    assert scopes(ipam) == {"HQ": nets("10.1.0.0"), "DR": nets("10.2.0.0", "10.3.0.0")}


def test_what_is_taken_waits_until_it_is_free() -> None:
    """Nothing applied: the AddScopes waits, and says so."""
    ipam = Ipam(servers=(A, B))
    ipam.run(two(nets("10.1.0.0", "10.2.0.0"), nets("10.3.0.0")))
    plan = ipam.run(two(nets("10.1.0.0"), nets("10.2.0.0", "10.3.0.0")), apply_all=False)
    assert Kind.BLOCKED in kinds(plan)
    removal, addition = ipam.pending()
    assert not ipam.apply(addition.number)
    assert ipam.apply(removal.number)
    assert ipam.apply(addition.number)


def test_a_taken_scope_is_blocked_also_where_no_removal_is_pending() -> None:
    """HQ still has the scope by the word of an unread pair: DR waits for it all the same."""
    ipam = Ipam(servers=(A, B, C))
    hq = both(name="HQ", scopes=nets("10.1.0.0"))
    dr = both(A, C, name="DR", scopes=nets("10.3.0.0"))
    ipam.run({A: [hq[0], dr[0]], B: [hq[1]], C: [dr[1]]})
    taking = both(A, C, name="DR", scopes=nets("10.1.0.0", "10.3.0.0"))
    without = replace(hq[0], scopes=nets("10.9.0.0"))
    plan = ipam.plan({A: [without, taking[0]], B: None, C: [taking[1]]})
    (addition,) = (p for p in plan.new if p.relationship == "DR")
    (holder,) = (r.key for r in ipam.records.values() if r.relationship_name == "HQ")
    assert addition.contested == (Contest(A.id, net("10.1.0.0"), holder),)
    assert "10.1.0.0 belongs to HQ" in the_finding(plan).detail
    assert not any(p.operation is Operation.REMOVE_SCOPES for p in plan.new)


def test_the_same_scope_on_other_servers_is_free() -> None:
    """A scope is once per server, not once in the store."""
    d = Server(4, "dhcp04.corp.example", ("10.0.0.14",))
    ipam = Ipam(servers=(A, B, C, d))
    here, there = both(), both(C, d)
    ipam.run({A: [here[0]], B: [here[1]], C: [], d: []})
    plan = ipam.plan({A: [here[0]], B: [here[1]], C: [there[0]], d: [there[1]]})
    (create,) = plan.new
    assert create.contested == ()


def test_a_renamed_relationship_is_one_move() -> None:
    """The new name takes the old one's scopes: Delete first, then the Create that waits for it."""
    ipam = Ipam(servers=(A, B))
    old, new = both(name="HQ"), both(name="Head")
    ipam.run({A: [old[0]], B: [old[1]]})
    plan = ipam.run({A: [new[0]], B: [new[1]]}, apply_all=False)
    assert operations(plan) == [Operation.DELETE, Operation.CREATE]
    delete, create = plan.new
    assert {c.holder for c in create.contested} == {delete.record}
    assert {c.scope for c in create.contested} == nets("10.1.0.0", "10.1.1.0")
    ipam.run({A: [new[0]], B: [new[1]]})
    assert [r.relationship_name for r in ipam.records.values()] == ["Head"]


def test_a_name_that_moves_to_another_partner_waits_for_the_old_row() -> None:
    """HQ was with B and is with C now: the Create takes A's name HQ, which the old row holds."""
    ipam = Ipam(servers=(A, B, C))
    old = both(scopes=nets("10.1.0.0"))
    ipam.run({A: [old[0]], B: [old[1]], C: []})
    new = both(A, C, scopes=nets("10.5.0.0"))
    plan = ipam.run({A: [new[0]], B: None, C: [new[1]]})
    (create,) = (p for p in plan.new if p.operation is Operation.CREATE)
    assert create.contested == (Contest(A.id, None, 1),)
    assert {Kind.BLOCKED, Kind.ABSENCE_UNVERIFIED} <= set(kinds(plan))
    assert [r.partners for r in ipam.records.values() if not r.pending] == [(A.id, B.id)]


def test_a_waiting_create_is_judged_again_when_the_old_row_goes() -> None:
    """B is read without it: Delete and Create go through, in this order, in one run."""
    ipam = Ipam(servers=(A, B, C))
    old = both(scopes=nets("10.1.0.0"))
    ipam.run({A: [old[0]], B: [old[1]], C: []})
    new = both(A, C, scopes=nets("10.5.0.0"))
    ipam.run({A: [new[0]], B: None, C: [new[1]]})
    rest = both(B, C, name="Rest", scopes=nets("10.6.0.0"))
    ipam.run({A: [new[0]], B: [rest[0]], C: [new[1], rest[1]]})
    ipam.run({A: [new[0]], B: [rest[0]], C: [new[1], rest[1]]})
    assert {r.partners for r in ipam.records.values()} == {(A.id, C.id), (B.id, C.id)}
    assert ipam.pending() == []
    assert not [f for f in ipam.findings.values() if f.kind is Kind.BLOCKED]


def test_a_blocked_operation_is_one_finding_while_it_lasts() -> None:
    """The same world again: the waiting entry and its finding stay as they are."""
    ipam = Ipam(servers=(A, B, C))
    old = both(scopes=nets("10.1.0.0"))
    ipam.run({A: [old[0]], B: [old[1]], C: []})
    new = both(A, C, scopes=nets("10.5.0.0"))
    told: Told = {A: [new[0]], B: None, C: [new[1]]}
    ipam.run(told)
    before = dict(ipam.findings)
    assert operations(ipam.run(told)) == []
    assert {f: v.values for f, v in ipam.findings.items()} == {
        f: v.values for f, v in before.items()
    }


def test_pending_creates_hold_names_and_scopes_too() -> None:
    """Two relationships that are not created yet cannot both have a scope of one server."""
    ipam = Ipam(servers=(A, B, C))
    hq = both(name="HQ", scopes=nets("10.1.0.0"))
    ipam.run({A: [hq[0]], B: [hq[1]], C: []}, apply_all=False)
    (pending,) = ipam.pending()
    dr = both(A, C, name="DR", scopes=nets("10.1.0.0"))
    plan = ipam.plan({A: [replace(hq[0], scopes=nets("10.1.0.0")), dr[0]], B: [hq[1]], C: [dr[1]]})
    (create,) = (p for p in plan.new if p.operation is Operation.CREATE)
    assert create.contested == (Contest(A.id, net("10.1.0.0"), pending.planned.record),)


def test_a_withdrawn_create_frees_what_it_held() -> None:
    """The pending Create of HQ is superseded in the very run that takes its scope."""
    ipam = Ipam(servers=(A, B, C))
    hq = both(name="HQ", scopes=nets("10.1.0.0"))
    rest = both(B, C, name="Rest", scopes=nets("10.6.0.0"))
    ipam.run({A: [hq[0]], B: [hq[1], rest[0]], C: [rest[1]]}, apply_all=False)
    dr = both(A, C, name="DR", scopes=nets("10.1.0.0"))
    ipam.run({A: [dr[0]], B: [rest[0]], C: [rest[1], dr[1]]})
    statuses = [(e.planned.relationship, e.status) for e in ipam.entries.values()]
    assert ("HQ", EntryStatus.SUPERSEDED) in statuses
    assert ("DR", EntryStatus.APPLIED) in statuses
    assert len(statuses) == 3
    assert {r.relationship_name for r in ipam.records.values()} == {"DR", "Rest"}


def test_two_takers_in_one_plan_do_not_both_take() -> None:
    """A server that tells one scope in two new relationships: the first takes it, the other waits."""
    ipam = Ipam(servers=(A, B))
    plan = ipam.plan(two(nets("10.1.0.0"), nets("10.1.0.0")))
    assert [len(p.contested) for p in plan.new] == [0, 2]
    assert {c.holder for c in plan.new[1].contested} == {None}
