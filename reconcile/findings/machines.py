"""Problems of the machines behind the servers' names: replaced, doubled, clocks, scopes (rule R1).

Exports report no machine, so nothing follows from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.machines import machine_of
from reconcile.evidence.witness import Witnesses
from reconcile.kinds.decisions import CREDENTIAL_SUSPENDED
from reconcile.kinds.servers import (
    CLOCK_SKEW,
    DUPLICATE_SERVER,
    SCOPE_WITHOUT_FAILOVER,
    SERVER_REPLACED,
)
from reconcile.kinds.spec import Detail
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Finding, Kind
from reconcile.model.formatting import dotted, listed
from reconcile.model.names import Known
from reconcile.model.nouns import Seen

#: So many scopes are named in a finding; of more, the number.
_SCOPES_NAMED = 20


def machine_findings(
    inputs: JudgementInput, witnesses: Witnesses, doubles: Mapping[int, int]
) -> Iterator[Finding]:
    """Yield the findings about machines, and about the credentials that they are read with."""
    for double, speaker in sorted(doubles.items()):
        yield _duplicate(inputs, double, speaker)
    for server, sighting in sorted(inputs.sightings.items()):
        if isinstance(sighting, Seen):
            if inputs.replaced(server):
                yield _replaced(inputs, sighting)
            yield from _alone(inputs, sighting)
    yield from _skewed(inputs, witnesses)
    for name in inputs.suspended:
        yield Finding(
            Kind.CREDENTIAL_SUSPENDED,
            None,
            (),
            CREDENTIAL_SUSPENDED.sentence(name),
            about=name,
        )


def unsaid(inputs: JudgementInput) -> Mapping[Kind, frozenset[int]]:
    """Return, by kind, the servers whose reading lacks the part that the kind rests on."""
    readings = [s for s in inputs.sightings.values() if isinstance(s, Seen)]
    without = {
        Detail.MACHINE_ID: frozenset(s.server for s in readings if machine_of(s) is None),
        Detail.CLOCK: frozenset(s.server for s in readings if s.clock_offset_seconds is None),
        Detail.SCOPES: frozenset(s.server for s in readings if s.scopes is None),
    }
    return {
        kind: without[spec.rests_on] for kind, spec in KINDS.items() if spec.rests_on is not None
    }


def _duplicate(inputs: JudgementInput, double: int, speaker: int) -> Finding:
    return Finding(
        Kind.DUPLICATE_SERVER,
        None,
        (speaker, double),
        DUPLICATE_SERVER.sentence(inputs.name(speaker), inputs.name(double)),
    )


def _replaced(inputs: JudgementInput, seen: Seen) -> Finding:
    name, machine = inputs.name(seen.server), inputs.servers[seen.server].machine_id
    return Finding(
        Kind.SERVER_REPLACED,
        None,
        (seen.server,),
        SERVER_REPLACED.sentence(name),
        (("machine id", (("IPAM", str(machine)), (name, str(machine_of(seen))))),),
    )


def _alone(inputs: JudgementInput, seen: Seen) -> Iterator[Finding]:
    served = {scope for story in seen.stories for scope in story.scopes}
    lone_scopes = sorted(s.scope for s in seen.scopes or () if s.active and s.scope not in served)
    if not lone_scopes:
        return
    name = inputs.name(seen.server)
    scope_list = listed((dotted(scope) for scope in lone_scopes), most=_SCOPES_NAMED)
    yield Finding(
        Kind.SCOPE_WITHOUT_FAILOVER,
        None,
        (seen.server,),
        SCOPE_WITHOUT_FAILOVER.sentence(name, scope_list),
        (("scopes", ((name, scope_list),)),),
    )


def _skewed(inputs: JudgementInput, witnesses: Witnesses) -> Iterator[Finding]:
    """Yield a finding for each clock that is off, and for partners whose clocks differ too much."""
    offsets = {
        s.server: s.clock_offset_seconds
        for s in inputs.sightings.values()
        if isinstance(s, Seen) and s.clock_offset_seconds is not None
    }
    limit = inputs.rules.clock_skew_seconds
    wrong = {server for server, offset in offsets.items() if abs(offset) > limit}
    for server in sorted(wrong):
        yield Finding(
            Kind.CLOCK_SKEW,
            None,
            (server,),
            CLOCK_SKEW.sentence((inputs.name(server),), offsets[server]),
        )
    for first_server, second_server in sorted(_partners(witnesses)):
        are_measured = (
            first_server in offsets
            and second_server in offsets
            and not wrong & {first_server, second_server}
        )
        if are_measured and abs(offsets[first_server] - offsets[second_server]) > limit:
            yield Finding(
                Kind.CLOCK_SKEW,
                None,
                (first_server, second_server),
                CLOCK_SKEW.sentence(
                    (inputs.name(first_server), inputs.name(second_server)),
                    offsets[first_server] - offsets[second_server],
                ),
            )


def _partners(witnesses: Witnesses) -> set[tuple[int, int]]:
    return {
        (min(server, partner.server), max(server, partner.server))
        for (server, _), partner in witnesses.partners.items()
        if isinstance(partner, Known)
    }
