"""The simulated fleet models servers: what one of them prints follows from what it has."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from collectors.base import ReportedError, WrongHost
from collectors.reading import understand
from collectors.scripts import packaged, projection
from collectors.simulator.changes import BadChange, change
from collectors.simulator.dhcp import DhcpServer, Percent, SimulatedMode
from collectors.simulator.fleet import Fleet, Relationship, UnknownName, made
from collectors.simulator.windows import Generation, Language, Trouble
from reconcile.model.nouns import Seen, Server, State, Story

SCRIPT = packaged("failover")
LINE = " ".join((SCRIPT.command, *SCRIPT.arguments))
HUB, SPOKE = "hub.corp.example", "spoke.corp.example"


@pytest.fixture
def fleet() -> Fleet:
    """A hub and a spoke, with one relationship."""
    fleet = Fleet([DhcpServer(HUB, "10.0.0.1"), DhcpServer(SPOKE, "10.0.0.2")])
    fleet.relate(Relationship("HQ", HUB, SPOKE, ("10.1.0.0", "10.1.1.0"), percent=70))
    return fleet


def read(server: DhcpServer) -> Seen:
    """What the collector makes of its answer."""
    output = server.execute(LINE, b"")
    now = datetime.now(UTC)
    return understand(output.stdout, Server(1, server.name), now, now)


def story(server: DhcpServer) -> Story:
    """Its only one."""
    (told,) = read(server).stories
    return told


def test_both_partners_tell_a_relationship_each_from_its_side(fleet: Fleet) -> None:
    hub, spoke = story(fleet.server(HUB)), story(fleet.server(SPOKE))
    assert (hub.partner, spoke.partner) == (SPOKE, HUB)
    assert (hub.server_type, spoke.server_type) == ("PrimaryServer", "SecondaryServer")
    assert hub.scopes == spoke.scopes
    assert len(hub.scopes) == 2


@pytest.mark.parametrize(
    ("reading", "printed"), [(Percent.OWN_SHARE, 30), (Percent.PRIMARYS_SHARE, 70)]
)
def test_a_secondary_prints_its_own_share_or_the_primarys_whichever_windows_does(
    fleet: Fleet, reading: Percent, printed: int
) -> None:
    fleet.server(SPOKE).percent = reading
    assert story(fleet.server(HUB)).load_balance_percent == 70
    assert story(fleet.server(SPOKE)).load_balance_percent == printed


def test_in_hot_standby_there_are_roles_and_a_reserve_and_no_share(fleet: Fleet) -> None:
    fleet.relate(Relationship("standby", HUB, SPOKE, mode=SimulatedMode.HOT_STANDBY, percent=5))
    told = {s.name: s for s in read(fleet.server(SPOKE)).stories}["standby"]
    assert (told.server_role, told.reserve_percent, told.load_balance_percent) == (
        "Standby",
        5,
        None,
    )


def test_server_2012_tells_neither_types_nor_names_nor_addresses(fleet: Fleet) -> None:
    fleet.server(HUB).generation = Generation.WS2012
    told = story(fleet.server(HUB))
    assert told.server_type is told.primary_name is told.primary_ip is None


@pytest.mark.parametrize("generation", Generation)
def test_every_generation_is_understood(fleet: Fleet, generation: Generation) -> None:
    fleet.server(HUB).generation = generation
    seen = read(fleet.server(HUB))
    assert seen.identity is not None
    assert seen.identity.machine_id == fleet.server(HUB).machine_id
    assert seen.scopes is not None
    assert [scope.active for scope in seen.scopes] == [True, True]


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("language", Language)
def test_a_server_that_cannot_tell_says_so_in_its_language_with_ids_that_do_not_change(
    fleet: Fleet, trouble: Trouble, language: Language
) -> None:
    hub = fleet.server(HUB)
    hub.trouble, hub.language = trouble, language
    output = hub.execute(LINE, b"").stdout
    assert output.isascii()
    with pytest.raises(ReportedError) as raised:
        read(hub)
    hub.language = Language.ENGLISH
    same = json.loads(hub.execute(LINE, b"").stdout)["error"]
    assert (raised.value.fqid, raised.value.category) == (same["fqid"], same["category"])
    assert raised.value.layer == ("wmi" if trouble is Trouble.WMI_DENIED else "dhcp")


def test_a_liar_is_a_wrong_host(fleet: Fleet) -> None:
    fleet.server(HUB).calls_itself = "elsewhere.corp.example"
    with pytest.raises(WrongHost):
        read(fleet.server(HUB))


def test_a_clock_that_is_wrong_is_seen_to_be(fleet: Fleet) -> None:
    fleet.server(HUB).clock_offset_seconds = -300
    offset = read(fleet.server(HUB)).clock_offset_seconds
    assert offset is not None
    assert timedelta(seconds=-302) < timedelta(seconds=offset) < timedelta(seconds=-298)


def test_exactly_the_members_of_the_script_are_printed(fleet: Fleet) -> None:
    printed = json.loads(fleet.server(HUB).execute(LINE, b"").stdout)
    told = projection(SCRIPT)
    assert tuple(printed["relationships"][0]) == told.relationship
    assert tuple(printed["scopes"][0]) == told.scope
    assert tuple(printed["host"]) == told.host
    assert tuple(printed["host"]["dhcp_service"]) == told.service


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("powershell -encodedcommand RwBlAHQALQBYAA==", "The term 'Get-X' is not recognized"),
        ("powershell.exe -Command Get-Date", "The term 'Get-Date' is not recognized"),
        ("ipconfig /all", "'ipconfig' is not recognized as an internal or external command"),
        ("", "is not recognized"),
    ],
)
def test_anything_else_is_answered_as_windows_answers_the_unknown(line: str, said: str) -> None:
    output = DhcpServer(HUB, "10.0.0.1").execute(line, b"")
    assert (output.stdout, output.exit_code) == (b"", 1)
    assert said in output.stderr.decode()


# ------------------------------------------------------------------------------------ changes


def test_a_relationship_is_changed_on_both_sides_or_on_one(fleet: Fleet) -> None:
    change(fleet, "hq", {"mclt_seconds": "7200"})
    change(fleet, "HQ@spoke", {"mclt_seconds": "1800", "state": "PartnerDown"})
    hub, spoke = story(fleet.server(HUB)), story(fleet.server(SPOKE))
    assert (hub.mclt_seconds, spoke.mclt_seconds) == (7200, 1800)
    assert (hub.state, spoke.state) == (State.NORMAL, State.PARTNER_DOWN)


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("10.2.0.0", ["10.2.0.0"]),
        ("+10.2.0-2.0", ["10.1.0.0", "10.1.1.0", "10.2.0.0", "10.2.1.0", "10.2.2.0"]),
        ("-10.1.0.0", ["10.1.1.0"]),
        ("", []),
    ],
)
def test_scopes_are_replaced_added_and_taken_away(
    fleet: Fleet, text: str, scopes: list[str]
) -> None:
    change(fleet, f"HQ@{SPOKE}", {"scopes": text})
    assert fleet.server(SPOKE).copies["hq"].scopes == scopes
    assert fleet.server(HUB).copies["hq"].scopes == ["10.1.0.0", "10.1.1.0"]


def test_a_relationship_is_deleted_on_one_side_and_then_on_the_other(fleet: Fleet) -> None:
    change(fleet, "HQ@hub", {"deleted": "true"})
    assert read(fleet.server(HUB)).stories == ()
    assert story(fleet.server(SPOKE)).name == "HQ"
    change(fleet, "HQ", {"deleted": "true"})
    with pytest.raises(UnknownName):
        change(fleet, "HQ", {"deleted": "true"})


def test_a_reinstalled_machine_has_another_id(fleet: Fleet) -> None:
    before = fleet.server(HUB).machine_id
    change(fleet, "hub", {"machine_id": "new"})
    assert fleet.server(HUB).machine_id != before


@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        ("hub", {"os": "2000"}),
        ("hub", {"think_seconds": "long"}),
        ("hub", {"no_such": "1"}),
        ("HQ", {"percent": "101"}),
        ("HQ", {"mclt_seconds": "1", "scopes": "10.1"}),
        ("HQ", {"auth": "perhaps"}),
        ("HQ", {"deleted": "false"}),
    ],
)
def test_what_cannot_be_said_changes_nothing_and_is_explained(
    fleet: Fleet, subject: str, changes: dict[str, str]
) -> None:
    before = read(fleet.server(HUB)).stories
    with pytest.raises(BadChange, match=next(reversed(changes))):
        change(fleet, subject, changes)
    assert read(fleet.server(HUB)).stories == before


@pytest.mark.parametrize("subject", ["nobody", "HQ@nobody", "other@hub"])
def test_who_is_not_there_is_named(fleet: Fleet, subject: str) -> None:
    with pytest.raises(UnknownName, match=r"called|calls"):
        change(fleet, subject, {"os": "2016"})


def test_a_short_name_that_two_servers_have_means_neither() -> None:
    fleet = Fleet(
        [DhcpServer("a.one.example", "10.0.0.1"), DhcpServer("a.two.example", "10.0.0.2")]
    )
    with pytest.raises(UnknownName, match="more than one"):
        fleet.server("a")


# ------------------------------------------------------------------------------------ made fleets


@pytest.mark.parametrize(("servers", "partners"), [(2, 1), (10, 4), (40, 31)])
def test_a_made_fleet_has_as_many_relationships_as_were_wished_and_no_scope_twice(
    servers: int, partners: int
) -> None:
    fleet = made(servers, partners=partners, scopes=2)
    assert {len(server.copies) for server in fleet.servers} == {partners}
    copies = [copy for server in fleet.servers for copy in server.copies.values() if copy.primary]
    scopes = [scope for copy in copies for scope in copy.scopes]
    assert len(copies) == servers * partners // 2
    assert len(set(scopes)) == len(scopes)
