"""What the demo says: its steps, why each of them, and what to try afterwards.

The fleet is in ``fleet.yaml``; what is said here about it is checked by
``tests/worker/demo/test_demo.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FleetChange:
    """A change on the servers since the step before: relationship or server, event, result.

    ``changes`` are those of the simulated fleet by subject, in the words of ``ipam-sync simulate
    set``.
    """

    subject: str
    event: str
    result: str
    changes: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class DemoStep:
    """A run of the demo. ``commands`` are those to type first."""

    title: str
    text: str
    commands: tuple[str, ...] = ()
    meanwhile: tuple[FleetChange, ...] = ()


INTRODUCTION: Final = (
    "ipam-sync keeps an IPAM database true to what Windows DHCP servers really run for failover. "
    "Here it meets 13 simulated ones over WinRM with NTLM and TLS on loopback; your network is not "
    "touched."
)

#: Said while it starts.
INSTALLATION: Final = (
    "Six processes do the work, as for servers of your own: ipam-sync up with a broker, three "
    "workers and a beat, on sockets in a temporary directory. Starting them ..."
)

#: Said with the reason where that cannot be.
NO_INSTALLATION: Final = (
    "Broker and workers (ipam-sync up) cannot run here, so this process does all steps itself:"
)

FIRST: Final = DemoStep(
    "Step 1 of 3: IPAM meets the fleet",
    "IPAM knows the servers, but none of their failover relationships. A relationship is told "
    "twice, once by each partner; what they tell becomes a record. One server hangs and is left "
    "behind after its deadline, one refuses the password: a failed read is not an empty one, so "
    "nothing is concluded from it. One partner is just called 'dhcp02', as two servers are: nobody "
    "guesses.",
    ("ipam-sync servers import inventory.yaml",),
)

SECOND: Final = DemoStep(
    "Step 2 of 3: reality drifts away from the database",
    "What both partners tell is applied at once. Where they contradict each other both are asked "
    "again, and then nothing is planned. What would be taken away needs the word of both, and too "
    "much at once is held until a person has looked:",
    (),
    (
        FleetChange(
            "hub-berlin",
            "load balance and MCLT changed on both partners",
            "applied",
            {"hub-berlin": {"percent": "70", "mclt_seconds": "7200"}},
        ),
        FleetChange(
            "hub-paris",
            "MCLT changed on the hub only",
            "left alone: partner_mismatch",
            {"hub-paris@hub": {"mclt_seconds": "1800"}},
        ),
        FleetChange(
            "hub-oslo",
            "10.13.5.0 added on both partners",
            "applied",
            {"hub-oslo": {"scopes": "+10.13.5.0"}},
        ),
        FleetChange(
            "hub-oslo-wlan",
            "10.13.3.0 moved here from hub-oslo",
            "one move, waits with its removal",
            {"hub-oslo": {"scopes": "-10.13.3.0"}, "hub-oslo-wlan": {"scopes": "+10.13.3.0"}},
        ),
        FleetChange(
            "hub-madrid",
            "10.14.4.0 added on the hub only",
            "left alone: scope_one_sided",
            {"hub-madrid@hub": {"scopes": "+10.14.4.0"}},
        ),
        FleetChange(
            "hub-rome",
            "the hub lost contact with its partner",
            "a state is a fact: applied",
            {"hub-rome@hub": {"state": "CommunicationInterrupted"}},
        ),
        FleetChange(
            "hub-vienna",
            "55 of 60 scopes gone on both partners",
            "held: too much at once",
            {"hub-vienna": {"scopes": "-10.16.6-60.0"}},
        ),
        FleetChange(
            "berlin-paris-old",
            "deleted on both partners",
            "held with the other removals",
            {"berlin-paris-old": {"deleted": "true"}},
        ),
        FleetChange(
            "hub-lyon",
            "lyon suddenly tells nothing at all",
            "not believed yet",
            {"hub-lyon@lyon": {"deleted": "true"}},
        ),
        FleetChange(
            "hub-turin",
            "turin is another machine now, and lacks it",
            "proves nothing: server_replaced",
            {"turin": {"machine_id": "new"}, "hub-turin@turin": {"deleted": "true"}},
        ),
        FleetChange(
            "rome-dhcp02",
            "dhcp02.corp.example answers and names rome",
            "name is clear: created",
            {"dhcp02.corp.example": {"faults": ""}},
        ),
        FleetChange(
            "lab-west",
            "the password of west.lab.example was corrected",
            "noticed; its state is known: applied",
            {},
        ),
    ),
)

THIRD: Final = DemoStep(
    "Step 3 of 3: the same servers, unchanged",
    "What is known is not written again: a quiet network makes a quiet database.",
)

FAREWELL: Final = (
    "The demo went as told. Each of its runs ended with 2, which means: something needs a "
    "person. Its database is gone, so do not type the commands it advised. Instead:"
)

#: (what for, command).
TRY_NEXT: Final = (
    ("Play with the same fleet by hand:", "ipam-sync simulate"),
    ("Name your own servers (see README):", "ipam-sync servers import servers.yaml"),
    ("See whether one of them can be read:", "ipam-sync servers check NAME"),
    ("See what would be recorded:", "ipam-sync plan"),
)
