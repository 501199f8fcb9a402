"""``server_down`` on a real store: opened, kept and ended when a run closes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.evidence.inputs import Rules
from reconcile.findings.life import Patience
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Server, Standing, State
from tests.reconcile.fleet import HUB, OTHER, SPOKE, nets, told_by
from tests.worker.fleet import Fleet, Site
from tests.worker.store.sql_counter import counted
from worker.config.run_policy import RunPolicy
from worker.inventory.lookup import find_server
from worker.model.maintenance import Window
from worker.model.run_report import RunSummary
from worker.runs.outages import settle_outages
from worker.store.unit_of_work import Store

FAR, AWAY = Server(4, "dhcp04.corp.example"), Server(5, "dhcp05.corp.example")
LOST = State.COMMUNICATIONS_INTERRUPTED
AT_ONCE = RunPolicy(patience=Patience(apart=timedelta(0)))


@pytest.fixture
def site(store: Store) -> Site:
    """A hub with two spokes, and a pair that has nothing to do with it."""
    site = Site(store, Fleet()).servers(HUB, SPOKE, OTHER, FAR, AWAY)
    say(site)
    site.sync()
    return site


def say(site: Site, spoke: State = State.NORMAL, other: State = State.NORMAL) -> None:
    """What all tell, with these states on the side of the spokes."""
    site.forget()
    site.tell(FAR, AWAY, "Far", scopes=nets("10.7.0.0"))
    site.tells(HUB, told_by(HUB, SPOKE), told_by(HUB, OTHER, "Branch", scopes=nets("10.5.0.0")))
    site.tells(SPOKE, told_by(SPOKE, HUB, primary=False, state=spoke))
    branch = told_by(OTHER, HUB, "Branch", primary=False, state=other, scopes=nets("10.5.0.0"))
    site.tells(OTHER, branch)


def outage(site: Site) -> RunSummary:
    """The hub fails; both spokes have lost it."""
    say(site, LOST, State.PARTNER_DOWN)
    site.silence(HUB)
    return site.sync()


def downs(summary: RunSummary) -> list[Finding]:
    return [f for f in summary.findings if f.kind is Kind.SERVER_DOWN]


def is_open(site: Site) -> bool:
    with site.store.read() as reading:
        return bool(reading.findings.unresolved(kinds={Kind.SERVER_DOWN}))


def test_a_server_that_nobody_reaches_is_down_and_its_partners_states_stay_findings(
    site: Site,
) -> None:
    summary = outage(site)
    (finding,) = downs(summary)
    assert [summary.names[s] for s in finding.servers] == [HUB.name]
    told = {(f.kind, f.relationship) for f in summary.findings}
    assert told >= {
        (Kind.SERVER_UNREAD, None),
        (Kind.STATE_NOT_NORMAL, "HQ"),
        (Kind.STATE_NOT_NORMAL, "Branch"),
    }


def test_a_server_that_its_partners_reach_is_only_unread(site: Site) -> None:
    site.silence(HUB)
    summary = site.sync()
    assert {f.kind for f in summary.findings} == {Kind.SERVER_UNREAD}
    say(site, LOST, State.NORMAL)
    site.silence(HUB)
    assert downs(site.sync()) == []
    assert not is_open(site)


def test_it_is_down_in_the_very_first_run_too(store: Store) -> None:
    """What the partners tell is stored by then."""
    site = Site(store, Fleet()).servers(HUB, SPOKE, OTHER, FAR, AWAY)
    assert len(downs(outage(site))) == 1


def test_an_outage_that_goes_on_is_the_same_row(site: Site) -> None:
    """The findings are kept as they are, whatever is heard of it meanwhile (R10)."""
    outage(site)
    with site.store.read() as reading:
        before = reading.findings.unresolved(kinds={Kind.SERVER_DOWN})
    say(site, State.PARTNER_DOWN, State.PARTNER_DOWN)
    site.silence(HUB)
    assert len(downs(site.sync())) == 1
    with site.store.read() as reading:
        assert reading.findings.unresolved(kinds={Kind.SERVER_DOWN}) == before
    with counted(site.store.engine) as sql:
        site.sync()
    assert not sql.written.get("finding")


def test_an_outage_ends_when_the_server_answers(site: Site) -> None:
    outage(site)
    say(site)
    assert downs(site.sync()) == []
    assert not is_open(site)


def test_an_outage_ends_when_a_partner_reaches_it_again_and_it_is_unread_still(site: Site) -> None:
    outage(site)
    say(site)
    site.silence(HUB)
    summary = site.sync()
    assert downs(summary) == []
    assert Kind.SERVER_UNREAD in {f.kind for f in summary.findings}
    assert not is_open(site)


def test_an_outage_goes_on_when_nobody_can_be_read_any_more(site: Site) -> None:
    outage(site)
    site.silence(HUB, SPOKE, OTHER)
    assert len(downs(site.sync())) == 1


def test_what_all_partners_told_too_long_ago_opens_nothing(site: Site) -> None:
    site.run_policy = RunPolicy(rules=Rules(evidence_age=timedelta(0)))
    assert downs(outage(site)) == []


def test_a_run_about_others_leaves_an_outage_as_it_is(site: Site) -> None:
    """It neither ends nor tells it."""
    outage(site)
    assert downs(site.sync(server=FAR.name)) == []
    assert is_open(site)


@pytest.mark.parametrize("state", [LOST, State.NORMAL])
def test_a_run_about_a_partner_judges_it(site: Site, state: State) -> None:
    """Its word may be the one that was missing, or the one that ends it."""
    if state is State.NORMAL:
        outage(site)
    else:
        say(site, LOST)
        site.silence(HUB)
        site.sync()
    say(site, state, state)
    site.silence(HUB)
    site.sync(server=OTHER.name)
    if state is State.NORMAL:
        site.sync(server=SPOKE.name)
    assert is_open(site) is (state is LOST)


def test_an_outage_in_maintenance_stays_what_it_is_until_that_ends(site: Site) -> None:
    outage(site)
    with site.store.write() as uow:
        hub, now = find_server(uow.inventory.servers(), HUB.name).id, uow.now()
        window = uow.maintenance.add(
            Window(0, hub, None, now, now + timedelta(hours=1), "new disks", "ada")
        )
        uow.commit()
    say(site)
    site.silence(HUB)
    assert len(downs(site.sync())) == 1
    with site.store.write() as uow:
        uow.maintenance.end(window, "ada")
        uow.commit()
    assert downs(site.sync()) == []


def test_a_server_that_is_taken_out_is_not_down_any_more(site: Site) -> None:
    outage(site)
    with site.store.write() as uow:
        uow.inventory.set_standing(
            find_server(uow.inventory.servers(), HUB.name).id, Standing.DISABLED
        )
        uow.commit()
    assert Kind.SERVER_DOWN not in {f.kind for f in site.plan().findings}
    assert downs(site.sync()) == []
    assert not is_open(site)


def test_a_plan_tells_an_outage_that_is_known_until_the_server_answers(site: Site) -> None:
    outage(site)
    assert Kind.SERVER_DOWN in {f.kind for f in site.plan().findings}
    say(site)
    assert Kind.SERVER_DOWN not in {f.kind for f in site.plan().findings}


def test_a_plan_foresees_the_outage_that_its_sync_finds(site: Site) -> None:
    say(site, LOST, State.PARTNER_DOWN)
    site.silence(HUB)
    foreseen = [f for f in site.plan().findings if f.kind is Kind.SERVER_DOWN]
    assert not is_open(site), "it writes nothing"
    assert len(foreseen) == 1
    assert downs(site.sync()) == foreseen
    say(site, State.NORMAL, State.PARTNER_DOWN)
    site.silence(HUB)
    assert [f for f in site.plan().findings if f.kind is Kind.SERVER_DOWN] == downs(site.sync())


def test_a_plan_foresees_no_outage_where_partners_still_hear_the_server(site: Site) -> None:
    say(site, LOST, State.NORMAL)
    site.silence(HUB)
    assert Kind.SERVER_DOWN not in {f.kind for f in site.plan().findings}
    assert downs(site.sync()) == []


def test_a_plan_about_one_server_foresees_nothing_of_others(site: Site) -> None:
    """Nor does its sync settle them."""
    outage(site)
    say(site, LOST, State.PARTNER_DOWN)
    site.silence(HUB)
    assert Kind.SERVER_DOWN not in {f.kind for f in site.plan(server=AWAY.name).findings}
    assert downs(site.sync(server=AWAY.name)) == []
    found = [f for f in site.plan(server=SPOKE.name).findings if f.kind is Kind.SERVER_DOWN]
    assert found == downs(site.sync(server=SPOKE.name)) != []


def test_one_that_flaps_and_is_not_there_now_is_not_kept_by_old_words(site: Site) -> None:
    """It is open for some time yet, for people; but what was told too long ago begins nothing."""
    site.run_policy = AT_ONCE
    for _ in range(3):
        outage(site)
        site.sync()
        say(site)
        site.silence(HUB)
        site.sync()
    assert is_open(site)
    site.run_policy = RunPolicy(rules=Rules(evidence_age=timedelta(0)))
    outage(site)
    with site.store.read() as reading:
        (problem,) = reading.findings.unresolved(kinds={Kind.SERVER_DOWN})
    assert problem.life.absent_since is not None


def test_who_settles_learns_what_an_outage_explains(site: Site) -> None:
    run = outage(site).run
    with site.store.write() as uow:
        (found,) = settle_outages(uow, run, None, site.run_policy)
        problems = {p.finding.fingerprint: p.finding for p in uow.findings.unresolved()}
    explained = {(problems[f].kind, problems[f].relationship) for f in found.explains}
    assert explained == {
        (Kind.SERVER_UNREAD, None),
        (Kind.STATE_NOT_NORMAL, "HQ"),
        (Kind.STATE_NOT_NORMAL, "Branch"),
    }


def test_that_it_was_not_read_for_long_is_no_news_of_who_is_down(site: Site) -> None:
    site.run_policy = replace(AT_ONCE, rules=Rules(overdue_after=timedelta(0)))
    outage(site)
    site.sync()
    with site.store.read() as reading:
        explained = {p.finding.kind: p.finding.servers for p in reading.findings.explained()}
        (cause,) = reading.findings.unresolved(kinds={Kind.SERVER_DOWN})
    assert explained[Kind.SERVER_OVERDUE] == cause.finding.servers


def test_what_an_outage_explains_is_marked_until_it_is_over(site: Site) -> None:
    """It stays a row of its own, and is its own problem again when the server answers."""
    site.run_policy = AT_ONCE
    outage(site)
    with site.store.read() as reading:
        assert reading.findings.explained() == (), "nothing is explained by what is not certain yet"
    site.sync()
    with site.store.read() as reading:
        (cause,) = reading.findings.unresolved(kinds={Kind.SERVER_DOWN})
        explained = reading.findings.explained()
    assert {p.finding.kind for p in explained} == {Kind.SERVER_UNREAD, Kind.STATE_NOT_NORMAL}
    assert {p.caused_by for p in explained} == {cause.id}
    site.sync()
    with site.store.read() as reading:
        assert reading.findings.explained() == explained, "and written once"
    say(site)
    site.sync()
    with site.store.read() as reading:
        assert reading.findings.explained() == ()
