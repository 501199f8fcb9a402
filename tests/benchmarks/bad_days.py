"""A hundred rounds over a fleet in which nearly every third server has a bad day: nothing may pile up.

In each round 30 % of the servers have the same kind of trouble: in turn every fault that the
simulator can do on the wire, then troubles of the machine, of the credential and of the name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from collectors.simulator.faults import Fault
from collectors.simulator.fleet import made
from collectors.simulator.running import Listener, RunningFleet, SimulatedLogon
from tests.benchmarks.enduring import LIMITS, READ, THREADS, Asked, Client, Figures, client
from tests.benchmarks.report import Report

SERVERS, STRUCK, ROUNDS = 30, 9, 100
#: What the client holds after so many rounds, it may hold after the last one.
SETTLED = 5
#: Threads, sockets and files are held to the piece.  Memory has a margin: a kind of fault that
#: comes for the first time, which most do after round 5, brings caches and code into it.
RESIDENT_LIMIT, BLOCKS_LIMIT = 1.03, 1.01

PLAIN, TLS, BASIC = Listener(tls=False), Listener(), Listener(logon=SimulatedLogon.BASIC)
EVERYBODY = (PLAIN, TLS, BASIC)
#: In this order, again and again.
LISTENERS = (PLAIN, TLS, PLAIN, TLS, BASIC)
WAYS = "2 of 5 by NTLM over HTTP, 2 by NTLM over TLS, 1 by Basic over TLS"

#: Of those that are not complete with their name alone.
_TEXTS = {
    Fault.STATUS: "status:503",
    Fault.SECOND_LEG: "second_leg:503",
    Fault.WSMAN: "wsman:2150859173",
    Fault.WMI: "wmi:2150859173",
    Fault.CLOSE: "close@Create",
}
#: Of those that not everybody can have.
_BEFALLS = {
    **dict.fromkeys(
        (Fault.EXPIRED, Fault.WRONG_NAME, Fault.SELF_SIGNED, Fault.UNKNOWN_AUTHORITY), (TLS, BASIC)
    ),
    **dict.fromkeys(
        (Fault.NO_TOKEN, Fault.JUNK_TOKEN, Fault.SECOND_LEG, Fault.ONLY_BASIC, Fault.CLOSE),
        (PLAIN, TLS),
    ),
}
_MENDED = {"faults": "", "think_seconds": "0", "trouble": "none", "calls_itself": "none"}


@dataclass(frozen=True, slots=True)
class Day:
    """A kind of bad day: something is changed at a server, or it is asked otherwise than usual."""

    kind: str
    changes: dict[str, str]
    befalls: Collection[Listener] = EVERYBODY
    asked: Callable[[Asked], Asked] = lambda asked: asked


def _days() -> list[Day]:
    on_the_wire = [
        Day(fault, {"faults": _TEXTS.get(fault, fault)}, _BEFALLS.get(fault, EVERYBODY))
        for fault in Fault
    ]
    return [
        *on_the_wire,
        Day("endless", {"think_seconds": "3600"}),
        Day("dhcp_down", {"trouble": "service_stopped"}),
        Day("wmi_denied", {"trouble": "wmi_denied"}),
        Day("wrong_host", {"calls_itself": "another.corp.example"}),
        Day("wrong_password", {}, asked=_with_wrong_password),
        Day("no_address", {}, asked=_by_a_name_without_address),
    ]


def _with_wrong_password(asked: Asked) -> Asked:
    """Under a credential of its own: nothing but this gets in the way of the usual one."""
    return replace(asked, credential="stale", password="of last year")  # noqa: S106 - it is wrong


def _by_a_name_without_address(asked: Asked) -> Asked:
    """No resolver is asked: a label has 63 characters at most."""
    return replace(asked, url=asked.url.replace("127.0.0.1", f"{'a' * 64}.example"))


def run(report: Report) -> None:
    """Print every round, then what the client holds after the last ones against the fifth."""
    report.head(
        f"bad days: {ROUNDS} rounds over {SERVERS} servers ({WAYS}), {STRUCK} of them with "
        f"each kind of fault in turn; {THREADS} threads, {LIMITS.deadline_seconds:g} s a poll, "
        "one process, one arena of memory"
    )
    fleet = made(SERVERS)
    listeners = {
        server.name: LISTENERS[number % len(LISTENERS)]
        for number, server in enumerate(fleet.servers)
    }
    with TemporaryDirectory() as directory, RunningFleet(fleet, listeners) as running:
        with client(running.write_authority(Path(directory))) as process:
            figures = _rounds(report, running, process)
        left_open = running.simulator.open_shells()  # those without an id idled out long ago
    _verdict(report, figures)
    report.at_most("shells left open on the servers", left_open, 0, "shells")


def _rounds(report: Report, running: RunningFleet, process: Client) -> list[Figures]:
    days = _days()
    figures: list[Figures] = []
    unread = 0
    for number in range(ROUNDS):
        day = days[number % len(days)]
        struck = _struck(running, day, number)
        for name in struck:
            running.change(name, day.changes)
        figures.append(process.round(_asked(running, day, struck)))
        for name in struck:
            running.change(name, _MENDED)
        outcomes = figures[-1].outcomes
        bad = Counter(what for name, what in outcomes.items() if name in struck)
        good = Counter(what for name, what in outcomes.items() if name not in struck)
        unread += SERVERS - STRUCK - good[READ]
        report.line(_line(number + 1, day, bad, good, figures[-1]))
    report.at_most("servers without a fault that were not read", unread, 0, "servers")
    return figures


def _struck(running: RunningFleet, day: Day, number: int) -> frozenset[str]:
    """Others in each round, so that every server has its bad days."""
    names = [s.name for s in running.fleet.servers if running.listener(s.name) in day.befalls]
    return frozenset(names[(number * STRUCK + place) % len(names)] for place in range(STRUCK))


def _asked(running: RunningFleet, day: Day, struck: Collection[str]) -> list[Asked]:
    usual = [
        Asked(
            name=server.name,
            url=running.station(server.name).url,
            transport=running.listener(server.name).logon,
            username=running.account.username,
            password=running.account.password,
            credential="corp",
        )
        for server in running.fleet.servers
    ]
    return [day.asked(each) if each.name in struck else each for each in usual]


def _line(number: int, day: Day, bad: Counter[str], good: Counter[str], figures: Figures) -> str:
    return (
        f"round {number}: {day.kind}: {_counted(bad)}; others: {_counted(good)}; "
        f"seconds={figures.seconds:.2f}  megabytes={figures.megabytes:.2f}  "
        f"blocks={figures.blocks}  threads={figures.threads}  sockets={figures.sockets}  "
        f"files={figures.files}"
    )


def _counted(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())


def _verdict(report: Report, figures: Sequence[Figures]) -> None:
    settled, later, last = figures[SETTLED - 1], figures[SETTLED:], figures[-1]
    since = f"after round {SETTLED}"
    for what, before, most in (
        ("threads", settled.threads, max(each.threads for each in later)),
        ("sockets", settled.sockets, max(each.sockets for each in later)),
        ("files", settled.files, max(each.files for each in later)),
    ):
        report.at_most(f"{what} {since} {before}, {what} later at most", most, before, what)
    report.ratio(
        f"resident memory at the end / {since}, MB",
        last.megabytes,
        settled.megabytes,
        RESIDENT_LIMIT,
    )
    report.ratio(
        f"blocks of memory at the end / {since}", last.blocks, settled.blocks, BLOCKS_LIMIT
    )
