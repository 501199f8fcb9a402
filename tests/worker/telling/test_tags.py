"""Who is told by the tags that servers have when something is told."""

from __future__ import annotations

from datetime import timedelta

from reconcile.findings import Finding
from tests.worker.telling.inbox import Inbox
from tests.worker.telling.ops import Ops, mismatch
from worker.alert_ports import NOBODY, Silence
from worker.alerts.routes import Match, Route

HOUR = timedelta(hours=1)


def tag(ops: Ops, server: int, *tags: str) -> None:
    with ops.store.write() as uow:
        uow.set_tags(server, tags)
        uow.commit()


def hq(ops: Ops, value: str = "60") -> Finding:
    return mismatch("HQ", *ops.servers[:2], value=value)


def test_a_route_takes_what_is_about_a_server_with_its_tag(ops: Ops) -> None:
    vienna, linz = Inbox("vienna"), Inbox("linz")
    ops.channels = {"vienna": vienna, "linz": linz}
    ops.routes = tuple(Route(Match(tag=f"site:{name}"), (name,)) for name in ops.channels)
    tag(ops, ops.servers[1], "lab", "site:vienna")
    tag(ops, ops.servers[2], "site:linz")
    ops.see(hq(ops))
    ops.deliverer().deliver()
    assert [alert.tags for alert in vienna.alerts] == [("lab", "site:vienna")]
    assert linz.alerts == []


def test_a_silence_keeps_quiet_what_is_about_a_server_with_its_tag(ops: Ops) -> None:
    with ops.store.write() as uow:
        now = uow.now()
        number = uow.add_silence(Silence(0, "no power", "ada", now, now + HOUR, tag="site:*"))
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


def test_the_tags_are_those_of_now(ops: Ops) -> None:
    inbox = Inbox("inbox")
    ops.channels, ops.routes = {"inbox": inbox}, (Route(Match(tag="night"), ("inbox",)),)
    teller = ops.deliverer()
    ops.see(hq(ops))
    teller.deliver()
    assert inbox.alerts == []
    tag(ops, ops.servers[0], "night")
    ops.see(hq(ops, "120"))
    teller.deliver()
    assert [alert.tags for alert in inbox.alerts] == [("night",)]
