"""Names are matched, never guessed (rule R7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as given_
from hypothesis import strategies as st

from reconcile.findings.servers import self_names
from reconcile.model.findings import Kind
from reconcile.model.names import (
    Ambiguous,
    How,
    Known,
    NameMap,
    Resolution,
    Unknown,
    address_key,
    fold,
    fold_relationship,
    key_of,
)
from reconcile.model.nouns import Alias, Operation, Provenance, Server, Story
from reconcile.model.record import PropertyChange, Record
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, kinds, told_by
from tests.reconcile.strategies import FLEET

A, B, C = HUB, SPOKE, OTHER


def given(text: str) -> Alias:
    return Alias(text, Provenance.PERSON)


def own(text: str) -> Alias:
    return Alias(text, Provenance.SELF)


def resolve(servers: tuple[Server, ...], *texts: str | None, asker: int = 99) -> Resolution:
    return NameMap(servers).resolve(texts, asker)


def new_changes(plan: Plan) -> dict[str, tuple[object, object]]:
    (planned,) = plan.new
    return {c.property: (c.before, c.after) for c in planned.changes}


def the_record(ipam: Ipam) -> Record:
    (record,) = ipam.records.values()
    return record


# --- keys


@pytest.mark.parametrize(
    "text",
    ["dhcp02.corp.example", "DHCP02.CORP.EXAMPLE", "dhcp02.corp.example.", "10.0.0.12", "DHCP02"],
)
def test_every_key_finds_the_server(text: str) -> None:
    """FQDN in any case and with a dot, address, short name."""
    assert isinstance(found := resolve((A, B, C), text), Known)
    assert found.server == B.id


def test_an_alias_that_people_gave_is_a_name() -> None:
    """Also of an inventory file."""
    for provenance in (Provenance.PERSON, Provenance.INVENTORY):
        spoke = replace(B, aliases=(Alias("old-spoke", provenance),))
        assert resolve((A, spoke), "OLD-SPOKE") == Known(B.id, How.NAME)


def test_how_it_was_matched_is_told() -> None:
    """A short name is a weaker match than a full one."""
    assert resolve((A, B), "dhcp02") == Known(B.id, How.SHORT_NAME)
    assert resolve((A, B), B.name) == Known(B.id, How.NAME)


def test_no_key_matches_nothing() -> None:
    """Unknown keeps the text for people."""
    assert resolve((A, B), "dhcp77.corp.example") == Unknown("dhcp77.corp.example")
    assert resolve((A, B), None, "") == Unknown("")


def test_another_domain_is_another_server() -> None:
    """dhcp02.other.example is not dhcp02.corp.example: that would be a guess."""
    assert resolve((A, B), "dhcp02.other.example") == Unknown("dhcp02.other.example")


def test_a_server_that_ipam_knows_by_its_short_name_meets_its_fqdn() -> None:
    """Named without domain in IPAM, printed with one by DHCP."""
    assert resolve((Server(5, "branch7"),), "branch7.corp.example") == Known(5, How.SHORT_NAME)


def test_the_asker_is_never_its_own_partner() -> None:
    """A short name that the asker shares with one other server means the other."""
    twin = Server(7, "dhcp01.branch.example")
    assert resolve((A, twin), "dhcp01", asker=A.id) == Known(7, How.SHORT_NAME)
    assert resolve((A, B), A.name, asker=A.id) == Unknown(A.name)


def test_a_short_name_of_several_servers_is_ambiguous() -> None:
    """Which one is not guessed."""
    twin = Server(7, "dhcp02.branch.example")
    assert resolve((A, B, twin), "dhcp02") == Ambiguous("dhcp02", (B.id, 7))


def test_keys_that_point_to_different_servers_are_ambiguous() -> None:
    """The name says B, the address says C."""
    assert resolve((A, B, C), B.name, None, "10.0.0.13") == Ambiguous(B.name, (B.id, C.id))


def test_all_keys_are_tried() -> None:
    """The name is unknown, the address is not; the short name is ambiguous, the FQDN is not."""
    twin = Server(7, "dhcp02.branch.example")
    assert resolve((A, B), "nobody", None, "10.0.0.12") == Known(B.id, How.NAME)
    assert resolve((A, B, twin), "dhcp02", B.name) == Known(B.id, How.NAME)


def test_a_name_that_two_servers_were_given_is_ambiguous() -> None:
    """People gave the alias twice."""
    servers = (A, replace(B, aliases=(given("spoke"),)), replace(C, aliases=(given("spoke"),)))
    assert resolve(servers, "spoke") == Ambiguous("spoke", (B.id, C.id))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.7.7", "::", "::1", "fe80::1", "224.0.0.1"]
)
def test_addresses_that_every_host_has_are_no_keys(address: str) -> None:
    """Loopback, link-local and the like are nobody's, whoever gave them."""
    assert key_of(address) is None
    assert resolve((replace(B, addresses=(address,)),), address) == Unknown(address)


def test_a_shared_address_is_no_key() -> None:
    """An address of two servers says nothing; the name beside it decides."""
    one, two = replace(B, addresses=("10.0.0.50",)), replace(C, addresses=("10.0.0.50",))
    assert resolve((A, one, two), "10.0.0.50") == Unknown("10.0.0.50")
    assert resolve((A, one, two), B.name, None, "10.0.0.50") == Known(B.id, How.NAME)


def test_what_a_server_says_of_itself_helps_where_people_gave_nothing() -> None:
    """A self alias matches a name that nobody else has."""
    assert resolve((A, replace(B, aliases=(own("win-7"),))), "WIN-7") == Known(B.id, How.SELF)


def test_self_aliases_never_make_a_given_name_ambiguous() -> None:
    """C calls itself by the name that people gave B: it stays B's."""
    liar = replace(C, aliases=(own(B.name), own("10.0.0.12")))
    assert resolve((A, B, liar), B.name, None, "10.0.0.12") == Known(B.id, How.NAME)


def test_self_aliases_never_beat_a_short_name_of_one_server() -> None:
    """The short name is B's; that C uses it too does not move it."""
    liar = replace(C, aliases=(own("dhcp02"),))
    assert resolve((A, B, liar), "dhcp02") == Known(B.id, How.SHORT_NAME)


def test_self_aliases_break_ties() -> None:
    """Two servers could be meant, and one of them has the address that was printed."""
    twin = Server(7, "dhcp02.branch.example", aliases=(own("10.7.0.12"),))
    assert resolve((A, B, twin), "dhcp02", None, "10.7.0.12") == Known(7, How.SELF)


def test_a_bare_host_name_breaks_no_tie() -> None:
    """Every server of that short name would call itself so; whoever was read first is no reason."""
    twin = Server(7, "dhcp02.branch.example", aliases=(own("dhcp02"),))
    assert resolve((A, B, twin), "dhcp02") == Ambiguous("dhcp02", (B.id, 7))


def test_a_name_that_two_servers_give_themselves_helps_nobody() -> None:
    """Both say they are WIN-7."""
    servers = (A, replace(B, aliases=(own("win-7"),)), replace(C, aliases=(own("win-7"),)))
    assert resolve(servers, "win-7") == Unknown("win-7")


@pytest.mark.parametrize("text", ["", " ", ".", "..."])
def test_nothing_is_no_name(text: str) -> None:
    """Blanks and dots are no keys, whatever a server prints."""
    assert resolve((A, Server(8, "...")), text) == Unknown(text)


def test_folding() -> None:
    """Names: no case, no trailing dot, no blanks; relationships keep their dots."""
    assert fold(" DHCP02.Corp.Example. ") == "dhcp02.corp.example"
    assert fold_relationship(" HQ. ") == "hq."
    assert address_key("10.0.0.1") == "10.0.0.1"
    assert address_key("FE80::0001") == "fe80::1"
    assert address_key("dhcp02") is None


# --- what servers say of themselves


def test_a_server_learns_its_names_from_its_own_stories() -> None:
    """After a reading, the spelling that a partner uses is known."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [replace(two, secondary_name="win-7.corp.example")]})
    (spoke,) = (s for s in ipam.servers if s.id == B.id)
    assert own("win-7.corp.example") in spoke.aliases
    names = self_names(ipam.previous[A.id])
    assert names == {A.name, "10.0.0.11"}


def test_loopback_in_a_story_is_not_learnt() -> None:
    """A server that prints 127.0.0.1 for itself gets no alias of it."""
    ipam = Ipam()
    ipam.run({A: [told_by(A, B, primary_ip="127.0.0.1")], B: None})
    assert all(a.text != "127.0.0.1" for s in ipam.servers for a in s.aliases)


# --- in a run


def lost(name: str = "nobody.corp.example", **values: object) -> Story:
    """A's story whose partner is printed as ``name``, with no other key."""
    story = told_by(A, B, **values)  # type: ignore[arg-type]  # overrides are per test
    return replace(story, partner=name, secondary_name=None, secondary_ip=None)


def test_an_unmapped_partner_is_a_legal_row() -> None:
    """No record id, the name as printed, and a worklist entry."""
    ipam = Ipam(servers=(A,))
    plan = ipam.run({A: [lost()]})
    record = the_record(ipam)
    assert (record.server1_record_id, record.server2_record_id) == (A.id, None)
    assert (record.server2_name, record.server2_ps_name) == (None, "nobody.corp.example")
    assert kinds(plan) == [Kind.UNMAPPED_NAME]


def test_mapping_a_partner_later_updates_the_same_row() -> None:
    """One FailoverUpdate naming the record id and IPAM's name; no Create, no Delete."""
    ipam = Ipam(servers=(A,))
    ipam.run({A: [lost()]})
    ipam.servers = (*ipam.servers, replace(B, aliases=(given("nobody.corp.example"),)))
    plan = ipam.run({A: [lost()], B: None})
    (planned,) = (p for p in plan.new if not p.state_only)
    assert planned.operation is Operation.UPDATE
    assert not planned.destructive
    assert PropertyChange("Server2RecordId", None, B.id) in planned.changes
    assert PropertyChange("Server2Name", None, B.name) in planned.changes
    assert the_record(ipam).server2_record_id == B.id
    assert Kind.UNMAPPED_NAME not in {f.kind for f in ipam.findings.values()}


def test_a_stored_partner_is_not_cleared_when_its_name_stops_resolving() -> None:
    """A prints a name that nobody has: the record id stays, and it is on the worklist."""
    ipam = Ipam()
    ipam.run({A: [told_by(A, B)], B: None})
    plan = ipam.run({A: [lost()], B: None})
    touched = {c.property for p in plan.new for c in p.changes}
    assert not touched & {"Server1RecordId", "Server2RecordId", "Server2Name"}
    assert the_record(ipam).partners == (A.id, B.id)
    assert Kind.UNMAPPED_NAME in kinds(plan)


def test_a_stored_partner_that_tells_it_too_needs_no_name() -> None:
    """Both tell the relationship: A's spelling of B does not matter."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    plan = ipam.plan({A: [lost()], B: [two]})
    assert (plan.new, plan.findings) == ((), ())


def test_a_stored_partner_is_not_re_pointed_by_an_alias() -> None:
    """People give B's name to C as well: the row keeps B."""
    ipam = Ipam()
    one, two = both()
    ipam.run({A: [one], B: [two]})
    ipam.servers = tuple(
        replace(s, aliases=(given(B.name),)) if s.id == C.id else s for s in ipam.servers
    )
    plan = ipam.plan({A: [one], B: None, C: None})
    assert [c.property for p in plan.new for c in p.changes if "RecordId" in c.property] == []


TWIN = Server(7, "dhcp02.branch.example", ("10.7.0.12",))


def test_an_ambiguous_partner_creates_nothing() -> None:
    """Somebody has to say which one is meant."""
    plan = Ipam(servers=(A, B, TWIN)).plan({A: [lost("dhcp02")], B: None, TWIN: None})
    assert plan.new == ()
    (finding,) = (f for f in plan.findings if f.kind is Kind.AMBIGUOUS_NAME)
    assert B.name in finding.detail
    assert TWIN.name in finding.detail


def test_an_ambiguous_partner_changes_nothing_on_its_side() -> None:
    """The half-mapped row keeps what it has of the partner; the teller's own side goes on."""
    ipam = Ipam(servers=(A,))
    ipam.run({A: [lost("dhcp02")]})
    ipam.servers = (*ipam.servers, B, TWIN)
    told = replace(lost("dhcp02"), secondary_ip="10.0.0.99", mclt_seconds=60)
    plan = ipam.plan({A: [told], B: None, TWIN: None})
    assert new_changes(plan) == {"MCLT": (3600, 60)}
    assert Kind.AMBIGUOUS_NAME in kinds(plan)


def test_a_stored_partner_whose_name_became_ambiguous_keeps_its_side() -> None:
    """A prints a name that people gave to two others: nothing changes on B's side."""
    ipam = Ipam()
    ipam.run({A: [told_by(A, B)], B: None})
    ipam.servers = tuple(
        replace(s, aliases=(*s.aliases, given("cluster"))) if s.id in (C.id, 7) else s
        for s in (*ipam.servers, TWIN)
    )
    plan = ipam.plan({A: [lost("cluster")], B: None, C: None, TWIN: None})
    assert plan.new == ()
    assert Kind.AMBIGUOUS_NAME in kinds(plan)


def test_a_candidate_that_tells_the_same_back_is_meant() -> None:
    """Reciprocal: of two candidates only B tells HQ and names A."""
    ipam = Ipam(servers=(A, B, TWIN))
    plan = ipam.run({A: [lost("dhcp02")], B: [told_by(B, A, primary=False)], TWIN: None})
    assert the_record(ipam).partners == (A.id, B.id)
    assert kinds(plan) == [Kind.SERVER_UNREAD]


@pytest.mark.parametrize("printed", ["dhcp02", "nobody"])
def test_two_candidates_that_tell_the_same_back_create_nothing(printed: str) -> None:
    """Both B and its twin tell HQ with A, and A's word fits either: neither is guessed."""
    back = [told_by(s, A, primary=False) for s in (B, TWIN)]
    plan = Ipam(servers=(A, B, TWIN)).plan({A: [lost(printed)], B: back[:1], TWIN: back[1:]})
    assert [p for p in plan.new if {p.server1.server, p.server2.server} & {B.id, TWIN.id}] == []
    assert {Kind.AMBIGUOUS_NAME, Kind.UNMAPPED_NAME} & set(kinds(plan))


def test_reciprocity_helps_where_nothing_matched() -> None:
    """A prints an unknown name, but only B tells HQ and names A: it is B."""
    ipam = Ipam()
    ipam.run({A: [lost("nobody")], B: [told_by(B, A, primary=False)], C: []})
    assert the_record(ipam).partners == (A.id, B.id)


def test_another_name_is_not_reciprocal() -> None:
    """B tells DR with A, not HQ: nobody is meant by A's HQ."""
    ipam = Ipam()
    plan = ipam.run({A: [lost("nobody")], B: [told_by(B, A, "DR", primary=False)]})
    assert the_record(ipam).partners == (A.id,)
    assert kinds(plan) == [Kind.ONE_SIDED, Kind.UNMAPPED_NAME]


def test_a_run_about_a_new_server_finds_the_record_that_was_half_mapped_without_it() -> None:
    """B was not in the inventory when A reported their relationship: no second record of it."""
    one, two = both()
    ipam = Ipam(servers=(A, C))
    ipam.run({A: [one], C: []}, apply_all=False)
    (half,) = ipam.pending()
    ipam.servers = (A, B, C)
    plan = ipam.plan({A: [one], B: [two]}, targets=frozenset({B.id}))
    assert [p.partners for p in plan.new] == [(A.id, B.id)]
    assert plan.superseded == (half.number,)


def test_two_halves_that_nobody_could_match_become_one_by_a_person() -> None:
    """Neither name resolves: two rows; mapped later, the younger one waits to be removed."""
    ipam = Ipam(servers=(A, B))
    strange = replace(
        told_by(B, A, primary=False), partner="elsewhere", primary_name=None, primary_ip=None
    )
    told = {A: [lost("nobody")], B: [strange]}
    ipam.run(told)
    assert len(ipam.records) == 2
    ipam.servers = tuple(
        replace(s, aliases=(*s.aliases, given("nobody" if s.id == B.id else "elsewhere")))
        for s in ipam.servers
    )
    plan = ipam.run(told)
    assert Kind.DUPLICATE_RELATIONSHIP in kinds(plan)
    assert len(ipam.records) == 2
    (held,) = (e for e in ipam.pending() if e.planned.operation is Operation.DELETE)
    assert ipam.apply(held.number)
    ipam.run(told)
    ipam.run(told)
    assert the_record(ipam).partners == (A.id, B.id)
    assert ipam.pending() == []


WORDS = ("dhcp01", "dhcp01.corp.example", "hub.branch.example", "10.0.0.1", "127.0.0.1", "cluster")


@given_(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(WORDS)), max_size=8), st.data())
def test_what_servers_say_later_counts_as_if_it_had_been_known(
    told: list[tuple[int, str]], choice: st.DataObject
) -> None:
    """A map that is taught answers like one that is made of everything, and stays as it was."""
    known = choice.draw(st.sets(st.integers(0, len(told))))
    before = [words for n, words in enumerate(told) if n in known]
    later = [words for n, words in enumerate(told) if n not in known]
    base = NameMap(calling_themselves(before))
    answers = [base.resolve([word], 9) for word in WORDS]
    taught = base.taught({n: [w for m, w in later if m == n] for n in range(1, 6)})
    whole = NameMap(calling_themselves(told))
    for word in (*WORDS, "dhcp02", "DHCP01."):
        assert taught.owner(word) == whole.owner(word)
        for server in range(1, 6):
            assert taught.denotes(word, server) == whole.denotes(word, server)
            assert taught.resolve([word, "cluster"], server) == whole.resolve(
                [word, "cluster"], server
            )
    assert [base.resolve([word], 9) for word in WORDS] == answers


def calling_themselves(told: list[tuple[int, str]]) -> tuple[Server, ...]:
    return tuple(
        replace(server, aliases=tuple(own(word) for n, word in told if n == server.id))
        for server in FLEET
    )
