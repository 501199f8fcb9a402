"""The packaged script in a real PowerShell, between stand-ins for the cmdlets of a DHCP server."""

from __future__ import annotations

import json
import platform
from base64 import b64encode
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from collectors.base import ReportedError
from collectors.decode import decode
from collectors.reading import understand
from collectors.scripts import packaged
from reconcile.model.nouns import Mode, Seen, Server, ServerRole, ServerType, State
from tests.collectors.scripts.syntax import tree
from tests.powershell.acceptance import run_powershell
from tests.reconcile.fleet import net, nets

Document: TypeAlias = "dict[str, Any]"  # what json.loads gives

STAND_INS: Final = Path(__file__).with_name("dhcp_server.ps1")
HERE: Final = Server(1, platform.node())
MACHINE: Final = "6f0c1d52-0000-4000-8000-000000000001"
OF_ALL_SERVERS: Final = {
    "Name": "hq-branch",
    "PartnerServer": "dhcp02.corp.example",
    "Mode": "LoadBalance",
    "ServerRole": None,
    "LoadBalancePercent": 50,
    "ReservePercent": None,
    "ScopeId": ["10.0.1.0"],
    "MaxClientLeadTime": 3600,
    "StateSwitchInterval": None,
    "AutoStateTransition": False,
    "EnableAuth": True,
    "State": "Normal",
}
ONE: Final = OF_ALL_SERVERS | {
    "PrimaryServerIP": "10.0.0.1",
    "SecondaryServerIP": "10.0.0.2",
    "PrimaryServerName": "dhcp01.corp.example",
    "SecondaryServerName": "dhcp02.corp.example",
    "ServerType": "PrimaryServer",
}
SINCE_2012_R2: Final = dict.fromkeys(ONE.keys() - OF_ALL_SERVERS.keys())

runs = pytest.mark.powershell


def output(scene: str) -> bytes:
    """Return what the script prints on a server of that scene."""
    text = f"{STAND_INS.read_text(encoding='utf-8')}\n{packaged('failover').sent}"
    printed = run_powershell(
        "-EncodedCommand",
        b64encode(text.encode("utf-16-le")).decode("ascii"),
        variables={"COMPUTERNAME": HERE.name, "IPAM_SYNC_TEST_SCENE": scene},
    )
    assert printed.isascii()
    return printed


def told(scene: str) -> Document:
    """The document of that scene; our own decoder takes it, too."""
    printed = output(scene)
    assert decode(printed, HERE.name).schema == 1
    document: Document = json.loads(printed)
    return document


def test_the_stand_ins_are_powershell() -> None:
    """Where none can run it, at least that is known."""
    assert not tree(STAND_INS.read_text(encoding="utf-8")).has_error


@runs
def test_a_relationship_is_told_in_plain_values() -> None:
    document = told("one")
    assert list(document) == ["schema", "ok", "error", "host", "relationships", "scopes"]
    assert (document["ok"], document["error"]) == (True, None)
    assert document["relationships"] == [ONE]
    assert document["scopes"] == [
        {
            "ScopeId": "10.0.1.0",
            "Name": "Büro",
            "SubnetMask": "255.255.255.0",
            "StartRange": "10.0.1.10",
            "EndRange": "10.0.1.99",
            "State": "Active",
        }
    ]


@runs
def test_no_scopes_one_and_many_are_arrays_and_names_survive() -> None:
    document = told("many")
    many, standby, empty = document["relationships"]
    assert many == ONE | {
        "Name": "Zürich 🏢 <'&>",
        "ScopeId": ["10.0.1.0", "10.0.2.0"],
        "LoadBalancePercent": 70,
    }
    assert standby == ONE | {
        "Name": "standby",
        "Mode": "HotStandby",
        "ServerRole": "Active",
        "State": "CommunicationInterrupted",
        "LoadBalancePercent": None,
        "ReservePercent": 5,
        "ScopeId": ["10.0.3.0"],
        "AutoStateTransition": True,
        "StateSwitchInterval": 88_200,
        "EnableAuth": False,
    }
    assert empty["ScopeId"] == []
    assert empty["PrimaryServerName"] is None, "blank is null"
    assert document["host"]["cluster_name"] == "dhcp-cluster"


@runs
def test_a_server_without_relationships_says_so() -> None:
    document = told("none")
    assert (document["ok"], document["relationships"], document["scopes"]) == (True, [], [])


@runs
def test_what_server_2012_lacks_is_null() -> None:
    assert told("server_2012")["relationships"] == [OF_ALL_SERVERS | SINCE_2012_R2]


@runs
def test_who_answers_is_told() -> None:
    host = told("one")["host"]
    assert (host["computer_name"], host["machine_id"]) == (HERE.name, MACHINE)
    assert host["dhcp_service"] == {
        "state": "Running",
        "started_at": "2026-03-01T06:00:00.0000000Z",
    }
    assert (host["dhcp_version"], host["cluster_name"]) == ("10.0", None)
    assert all(host[member][0].isdigit() for member in ("os_version", "powershell_version"))
    addresses = [ip_address(text) for text in host["addresses"]]
    assert not any(a.version == 6 and a.is_link_local for a in addresses)


@runs
@pytest.mark.parametrize(
    ("scene", "fqid", "category", "message"),
    [
        ("refused", "WIN32 5,Get-DhcpServerv4Failover", "PermissionDenied", "Accès refusé."),
        (
            "half_told",
            "WIN32 1722,Get-DhcpServerv4Failover",
            "NotSpecified",
            "The RPC server is unavailable.",
        ),
        ("no_module", "CommandNotFoundException", "ObjectNotFound", None),
    ],
)
def test_an_error_is_told_and_never_half_of_the_relationships(
    scene: str, fqid: str, category: str, message: str | None
) -> None:
    """Thrown or written beside what was told already: both are failed reads (R1)."""
    document = told(scene)
    assert (document["ok"], document["relationships"]) == (False, [])
    assert (document["error"]["fqid"], document["error"]["category"]) == (fqid, category)
    assert message in (None, document["error"]["message"])
    with pytest.raises(ReportedError):
        understand(json.dumps(document).encode(), HERE, datetime.now(UTC))


@runs
def test_what_else_cannot_be_told_is_null_and_harms_nothing() -> None:
    document = told("failover_only")
    assert (document["ok"], document["scopes"]) == (True, None)
    assert document["relationships"] == [ONE]
    unknown = ("machine_id", "cluster_name", "dhcp_version", "dhcp_service")
    assert [document["host"][member] for member in unknown] == [None] * 4


@runs
def test_the_output_is_a_reading() -> None:
    began = datetime.now(UTC)
    printed = output("many")
    seen = understand(printed, HERE, began, datetime.now(UTC))
    assert isinstance(seen, Seen)
    assert [story.name for story in seen.stories] == ["Zürich 🏢 <'&>", "standby", "empty"]
    one, standby, _ = seen.stories
    assert (one.mode, one.scopes) == (Mode.LOAD_BALANCE, nets("10.0.1.0", "10.0.2.0"))
    assert (one.server_type, one.mclt_seconds) == (ServerType.PRIMARY, 3600)
    assert (standby.server_role, standby.reserve_percent) == (ServerRole.ACTIVE, 5)
    assert (standby.state, standby.state_switch_interval_seconds) == (
        State.COMMUNICATIONS_INTERRUPTED,
        88_200,
    )
    assert seen.scopes is not None
    assert [(s.scope, s.active) for s in seen.scopes] == [(net("10.0.1.0"), True)]
    assert seen.identity is not None
    assert seen.identity.machine_id == MACHINE
    assert seen.clock_offset_seconds == 0
