"""Remedies for partners that report different values of a property."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from reconcile.model.finding_words import PERCENTAGE
from reconcile.model.findings import Testimony
from reconcile.model.formatting import span
from reconcile.model.nouns import Mode
from reconcile.remedies.common import on_servers, only, read_relationship
from reconcile.remedies.model import Facts, Option, RemedyStep
from reconcile.remedies.powershell import Argument, cmdlet, duration_of, typed_secret

#: A percentage above this is no share, so no command sets it.
_MOST: Final = 100
#: Both partners must report a value before a choice between them is offered.
_PARTNERS: Final = 2
_Arguments: TypeAlias = Mapping[str, Argument]
#: Turns a server and its value into the parameters that set this value; None: no safe command.
_Setting: TypeAlias = Callable[[str, str], _Arguments | None]


def partner_mismatch(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps that make both partners equal, property by property."""
    if len(facts.servers) != _PARTNERS:
        return only(f"Read {facts.name} on both partners and compare.", *read_relationship(facts))
    first_step = RemedyStep(
        f"Read {facts.name} on {on_servers(facts)} now. Go on only if both answer, both are in "
        "state Normal, and the values still differ.",
        read_relationship(facts),
    )
    return (first_step, *_steps(facts))


def _steps(facts: Facts) -> Iterator[RemedyStep]:
    reports = {name: dict(words) for name, words in facts.values}
    for testimony in facts.values:
        match testimony[0]:
            case "MCLT":
                yield _choice(facts, testimony, _lead_time)
            case "AutoStateTransition":
                yield _automatic(facts, testimony, reports.get("StateSwitchInterval", {}))
            case "StateSwitchInterval":
                if "AutoStateTransition" not in reports:
                    yield _choice(facts, testimony, _interval)
            case "SharedSecretEnabled":
                yield _secret(facts)
            case "Mode":
                yield _mode(facts)
            case name if name == PERCENTAGE:
                yield _percentage(facts, testimony)
            case _:
                yield _no_command(facts, testimony)


def _lead_time(_server: str, value: str) -> _Arguments | None:
    duration = duration_of(value)
    return {"MaxClientLeadTime": duration} if duration else None  # Windows has none of 0


def _interval(_server: str, value: str) -> _Arguments | None:
    """An interval switches automatic transition on, so the command says so."""
    duration = duration_of(value)
    if not duration:
        return None
    return {"AutoStateTransition": True, "StateSwitchInterval": duration}


def _reserve(_server: str, value: str) -> _Arguments | None:
    is_percent = value.isascii() and value.isdigit() and int(value) <= _MOST
    return {"ReservePercent": int(value)} if is_percent else None


def _automatic(facts: Facts, said: Testimony, intervals: Mapping[str, str]) -> RemedyStep:
    def setting(server: str, value: str) -> _Arguments | None:
        if value == "false":
            return {"AutoStateTransition": False}
        return _interval(server, intervals.get(server, ""))

    return _choice(facts, said, setting)


def _percentage(facts: Facts, said: Testimony) -> RemedyStep:
    if facts.stored.get("Mode") == Mode.HOT_STANDBY:
        step = _choice(facts, ("ReservePercent", said[1]), _reserve)
        # The stored mode may be older than the reading: a load balance share must not become a reserve.
        return replace(step, text=f"Go on only if both show Mode HotStandby. {step.text}")
    return RemedyStep(
        f"Compare the load balance percentage of {facts.name} on both partners. There is no safe "
        "command: the number is the share of the server that is named, and the secondary may "
        "report either share."
    )


def _secret(facts: Facts) -> RemedyStep:
    return RemedyStep(
        f"Set the same shared secret for {facts.name} on each partner, at its own console: the "
        f"secret would travel in clear text. {on_servers(facts)} lose contact until both have it. To "
        "switch authentication off there is no safe command.",
        (typed_secret(facts.name),),
    )


def _mode(facts: Facts) -> RemedyStep:
    return RemedyStep(
        f"Plan a change window to make the mode of {facts.name} equal. There is no safe command: "
        "Set-DhcpServerv4Failover cannot choose which server becomes active."
    )


def _no_command(facts: Facts, said: Testimony) -> RemedyStep:
    return RemedyStep(
        f"Compare {said[0]} of {facts.name} on both partners. There is no safe command."
    )


def _choice(facts: Facts, said: Testimony, setting: _Setting) -> RemedyStep:
    """Build both commands, one for each partner that may be right."""
    name, words = said
    if len(words) != _PARTNERS:
        return _no_command(facts, said)
    options = []
    for (right, value), (wrong, other_server) in (words, words[::-1]):
        arguments = setting(right, value)
        if arguments is None:
            return _no_command(facts, said)
        options.append(
            Option(
                f"If {right} ({_shown(value)}) is right, change {wrong}.",
                cmdlet(
                    "Set-DhcpServerv4Failover", ComputerName=wrong, Name=facts.name, **arguments
                ),
                f"This replaces {_shown(other_server)} there.",
            )
        )
    return RemedyStep(
        f"Decide which {name} of {facts.name} is right, then run one:", (), tuple(options)
    )


def _shown(value: str) -> str:
    duration = duration_of(value)
    return value if duration is None else span(duration)
