"""What the demo says: its steps, why each of them, and what to try afterwards.

The files in ``before`` and ``after`` are made by ``tests/demo_exports.py``; what is said here
about them is checked by ``tests/worker/test_demo.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One sync of the demo: ``exports`` is the directory it reads, ``commands`` what one would type.

    ``meanwhile`` tells what happened on the servers since the step before: relationship, event,
    and what becomes of it.
    """

    title: str
    says: str
    commands: tuple[str, ...]
    exports: str
    meanwhile: tuple[tuple[str, str, str], ...] = ()


INTRODUCTION: Final = (
    "ipam-sync keeps an IPAM database true to what Windows DHCP servers really run for failover. "
    "Here it meets a made-up fleet: 12 servers in two domains, and what Get-DhcpServerv4Failover "
    "printed on each, saved as files. Nothing is contacted; the database is a temporary one."
)

FIRST: Final = Step(
    "Step 1 of 3: IPAM meets the fleet",
    "IPAM knows the servers, but none of their failover relationships. A relationship is told "
    "twice, once by each partner; what they tell becomes a record. Two exports cannot be read, "
    "and a failed read is not an empty one: nothing is concluded from it. One partner is just "
    "called 'dhcp02', as two servers are: nobody guesses.",
    ("ipam-sync servers import inventory.yaml", "ipam-sync sync --exports before"),
    "before",
)

SECOND: Final = Step(
    "Step 2 of 3: reality drifts away from the database",
    "What both partners tell is applied at once. Where they contradict each other nothing is "
    "planned. What would be taken away needs the word of both, and too much at once is held "
    "until a person has looked:",
    ("ipam-sync sync --exports after",),
    "after",
    (
        ("hub-berlin", "load balance and MCLT changed on both partners", "applied"),
        ("hub-paris", "MCLT changed on the hub only", "left alone: partner_mismatch"),
        ("hub-oslo", "10.13.5.0 added on both partners", "applied"),
        ("hub-oslo-wlan", "10.13.3.0 moved here from hub-oslo", "one move, waits with its removal"),
        ("hub-madrid", "10.14.4.0 added on the hub only", "left alone: scope_one_sided"),
        ("hub-rome", "the hub lost contact with its partner", "a state is a fact: applied"),
        ("hub-vienna", "55 of 60 scopes gone on both partners", "held: too much at once"),
        ("berlin-paris-old", "deleted on both partners", "held with the other removals"),
        ("hub-lyon", "lyon suddenly tells nothing at all", "not believed yet"),
        ("rome-dhcp02", "dhcp02.corp.example is readable and names rome", "name is clear: created"),
        ("lab-west", "west.lab.example is readable and agrees", "its state is known: applied"),
    ),
)

THIRD: Final = Step(
    "Step 3 of 3: the same servers, unchanged",
    "What is known is not written again: a quiet network makes a quiet database.",
    ("ipam-sync sync --exports after",),
    "after",
)

FAREWELL: Final = (
    "The demo went as told. Each of its syncs ended with 2, which means: something needs a "
    "person. Its database is gone, so do not type the commands it advised. Instead:"
)

#: What prints everything of a server in a form that can be read.
EXPORT_COMMAND: Final = (
    "ConvertTo-Json -InputObject @(Get-DhcpServerv4Failover) -Depth 6 | Out-File -Encoding utf8"
)

#: (what for, command); the first one is for PowerShell on a DHCP server.
TRY_NEXT: Final = (
    (
        "On each of your DHCP servers, in PowerShell; copy the files into one directory:",
        f"{EXPORT_COMMAND} SERVERNAME.json",
    ),
    (
        "Name the servers in a YAML file, as the demo's inventory.yaml does:",
        "ipam-sync servers import servers.yaml",
    ),
    (
        "See what would be recorded; this writes nothing:",
        "ipam-sync plan --exports DIRECTORY",
    ),
)
