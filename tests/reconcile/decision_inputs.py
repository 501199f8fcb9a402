"""The fleet behind docs/explanation/decisions.md, and what a run did in its words; used by ``decision_rows``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from reconcile.findings.drift import drift
from reconcile.model.findings import Finding
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation, Scope, Seen, Server, Story
from reconcile.model.record import Hold, Planned
from reconcile.planning.plan import Plan
from tests.reconcile.decision_page import Row
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, net, told_by

A, B, C = HUB, SPOKE, OTHER
D = Server(4, "dhcp04.corp.example", ("10.0.0.14",))
HOURS: Final = 3600
NAME: Final = "HQ"

Told = dict[Server, list[Story] | None]
Word = Story | None | str


def scopes(digits: str) -> frozenset[Scope]:
    """``"1 2"`` or ``"none"``."""
    if digits == "none":
        return frozenset()
    assert all(d in "1234" for d in digits.split()), f"no scopes: {digits!r}"
    return frozenset(net(f"10.1.{d}.0") for d in digits.split())


def digits(planned: tuple[Scope, ...]) -> str:
    return " ".join(str(s >> 8 & 255) for s in planned)


def story(side: Server, hours: float = 1, has: str = "1 2", **values: object) -> Story:
    """The relationship HQ as ``A`` (primary) or ``B`` tells it."""
    values = {"mclt_seconds": int(hours * HOURS), "scopes": scopes(has), **values}
    partner = B if side is A else A
    return told_by(side, partner, NAME, primary=side is A, **values)


def managed(servers: tuple[Server, ...], side: Server) -> bool:
    """True if IPAM has the server (it may have learnt more about it by now)."""
    return any(s.id == side.id for s in servers)


def others(servers: tuple[Server, ...]) -> Told:
    """Each of A and B has another relationship with C; C is always read."""
    told: Told = {C: []}
    for side, name in ((A, "KeepA"), (B, "KeepB")):
        if managed(servers, side):
            one, two = both(side, C, name=name, scopes=frozenset())
            told[side] = [one]
            told[C] = [*(told[C] or ()), two]
    return told


def saying(servers: tuple[Server, ...], words: dict[Server, Word]) -> Told:
    """Readings of A and B: a story, None for read without it, ``"unread"``; others have theirs."""
    told = others(servers)
    for side, word in words.items():
        if not managed(servers, side):
            continue
        if word == "unread":
            told[side] = None
        elif isinstance(word, Story):
            told[side] = [*(told[side] or ()), word]
        else:
            assert word is None, f"no reading: {word!r}"
    return told


def fleet(*missing: Server) -> Ipam:
    return Ipam(servers=tuple(s for s in (A, B, C, D) if s not in missing))


# --- what happened


@dataclass(frozen=True)
class Outcome:
    """What a run did about HQ, in the words of the page."""

    operations: list[str]
    findings: list[str]
    evidence: set[str]


def outcome(
    ipam: Ipam, told: Told, *, show_scopes: bool = False, record: int | None = None
) -> Outcome:
    """Judge and put what concerns HQ into words (only record ``record`` if given)."""
    plan = ipam.plan(told)
    needs = [n for n in plan.needs if is_about_hq(n.planned, record)]
    lines = []
    for need in needs:
        mark = "" if need.entry is None else "kept " if need.confirmed else "waiting "
        held = " held" if need.planned.hold is Hold.ONE_WITNESS else ""
        lines.append(mark + worded(need.planned, show_scopes) + held)
    gone = [ipam.entries[n].planned for n in plan.superseded]
    lines += [f"superseded {worded(p, show_scopes)}" for p in gone if is_about_hq(p, record)]
    confirmed = [n.planned.evidence for n in needs if n.entry is None or n.confirmed]
    return Outcome(sorted(lines), opened(ipam, plan, record), set(map(str, confirmed)))


def is_about_hq(planned: Planned, record: int | None) -> bool:
    if fold_relationship(planned.relationship) != fold_relationship(NAME):
        return False
    return record is None or planned.record == record


def worded(planned: Planned, show_scopes: bool) -> str:
    inside = ""
    match planned.operation:
        case Operation.UPDATE:
            inside = " ".join(c.property for c in planned.changes)
        case Operation.ADD_SCOPES | Operation.REMOVE_SCOPES:
            inside = digits(planned.scopes)
        case Operation.CREATE:
            known = {c.property for c in planned.changes}
            inside = "" if "MCLT" in known else "MCLT empty"
            inside = inside or (digits(planned.scopes) if show_scopes else "")
        case Operation.DELETE:
            pass
    return f"{planned.operation}({inside})" if inside else str(planned.operation)


LETTERS: Final = {A.id: "A", B.id: "B", C.id: "C", D.id: "D"}


def opened(ipam: Ipam, plan: Plan, record: int | None) -> list[str]:
    """Findings open after the run about HQ or a server."""
    now = drift(plan.findings, ipam.findings.values(), plan.judged).now
    about = [f for f in now if f.relationship in (NAME, None) and not {C.id, D.id} & set(f.servers)]
    if record is not None:
        about = [f for f in about if f.kind != "blocked"]
    return sorted(labelled(f) for f in about)


def labelled(finding: Finding) -> str:
    who = [LETTERS[s] for s in finding.servers]
    return f"{finding.kind}({who[0]})" if len(who) == 1 else str(finding.kind)


def expected(cell: str) -> list[str]:
    return [] if cell == "-" else sorted(part.strip() for part in cell.split(","))


def check(
    row: Row, ipam: Ipam, told: Told, *, show_scopes: bool = False, record: int | None = None
) -> None:
    """The row's expectations hold; without an operation, the evidence is that of a probe."""
    assert row["evidence"] in ("both", "one_side", "-"), f"{row}: evidence"
    for operation in expected(row["operations"]):
        assert any(str(o) in operation for o in Operation), f"{row}: {operation}"
    found = outcome(ipam, told, show_scopes=show_scopes, record=record)
    assert found.operations == expected(row["operations"]), str(row)
    assert found.findings == expected(row["findings"]), str(row)
    evidence = found.evidence or probed(ipam, told, record)
    assert evidence == ({row["evidence"]} - {"-"}), str(row)


def probed(ipam: Ipam, told: Told, record: int | None) -> set[str]:
    """The evidence of an undisputed change that everybody who tells HQ tells as well."""
    changed: Told = {
        server: None if stories is None else [_probe(s) for s in stories]
        for server, stories in told.items()
    }
    silent = {k: _probed_reading(v) for k, v in ipam.previous.items() if told_nothing(told, k)}
    plan = replace(ipam, previous=ipam.previous | silent).plan(changed)
    return {
        str(n.planned.evidence)
        for n in plan.needs
        if n.entry is None
        and is_about_hq(n.planned, record)
        and any(c.property == "SharedSecretEnabled" for c in n.planned.changes)
    }


def told_nothing(told: Told, server: int) -> bool:
    """True for a server without a reading in this run: its latest one agrees with the probe."""
    return all(s.id != server or stories is None for s, stories in told.items())


def _probed_reading(seen: Seen) -> Seen:
    return replace(seen, stories=tuple(_probe(s) for s in seen.stories))


def _probe(told: Story) -> Story:
    return replace(told, enable_auth=False) if told.name == NAME else told
