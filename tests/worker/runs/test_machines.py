"""Runs remember which machine a server is, on a real store (R1); the rules are the core's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from typing_extensions import override

from reconcile.model.findings import Kind
from reconcile.model.nouns import Identity, Operation, Provenance, Seen, Server, Unseen
from tests.reconcile.fleet import HUB, OTHER, SPOKE, nets, told_by
from tests.worker.fleet import RUN_TABLES, Fleet, Site
from tests.worker.store.sql_counter import counted
from worker.store.unit_of_work import Store

KEPT = "kept"


@dataclass
class Machines(Fleet):
    """``identities`` is who answers for a server; one that is not in it does not say."""

    identities: dict[str, Identity] = field(default_factory=dict)

    @override
    def look(
        self, servers: Iterable[Server], clock: Callable[[], datetime]
    ) -> Iterator[Seen | Unseen]:
        listed = list(servers)
        names = {server.id: server.name for server in listed}
        for sighting in super().look(listed, clock):
            own = self.identities.get(names[sighting.server])
            yield replace(sighting, identity=own) if isinstance(sighting, Seen) else sighting


@pytest.fixture
def fleet() -> Machines:
    """Each server on a machine of its own."""
    return Machines(
        identities={s.name: Identity(dns_name=s.name, machine_id=f"m{s.id}") for s in (HUB, SPOKE)}
    )


@pytest.fixture
def site(store: Store, fleet: Machines) -> Site:
    """Two servers with two relationships, never read yet."""
    site = Site(store, fleet).servers(HUB, SPOKE)
    site.tell(HUB, SPOKE)
    site.tell(HUB, SPOKE, KEPT, scopes=nets("10.9.0.0"))
    return site


def server(site: Site, wanted: Server) -> Server:
    with site.store.read() as reading:
        (found,) = (s for s in reading.inventory.servers() if s.name == wanted.name)
    return found


def replace_hub(site: Site, fleet: Machines) -> None:
    """Installed anew: another machine, which has only the relationship that is kept."""
    fleet.identities[HUB.name] = Identity(dns_name=HUB.name, machine_id="new")
    for name in (HUB.name, SPOKE.name):
        told = site.fleet.stories[name] or []
        site.fleet.stories[name] = [story for story in told if story.name == KEPT]


def kinds(site_run: object) -> set[Kind]:
    return {f.kind for f in site_run.findings}  # type: ignore[attr-defined]  # a Summary or a Preview


def test_the_first_machine_that_answers_is_remembered(site: Site) -> None:
    """By a sync, and by no plan; and it is no change that a person made."""
    site.plan()
    assert server(site, HUB).machine_id is None
    before = server(site, HUB).changed_at
    site.sync()
    assert server(site, HUB).machine_id == f"m{HUB.id}"
    assert server(site, HUB).changed_at == before


def test_the_same_machine_again_writes_nothing(site: Site, store: Store) -> None:
    """R10: no row but the run and its sightings."""
    site.sync()
    site.sync()
    with counted(store.engine) as sql:
        site.sync()
    assert {table for table, rows in sql.written.items() if rows} <= RUN_TABLES


def test_another_machine_is_not_remembered_until_a_person_confirms(
    site: Site, fleet: Machines
) -> None:
    """What it lacks removes nothing, run after run; then it is what is true."""
    site.sync()
    replace_hub(site, fleet)
    for _ in range(2):
        summary = site.sync()
        assert kinds(summary) == {Kind.SERVER_REPLACED}
        assert summary.lines == ()
        assert server(site, HUB).machine_id == f"m{HUB.id}"
    with site.store.write() as uow:
        uow.inventory.confirm_machine(server(site, HUB).id, "new")
        uow.commit()
    summary = site.sync()
    assert [line.planned.operation for line in summary.lines] == [Operation.DELETE]
    assert kinds(summary) == set()


def test_one_that_says_no_id_neither_takes_it_away_nor_ends_a_finding(
    site: Site, fleet: Machines
) -> None:
    """The same fleet, exported."""
    site.sync()
    replace_hub(site, fleet)
    site.sync()
    fleet.identities.clear()
    assert kinds(site.sync()) == {Kind.SERVER_REPLACED}
    assert server(site, HUB).machine_id == f"m{HUB.id}"


@pytest.fixture
def twice(site: Site, fleet: Machines) -> Site:
    """The machine of the spoke, a Windows Server 2012, is in the inventory under two names."""
    site.servers(OTHER)
    own = Identity(dns_name=SPOKE.name, machine_id="m2", addresses=("10.44.0.1",))
    fleet.identities |= {SPOKE.name: own, OTHER.name: own}
    nameless = dict.fromkeys(
        ("server_type", "primary_name", "primary_ip", "secondary_name", "secondary_ip")
    )
    site.fleet.stories[HUB.name] = [replace(told_by(HUB, SPOKE), **nameless, partner="10.44.0.1")]  # type: ignore[arg-type]  # all may be None
    for name in (SPOKE.name, OTHER.name):
        site.fleet.stories[name] = [told_by(SPOKE, HUB, **nameless)]  # type: ignore[arg-type]  # all may be None
    return site


def test_a_second_name_of_a_machine_learns_nothing_from_it(twice: Site) -> None:
    """Neither the machine id nor its names and addresses: those are of the one that speaks."""
    assert Kind.DUPLICATE_SERVER in kinds(twice.sync())
    other, spoke = server(twice, OTHER), server(twice, SPOKE)
    assert (other.machine_id, spoke.machine_id) == (None, "m2")
    assert [a for a in other.aliases if a.provenance is Provenance.SELF] == []
    assert "10.44.0.1" in {a.text for a in spoke.aliases}


def test_what_a_machine_calls_itself_is_not_made_ambiguous_by_its_second_name(twice: Site) -> None:
    """The hub knows its partner by an address that only the machine itself told."""
    for _ in range(2):
        assert kinds(twice.sync()) == {Kind.DUPLICATE_SERVER}
    with twice.store.read() as reading:
        (record,) = reading.records.load()
    assert set(record.partners) == {server(twice, HUB).id, server(twice, SPOKE).id}


class TestStore:
    """What is kept of it."""

    def test_the_first_one_stays_whatever_comes_later(self, site: Site) -> None:
        one, two = server(site, HUB).id, server(site, SPOKE).id
        with site.store.write() as uow:
            uow.inventory.remember_machines({one: "first"})
            uow.inventory.remember_machines({one: "second", two: "other"})
            uow.inventory.remember_machines({})
            uow.commit()
        assert (server(site, HUB).machine_id, server(site, SPOKE).machine_id) == ("first", "other")

    def test_a_person_confirms_another_and_that_is_a_change(self, site: Site) -> None:
        """A reading that began before it judges nothing of this server (R1)."""
        key = server(site, HUB).id
        with site.store.write() as uow:
            uow.inventory.remember_machines({key: "first"})
            uow.commit()
        before = server(site, HUB).changed_at
        assert before is not None
        with site.store.write() as uow:
            assert any(uow.now() > before for _ in range(100_000))
            uow.inventory.confirm_machine(key, "second")
            uow.commit()
        after = server(site, HUB)
        assert after.machine_id == "second"
        assert after.changed_at is not None
        assert after.changed_at > before
