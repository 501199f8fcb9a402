"""The meanings that are easy to get wrong (primary, identity, names, state, percentage, ...)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.evidence.inputs import PercentReading, Rules
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import (
    Evidence,
    Identity,
    Mode,
    Operation,
    Seen,
    Server,
    ServerRole,
    State,
    Story,
)
from reconcile.model.record import (
    SIDE_PROPERTIES,
    STATE_PROPERTIES,
    EntryStatus,
    Planned,
    PropertyChange,
    Record,
)
from reconcile.planning.plan import Plan, complete, draft
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, kinds, nets, operations, told_by

A, B = HUB, SPOKE


def old(asked: Server, partner: Server, **values: object) -> Story:
    """A story of Windows Server 2012: no type, and nothing about the names of the two."""
    lacking: dict[str, object] = {
        "server_type": None,
        "primary_name": None,
        "secondary_name": None,
        "primary_ip": None,
        "secondary_ip": None,
    }
    return told_by(asked, partner, **{**lacking, **values})  # type: ignore[arg-type]  # overrides are per test


def standby(story: Story, role: ServerRole, reserve: int = 5) -> Story:
    return replace(
        story,
        mode=Mode.HOT_STANDBY,
        server_role=role,
        reserve_percent=reserve,
        load_balance_percent=None,
    )


def the_record(ipam: Ipam) -> Record:
    (record,) = ipam.records.values()
    return record


def the_update(plan: Plan) -> dict[str, tuple[object, object]]:
    """The only new operation that is no state: its properties with before and after."""
    (planned,) = (p for p in plan.new if not p.state_only)
    assert planned.operation is Operation.UPDATE
    return changed(planned)


def changed(planned: Planned) -> dict[str, tuple[object, object]]:
    return {c.property: (c.before, c.after) for c in planned.changes}


def of_kind(plan: Plan, kind: Kind) -> Finding:
    (finding,) = (f for f in plan.findings if f.kind is kind)
    return finding


# --- who is Server1


def test_server_type_says_who_is_primary() -> None:
    """PrimaryServer is Server1, whatever the ids and names."""
    ipam = Ipam()
    one, two = both(B, A)
    ipam.run({A: [two], B: [one]})
    assert the_record(ipam).server1_record_id == B.id


def test_server_type_is_better_than_server_role() -> None:
    """In hot standby the type decides even where the role says otherwise."""
    ipam = Ipam()
    one = standby(told_by(A, B), ServerRole.STANDBY)
    two = replace(standby(old(B, A), ServerRole.ACTIVE))
    ipam.run({A: [one], B: [two]})
    assert the_record(ipam).server1_record_id == A.id


@pytest.mark.parametrize("active", [A, B])
def test_the_active_server_is_primary_where_no_type_is_told(active: Server) -> None:
    """Windows Server 2012 in hot standby: Active is the primary."""
    roles = {s: ServerRole.ACTIVE if s is active else ServerRole.STANDBY for s in (A, B)}
    ipam = Ipam()
    ipam.run({A: [standby(old(A, B), roles[A])], B: [standby(old(B, A), roles[B])]})
    assert the_record(ipam).server1_record_id == active.id


def test_one_side_that_knows_is_enough() -> None:
    """A 2012 server in load balance says nothing; its partner's type decides."""
    ipam = Ipam()
    ipam.run({A: [old(A, B)], B: [told_by(B, A)]})
    assert the_record(ipam).server1_record_id == B.id


def test_the_stored_order_stays_where_nobody_tells_one() -> None:
    """Without type and role the order in IPAM is not touched."""
    ipam = Ipam()
    one, two = both(B, A)
    ipam.run({A: [two], B: [one]})
    assert ipam.plan({A: [old(A, B)], B: [old(B, A)]}).new == ()


def test_an_order_that_nobody_tells_is_by_name() -> None:
    """Two 2012 servers in load balance: the first name is Server1, not the first id."""
    first, last = Server(7, "aaa.corp.example"), Server(3, "zzz.corp.example")
    ipam = Ipam(servers=(last, first))
    ipam.run({first: [old(first, last)], last: [old(last, first)]})
    assert the_record(ipam).server1_record_id == first.id


def test_a_swap_is_one_update_naming_every_side_property() -> None:
    """Both tell another order: one FailoverUpdate with all Server1* and Server2* properties."""
    ipam = Ipam()
    one, two = both(load_balance_percent=70)
    ipam.run({A: [one], B: [replace(two, load_balance_percent=70)]})
    new_two = told_by(A, B, primary=False, load_balance_percent=60, state=State.PARTNER_DOWN)
    new_one = told_by(B, A, load_balance_percent=60, state=State.COMMUNICATIONS_INTERRUPTED)
    plan = ipam.plan({A: [new_two], B: [new_one]})
    (planned,) = plan.new
    properties = changed(planned)
    assert planned.operation is Operation.UPDATE
    assert set(properties) == SIDE_PROPERTIES
    assert properties["Server1RecordId"] == (A.id, B.id)
    assert properties["Server2RecordId"] == (B.id, A.id)
    assert properties["Server1State"] == (State.NORMAL, State.COMMUNICATIONS_INTERRUPTED)
    assert properties["Server2State"] == (State.NORMAL, State.PARTNER_DOWN)
    assert properties["Server1Percentage"] == (70, 60)


def test_a_swap_names_equal_values_too() -> None:
    """States and percentage are in it even where their numbers stay."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    one, two = both(B, A)
    (planned,) = ipam.plan({A: [two], B: [one]}).new
    assert set(changed(planned)) >= SIDE_PROPERTIES
    assert changed(planned)["Server1State"] == (State.NORMAL, State.NORMAL)


def test_a_swap_takes_nobodys_record_id_away() -> None:
    """Both partners stay partners: a swap is not destructive."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    one, two = both(B, A)
    (planned,) = ipam.plan({A: [two], B: [one]}).new
    assert not planned.destructive


def test_after_a_swap_other_operations_of_the_run_apply_too() -> None:
    """Order and scopes changed at once: the row has both after one run, nothing stays pending."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    one, two = both(B, A, scopes=nets("10.1.0.0", "10.1.1.0", "10.1.2.0"))
    ipam.run({A: [two], B: [one]})
    assert the_record(ipam).scopes == nets("10.1.0.0", "10.1.1.0", "10.1.2.0")
    assert ipam.pending() == []


def test_a_dispute_that_stays_is_no_other_finding_after_a_swap() -> None:
    """The order of the sides is IPAM's; what the partners say has not changed by it."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    one, two = both(B, A)
    told = {A: [replace(two, mclt_seconds=60)], B: [one]}
    ipam.run(told)
    before = of_kind(ipam.plan(told), Kind.PARTNER_MISMATCH).values
    assert ipam.findings[f"partner_mismatch|{A.id},{B.id}|hq"].values == before


def test_a_state_that_waits_is_asked_for_anew_after_a_swap() -> None:
    """Server1State meant another server before: the old entry is not taken for the new need."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    down = replace(both()[0], state=State.PARTNER_DOWN)
    ipam.run({A: [down], B: [both()[1]]}, apply_all=False)
    (waiting,) = ipam.pending()
    (key,) = ipam.records
    record = ipam.records[key]
    ipam.records[key] = replace(
        record,
        server1_record_id=B.id,
        server1_name=record.server2_name,
        server1_ps_name=record.server2_ps_name,
        server1_ip=record.server2_ip,
        server2_record_id=A.id,
        server2_name=record.server1_name,
        server2_ps_name=record.server1_ps_name,
        server2_ip=record.server1_ip,
    )
    one, two = both(B, A)
    ipam.run({A: [two], B: [replace(one, state=State.PARTNER_DOWN)]})
    assert ipam.entries[waiting.number].status is EntryStatus.SUPERSEDED
    assert ipam.records[key].server1_state is State.PARTNER_DOWN
    assert ipam.pending() == []


def test_partners_that_do_not_agree_who_is_primary_leave_the_row() -> None:
    """Each says it is the primary: role_conflict, and the stored order stays."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    plan = ipam.plan({A: [told_by(A, B)], B: [told_by(B, A)]})
    assert kinds(plan) == [Kind.ROLE_CONFLICT]
    assert plan.new == ()


def test_a_new_pair_in_conflict_is_ordered_by_name_and_reported() -> None:
    """No order can be had from a contradiction: assumed, and somebody is told."""
    ipam = Ipam()
    plan = ipam.run({A: [told_by(A, B)], B: [told_by(B, A)]})
    assert kinds(plan) == [Kind.ROLE_CONFLICT]
    assert the_record(ipam).server1_record_id == A.id


def test_an_open_role_conflict_is_not_settled_by_one_partner() -> None:
    """One partner is silent and the other changes something else: the order stays as it is."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    second = told_by(A, B, primary=False)
    ipam.run({A: [second], B: [told_by(B, A, primary=False)]})
    assert Kind.ROLE_CONFLICT in {f.kind for f in ipam.findings.values()}
    plan = ipam.run({A: [standby(second, ServerRole.STANDBY)], B: None})
    assert the_record(ipam).server1_record_id == A.id
    assert Kind.ROLE_CONFLICT in kinds(plan)


def test_a_swap_that_waits_is_not_dropped_by_one_who_cannot_tell() -> None:
    """A 2012 partner says nothing about the order: a pending swap stays while the other is silent."""
    ipam = Ipam()
    ipam.run({A: [told_by(A, B)], B: [old(B, A)]})
    ipam.run({A: [told_by(A, B, primary=False)], B: [old(B, A)]}, apply_all=False)
    (swap,) = ipam.pending()
    assert "Server1RecordId" in changed(swap.planned)
    assert ipam.plan({A: None, B: [old(B, A)]}).superseded == ()


def test_a_pending_create_that_changes_order_has_two_partners() -> None:
    """A half-mapped Create whose only teller becomes the secondary does not name it twice."""
    ipam = Ipam(servers=(A,))
    ipam.run({A: [told_by(A, B, primary=False)]}, apply_all=False)
    ipam.run({A: [told_by(A, B)]}, apply_all=False)
    record = the_record(ipam)
    assert (record.server1_record_id, record.server2_record_id) == (A.id, None)
    assert (record.server1_ps_name, record.server2_ps_name) == (A.name, B.name)


# --- identity


def test_names_are_compared_without_case() -> None:
    """Hq and HQ on a server are one relationship: the row's."""
    ipam = Ipam()
    ipam.run({A: [both()[0]], B: [both()[1]]})
    one, two = both(name="hq")
    assert ipam.plan({A: [one], B: [two]}).new == ()


def test_the_partners_may_spell_the_name_differently() -> None:
    """A says HQ and B says hq: one pair, told by both."""
    one, two = told_by(A, B, "HQ"), told_by(B, A, "hq", primary=False)
    (planned,) = Ipam().plan({A: [one], B: [two]}).new
    assert planned.evidence is Evidence.BOTH


def test_several_relationships_between_the_same_two_are_normal() -> None:
    """Two names, two rows."""
    ipam = Ipam()
    hq, dr = both(name="HQ"), both(name="DR", scopes=nets("10.2.0.0"))
    ipam.run({A: [hq[0], dr[0]], B: [hq[1], dr[1]]})
    assert sorted(r.relationship_name for r in ipam.records.values()) == ["DR", "HQ"]


def test_the_same_name_between_other_servers_is_another_relationship() -> None:
    """HQ of A and B, HQ of C and D."""
    c, d = OTHER, Server(4, "dhcp04.corp.example", ("10.0.0.14",))
    ipam = Ipam(servers=(A, B, c, d))
    here, there = both(), both(c, d)
    plan = ipam.run({A: [here[0]], B: [here[1]], c: [there[0]], d: [there[1]]})
    assert len(ipam.records) == 2
    assert plan.findings == ()


def test_a_hub_has_many_partners() -> None:
    """31 relationships of one server are 31 rows and a warning that the limit is near."""
    spokes = [Server(100 + n, f"spoke{n}.corp.example", (f"10.9.0.{n}",)) for n in range(31)]
    told: dict[Server, list[Story]] = {A: []}
    for n, spoke in enumerate(spokes):
        one, two = both(A, spoke, name=f"R{n}", scopes=nets(f"10.{n}.0.0"))
        told[A].append(one)
        told[spoke] = [two]
    ipam = Ipam(servers=(A, *spokes))
    plan = ipam.run(told)
    assert len(ipam.records) == 31
    assert kinds(plan) == [Kind.RELATIONSHIP_LIMIT_NEAR]


def test_the_limit_is_near_at_29() -> None:
    """28 of 31 are fine."""
    told = [told_by(A, B, f"R{n}", scopes=nets(f"10.{n}.0.0")) for n in range(29)]
    assert Kind.RELATIONSHIP_LIMIT_NEAR not in kinds(Ipam().plan({A: told[:28], B: None}))
    assert Kind.RELATIONSHIP_LIMIT_NEAR in kinds(Ipam().plan({A: told, B: None}))


def test_a_name_told_twice_by_one_server_is_left_alone() -> None:
    """Names are unique on a server: two stories of one name are duplicate_relationship."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    again = replace(one, name="hq", mclt_seconds=60)
    plan = ipam.plan({A: [one, again], B: [two]})
    assert Kind.DUPLICATE_RELATIONSHIP in kinds(plan)
    assert plan.new == ()
    assert repr(ipam.plan({A: [again, one], B: [two]})) == repr(plan)


def test_a_name_told_twice_resolves_nothing() -> None:
    """Nobody knows which of the two stories holds: an open disagreement stays open."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    ipam.run({A: [replace(one, mclt_seconds=60)], B: [two]})
    ipam.run({A: [one, replace(one, mclt_seconds=60)], B: [two]})
    assert Kind.PARTNER_MISMATCH in {f.kind for f in ipam.findings.values()}


def test_the_order_of_two_stories_of_one_name_does_not_matter() -> None:
    """They differ in their partner only: the same plan, whichever comes first."""
    ipam = Ipam()
    stories = [told_by(A, B), replace(told_by(A, OTHER), scopes=nets("10.5.0.0"))]
    back = {B: [told_by(B, A, primary=False)], OTHER: [told_by(OTHER, A, primary=False)]}
    assert ipam.plan({A: stories, **back}) == ipam.plan({A: stories[::-1], **back})


# --- ServerNPSName and ServerNIP


def test_a_servers_own_story_tells_its_name_and_address() -> None:
    """What the partner prints for it does not matter."""
    ipam = Ipam()
    one = told_by(A, B, secondary_name="SPOKE-OLD", secondary_ip="10.9.9.9")
    two = told_by(B, A, primary=False, secondary_name="DHCP02", secondary_ip="10.0.0.12")
    ipam.run({A: [one], B: [two]})
    record = the_record(ipam)
    assert (record.server2_ps_name, record.server2_ip) == ("DHCP02", "10.0.0.12")


def test_the_partners_story_tells_them_while_it_never_did_itself() -> None:
    """B was never read: what A prints about it is stored."""
    ipam = Ipam()
    ipam.run({A: [told_by(A, B, secondary_name="dhcp02")], B: None})
    record = the_record(ipam)
    assert (record.server2_ps_name, record.server2_ip) == ("dhcp02", "10.0.0.12")


def test_what_a_server_told_of_itself_outlives_its_silence() -> None:
    """B told its name, then is silent while A prints another one: B's word stays."""
    ipam = Ipam()
    one, two = both(secondary_name="dhcp02-b", secondary_ip="10.0.0.12")
    ipam.run({A: [one], B: [two]})
    other = replace(one, secondary_name="dhcp02-a", secondary_ip="10.0.0.99")
    plan = ipam.plan({A: [other], B: None})
    assert plan.new == ()


@pytest.mark.parametrize("printed", ["dhcp02", "10.0.0.12", "DHCP02.corp.example."])
def test_2012_prints_its_partner_in_any_way(printed: str) -> None:
    """PartnerServer as printed is the PSName, also when it is an address."""
    ipam = Ipam()
    ipam.run({A: [replace(old(A, B), partner=printed)], B: None})
    assert the_record(ipam).server2_ps_name == printed


def test_an_address_as_partner_is_also_the_address() -> None:
    """2012 has nothing else to tell the partner's address from."""
    ipam = Ipam()
    ipam.run({A: [replace(old(A, B), partner="10.0.0.12")], B: None})
    assert the_record(ipam).server2_ip == "10.0.0.12"


def test_2012_is_called_by_its_computer_name() -> None:
    """The asked 2012 server prints nothing of itself: its computer name is its PSName."""
    ipam = Ipam()
    inputs = ipam.inputs({A: [old(A, B)], B: None})
    seen = inputs.sightings[A.id]
    assert isinstance(seen, Seen)
    named = replace(seen, identity=Identity(computer_name="WIN-A"))
    judged = draft(replace(inputs, sightings={**inputs.sightings, A.id: named}))
    (planned,) = complete(judged, {}).new
    assert changed(planned)["Server1PSName"] == (None, "WIN-A")


def test_2012_without_a_computer_name_is_called_as_ipam_calls_it() -> None:
    """An export does not say who it is of: IPAM's name."""
    ipam = Ipam()
    ipam.run({A: [old(A, B)], B: None})
    assert the_record(ipam).server1_ps_name == A.name


@pytest.mark.parametrize(
    ("name", "address"),
    [("DHCP02.CORP.EXAMPLE.", "10.0.0.12"), ("dhcp02", "10.0.0.12"), ("10.0.0.12", "10.0.1.12")],
)
def test_another_spelling_of_the_same_server_is_no_update(name: str, address: str) -> None:
    """Names and addresses that resolve to the same server are neither mismatch nor change."""
    spoke = replace(B, addresses=("10.0.0.12", "10.0.1.12"))
    ipam = Ipam(servers=(A, spoke))
    one, two = both()
    ipam.run({A: [one], B: [two]})
    spelt = {"secondary_name": name, "secondary_ip": address}
    plan = ipam.plan(
        {A: [replace(one, **spelt, partner=name)], B: [replace(two, **spelt)]}  # type: ignore[arg-type]  # spellings
    )
    assert plan.new == ()
    assert plan.findings == ()


def test_a_server_that_calls_itself_otherwise_is_an_update() -> None:
    """A new name that IPAM does not know yet changes the PSName, by the server's own word."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    plan = ipam.plan({A: [one], B: [replace(two, secondary_name="renamed.corp.example")]})
    assert the_update(plan) == {"Server2PSName": (B.name, "renamed.corp.example")}


def test_a_server_renamed_in_ipam_is_an_update_of_its_name() -> None:
    """ServerNName is what IPAM knows."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    ipam.servers = tuple(
        replace(s, name="new.corp.example", aliases=()) if s.id == B.id else s for s in ipam.servers
    )
    assert the_update(ipam.plan({A: [one], B: [two]})) == {
        "Server2Name": (B.name, "new.corp.example")
    }


# --- state


def test_each_state_is_of_the_server_that_was_asked() -> None:
    """Server1State from the primary's own story, Server2State from the secondary's."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [replace(one, state=State.PARTNER_DOWN)], B: [replace(two, state=State.RECOVER)]})
    record = the_record(ipam)
    assert record.server1_state is State.PARTNER_DOWN
    assert record.server2_state is State.RECOVER


def test_a_partner_that_never_answered_is_in_an_unknown_state() -> None:
    """Nobody else knows its state."""
    ipam = Ipam()
    ipam.run({A: [told_by(A, B)], B: None})
    assert the_record(ipam).server2_state is State.UNKNOWN


def test_a_silent_partner_keeps_its_state() -> None:
    """The stored state is the last one seen; nothing is planned by silence."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    assert ipam.plan({A: [one], B: None}).new == ()


def test_a_state_change_is_an_update_of_its_own() -> None:
    """Configuration and state are two operations: nobody can refuse the state."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    told = {
        A: [replace(one, mclt_seconds=60, state=State.PARTNER_DOWN)],
        B: [replace(two, mclt_seconds=60)],
    }
    config, state = ipam.plan(told).new
    assert changed(config) == {"MCLT": (3600, 60)}
    assert changed(state) == {"Server1State": (State.NORMAL, State.PARTNER_DOWN)}
    assert state.state_only
    assert not config.state_only


@pytest.mark.parametrize("state", [s for s in State if s is not State.NORMAL])
def test_a_state_that_is_not_normal_is_health(state: State) -> None:
    """state_not_normal says which state, whatever the configuration does."""
    one, two = both()
    finding = of_kind(
        Ipam().plan({A: [replace(one, state=state)], B: [two]}), Kind.STATE_NOT_NORMAL
    )
    assert finding.grade == state
    assert A.name in finding.detail


def test_the_worse_state_grades_the_finding() -> None:
    """One is interrupted, one is alone: PartnerDown is what counts."""
    one, two = both()
    told = {
        A: [replace(one, state=State.COMMUNICATIONS_INTERRUPTED)],
        B: [replace(two, state=State.PARTNER_DOWN)],
    }
    assert of_kind(Ipam().plan(told), Kind.STATE_NOT_NORMAL).grade == State.PARTNER_DOWN


def test_the_health_of_the_partner_that_is_left_stays_visible() -> None:
    """A relationship that only one has: that one is still in PartnerDown."""
    ipam = Ipam()
    one, two = both()
    down = replace(one, state=State.PARTNER_DOWN)
    ipam.run({A: [down], B: [two]})
    rest = told_by(B, OTHER, "Rest", scopes=nets("10.8.0.0"))
    plan = ipam.plan({A: [down], B: [rest], OTHER: None})
    assert {Kind.ONE_SIDED, Kind.STATE_NOT_NORMAL} <= set(kinds(plan))


def test_the_health_of_a_silent_partner_is_its_last_word_also_without_a_record() -> None:
    """The mode is in dispute, so IPAM has no row; B was alone when it was last read."""
    ipam = Ipam()
    one, two = both()
    alone = replace(standby(two, ServerRole.STANDBY), state=State.PARTNER_DOWN)
    ipam.run({A: [one], B: [alone]})
    ipam.run({A: [one], B: None})
    assert Kind.STATE_NOT_NORMAL in {f.kind for f in ipam.findings.values()}


def test_an_unknown_word_is_reported_and_kept_raw() -> None:
    """A state that ipam-sync does not know is Unknown, with the word in the finding."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    odd = replace(one, state=State.UNKNOWN, unknown_values=(("State", "Dreaming"),))
    plan = ipam.plan({A: [odd], B: [two]})
    finding = of_kind(plan, Kind.UNKNOWN_VALUE)
    assert "Dreaming" in finding.detail
    assert finding.values == (("State", ((A.name, "Dreaming"),)),)
    (planned,) = plan.new
    assert changed(planned) == {"Server1State": (State.NORMAL, State.UNKNOWN)}


def test_an_unknown_mode_is_no_mode() -> None:
    """A mode word that ipam-sync does not know is left alone, and no Create is made from it."""
    ipam = Ipam()
    odd = replace(told_by(A, B), mode=None, unknown_values=(("Mode", "Quorum"),))
    plan = ipam.plan({A: [odd], B: None})
    assert plan.new == ()
    assert Kind.UNKNOWN_VALUE in kinds(plan)
    one, two = both()
    ipam.run({A: [one], B: [two]})
    assert ipam.plan({A: [odd], B: None}).new == ()


# --- Server1Percentage


def percentages(primary: int, secondary: int) -> dict[Server, list[Story]]:
    one, two = both()
    return {
        A: [replace(one, load_balance_percent=primary)],
        B: [replace(two, load_balance_percent=secondary)],
    }


@pytest.mark.parametrize(("primary", "secondary"), [(70, 70), (70, 30), (50, 50), (0, 100)])
def test_both_readings_of_the_secondary_agree(primary: int, secondary: int) -> None:
    """Its own share or the same number: the primary's word is stored."""
    ipam = Ipam()
    plan = ipam.run(percentages(primary, secondary))
    assert the_record(ipam).server1_percentage == primary
    assert plan.findings == ()


def test_other_numbers_are_a_mismatch() -> None:
    """70 and 40 can not be the same split."""
    ipam = Ipam()
    plan = ipam.run(percentages(70, 40))
    assert kinds(plan) == [Kind.PARTNER_MISMATCH]
    assert the_record(ipam).server1_percentage is None


def only_secondary(percent: int) -> dict[Server, list[Story] | None]:
    two = told_by(B, A, primary=False, load_balance_percent=percent)
    return {A: None, B: [two]}


@pytest.mark.parametrize(
    ("reading", "told", "stored"),
    [
        (PercentReading.UNSET, 30, None),
        (PercentReading.UNSET, 50, 50),
        (PercentReading.OWN_SHARE, 30, 70),
        (PercentReading.PRIMARY_SHARE, 30, 30),
        (PercentReading.OWN_SHARE, 50, 50),
    ],
)
def test_the_secondarys_word_alone_needs_a_pinned_reading(
    reading: PercentReading, told: int, stored: int | None
) -> None:
    """With only the secondary's word and not 50 there is no evidence, unless a person says how."""
    ipam = Ipam(rules=Rules(percent_reading=reading))
    ipam.run(only_secondary(told))
    assert the_record(ipam).server1_percentage == stored


@pytest.mark.parametrize("told", [70, 30])
def test_the_secondarys_word_alone_confirms_what_is_stored(told: int) -> None:
    """Stored 70 and the secondary says 70 or 30: nothing to change."""
    ipam = Ipam()
    ipam.run(percentages(70, told))
    assert ipam.plan(only_secondary(told)).new == ()


def test_the_secondarys_new_word_alone_changes_nothing() -> None:
    """Stored 70, the secondary alone says 40 now: no evidence what that means."""
    ipam = Ipam()
    ipam.run(percentages(70, 70))
    plan = ipam.plan(only_secondary(40))
    assert [p for p in plan.new if "Server1Percentage" in changed(p)] == []


def test_a_percentage_without_evidence_is_quiet_for_as_long_as_it_lasts() -> None:
    """The secondary alone says something new, and goes on saying it: no finding comes later."""
    ipam = Ipam()
    ipam.run(percentages(50, 50))
    ipam.run(only_secondary(30))
    before = set(ipam.findings)
    ipam.run(only_secondary(30))
    assert set(ipam.findings) == before


def test_the_reserve_is_stored_as_reported() -> None:
    """Hot standby: the reserve percentage of either side, unconverted."""
    ipam = Ipam()
    ipam.run({A: None, B: [standby(told_by(B, A, primary=False), ServerRole.STANDBY, reserve=12)]})
    assert the_record(ipam).server1_percentage == 12


def test_reserves_do_not_complement() -> None:
    """5 and 95 are two reserves, not one split."""
    one, two = both()
    told = {A: [standby(one, ServerRole.ACTIVE, 5)], B: [standby(two, ServerRole.STANDBY, 95)]}
    assert kinds(Ipam().plan(told)) == [Kind.PARTNER_MISMATCH]


def test_percentages_are_not_compared_while_the_mode_is_in_dispute() -> None:
    """70 % of the one mode and 5 % of the other are no second mismatch, and no value."""
    ipam = Ipam()
    ipam.run(percentages(50, 50))
    one, two = both()
    told = {
        A: [replace(one, load_balance_percent=70)],
        B: [standby(two, ServerRole.STANDBY, 5)],
    }
    plan = ipam.plan(told)
    assert [what for what, _ in of_kind(plan, Kind.PARTNER_MISMATCH).values] == ["Mode"]
    assert plan.new == ()


def test_what_could_not_be_created_is_no_new_dispute_in_the_next_run() -> None:
    """No row because of the mode; what one partner changes meanwhile opens nothing later (R10)."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [standby(two, ServerRole.STANDBY)]})
    more = replace(one, mclt_seconds=60, scopes=one.scopes | nets("10.1.2.0"))
    ipam.run({A: [more], B: None})
    before = {f: v.values for f, v in ipam.findings.items()}
    ipam.run({A: [more], B: None})
    assert {f: v.values for f, v in ipam.findings.items()} == before


def test_a_mode_in_dispute_creates_nothing() -> None:
    """Mode may not be NULL, so there is no Create; other disputed fields stay empty in one."""
    one, two = both()
    plan = Ipam().plan({A: [one], B: [standby(two, ServerRole.STANDBY)]})
    assert plan.new == ()
    assert Kind.PARTNER_MISMATCH in kinds(plan)


# --- durations, scopes, secret


def test_no_interval_is_not_an_interval_of_zero() -> None:
    """Null and 0 differ, stored or told."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    assert the_record(ipam).state_switch_interval_seconds is None
    zero = [replace(s, state_switch_interval_seconds=0) for s in (one, two)]
    assert the_update(ipam.plan({A: zero[:1], B: zero[1:]})) == {"StateSwitchInterval": (None, 0)}
    assert kinds(ipam.plan({A: zero[:1], B: [two]})) == [Kind.PARTNER_MISMATCH]


def test_an_interval_goes_with_the_transition() -> None:
    """AutoStateTransition is turned off: the interval becomes null in the same Update."""
    ipam = Ipam()
    one, two = both(auto_state_transition=True, state_switch_interval_seconds=3600)
    ipam.run({A: [one], B: [two]})
    off = both()
    assert the_update(ipam.plan({A: [off[0]], B: [off[1]]})) == {
        "AutoStateTransition": (True, False),
        "StateSwitchInterval": (3600, None),
    }


def test_an_mclt_of_zero_is_a_value() -> None:
    """Zero is stored, not taken for missing."""
    ipam = Ipam()
    one, two = both(mclt_seconds=0)
    ipam.run({A: [one], B: [two]})
    assert the_record(ipam).mclt_seconds == 0


def test_scopes_are_a_set_that_may_be_empty() -> None:
    """A relationship without scopes is created, and reported as empty."""
    ipam = Ipam()
    one, two = both(scopes=frozenset())
    plan = ipam.run({A: [one], B: [two]})
    assert the_record(ipam).scopes == frozenset()
    assert kinds(plan) == [Kind.RELATIONSHIP_EMPTY]


def test_shared_secret_enabled_is_enable_auth() -> None:
    """False is a value as well."""
    ipam = Ipam()
    one, two = both(enable_auth=False)
    ipam.run({A: [one], B: [two]})
    assert the_record(ipam).shared_secret_enabled is False
    on = both()
    plan = ipam.plan({A: [on[0]], B: [on[1]]})
    assert the_update(plan) == {"SharedSecretEnabled": (False, True)}


def test_every_stored_property_of_a_create_is_named() -> None:
    """A Create says all that is known, before None, in the order of the type."""
    one, two = both(auto_state_transition=True, state_switch_interval_seconds=60)
    (planned,) = Ipam().plan({A: [one], B: [two]}).new
    assert operations(Ipam().plan({A: [one], B: [two]})) == [Operation.CREATE]
    assert [c.property for c in planned.changes] == sorted(
        (c.property for c in planned.changes), key=lambda p: p.replace("RecordId", "Recordid")
    )
    assert all(c.before is None for c in planned.changes)
    assert planned.changes[1] == PropertyChange("MCLT", None, 3600)
    assert {c.property for c in planned.changes} >= SIDE_PROPERTIES | STATE_PROPERTIES


def test_a_new_primary_does_not_take_over_the_share_of_the_old_one() -> None:
    """Only the new secondary can tell: its number may be either share, so NULL is what is known."""
    ipam = Ipam()
    first, second = both(load_balance_percent=70)
    ipam.run({A: [first], B: [second]})
    demoted = told_by(A, B, primary=False, load_balance_percent=70)
    ipam.run({A: [demoted], B: None})
    record = the_record(ipam)
    assert (record.server1_record_id, record.server1_percentage) == (B.id, None)
    assert ipam.plan({A: [demoted], B: None}).new == ()
    ipam.run({A: [demoted], B: [told_by(B, A, load_balance_percent=30)]})
    assert the_record(ipam).server1_percentage == 30
