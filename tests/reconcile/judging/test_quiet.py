"""The short way through the judgement says nothing else than the long way."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.machines import by_machine
from reconcile.evidence.pairing import pairs
from reconcile.evidence.witness import Witnesses
from reconcile.judging.judge import judge_fully
from reconcile.judging.quiet import is_unchanged
from reconcile.model.names import NameMap
from reconcile.model.nouns import Alias, Mode, Provenance, ServerRole, ServerType, State, Story
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, nets

ODDITIES: dict[str, list[object]] = {
    "mclt_seconds": [3600, 7200],
    "mode": [Mode.LOAD_BALANCE, Mode.HOT_STANDBY, None],
    "state": [State.NORMAL, State.PARTNER_DOWN, State.UNKNOWN],
    "scopes": [nets("10.1.0.0", "10.1.1.0"), nets("10.1.0.0"), frozenset()],
    "load_balance_percent": [50, 70, 30, None],
    "reserve_percent": [None, 5],
    "server_type": [ServerType.PRIMARY, ServerType.SECONDARY, None],
    "server_role": [None, ServerRole.ACTIVE],
    "primary_name": ["dhcp01.corp.example", "DHCP01", None],
    "secondary_ip": ["10.0.0.12", "10.0.0.99", None],
    "partner": ["dhcp01.corp.example", "dhcp02.corp.example", "nobody", "dhcp03.corp.example"],
    "unknown_values": [(), (("State", "Paused"),)],
    "enable_auth": [True, False],
}


@st.composite
def stories(draw: st.DrawFn, story: Story) -> Story:
    """A story with up to two properties that differ from the plain one."""
    names = draw(st.lists(st.sampled_from(sorted(ODDITIES)), max_size=2, unique=True))
    return replace(story, **{n: draw(st.sampled_from(ODDITIES[n])) for n in names})  # type: ignore[arg-type]  # each value fits its property


@given(st.data())
def test_what_is_quiet_is_agreement_without_need_or_finding(data: st.DataObject) -> None:
    """Wherever the short way answers, the long way answers the same."""
    plain = both()
    stored = tuple(data.draw(stories(s)) for s in plain)
    ipam = Ipam()
    ipam.run({HUB: [stored[0]], SPOKE: [stored[1]]})
    told = tuple(data.draw(stories(s)) for s in stored)
    renamed = data.draw(st.booleans())
    if renamed:
        alias = Alias("nobody", Provenance.PERSON)
        ipam.servers = (HUB, replace(SPOKE, aliases=(alias,)), OTHER)
    sightings = ipam.read({HUB: [told[0]], SPOKE: [told[1]]})
    names = NameMap(ipam.servers)
    inputs = JudgementInput(
        servers={s.id: s for s in ipam.servers},
        names=names,
        names_before=names,
        machines=by_machine(ipam.servers),
        sightings=sightings,
        previous=ipam.previous,
        records=tuple(ipam.records.values()),
        now=ipam.now,
    )
    witnesses = Witnesses(inputs)
    for pair in pairs(inputs, witnesses):
        if is_unchanged(pair, inputs):
            long = judge_fully(pair, inputs, witnesses, (), ())
            assert (long.needs, long.findings, long.agreed) == ((), (), True)


def test_a_plain_pair_is_quiet() -> None:
    """The short way is really taken."""
    ipam = Ipam()
    one, two = both()
    ipam.run({HUB: [one], SPOKE: [two]})
    sightings = ipam.read({HUB: [one], SPOKE: [two]})
    names = NameMap(ipam.servers)
    inputs = JudgementInput(
        servers={s.id: s for s in ipam.servers},
        names=names,
        names_before=names,
        machines=by_machine(ipam.servers),
        sightings=sightings,
        previous=ipam.previous,
        records=tuple(ipam.records.values()),
        now=ipam.now,
    )
    (pair,) = pairs(inputs, Witnesses(inputs))
    assert is_unchanged(pair, inputs)
