"""What each property may be, and what it then means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import DecodeError
from collectors.decode import decode
from collectors.normalise import NOT_ON_2012, identity, stories
from reconcile.model.nouns import Identity, Mode, Server, ServerRole, ServerType, State, Story
from tests.collectors.powershell_json import (
    Relationship,
    host,
    ip_address,
    own_document,
    projected,
    ps7,
    ps51,
    ps2012,
    relationship,
    time_span,
)

SERVER = Server(7, "dhcp01.corp.example")
BALANCED = relationship(
    "Zürich <--> hq 'main' & more.",
    "dhcp02.corp.example",
    state="CommunicationInterrupted",
    scopes=("10.0.1.0", "192.168.10.0"),
    mclt_seconds=93784,
    state_switch_interval_seconds=2700,
    percent=70,
    server_type="PrimaryServer",
    primary_name="DHCP01",
    secondary_name="dhcp02.corp.example",
    primary_ip="10.0.0.11",
    secondary_ip="10.0.0.12",
)
BALANCED_STORY = Story(
    asked=7,
    name="Zürich <--> hq 'main' & more.",
    partner="dhcp02.corp.example",
    mode=Mode.LOAD_BALANCE,
    state=State.COMMUNICATIONS_INTERRUPTED,
    scopes=frozenset((0x0A000100, 0xC0A80A00)),
    mclt_seconds=93784,
    auto_state_transition=True,
    state_switch_interval_seconds=2700,
    enable_auth=True,
    load_balance_percent=70,
    server_type=ServerType.PRIMARY,
    primary_name="DHCP01",
    secondary_name="dhcp02.corp.example",
    primary_ip="10.0.0.11",
    secondary_ip="10.0.0.12",
)
STANDBY_2012 = relationship(
    "hq-dr",
    "10.9.0.1",
    mode="HotStandby",
    server_role="Standby",
    scopes=("10.0.2.0",),
    enable_auth=False,
)
STANDBY_2012_STORY = Story(
    asked=7,
    name="hq-dr",
    partner="10.9.0.1",
    mode=Mode.HOT_STANDBY,
    state=State.NORMAL,
    scopes=frozenset((0x0A000200,)),
    mclt_seconds=3600,
    auto_state_transition=False,
    reserve_percent=5,
    server_role=ServerRole.STANDBY,
)
EMPTY = replace(STANDBY_2012, scopes=())
EMPTY_STORY = replace(STANDBY_2012_STORY, scopes=frozenset())


def story(content: bytes) -> Story:
    (told,) = stories(decode(content, SERVER.name), SERVER)
    return told


def spoilt(**changes: object) -> bytes:
    """The balanced relationship with properties printed otherwise."""
    return ps51([BALANCED], change=lambda printed: printed.update(changes))


def refusal(content: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        story(content)
    return caught.value


def own(told: Relationship) -> bytes:
    return own_document([told], host())


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(BALANCED, BALANCED_STORY, id="load balance"),
        pytest.param(STANDBY_2012, STANDBY_2012_STORY, id="hot standby"),
        pytest.param(EMPTY, EMPTY_STORY, id="without scopes"),
    ],
)
@pytest.mark.parametrize(
    "render",
    [
        pytest.param(lambda told: ps51([told]), id="5.1"),
        pytest.param(lambda told: ps51([told], piped=True), id="5.1 piped"),
        pytest.param(lambda told: ps51([told], wrapped=True), id="5.1 wrapped"),
        pytest.param(lambda told: ps51([told], compress=True), id="5.1 compressed"),
        pytest.param(lambda told: ps51([told], encoding="utf-16"), id="5.1 redirected"),
        pytest.param(lambda told: ps7([told]), id="7"),
        pytest.param(lambda told: ps7([told], piped=True), id="7 piped"),
        pytest.param(own, id="our own"),
    ],
)
def test_all_renderings_of_a_relationship_tell_the_same_story(
    render: Callable[[Relationship], bytes], told: Relationship, expected: Story
) -> None:
    assert story(render(told)) == expected


@pytest.mark.parametrize(
    ("told", "expected"), [(STANDBY_2012, STANDBY_2012_STORY), (EMPTY, EMPTY_STORY)]
)
def test_what_2012_lacks_is_none(told: Relationship, expected: Story) -> None:
    assert story(ps2012([told])) == expected


def test_relationships_keep_their_order_and_doubles() -> None:
    """That a server tells a name twice is a finding, which is not ours to hide."""
    document = decode(ps51([BALANCED, STANDBY_2012, BALANCED]), SERVER.name)
    assert stories(document, SERVER) == (BALANCED_STORY, STANDBY_2012_STORY, BALANCED_STORY)


# ------------------------------------------------------------------- absent, null, blank, zero


@pytest.mark.parametrize("name", sorted(set(projected(BALANCED)) - NOT_ON_2012))
def test_a_property_that_every_server_has_must_not_be_absent(name: str) -> None:
    error = refusal(ps51([BALANCED], change=lambda printed: printed.pop(name)))
    assert f"{name} is missing" in error.message
    assert "Select-Object" in error.remedy


@pytest.mark.parametrize(
    "name",
    [
        "Name",
        "PartnerServer",
        "Mode",
        "State",
        "MaxClientLeadTime",
        "AutoStateTransition",
        "EnableAuth",
    ],
)
def test_what_a_relationship_always_has_is_never_null(name: str) -> None:
    assert f"{name} is null" in refusal(spoilt(**{name: None})).message


@pytest.mark.parametrize("value", [None, "", "  "])
@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("ServerRole", "server_role"),
        ("ServerType", "server_type"),
        ("PrimaryServerName", "primary_name"),
        ("SecondaryServerName", "secondary_name"),
        ("PrimaryServerIP", "primary_ip"),
        ("SecondaryServerIP", "secondary_ip"),
    ],
)
def test_optional_text_is_none_where_it_is_null_or_blank(
    name: str, attribute: str, value: str | None
) -> None:
    assert getattr(story(spoilt(**{name: value})), attribute) is None


@pytest.mark.parametrize(
    "name",
    [
        "Name",
        "PartnerServer",
        "Mode",
        "State",
        "LoadBalancePercent",
        "ReservePercent",
        "MaxClientLeadTime",
        "StateSwitchInterval",
        "ScopeId",
    ],
)
@pytest.mark.parametrize("blank", ["", " "])
def test_blank_is_no_name_no_number_no_duration_and_no_scope(name: str, blank: str) -> None:
    assert f'{name} is "{blank}"' in refusal(spoilt(**{name: blank})).message


def test_zero_stays_zero() -> None:
    told = story(
        spoilt(
            LoadBalancePercent=0,
            ReservePercent=0,
            MaxClientLeadTime=time_span(0),
            StateSwitchInterval=time_span(0),
        )
    )
    assert told.load_balance_percent == 0
    assert told.reserve_percent == 0
    assert told.mclt_seconds == 0
    assert told.state_switch_interval_seconds == 0


@pytest.mark.parametrize("printed", [None, time_span(0), time_span(3600), "00:00:00", "", "?"])
def test_without_automatic_transition_there_is_no_interval(printed: object) -> None:
    told = story(spoilt(AutoStateTransition=False, StateSwitchInterval=printed))
    assert told.state_switch_interval_seconds is None


def test_automatic_transition_may_be_told_without_an_interval() -> None:
    assert story(spoilt(StateSwitchInterval=None)).state_switch_interval_seconds is None


# ------------------------------------------------------------------------------------ durations


@pytest.mark.parametrize(
    ("printed", "seconds"),
    [
        (time_span(3600), 3600),
        ({"Ticks": 36_000_000_000}, 3600),
        ({"TotalSeconds": 3600}, 3600),
        ({"TotalSeconds": 3600.0}, 3600),
        ("01:00:00", 3600),
        ("1:00:00", 3600),
        ("1.02:03:04", 93784),
        ("01:00:00.0000000", 3600),
        ("PT1H", 3600),
        ("P1DT2H3M4S", 93784),
        ("PT3600S", 3600),
        ("PT0S", 0),
        ("P2D", 172_800),
        ({"Ticks": 0xFFFFFFFF * 10_000_000}, 0xFFFFFFFF),
    ],
)
def test_a_time_span_is_whole_seconds_in_every_spelling(printed: object, seconds: int) -> None:
    assert story(spoilt(MaxClientLeadTime=printed)).mclt_seconds == seconds


@pytest.mark.parametrize(
    "printed",
    [
        3600,
        3600.0,
        True,
        [],
        {},
        {"Days": 0, "Hours": 1},
        {"Ticks": "36000000000"},
        {"Ticks": 36_000_000_001},
        {"Ticks": -36_000_000_000},
        {"TotalSeconds": 0.5},
        {"TotalSeconds": True},
        {"TotalSeconds": -1},
        {"Ticks": 36_000_000_000, "TotalSeconds": 60},
        {"Ticks": 36_000_000_000, "TotalSeconds": "3600"},
        {"Ticks": 0x1_0000_0000 * 10_000_000},
        "-01:00:00",
        "01:00",
        "24:00:00",
        "01:60:00",
        "01:00:00.5",
        "1 hour",
        "P",
        "PT",
        "P1DT",
        "P1M",
        "PT0.5S",
        "-PT1H",
        "PT99999999999H",
        "\u0660\u0661:00:00",
    ],
)
def test_anything_else_is_no_duration(printed: object) -> None:
    assert "MaxClientLeadTime" in refusal(spoilt(MaxClientLeadTime=printed)).message


def test_bare_seconds_count_only_in_our_own_document() -> None:
    assert story(own(BALANCED)).mclt_seconds == 93784
    assert "is 93784, which is no duration" in refusal(spoilt(MaxClientLeadTime=93784)).message


@given(st.integers(0, 0xFFFFFFFF))
def test_every_duration_survives_every_rendering(seconds: int) -> None:
    told = replace(STANDBY_2012, mclt_seconds=seconds)
    assert {story(r).mclt_seconds for r in (ps51([told]), ps7([told]), own(told))} == {seconds}


# ------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("printed", "dotted"),
    [
        (None, []),
        ([], []),
        ({"value": [], "Count": 0}, []),
        ("192.168.10.0", ["192.168.10.0"]),
        (ip_address("192.168.10.0"), ["192.168.10.0"]),
        ({"Address": 698560}, ["192.168.10.0"]),
        ({"Address": 698560, "AddressFamily": "InterNetwork"}, ["192.168.10.0"]),
        ({"Address": 1, "IPAddressToString": "10.0.0.0"}, ["10.0.0.0"]),
        (
            ["10.0.1.0", ip_address("10.0.2.0"), {"Address": 10}],
            ["10.0.1.0", "10.0.2.0", "10.0.0.0"],
        ),
        (["10.0.1.0", "10.0.1.0"], ["10.0.1.0"]),
        ({"value": ["10.0.1.0"], "Count": 1}, ["10.0.1.0"]),
        ({"Address": 4294967295}, ["255.255.255.255"]),
    ],
)
def test_scopes_are_a_set_in_every_spelling(printed: object, dotted: list[str]) -> None:
    assert story(spoilt(ScopeId=printed)).scopes == {int(IPv4Address(one)) for one in dotted}


@pytest.mark.parametrize(
    "printed",
    [
        True,
        {},
        "10.0.0",
        "10.0.0.256",
        "010.0.0.0",
        "10.0.0.0\n",
        "fe80::1",
        [None],
        [[]],
        [-5],
        {"Address": -1},
        {"Address": 4294967296},
        {"Address": "698560"},
        {"Address": None, "AddressFamily": 23},
        {"Address": 0, "AddressFamily": 23},
        {"IPAddressToString": "fe80::1"},
        {"IPAddressToString": 5},
        {"value": ["10.0.0.0"], "Count": 2},
        {"value": ["10.0.0.0"]},
    ],
)
def test_anything_else_is_no_scope(printed: object) -> None:
    assert "ScopeId" in refusal(spoilt(ScopeId=printed)).message


def test_a_scope_is_named_by_its_place() -> None:
    error = refusal(spoilt(ScopeId={"value": [ip_address("10.0.1.0"), "x"], "Count": 2}))
    assert error.message == (
        "dhcp01.corp.example, relationship 1 \"Zürich <--> hq 'main' & more.\":"
        ' ScopeId.value[1] is "x", which is no IPv4 address.'
    )


@given(st.frozensets(st.integers(0, 0xFFFFFFFF), max_size=5))
def test_every_scope_survives_every_rendering(scopes: frozenset[int]) -> None:
    told = replace(STANDBY_2012, scopes=tuple(str(IPv4Address(scope)) for scope in scopes))
    assert {story(r).scopes for r in (ps51([told]), ps7([told]), own(told))} == {scopes}


# ------------------------------------------------------------------- cut off by ConvertTo-Json


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MaxClientLeadTime", "@{Ticks=36000000000; Days=0}"),
        ("MaxClientLeadTime", "System.Object"),
        ("ScopeId", "System.Object[]"),
        ("ScopeId", "System.Net.IPAddress[]"),
        ("ScopeId", "192.168.10.0 192.168.20.0"),
        ("ScopeId", "Microsoft.Management.Infrastructure.CimInstance#root/dhcp"),
        ("PrimaryServerIP", "System.Net.IPAddress"),
        ("PrimaryServerName", "System.Collections.Hashtable"),
        ("PartnerServer", "@{Name=x}"),
    ],
)
def test_text_left_of_a_cut_off_object_names_the_depth(name: str, text: str) -> None:
    error = refusal(spoilt(**{name: text}))
    assert f'{name} is "{text}"' in error.message
    assert "depth limit" in error.message
    assert "-Depth 6" in error.remedy


def test_a_scope_list_cut_off_inside_its_wrapper_names_the_depth() -> None:
    """What the default depth of 2 does to several relationships with several scopes."""
    error = refusal(spoilt(ScopeId={"value": "192.168.10.0 192.168.20.0", "Count": 2}))
    assert "ScopeId.value" in error.message
    assert "-Depth 6" in error.remedy


@pytest.mark.parametrize("name", ["System.HQ", "@{hq}", "System", "10.0.0.1 10.0.0.2"])
def test_a_name_that_only_resembles_such_text_is_a_name(name: str) -> None:
    assert story(spoilt(Name=name)).name == name


# ----------------------------------------------------------------------- words, numbers, names


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("CommunicationInterrupted", State.COMMUNICATIONS_INTERRUPTED),
        ("CommunicationsInterrupted", State.COMMUNICATIONS_INTERRUPTED),
        ("COMMUNICATIONINTERRUPTED", State.COMMUNICATIONS_INTERRUPTED),
        *((state.value, state) for state in State),
    ],
)
def test_states_are_mapped_by_name(word: str, state: State) -> None:
    told = story(spoilt(State=word))
    assert (told.state, told.unknown_values) == (state, ())


def test_unknown_words_are_kept_raw() -> None:
    told = story(spoilt(Mode="None", State="Paused", ServerRole="Witness", ServerType="Third"))
    assert (told.mode, told.state, told.server_role, told.server_type) == (
        None,
        State.UNKNOWN,
        None,
        None,
    )
    assert told.unknown_values == (
        ("Mode", "None"),
        ("State", "Paused"),
        ("ServerRole", "Witness"),
        ("ServerType", "Third"),
    )


@pytest.mark.parametrize("name", ["Mode", "State", "ServerRole", "ServerType"])
def test_an_enumeration_printed_as_a_number_is_refused(name: str) -> None:
    assert f"{name} is 1, which is no text" in refusal(spoilt(**{name: 1})).message


@pytest.mark.parametrize("value", [-1, 101, 50.0, "50", True, []])
@pytest.mark.parametrize("name", ["LoadBalancePercent", "ReservePercent"])
def test_a_percentage_is_a_whole_number_up_to_100(name: str, value: object) -> None:
    assert name in refusal(spoilt(**{name: value})).message


@pytest.mark.parametrize("value", [0, 1, "true", "True", ""])
@pytest.mark.parametrize("name", ["AutoStateTransition", "EnableAuth"])
def test_a_flag_is_true_or_false(name: str, value: object) -> None:
    assert f"{name} is" in refusal(spoilt(**{name: value})).message


@pytest.mark.parametrize(
    "name", ["x" * 257, "a\x1b[2J", "a\nb", "a\x7f", "a\x9bb", "\ud800", 5, []]
)
def test_a_name_is_short_and_safe_to_show(name: object) -> None:
    content = json.dumps([json.loads(spoilt())[0] | {"Name": name}]).encode()
    error = refusal(content)
    assert "Name is" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 500


@pytest.mark.parametrize("name", ["x" * 256, " hq ", "a.b.", "東京<-->大阪", "\U0001f600", "--"])
def test_names_are_kept_as_they_were_printed(name: str) -> None:
    assert story(spoilt(Name=name)).name == name


def test_properties_we_do_not_know_are_ignored() -> None:
    assert story(spoilt(MaxResponseDelay={"x": [1]}, SharedSecret="?")) == BALANCED_STORY


@given(st.dictionaries(st.sampled_from(sorted(projected(BALANCED))), st.none() | st.booleans()))
def test_whatever_is_changed_it_is_a_story_or_a_named_refusal(changes: dict[str, Any]) -> None:
    at = ""
    try:
        story(spoilt(**changes))
    except DecodeError as error:
        at = error.path
    assert at in {"", *changes}


# ------------------------------------------------------------------------------- who answered


def test_raw_exports_do_not_say_who_answered() -> None:
    assert identity(decode(ps51([BALANCED]), SERVER.name), SERVER) is None


def test_our_document_says_who_answered() -> None:
    who = host("DHCP01", "dhcp01.corp.example", machine_id="m-1", addresses=["10.0.0.11"])
    document = decode(own_document([], who), SERVER.name)
    assert identity(document, SERVER) == Identity(
        "DHCP01", "dhcp01.corp.example", "m-1", None, ("10.0.0.11",)
    )


@pytest.mark.parametrize(
    "change", [{"computer_name": 5}, {"addresses": "10.0.0.1"}, {"dns_name": "a\x1bb"}]
)
def test_a_host_that_cannot_be_understood_is_refused(change: dict[str, object]) -> None:
    document = json.loads(own_document([], host()))
    document["host"] |= change
    decoded = decode(json.dumps(document).encode(), SERVER.name)
    with pytest.raises(DecodeError, match=r"host\."):
        identity(decoded, SERVER)
