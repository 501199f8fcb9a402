"""Alerts to send: the life of one problem, and names that somebody made up to do harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from reconcile.kinds.table import KINDS
from reconcile.model.findings import Event, Kind, Matter, Severity
from reconcile.model.nouns import Evidence, Operation
from reconcile.model.record import Party, Planned, PropertyChange
from worker.alerts.message import Alert, Changes, Digest, Note
from worker.model.change_feed import AppliedOperation

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(hours=2)

OPENED = Alert(
    finding=7,
    sequence=1,
    event=Event.OPENED,
    fingerprint="partner_mismatch|1,2|hq",
    kind=Kind.PARTNER_MISMATCH,
    matter=Matter.DRIFT,
    severity=Severity.WARNING,
    grade="",
    relationship="HQ",
    servers=("dhcp01.corp.example", "dhcp02.corp.example"),
    sentence="The partners of HQ tell different values.",
    said=(("MCLT", (("dhcp01.corp.example", "PT1H"), ("dhcp02.corp.example", "PT2H"))),),
    evidence=Evidence.BOTH,
    first_seen=BEGAN,
    at=BEGAN,
    ipam={"MCLT": "PT1H"},
    url="https://ipam.corp.example/findings/7",
)
CHANGED = replace(
    OPENED,
    sequence=2,
    event=Event.CHANGED,
    severity=Severity.CRITICAL,
    said=(("MCLT", (("dhcp01.corp.example", "PT1H"), ("dhcp02.corp.example", "PT1M"))),),
    at=NOW,
)
ACKNOWLEDGED = replace(
    CHANGED, sequence=3, event=Event.ACKNOWLEDGED, note=Note("ann", "new disks until Friday")
)
STILL_OPEN = replace(CHANGED, sequence=4, event=Event.STILL_OPEN, at=NOW + timedelta(hours=1))
RESOLVED = replace(
    CHANGED,
    sequence=5,
    event=Event.RESOLVED,
    at=NOW + timedelta(hours=2),
    resolved_at=NOW + timedelta(hours=2),
)
LIFE = (OPENED, CHANGED, ACKNOWLEDGED, STILL_OPEN, RESOLVED)

UNREAD = replace(
    OPENED,
    finding=8,
    fingerprint="server_unread|3|",
    kind=Kind.SERVER_UNREAD,
    matter=Matter.BLINDNESS,
    relationship=None,
    servers=("dhcp03.corp.example",),
    sentence="dhcp03.corp.example could not be read.",
    said=(),
    ipam={},
    evidence=Evidence.NONE,
)
DIGEST = Digest("digest-3", (CHANGED, UNREAD, RESOLVED), NOW)

HQ1, HQ2 = Party(1, "dhcp01.corp.example"), Party(2, "dhcp02.corp.example")


def applied(
    number: int,
    operation: Operation,
    *changes: PropertyChange,
    name: str = "HQ",
    scopes: tuple[int, ...] = (),
    evidence: Evidence = Evidence.BOTH,
) -> AppliedOperation:
    """Something that the machine did to a relationship of dhcp01 and dhcp02."""
    planned = Planned(
        operation, 1, name, HQ1, HQ2, changes, scopes, evidence, "Both tell it.", (1, 2)
    )
    return AppliedOperation(number, 4, NOW, planned)


MCLT = PropertyChange("MCLT", 3600, 7200)
CHANGES = Changes(
    "applied-3",
    (
        applied(11, Operation.UPDATE, MCLT, PropertyChange("AutoStateTransition", False, True)),
        applied(12, Operation.ADD_SCOPES, scopes=(0x0A010000, 0x0A020000)),
        applied(13, Operation.REMOVE_SCOPES, scopes=(0x0A030000,), name="Lab"),
        applied(
            14,
            Operation.CREATE,
            PropertyChange("Mode", None, "LoadBalance"),
            PropertyChange("StateSwitchInterval", None, None),
            scopes=(0x0A040000,),
            name="New",
            evidence=Evidence.ONE_SIDE,
        ),
        applied(15, Operation.DELETE, PropertyChange("MCLT", 3600, None), name="Old"),
    ),
    0,
    BEGAN,
    NOW,
)

_TRICKS = (
    "\r\nBcc: everybody@evil.example",
    "\n.\nQUIT",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!channel> <@U123> <https://evil.example|here>",
    "[click](https://evil.example) **bold** `code` @here",
    "https://evil.example/x",
    "\x1b[31mred\x1b[0m \x07 \x00",
    "\u202egnp.exe \u2066x\u2069 \u200f",
    "{{ alert.__class__ }} {% raw %}",
    "\u2028\u2029\x85\x0b\x0c",
    "=?utf-8?q?=0D=0ABcc=3A_x?=",
    "\ud800",
    "A" * 5000,
)

#: Any text at all, and more of what is known to do harm.
hostile = st.one_of(
    st.sampled_from(_TRICKS),
    st.text(st.characters(), max_size=60),
    st.builds("".join, st.lists(st.one_of(st.sampled_from(_TRICKS), st.text()), max_size=3)),
)


@st.composite
def hostile_alerts(draw: st.DrawFn) -> Alert:
    """Alerts about servers and relationships that somebody named."""
    kind = draw(st.sampled_from(Kind))
    names = tuple(draw(st.lists(hostile, max_size=3)))
    return Alert(
        finding=draw(st.integers(0, 10**9)),
        sequence=draw(st.integers(1, 1000)),
        event=draw(st.sampled_from(Event)),
        fingerprint=draw(hostile),
        kind=kind,
        matter=KINDS[kind].matter,
        severity=draw(st.sampled_from(Severity)),
        grade=draw(hostile),
        relationship=draw(st.none() | hostile),
        servers=names,
        sentence=draw(hostile),
        said=tuple((draw(hostile), ((name, draw(hostile)),)) for name in names),
        evidence=draw(st.sampled_from(Evidence)),
        first_seen=BEGAN,
        at=NOW,
        ipam={draw(hostile): draw(hostile)},
        note=draw(st.none() | st.builds(Note, hostile, hostile)),
    )


@st.composite
def hostile_changes(draw: st.DrawFn) -> Changes:
    """What was applied to relationships of servers that somebody named."""

    def operation(number: int) -> AppliedOperation:
        planned = Planned(
            operation=draw(st.sampled_from(Operation)),
            record=1,
            relationship=draw(hostile),
            server1=Party(1, draw(hostile)),
            server2=Party(None, draw(hostile)),
            changes=(PropertyChange("Server1PSName", draw(hostile), draw(st.none() | hostile)),),
            scopes=tuple(draw(st.lists(st.integers(0, 2**32 - 1), max_size=12))),
            evidence=draw(st.sampled_from(Evidence)),
            reason=draw(hostile),
            witnesses=(),
        )
        return AppliedOperation(number, 1, NOW, planned)

    operations = tuple(operation(n) for n in range(1, draw(st.integers(2, 4))))
    return Changes(draw(hostile), operations, draw(st.integers(0, 3)), BEGAN, NOW)
