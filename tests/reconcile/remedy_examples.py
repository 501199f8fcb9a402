"""Remedies of every kind, for ordinary names and for names that somebody made up to do harm.

``rendered_commands`` and ``rendered_own_commands`` are every command that these remedies print.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from reconcile.kinds.remedy import build_remedy
from reconcile.kinds.spec import KindSpec, Subject
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import State
from reconcile.remedies.command import CommandShell
from reconcile.remedies.model import Facts, Remedy

ONE, OTHER = "dhcp01.corp.example", "dhcp02.corp.example"

#: Names that a remedy prints in a command.
HOSTILE: Final = (
    "HQ",
    "it's",
    "\u2018\u2019\u201a\u201b",
    "a\u2019; Remove-DhcpServerv4Failover -Name \u2019HQ",
    "'; Stop-Service DHCPServer; '",
    '"$(calc)"',
    "`whoami`",
    "a;b|c&d>e",
    "$env:PATH",
    "-WhatIf",
    "--all",
    "\u2013Force",
    "@splat",
    "#comment",
    "a b",
    "\\\\host\\n\\",
    "%PATH%!x^",
    "\u2603 \U0001f600",
    "\u05d0\u05d1",
    "x" * 256,
    "'" * 256,
)
#: Names that no command contains.
UNCOPYABLE: Final = (
    "a\nRemove-Item x",
    "a\rb",
    "a\u2028b",
    "a\x00b",
    "a\x1b[31m",
    "a\ud800b",
    "a\u202eb",
    "a\u0085b",
    "a  b",
    " xyz",
    "xyz ",
    "a\u00a0b",
    "\ufeffa",
    "x" * 257,
)


def examples(name: str = "HQ", one: str = ONE, other: str = OTHER) -> Iterator[Facts]:
    """Yield facts of every kind, and of every form that a remedy of the kind has."""
    forms = tuple(_forms(name, one, other))
    yield from forms
    special = {facts.kind for facts in forms}
    yield from (
        example_of(spec, name, one, other) for kind, spec in KINDS.items() if kind not in special
    )


def example_of(spec: KindSpec[...], name: str = "HQ", one: str = ONE, other: str = OTHER) -> Facts:
    """Return facts of a kind as its subject asks for, without values."""
    facts = Facts(spec.kind, 7, None, ())
    match spec.subject:
        case Subject.RELATIONSHIP:
            return replace(facts, relationship=name, servers=(one, other))
        case Subject.SERVER:
            return replace(facts, servers=(one,))
        case Subject.TWO_SERVERS:
            return replace(facts, servers=(one, other))
        case Subject.CREDENTIAL | Subject.CHANNEL:
            return replace(facts, about=name)
        case Subject.EVERYTHING:
            return facts


def _forms(name: str, one: str, other: str) -> Iterator[Facts]:
    """Yield facts of the kinds whose remedy depends on more than the names."""
    yield from _mismatches(name, one, other)
    yield from _sides(name, one, other)
    both = (one, other)
    for state in State:
        yield Facts(Kind.STATE_NOT_NORMAL, 7, name, both, grade=state)
    yield Facts(Kind.EMPTY_READ_UNCONFIRMED, 7, name, both)
    yield Facts(Kind.EMPTY_READ_UNCONFIRMED, 7, None, (one,))
    yield Facts(Kind.RELATIONSHIP_EMPTY, 7, name, both)
    yield Facts(Kind.RELATIONSHIP_EMPTY, 7, name, (one,))
    yield Facts(Kind.UNKNOWN_VALUE, 7, name, (one,), (("Mode", ((one, "Odd"),)),))
    records = ((name, (("record", "3"), ("kept", "2"))),)
    yield Facts(Kind.DUPLICATE_RELATIONSHIP, 7, name, both)
    yield Facts(Kind.DUPLICATE_RELATIONSHIP, 7, name, both, records)
    yield Facts(Kind.CLOCK_SKEW, 7, None, (one,))
    yield Facts(Kind.CLOCK_SKEW, 7, None, both)
    yield from _decisions(name, one, other)


def _mismatches(name: str, one: str, other: str) -> Iterator[Facts]:
    def differ(*values: tuple[str, str, str]) -> Facts:
        said = tuple((what, ((one, a), (other, b))) for what, a, b in values)
        return Facts(Kind.PARTNER_MISMATCH, 7, name, (one, other), said)

    yield differ(("MCLT", "PT1H", "P1DT2H"))
    yield differ(("StateSwitchInterval", "PT1H", "PT30M"))
    yield differ(
        ("AutoStateTransition", "true", "false"), ("StateSwitchInterval", "PT1H", "nothing")
    )
    yield differ(("AutoStateTransition", "true", "false"))
    yield differ(("SharedSecretEnabled", "true", "false"))
    yield differ(("Mode", "LoadBalance", "HotStandby"))
    yield differ(("Server1Percentage", "70", "60"))
    reserve = (("Server1Percentage", ((one, "5"), (other, "10"))),)
    stored = {"Mode": "HotStandby"}
    yield Facts(Kind.PARTNER_MISMATCH, 7, name, (one, other), reserve, stored=stored)


def _sides(name: str, one: str, other: str) -> Iterator[Facts]:
    both = (one, other)
    for word in ("was read without it", "tells it with another partner", "was retired by a person"):
        said = ((name, ((one, "tells it"), (other, word))),)
        yield Facts(Kind.ONE_SIDED, 7, name, both, said)
    scopes = tuple(
        (f"10.0.{n}.0", ((one, "tells it"), (other, "does not tell it"))) for n in range(5)
    )
    yield Facts(Kind.SCOPE_ONE_SIDED, 7, name, both, scopes)
    silent = ((name, ((one, "was read without it"), (other, "was not read"))),)
    yield Facts(Kind.ABSENCE_UNVERIFIED, 7, name, both, silent)


def _decisions(name: str, one: str, other: str) -> Iterator[Facts]:
    both = (one, other)
    change = (("MCLT", (("IPAM", "PT1H"), ("servers", "PT2H"))),)
    yield Facts(Kind.CHANGE_WAITS, 7, name, both, change)
    removal = ((name, (("IPAM", "has it"), ("servers", "do not tell it"))),)
    yield Facts(Kind.CHANGE_WAITS, 7, name, both, removal)
    yield Facts(Kind.CHANGE_WAITS, 7, None, (), about="FailoverCreate")
    held = ((f"{name} on {one}", (("10.0.0.0", "held"),)),)
    yield Facts(Kind.BLOCKED, 7, name, both, held)
    yield Facts(Kind.UNMAPPED_NAME, 7, name, (one,), ((name, ((one, name),)),))
    could_be = ((name, ((one, "candidate"), (other, "candidate"))),)
    yield Facts(Kind.AMBIGUOUS_NAME, 7, name, (one,), could_be)


def commands_for(finding: Finding, *servers: str) -> list[str]:
    """Return the commands of a finding's remedy; ``servers`` are the names of its servers."""
    facts = Facts(
        finding.kind,
        None,
        finding.relationship,
        servers,
        finding.values,
        finding.grade,
        finding.about,
    )
    return [command.text for command in build_remedy(facts).commands]


def remedies() -> Iterator[Remedy]:
    """Yield a remedy for each example, with ordinary and with hostile names."""
    yield from map(build_remedy, examples())
    for name in HOSTILE:
        yield from map(build_remedy, examples(name))
        yield from map(build_remedy, examples(name, name, f"{name[:250]}.b"))


def _commands(shell: CommandShell) -> list[str]:
    found = (c.text for r in remedies() for c in r.commands if c.shell is shell)
    return list(dict.fromkeys(found))


def rendered_commands() -> list[str]:
    """Return every PowerShell command of the examples, each once."""
    return _commands(CommandShell.POWERSHELL)


def rendered_own_commands() -> list[str]:
    """Return every ``ipam-sync`` command of the examples, each once."""
    return _commands(CommandShell.POSIX)
