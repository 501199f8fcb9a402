"""OperationTracker is the product (rule R5): one line per need, superseded, rejected, carried."""

from __future__ import annotations

from dataclasses import replace

from reconcile.model.nouns import Operation, Server, State, Story
from reconcile.model.record import Entry, EntryStatus
from tests.reconcile.fleet import HUB, SPOKE, Ipam, both, net, nets, operations

A, B = HUB, SPOKE
Told = dict[Server, list[Story] | None]


def told(**values: object) -> Told:
    """Both partners tell HQ with these values."""
    one, two = both(A, B, **values)
    return {A: [one], B: [two]}


def known(**values: object) -> Ipam:
    ipam = Ipam(servers=(A, B))
    ipam.run(told(**values))
    return ipam


def review(ipam: Ipam, inputs: Told) -> Entry:
    """Record without applying: the one entry that is pending then."""
    ipam.run(inputs, apply_all=False)
    (entry,) = ipam.pending()
    return entry


def properties(entry: Entry) -> dict[str, tuple[object, object]]:
    return {c.property: (c.before, c.after) for c in entry.planned.changes}


def test_the_same_need_twice_is_one_line() -> None:
    """A pending Update that is still needed is neither repeated nor replaced."""
    ipam = known()
    entry = review(ipam, told(mclt_seconds=60))
    plan = ipam.plan(told(mclt_seconds=60))
    assert (plan.new, plan.superseded) == ((), ())
    assert [n.entry for n in plan.needs] == [entry.number]


def test_a_need_that_went_away_is_superseded() -> None:
    """The servers are as IPAM says again: the entry stays in history, not in the tracker."""
    ipam = known()
    entry = review(ipam, told(mclt_seconds=60))
    ipam.run(told(), apply_all=False)
    assert ipam.entries[entry.number].status is EntryStatus.SUPERSEDED
    assert ipam.pending() == []


def test_a_need_with_another_value_replaces_the_old_one() -> None:
    """60 was wanted, 120 is wanted now: one superseded, one new."""
    ipam = known()
    first = review(ipam, told(mclt_seconds=60))
    second = review(ipam, told(mclt_seconds=120))
    assert ipam.entries[first.number].status is EntryStatus.SUPERSEDED
    assert properties(second) == {"MCLT": (3600, 120)}


def test_a_need_that_comes_back_later_is_a_new_line() -> None:
    """Superseded is the end of an entry."""
    ipam = known()
    first = review(ipam, told(mclt_seconds=60))
    ipam.run(told(), apply_all=False)
    second = review(ipam, told(mclt_seconds=60))
    assert second.number != first.number
    assert ipam.entries[first.number].status is EntryStatus.SUPERSEDED


def test_an_applied_need_that_comes_back_is_a_new_line() -> None:
    """Somebody changed the row back by hand: found by the next run."""
    ipam = known()
    ipam.run(told(mclt_seconds=60))
    (key,) = ipam.records
    ipam.records[key] = replace(ipam.records[key], mclt_seconds=3600)
    assert operations(ipam.plan(told(mclt_seconds=60))) == [Operation.UPDATE]


def test_more_of_the_same_kind_is_one_entry_with_all_of_it() -> None:
    """MCLT waits, the mode changes too: one Update names both."""
    ipam = known()
    review(ipam, told(mclt_seconds=60))
    entry = review(ipam, told(mclt_seconds=60, enable_auth=False))
    assert set(properties(entry)) == {"MCLT", "SharedSecretEnabled"}


def test_what_cannot_be_judged_stays_pending_and_is_not_confirmed() -> None:
    """A field in dispute: its pending Update stays, and this run does not vouch for it."""
    ipam = known()
    entry = review(ipam, told(mclt_seconds=60))
    one, two = both(mclt_seconds=60)
    plan = ipam.plan({A: [one], B: [replace(two, mclt_seconds=120)]})
    (need,) = plan.needs
    assert (need.entry, need.confirmed) == (entry.number, False)
    assert plan.superseded == ()


def test_a_pending_part_that_was_not_judged_is_carried_beside_a_new_one() -> None:
    """MCLT is in dispute now and the secret changes: the new Update holds both parts."""
    ipam = known()
    review(ipam, told(mclt_seconds=60))
    one, two = both(mclt_seconds=60, enable_auth=False)
    entry = review(ipam, {A: [one], B: [replace(two, mclt_seconds=120)]})
    assert properties(entry) == {"MCLT": (3600, 60), "SharedSecretEnabled": (True, False)}


def test_pending_scopes_that_were_not_judged_are_carried() -> None:
    """Scope 3 waits to be added and is one-sided now; scope 4 is new on both."""
    ipam = known()
    start = nets("10.1.0.0", "10.1.1.0")
    review(ipam, told(scopes=start | nets("10.1.3.0")))
    one, two = both(scopes=start | nets("10.1.3.0", "10.1.4.0"))
    entry = review(ipam, {A: [one], B: [replace(two, scopes=start | nets("10.1.4.0"))]})
    assert entry.planned.scopes == (net("10.1.3.0"), net("10.1.4.0"))


def test_the_entries_of_an_unread_pair_are_untouched() -> None:
    """Both silent: still pending, not confirmed."""
    ipam = known()
    entry = review(ipam, told(mclt_seconds=60))
    plan = ipam.plan({A: None, B: None})
    assert [(n.entry, n.confirmed) for n in plan.needs] == [(entry.number, False)]


def test_a_state_is_an_entry_of_its_own() -> None:
    """Configuration waits, the state is a fact: two lines."""
    ipam = known()
    ipam.run(told(mclt_seconds=60, state=State.PARTNER_DOWN), apply_all=False)
    config, state = ipam.pending()
    assert set(properties(config)) == {"MCLT"}
    assert set(properties(state)) == {"Server1State", "Server2State"}


def test_a_state_change_does_not_touch_the_line_that_waits() -> None:
    """The pending configuration Update keeps its number."""
    ipam = known()
    entry = review(ipam, told(mclt_seconds=60))
    ipam.run(told(mclt_seconds=60, state=State.PARTNER_DOWN), apply_all=False)
    assert [e.number for e in ipam.pending()] == [entry.number, entry.number + 1]


def test_a_pending_create_is_a_record_with_record_id_0() -> None:
    """And its tracker shows the FailoverCreate."""
    ipam = Ipam(servers=(A, B))
    entry = review(ipam, told())
    (record,) = ipam.records.values()
    assert (record.pending, record.record_id) == (True, 0)
    assert entry.planned.record == record.key
    ipam.apply(entry.number)
    assert ipam.records[record.key].record_id == record.key


def test_a_pending_create_is_the_same_whatever_the_states_are() -> None:
    """The Create keeps its line; the new state is a fact beside it."""
    ipam = Ipam(servers=(A, B))
    entry = review(ipam, told())
    plan = ipam.plan(told(state=State.PARTNER_DOWN))
    assert plan.superseded == ()
    assert operations(plan) == [Operation.UPDATE]
    assert entry.number in [n.entry for n in plan.needs]


def test_a_pending_create_that_nobody_tells_any_more_is_superseded() -> None:
    """It was never created: there is nothing to delete."""
    ipam = Ipam(servers=(A, B))
    entry = review(ipam, told())
    rest_a, rest_b = both(name="Rest", scopes=nets("10.9.0.0"))
    plan = ipam.plan({A: [rest_a], B: [rest_b]})
    assert entry.number in plan.superseded
    assert Operation.DELETE not in operations(plan)


# --- rejected


def rejected(ipam: Ipam, inputs: Told) -> Entry:
    entry = review(ipam, inputs)
    ipam.reject(entry.number)
    return entry


def test_a_rejected_need_is_an_accepted_difference() -> None:
    """A person said no: the same values are not asked for again."""
    ipam = known()
    rejected(ipam, told(mclt_seconds=60))
    for _ in range(2):
        plan = ipam.run(told(mclt_seconds=60))
        assert (plan.new, plan.ended) == ((), ())


def test_a_rejected_need_stands_for_exactly_its_values() -> None:
    """Another value is another need, and ends the acceptance."""
    ipam = known()
    entry = rejected(ipam, told(mclt_seconds=60))
    plan = ipam.run(told(mclt_seconds=120), apply_all=False)
    assert operations(plan) == [Operation.UPDATE]
    assert plan.ended == (entry.number,)


def test_a_rejected_need_does_not_cover_other_properties() -> None:
    """MCLT was accepted; the secret changes as well: only the secret is asked for."""
    ipam = known()
    rejected(ipam, told(mclt_seconds=60))
    entry = review(ipam, told(mclt_seconds=60, enable_auth=False))
    assert set(properties(entry)) == {"SharedSecretEnabled"}


def test_a_rejected_need_ends_when_the_servers_change() -> None:
    """Back to what IPAM has, then away again: a new need."""
    ipam = known()
    entry = rejected(ipam, told(mclt_seconds=60))
    assert ipam.run(told()).ended == (entry.number,)
    assert operations(ipam.plan(told(mclt_seconds=60))) == [Operation.UPDATE]


def test_a_rejected_need_ends_when_the_row_changes() -> None:
    """Either side: IPAM's value is another one now."""
    ipam = known()
    entry = rejected(ipam, told(mclt_seconds=60))
    (key,) = ipam.records
    ipam.records[key] = replace(ipam.records[key], mclt_seconds=1800)
    plan = ipam.plan(told(mclt_seconds=60))
    assert plan.ended == (entry.number,)
    assert operations(plan) == [Operation.UPDATE]


def test_a_rejected_need_stands_while_nobody_can_judge_it() -> None:
    """Silence and dispute end no decision of a person."""
    ipam = known()
    rejected(ipam, told(mclt_seconds=60))
    assert ipam.run({A: None, B: None}).ended == ()
    one, two = both(mclt_seconds=60)
    assert ipam.run({A: [one], B: [replace(two, mclt_seconds=120)]}).ended == ()
    assert ipam.run(told(mclt_seconds=60)).new == ()


def test_rejected_scopes_are_not_asked_for_again() -> None:
    """Scope 3 was refused; scope 4 is another question."""
    start = nets("10.1.0.0", "10.1.1.0")
    ipam = known()
    rejected(ipam, told(scopes=start | nets("10.1.3.0")))
    assert ipam.run(told(scopes=start | nets("10.1.3.0"))).new == ()
    entry = review(ipam, told(scopes=start | nets("10.1.3.0", "10.1.4.0")))
    assert entry.planned.scopes == (net("10.1.4.0"),)


def test_a_rejected_removal_is_not_asked_for_again() -> None:
    """The row stays although nobody tells it; told again, the acceptance ends."""
    ipam = known()
    rest_a, rest_b = both(name="Rest", scopes=nets("10.9.0.0"))
    gone: Told = {A: [rest_a], B: [rest_b]}
    ipam.run(gone, apply_all=False)
    (removal,) = (e for e in ipam.pending() if e.planned.operation is Operation.DELETE)
    ipam.reject(removal.number)
    assert Operation.DELETE not in operations(ipam.run(gone))
    back = {s: [*(gone[s] or ()), *(told()[s] or ())] for s in (A, B)}
    assert ipam.run(back).ended == (removal.number,)
    assert Operation.DELETE in operations(ipam.plan(gone))


def test_a_rejected_create_is_not_asked_for_again() -> None:
    """No record, no pending entry, no new Create for these values; others are another need."""
    ipam = Ipam(servers=(A, B))
    rejected(ipam, told())
    assert ipam.records == {}
    assert ipam.run(told()).new == ()
    assert operations(ipam.plan(told(mclt_seconds=60))) == [Operation.CREATE]


def test_a_rejected_create_ends_when_the_relationship_is_gone() -> None:
    """Removed on both servers and made again later: a new need."""
    ipam = Ipam(servers=(A, B))
    rejected(ipam, told())
    rest_a, rest_b = both(name="Rest", scopes=nets("10.9.0.0"))
    ipam.run({A: [rest_a], B: [rest_b]})
    back = {A: [rest_a, *(told()[A] or ())], B: [rest_b, *(told()[B] or ())]}
    assert operations(ipam.plan(back)) == [Operation.CREATE]


def test_entries_outlive_their_record() -> None:
    """The history of a deleted relationship is not about a new one of that name."""
    ipam = known()
    rest_a, rest_b = both(name="Rest", scopes=nets("10.9.0.0"))
    ipam.run({A: [rest_a], B: [rest_b]})
    deleted = [e for e in ipam.entries.values() if e.planned.operation is Operation.DELETE]
    assert [e.status for e in deleted] == [EntryStatus.APPLIED]
    back = {A: [rest_a, *(told()[A] or ())], B: [rest_b, *(told()[B] or ())]}
    assert operations(ipam.plan(back)) == [Operation.CREATE]
