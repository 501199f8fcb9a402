"""Two names in the inventory, one machine (R1): one finding, and one witness."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.findings import Kind
from reconcile.model.nouns import Server, Standing
from tests.reconcile.fleet import HUB, OTHER, SPOKE, both, kinds, nets, operations
from tests.reconcile.machines import Estate, Told, is_open, of_kind
from tests.reconcile.remedy_examples import commands_for

A, B, C = HUB, SPOKE, OTHER


def well() -> Told:
    """Both partners tell HQ, C tells nothing."""
    one, two = both()
    return {A: [one], B: [two], C: []}


@pytest.fixture
def ipam() -> Estate:
    """C is just another name of machine B, which calls itself as B is called."""
    ipam = Estate(machines={A.id: "machine-a", B.id: "machine-b", C.id: "machine-c"})
    ipam.run(well())
    ipam.machines[C.id] = "machine-b"
    ipam.called["machine-b"] = B.name
    ipam.change(C, machine_id=None, aliases=())
    return ipam


def test_they_are_one_finding_with_a_way_out(ipam: Estate) -> None:
    one, two = both()
    (found,) = of_kind(ipam.plan({A: [one], B: [two], C: [two]}), Kind.DUPLICATE_SERVER)
    assert found.servers == (B.id, C.id)
    assert f"only {B.name} counts" in found.detail
    assert commands_for(found, B.name, C.name) == [
        f"ipam-sync servers disable {C.name}",
        f"ipam-sync servers disable {B.name}",
    ]


def test_what_is_told_twice_is_told_once(ipam: Estate) -> None:
    """As if the other name had not been asked: no relationship of C comes of it."""
    one, two = both()
    with_c = ipam.plan({A: [one], B: [two], C: [replace(two, asked=C.id)]})
    assert (kinds(with_c), operations(with_c)) == ([Kind.DUPLICATE_SERVER], [])


def test_one_machine_is_no_proof_for_two_partners(ipam: Estate) -> None:
    """IPAM has a relationship of B and C: that one machine lacks it is one word, not two."""
    hq, of_b = both()
    one, two = both(B, C, name="apart", scopes=nets("10.7.0.0"))
    ipam.machines[C.id] = "machine-c"
    ipam.run({A: [hq], B: [of_b, one], C: [two]})
    ipam.machines[C.id] = "machine-b"
    plan = ipam.plan({A: [hq], B: [of_b], C: [replace(of_b, asked=C.id)]})
    assert operations(plan) == []
    assert kinds(plan) == [Kind.ABSENCE_UNVERIFIED, Kind.DUPLICATE_SERVER]


@pytest.mark.parametrize("calls_itself", [B, C])
def test_the_one_that_is_named_as_the_machine_is_speaks(ipam: Estate, calls_itself: Server) -> None:
    ipam.called["machine-b"] = calls_itself.name.upper() + "."
    (found,) = of_kind(ipam.plan({A: [], B: [], C: []}), Kind.DUPLICATE_SERVER)
    assert found.servers[0] == calls_itself.id


def test_else_the_one_with_the_lowest_number_does(ipam: Estate) -> None:
    ipam.called["machine-b"] = "somebody.corp.example"
    (found,) = of_kind(ipam.plan({A: [], B: [], C: []}), Kind.DUPLICATE_SERVER)
    assert found.servers == (B.id, C.id)


def test_who_speaks_does_not_change_with_who_is_read(ipam: Estate) -> None:
    """The other name, read alone, is no witness either; else its rows would come and go."""
    ipam.called["machine-b"] = B.name
    ipam.machines[C.id] = "machine-b"
    one, two = both()
    for told in ({A: [one], B: None, C: [two]}, {A: [one], C: [two]}):
        plan = ipam.plan(told)
        assert Kind.DUPLICATE_SERVER in kinds(plan)
        assert operations(plan) == []
        assert C.id not in plan.judged.read


def test_the_machine_speaks_for_itself_though_its_name_comes_last() -> None:
    """The same where the lower number is the other name."""
    other = Server(0, "old-name.corp.example")
    ipam = Estate(servers=(other, A, B), machines={0: "m", A.id: "a", B.id: "m"})
    ipam.called["m"] = B.name
    one, two = both()
    for told in ({A: [one], B: [two], other: [two]}, {A: [one], B: None, other: [two]}):
        plan = ipam.run(told)
        assert [f.servers for f in of_kind(plan, Kind.DUPLICATE_SERVER)] == [(B.id, 0)]
    (record,) = ipam.records.values()
    assert set(record.partners) == {A.id, B.id}


def test_a_name_that_could_not_be_read_is_said_to_be_unread(ipam: Estate) -> None:
    """What is remembered of it makes it no witness; that it failed is known all the same."""
    ipam.change(C, machine_id="machine-b")
    plan = ipam.plan({A: [], B: [], C: None})
    assert [f.servers for f in of_kind(plan, Kind.SERVER_UNREAD)] == [(C.id,)]


def test_a_name_that_answers_again_is_no_longer_unread(ipam: Estate) -> None:
    """Though it is no witness."""
    one, two = both()
    ipam.run({A: [one], B: [two], C: None})
    assert is_open(ipam, Kind.SERVER_UNREAD)
    ipam.run({A: [one], B: [two], C: [two]})
    assert not is_open(ipam, Kind.SERVER_UNREAD)


def test_a_server_that_is_not_asked_is_no_duplicate(ipam: Estate) -> None:
    """A person took it out: the problem is gone, and so is its finding."""
    one, two = both()
    ipam.run({A: [one], B: [two], C: [two]})
    assert is_open(ipam, Kind.DUPLICATE_SERVER)
    ipam.change(C, standing=Standing.RETIRED)
    ipam.run({A: [one], B: [two]})
    assert not is_open(ipam, Kind.DUPLICATE_SERVER)


def test_a_server_that_is_gone_speaks_for_nobody(ipam: Estate) -> None:
    """The machine calls itself by the name that a person retired."""
    ipam.called["machine-b"] = C.name
    ipam.change(C, standing=Standing.RETIRED, machine_id="machine-b")
    one, two = both()
    assert B.id in ipam.plan({A: [one], B: [two]}).judged.read


def test_it_stays_open_until_both_say_who_they_are(ipam: Estate) -> None:
    """One is silent, or both were exported: nothing follows from that."""
    one, two = both()
    ipam.run({A: [one], B: [two], C: [two]})
    ipam.run({A: [one], B: [two], C: None})
    assert is_open(ipam, Kind.DUPLICATE_SERVER)
    said, ipam.machines = ipam.machines, {}
    ipam.run({A: [one], B: [two], C: []})
    assert is_open(ipam, Kind.DUPLICATE_SERVER)
    ipam.machines = said | {C.id: "machine-c"}
    ipam.run({A: [one], B: [two], C: []})
    assert not is_open(ipam, Kind.DUPLICATE_SERVER)


def test_a_machine_that_is_remembered_only_makes_nobody_a_double(ipam: Estate) -> None:
    """An export says no machine id, so it is the word of the server that it is named after."""
    ipam.servers = tuple(replace(s, machine_id="machine-b") for s in ipam.servers)
    ipam.machines = {}
    assert Kind.DUPLICATE_SERVER not in kinds(ipam.plan(well()))
    assert ipam.plan(well()).judged.read == {A.id, B.id, C.id}
