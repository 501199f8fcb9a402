"""Makes the files of the demo: what an administrator would have exported from its dozen servers.

``python -m tests.demo_exports`` writes them into ``worker/demo``; a test compares what is
committed.  The fleet is a hub with spokes in corp.example and a smaller one in lab.example;
``BEFORE`` is the state in which IPAM meets it, ``AFTER`` what reality has become.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from tests.collectors.powershell_json import Printed, Relationship, ps7, ps51, ps2012, relationship

DEMO: Final = Path(__file__).parent.parent / "worker" / "demo"

Printer: TypeAlias = Callable[[list[Relationship]], bytes]


@dataclass(frozen=True, slots=True)
class Host:
    """A server: how it calls itself, its address, how it spells its partners, how it prints."""

    name: str
    address: str
    computer_name: str
    prints: Printer
    partners_as: str = "name"


@dataclass(frozen=True, slots=True)
class Side:
    """What one partner alone says, where it differs from the other."""

    percent: int | None = None
    mclt_seconds: int | None = None
    state: str = "Normal"
    extra_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """A relationship as both partners have it; ``secondary`` may be a host nobody manages."""

    name: str
    primary: Host
    secondary: Host
    scopes: tuple[str, ...]
    mode: str = "LoadBalance"
    mclt_seconds: int = 3600
    interval_seconds: int | None = None
    at_primary: Side = field(default=Side())
    at_secondary: Side = field(default=Side())


def _noisy(told: list[Relationship]) -> bytes:
    """Windows PowerShell 5.1, saved by ``Out-File -Encoding utf8``: byte order mark, CIM noise."""
    return ps51(told, encoding="utf-8-sig")


def _redirected(told: list[Relationship]) -> bytes:
    """Windows PowerShell 5.1, saved by ``>``: UTF-16."""
    return ps51(told, encoding="utf-16")


def _compressed(told: list[Relationship]) -> bytes:
    return ps51(told, compress=True)


def _piped(told: list[Relationship]) -> bytes:
    """``Get-DhcpServerv4Failover | ConvertTo-Json``: a single relationship is no array."""
    return ps51(told, piped=True)


def _empty(told: list[Relationship]) -> bytes:
    """A server that lost its failover relationships prints an empty array."""
    del told
    return b"[\r\n\r\n]\r\n"


def _failed(told: list[Relationship]) -> bytes:
    """The command failed and the redirection left an empty file behind."""
    del told
    return b""


def _too_shallow(told: list[Relationship]) -> bytes:
    """Without -Depth: the array inside the wrapper is cut to text."""

    def cut(printed: Printed) -> None:
        addresses = (ip for one in told if one.name == printed["Name"] for ip in one.scopes)
        printed["ScopeId"] = {"value": " ".join(addresses), "Count": 2}

    return ps51(told, change=cut)


def _nets(site: int, subnets: Iterable[int]) -> tuple[str, ...]:
    return tuple(f"10.{site}.{subnet}.0" for subnet in subnets)


HUB = Host("hub.corp.example", "10.1.0.11", "HUB", _compressed)
BERLIN = Host("berlin.corp.example", "10.11.0.11", "BERLIN", _redirected, partners_as="short")
PARIS = Host("paris.corp.example", "10.12.0.11", "PARIS", _noisy)
OSLO = Host("oslo.corp.example", "10.13.0.11", "OSLO", ps7)
MADRID = Host("madrid.corp.example", "10.14.0.11", "MADRID", _piped)
ROME = Host("rome.corp.example", "10.15.0.11", "ROME", ps2012, partners_as="address")
VIENNA = Host("vienna.corp.example", "10.16.0.11", "VIENNA", _compressed)
LYON = Host("lyon.corp.example", "10.17.0.11", "LYON", _noisy)
DHCP02 = Host("dhcp02.corp.example", "10.18.0.11", "DHCP02", _failed)
LAB = Host("lab.lab.example", "10.60.0.11", "LAB", _noisy)
LAB_DHCP02 = Host("dhcp02.lab.example", "10.61.0.11", "DHCP02", _noisy)
LAB_WEST = Host("west.lab.example", "10.62.0.11", "WEST", _too_shallow)
_VENDOR = Host("dhcp.vendor.example", "192.0.2.53", "DHCP", ps51)

FLEET: Final = (
    *(HUB, BERLIN, PARIS, OSLO, MADRID, ROME, VIENNA, LYON, DHCP02),
    *(LAB, LAB_DHCP02, LAB_WEST),
)

_BERLIN = Shared("hub-berlin", HUB, BERLIN, _nets(11, range(1, 7)))
_PARIS = Shared("hub-paris", HUB, PARIS, _nets(12, range(1, 5)))
_OSLO = Shared("hub-oslo", HUB, OSLO, _nets(13, range(1, 5)))
_OSLO_WLAN = Shared("hub-oslo-wlan", HUB, OSLO, _nets(13, (101, 102)))
_MADRID = Shared("hub-madrid", HUB, MADRID, _nets(14, range(1, 4)))
_ROME = Shared("hub-rome", HUB, ROME, _nets(15, range(1, 4)), mode="HotStandby")
_VIENNA = Shared("hub-vienna", HUB, VIENNA, _nets(16, range(1, 61)), interval_seconds=3600)
_LYON = Shared("hub-lyon", HUB, LYON, _nets(17, (1, 2)))
_OLD = Shared("berlin-paris-old", BERLIN, PARIS, _nets(19, (1, 2)))
_ROME_DHCP02 = Shared("rome-dhcp02", ROME, DHCP02, _nets(18, (1, 2)))
_LAB = Shared("lab-dhcp02", LAB, LAB_DHCP02, _nets(61, (1, 2, 3)))
_LAB_WEST = Shared("lab-west", LAB, LAB_WEST, _nets(62, (1, 2)))
_LAB_VENDOR = Shared("lab-vendor", LAB, _VENDOR, _nets(63, (1,)))

BEFORE: Final = (
    *(_BERLIN, _PARIS, _OSLO, _OSLO_WLAN, _MADRID, _ROME, _VIENNA, _LYON, _OLD, _ROME_DHCP02),
    *(_LAB, _LAB_WEST, _LAB_VENDOR),
)

AFTER: Final = (
    # Changed on both sides: each prints its own share of the load.
    replace(_BERLIN, mclt_seconds=7200, at_primary=Side(70), at_secondary=Side(30)),
    # Changed on one side only.
    replace(_PARIS, at_primary=Side(mclt_seconds=1800)),
    # One scope is new on both, another moved to the relationship next to it.
    replace(_OSLO, scopes=_nets(13, (1, 2, 4, 5))),
    replace(_OSLO_WLAN, scopes=_nets(13, (3, 101, 102))),
    # A scope is new on one side only.
    replace(_MADRID, at_primary=Side(extra_scopes=_nets(14, (4,)))),
    # The hub lost its partner.
    replace(_ROME, at_primary=Side(state="CommunicationInterrupted")),
    # More is gone than the guard lets go.
    replace(_VIENNA, scopes=_nets(16, range(1, 6))),
    # Lyon tells nothing any more, see ``files``; berlin-paris-old was deleted on both sides.
    _LYON,
    _ROME_DHCP02,
    *(_LAB, _LAB_WEST, _LAB_VENDOR),
)


def files() -> Mapping[str, bytes]:
    """Every file of the demo by its path below ``worker/demo``."""
    return {
        "inventory.yaml": _inventory().encode(),
        **_exports("before", BEFORE, {}),
        **_exports("after", AFTER, {DHCP02: _piped, LAB_WEST: _noisy, LYON: _empty}),
    }


def _exports(
    directory: str, fleet: Iterable[Shared], otherwise: Mapping[Host, Printer]
) -> Mapping[str, bytes]:
    relationships = tuple(fleet)
    return {
        f"{directory}/{host.name}.json": otherwise.get(host, host.prints)(
            [_told(one, host) for one in relationships if host in (one.primary, one.secondary)]
        )
        for host in FLEET
    }


def _told(shared: Shared, asked: Host) -> Relationship:
    """The relationship as ``asked`` has it."""
    first = asked is shared.primary
    side = shared.at_primary if first else shared.at_secondary
    partner = shared.secondary if first else shared.primary
    return relationship(
        shared.name,
        _spelt(partner, asked),
        mode=shared.mode,
        state=side.state,
        scopes=shared.scopes + side.extra_scopes,
        mclt_seconds=side.mclt_seconds or shared.mclt_seconds,
        state_switch_interval_seconds=shared.interval_seconds,
        percent=side.percent,
        server_role="Active" if first else "Standby",
        server_type="PrimaryServer" if first else "SecondaryServer",
        # As on real servers: where it was created the short name, the partner in full.
        primary_name=shared.primary.computer_name,
        secondary_name=shared.secondary.name,
        primary_ip=shared.primary.address,
        secondary_ip=shared.secondary.address,
    )


def _spelt(partner: Host, asked: Host) -> str:
    if asked is ROME and partner is DHCP02:
        return "dhcp02"  # there is one in lab.example, too
    spellings = {
        "name": partner.name,
        "short": partner.name.partition(".")[0],
        "address": partner.address,
    }
    return spellings[asked.partners_as]


def _inventory() -> str:
    lines = [f"  - name: {host.name}\n    addresses: [{host.address}]" for host in FLEET]
    return "\n".join(("# The servers that IPAM of the demo knows.", "servers:", *lines, ""))


def main() -> None:
    """Write the files, and remove exports of servers that are no longer there."""
    wanted = files()
    for directory in ("before", "after"):
        (DEMO / directory).mkdir(parents=True, exist_ok=True)
    for path in tuple(DEMO.glob("*/*.json")):
        if path.relative_to(DEMO).as_posix() not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (DEMO / name).write_bytes(content)
    sys.stdout.write(f"{len(wanted)} files, {sum(map(len, wanted.values()))} bytes\n")


if __name__ == "__main__":
    main()
