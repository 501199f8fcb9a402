"""Who is told by the tags that servers have when something is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconcile.model.findings import Finding
from tests.worker.alerts.delivery.inbox import Inbox
from tests.worker.alerts.delivery.ops import Ops, mismatch
from worker.alerts.rules import AlertRoute, Match
from worker.inventory.admin import set_tags
from worker.inventory.file import InventoryServer
from worker.inventory.importer import import_servers
from worker.model.alerts import NOBODY, Silence
from worker.model.audit import Person

HOUR = timedelta(hours=1)


def tag(ops: Ops, server: int, *tags: str) -> None:
    with ops.store.write() as uow:
        uow.inventory.set_tags(server, tags)
        uow.commit()


def hq(ops: Ops, value: str = "60") -> Finding:
    return mismatch("HQ", *ops.servers[:2], value=value)


def test_a_route_takes_what_is_about_a_server_with_its_tag(ops: Ops) -> None:
    vienna, linz = Inbox("vienna"), Inbox("linz")
    ops.channels = {"vienna": vienna, "linz": linz}
    ops.routes = tuple(AlertRoute(Match(tag=f"site:{name}"), (name,)) for name in ops.channels)
    tag(ops, ops.servers[1], "lab", "site:vienna")
    tag(ops, ops.servers[2], "site:linz")
    ops.see(hq(ops))
    ops.deliverer().deliver()
    assert [alert.tags for alert in vienna.alerts] == [("lab", "site:vienna")]
    assert linz.alerts == []


def test_a_silence_keeps_quiet_what_is_about_a_server_with_its_tag(ops: Ops) -> None:
    with ops.store.write() as uow:
        now = uow.now()
        number = uow.silences.add(Silence(0, "no power", "ada", now, now + HOUR, tag="site:*"))
        uow.commit()
    tag(ops, ops.servers[1], "site:vienna")
    branch = mismatch("Branch", *ops.servers[2:])
    ops.see(hq(ops), branch)
    teller = ops.deliverer()
    teller.deliver()
    assert ops.events("log") == [("opened", "Branch")]
    assert {NOBODY: f"silenced by {number}"} in ops.outcomes()
    ops.later(HOUR)
    teller.deliver()
    assert ops.events("log") == [("opened", "Branch"), ("opened", "HQ")]


@pytest.mark.parametrize("how", ["by hand", "from a file"])
def test_who_takes_what_is_open_by_other_tags_is_told_at_once(ops: Ops, how: str) -> None:
    inbox = Inbox("inbox")
    ops.channels, ops.routes = {"inbox": inbox}, (AlertRoute(Match(tag="night"), ("inbox",)),)
    ops.repeat = {}
    teller = ops.deliverer()
    ops.see(hq(ops))
    teller.deliver()
    with ops.store.write() as uow:
        server = next(s for s in uow.inventory.servers() if s.id == ops.servers[0])
        if how == "by hand":
            set_tags(uow, Person("ada", "cli@ops01"), server.name, ("night",))
        else:
            import_servers(uow, [InventoryServer(server.name, tags=("night",))])
        uow.commit()
    for _ in range(2):
        teller.deliver()
    assert [(alert.event, alert.tags) for alert in inbox.alerts] == [("opened", ("night",))]


def test_the_tags_are_those_of_now(ops: Ops) -> None:
    inbox = Inbox("inbox")
    ops.channels, ops.routes = {"inbox": inbox}, (AlertRoute(Match(tag="night"), ("inbox",)),)
    teller = ops.deliverer()
    ops.see(hq(ops))
    teller.deliver()
    assert inbox.alerts == []
    tag(ops, ops.servers[0], "night")
    ops.see(hq(ops, "120"))
    teller.deliver()
    assert [alert.tags for alert in inbox.alerts] == [("night",)]
