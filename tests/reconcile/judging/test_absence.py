"""Removal needs proof (rule R3); the cases themselves are in docs/explanation/decisions.md."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.findings import Kind
from reconcile.model.nouns import Evidence, Operation, Server, Standing, Story
from reconcile.model.record import Hold
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, kinds, nets, operations, told_by

A, B, C = HUB, SPOKE, OTHER
Told = dict[Server, list[Story] | None]


def rest(side: Server) -> Story:
    """Another relationship, so that a server is not empty."""
    return told_by(side, C, f"Rest{side.id}", scopes=nets(f"10.{100 + side.id}.0.0"))


def known(servers: tuple[Server, ...] = (A, B)) -> Ipam:
    """IPAM that has HQ of A and B."""
    ipam = Ipam(servers=servers)
    one, two = both()
    ipam.run({A: [one], B: [two]} if B in servers else {A: [one]})
    return ipam


def removals(plan: Plan) -> list[Operation]:
    return [p.operation for p in plan.new if p.destructive]


def open_kinds(ipam: Ipam) -> set[Kind]:
    return {f.kind for f in ipam.findings.values()}


def test_two_readings_without_it_are_proof() -> None:
    """Both Seen, neither tells it: FailoverDelete with all that the record had."""
    ipam = known()
    (planned,) = (p for p in ipam.plan({A: [rest(A)], B: [rest(B)]}).new if p.destructive)
    assert planned.operation is Operation.DELETE
    assert planned.evidence is Evidence.BOTH
    assert planned.hold is Hold.NONE
    assert planned.scopes == tuple(sorted(nets("10.1.0.0", "10.1.1.0")))
    assert set(planned.witnesses) == {A.id, B.id}
    assert all(c.after is None and c.before is not None for c in planned.changes)


def test_one_reading_without_it_is_no_proof() -> None:
    """The other was not read: absence_unverified, and nothing."""
    plan = known().plan({A: [rest(A)], B: None})
    assert removals(plan) == []
    assert Kind.ABSENCE_UNVERIFIED in kinds(plan)


def test_a_server_that_was_not_asked_is_no_witness() -> None:
    """The run was about A only."""
    plan = known().plan({A: [rest(A)]}, targets=frozenset({A.id}))
    assert removals(plan) == []
    assert Kind.ABSENCE_UNVERIFIED in kinds(plan)


def test_an_unverified_absence_stays_open_while_nobody_is_read() -> None:
    """Silence resolves nothing."""
    ipam = known()
    ipam.run({A: [rest(A)], B: None})
    ipam.run({A: None, B: None})
    assert Kind.ABSENCE_UNVERIFIED in open_kinds(ipam)


def test_an_unverified_scope_stays_open_while_nobody_is_read() -> None:
    """The same for a scope that A no longer tells."""
    ipam = known()
    ipam.run({A: [told_by(A, B, scopes=nets("10.1.0.0"))], B: None})
    assert Kind.ABSENCE_UNVERIFIED in open_kinds(ipam)
    ipam.run({A: None, B: None})
    assert Kind.ABSENCE_UNVERIFIED in open_kinds(ipam)


def test_an_unverified_absence_ends_when_it_is_told_again() -> None:
    """Both tell it: all is well."""
    ipam = known()
    ipam.run({A: [rest(A)], B: None})
    one, two = both()
    ipam.run({A: [one], B: [two]})
    assert Kind.ABSENCE_UNVERIFIED not in open_kinds(ipam)


def test_a_missing_scope_with_a_silent_partner_is_one_finding_for_as_long_as_it_lasts() -> None:
    """The second run of the same world opens nothing new."""
    ipam = known()
    told: Told = {A: [told_by(A, B, scopes=nets("10.1.0.0"))], B: None}
    ipam.run(told)
    before = open_kinds(ipam)
    ipam.run(told)
    assert open_kinds(ipam) == before == {Kind.ABSENCE_UNVERIFIED, Kind.SERVER_UNREAD}


def test_the_partners_are_those_of_the_row() -> None:
    """The name of B resolves to C today: C, read without it, proves nothing for B."""
    ipam = known((A, B, C))
    ipam.servers = tuple(
        replace(s, name="old.corp.example", aliases=(), addresses=()) if s.id == B.id else s
        for s in ipam.servers
    )
    plan = ipam.plan({A: [rest(A)], B: None, C: []})
    assert removals(plan) == []


@pytest.mark.parametrize("emptied", [(A,), (B,), (A, B)])
def test_a_sudden_emptiness_is_not_believed_at_once(emptied: tuple[Server, ...]) -> None:
    """A server that tells nothing at all where it had relationships may have lost its database."""
    ipam = known()
    told: Told = {A: [rest(A)], B: [rest(B)], **{s: [] for s in emptied}}
    plan = ipam.plan(told)
    assert removals(plan) == []
    assert kinds(plan).count(Kind.EMPTY_READ_UNCONFIRMED) == len(emptied)


def test_a_server_that_never_had_anything_may_be_empty() -> None:
    """No relationships before, none now: nothing to say."""
    ipam = Ipam(servers=(A, B))
    assert ipam.plan({A: [], B: []}).findings == ()


def test_emptiness_is_believed_after_confirm_after() -> None:
    """Two recorded readings 600 seconds apart."""
    ipam = known()
    ipam.run({A: [], B: []}, minutes=9)
    ipam.run({A: [], B: []}, minutes=1)
    assert len(ipam.records) == 1
    ipam.run({A: [], B: []})
    assert ipam.records == {}
    assert open_kinds(ipam) == set()


def test_a_reading_between_that_is_not_empty_starts_the_wait_anew() -> None:
    """In every one between."""
    ipam = known()
    one, two = both()
    ipam.run({A: [], B: []}, minutes=5)
    ipam.run({A: [one], B: [two]}, minutes=5)
    assert removals(ipam.plan({A: [], B: []})) == []
    ipam.run({A: [], B: []}, minutes=9)
    assert removals(ipam.plan({A: [], B: []})) == []


def test_a_failed_reading_between_does_not_count_either_way() -> None:
    """Unread is neither empty nor full."""
    ipam = known()
    ipam.run({A: [], B: []}, minutes=5)
    ipam.run({A: None, B: None}, minutes=5)
    assert removals(ipam.plan({A: [], B: []})) == [Operation.DELETE]


def test_a_plan_does_not_count_as_a_reading() -> None:
    """Looking twice is not saying it twice."""
    ipam = known()
    ipam.plan({A: [], B: []})
    ipam.later(minutes=20)
    assert removals(ipam.plan({A: [], B: []})) == []


def test_the_last_scopes_are_confirmed_per_teller() -> None:
    """One of the two had scopes in between: only the other one's word is old enough."""
    ipam = known()
    none = both(scopes=frozenset())
    full = both()
    ipam.run({A: [none[0]], B: [none[1]]}, minutes=5)
    ipam.run({A: [full[0]], B: [none[1]]}, minutes=5)
    assert removals(ipam.plan({A: [none[0]], B: [none[1]]})) == []
    ipam.run({A: [none[0]], B: [none[1]]}, minutes=10)
    assert removals(ipam.plan({A: [none[0]], B: [none[1]]})) == [Operation.REMOVE_SCOPES]


def test_some_scopes_may_go_at_once() -> None:
    """Not the last ones: two readings without a scope are proof."""
    ipam = known()
    one, two = both(scopes=nets("10.1.0.0"))
    assert removals(ipam.plan({A: [one], B: [two]})) == [Operation.REMOVE_SCOPES]


def test_one_stored_partner_is_held_for_a_person() -> None:
    """Seen without it: planned on its word alone, and always held."""
    ipam = known((A,))
    ipam.run({A: [rest(A)]})
    (entry,) = ipam.pending()
    assert entry.planned.operation is Operation.DELETE
    assert (entry.planned.evidence, entry.planned.hold) == (Evidence.ONE_SIDE, Hold.ONE_WITNESS)
    ipam.run({A: [rest(A)]})
    assert [e.number for e in ipam.pending()] == [entry.number]


def test_one_stored_partner_unread_is_nothing() -> None:
    """Silence is no proof, however few the witnesses."""
    assert removals(known((A,)).plan({A: None})) == []


def retire(ipam: Ipam, *gone: Server) -> None:
    ids = {s.id for s in gone}
    ipam.servers = tuple(
        replace(s, standing=Standing.RETIRED) if s.id in ids else s for s in ipam.servers
    )


def test_a_person_may_be_the_witness() -> None:
    """B is retired: it counts as telling nothing from then on."""
    ipam = known()
    retire(ipam, B)
    assert removals(ipam.plan({A: [rest(A)]})) == [Operation.DELETE]


def test_a_retired_server_is_not_listened_to() -> None:
    """A reading of it that came late changes nothing."""
    ipam = known()
    retire(ipam, B)
    assert removals(ipam.plan({A: [rest(A)], B: [both()[1]]})) == [Operation.DELETE]


def test_retiring_one_partner_does_not_speak_for_the_other() -> None:
    """A was not read: it may still have it."""
    ipam = known()
    retire(ipam, B)
    assert removals(ipam.plan({A: None})) == []


def test_retiring_ends_a_dispute() -> None:
    """A disagreement stays open until both were Seen or one is retired."""
    ipam = known()
    one, two = both()
    ipam.run({A: [replace(one, mclt_seconds=60)], B: [two]})
    ipam.run({A: [replace(one, mclt_seconds=60)], B: None})
    assert Kind.PARTNER_MISMATCH in open_kinds(ipam)
    retire(ipam, B)
    ipam.run({A: [replace(one, mclt_seconds=60)]})
    assert Kind.PARTNER_MISMATCH not in open_kinds(ipam)


def test_the_name_with_another_known_partner_is_proof() -> None:
    """A tells HQ with C now, B was read without it: the old row goes, the new one waits for it."""
    ipam = known((A, B, C))
    one, three = both(A, C)
    plan = ipam.run({A: [one], B: [rest(B)], C: [three]})
    assert operations(plan)[:1] == [Operation.DELETE]
    assert {r.partners for r in ipam.records.values() if r.relationship_name == "HQ"} == {
        (A.id, C.id)
    }


def test_the_name_with_an_unknown_partner_is_no_proof() -> None:
    """A prints a name that IPAM cannot match: it may still be B."""
    ipam = known()
    told = replace(told_by(A, B), partner="new", secondary_name="new", secondary_ip=None)
    assert removals(ipam.plan({A: [told], B: [rest(B)]})) == []


def test_one_that_tells_it_takes_back_a_recorded_removal() -> None:
    """A Delete that waits is withdrawn as soon as one partner has the relationship again."""
    ipam = known()
    gone: Told = {A: [rest(A)], B: [rest(B)]}
    ipam.run(gone, apply_all=False)
    (waiting,) = (e for e in ipam.pending() if e.planned.operation is Operation.DELETE)
    plan = ipam.plan({A: [both()[0], rest(A)], B: [rest(B)]})
    assert waiting.number in plan.superseded


def test_a_dispute_about_existence_is_one_alert_whoever_is_down() -> None:
    """A tells it, B does not, they are never up together: it is not opened again and again."""
    ipam = known()
    seen = []
    for _ in range(3):
        ipam.run({A: None, B: [rest(B)]})
        seen.append({f for f in ipam.findings if f.endswith("|hq")})
        ipam.run({A: [both()[0]], B: None})
        seen.append({f for f in ipam.findings if f.endswith("|hq")})
    assert seen[2] == seen[3] == seen[4] == seen[5] != set()


def test_a_dispute_about_a_scope_is_one_alert_whoever_is_down() -> None:
    """A has a scope more than B, and they are never up together."""
    ipam = known()
    less: Told = {A: None, B: [told_by(B, A, primary=False, scopes=nets("10.1.0.0"))]}
    seen = []
    for _ in range(3):
        ipam.run(less)
        seen.append({f for f in ipam.findings if f.endswith("|hq")})
        ipam.run({A: [both()[0]], B: None})
        seen.append({f for f in ipam.findings if f.endswith("|hq")})
    assert seen[2] == seen[3] == seen[4] == seen[5] != set()


def test_nothing_is_missed_of_a_record_that_was_never_created() -> None:
    """A pending Create loses a scope by one partner's word: it is asked for anew, that is all."""
    ipam = Ipam(servers=(A, B))
    one, two = both()
    ipam.run({A: [one], B: [two]}, apply_all=False)
    plan = ipam.run({A: [replace(one, scopes=nets("10.1.0.0"))], B: None}, apply_all=False)
    assert operations(plan) == [Operation.CREATE]
    assert kinds(plan) == [Kind.SERVER_UNREAD]


def test_an_empty_server_ends_a_create_that_was_never_applied() -> None:
    """Its only relationship was a pending one, and is gone: the Create does not wait for ever."""
    ipam = Ipam(servers=(A, B))
    one, two = both()
    ipam.run({A: [one], B: [two]}, apply_all=False)
    for _ in range(3):
        ipam.run({A: [], B: []}, apply_all=False)
    assert ipam.pending() == []
    assert ipam.records == {}
