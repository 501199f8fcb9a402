"""What waits, was told, or was given up, and meanwhile is silenced, explained, or loses its channel."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.model.findings import Finding, Kind, Severity
from tests.worker.alerts.delivery.inbox import Died, Inbox
from tests.worker.alerts.delivery.ops import Ops, mismatch, one_sided
from worker.alerts.channels.port import Undelivered
from worker.alerts.message import Alert, Message, members
from worker.alerts.rules import AlertRoute, Match
from worker.model.alerts import NOBODY, Silence

HOUR = timedelta(hours=1)


@pytest.fixture
def inbox(ops: Ops) -> Inbox:
    """The only channel; nothing is repeated."""
    inbox = Inbox("inbox")
    ops.channels, ops.routes, ops.repeat = {"inbox": inbox}, (AlertRoute(Match(), ("inbox",)),), {}
    return inbox


def silence(ops: Ops, kind: Kind) -> None:
    with ops.store.write() as uow:
        now = uow.now()
        uow.silences.add(Silence(0, "moving", "ada", now, now + HOUR, kind))
        uow.commit()


def short(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.event, alert.sentence) for alert in alerts]


def test_what_changed_during_a_silence_is_told_when_it_is_over(
    ops: Ops, inbox: Inbox, hq: Finding
) -> None:
    teller = ops.deliverer()
    ops.see(hq)
    teller.deliver()
    silence(ops, hq.kind)
    ops.see(mismatch("HQ", *ops.servers[:2], value="120"))
    teller.deliver()
    ops.later(HOUR)
    for _ in range(3):
        teller.deliver()
    assert short(inbox.alerts) == [("opened", "They differ: 60."), ("changed", "They differ: 120.")]


def test_what_grew_louder_during_a_silence_is_told_when_it_is_over(ops: Ops, inbox: Inbox) -> None:
    slow = replace(mismatch("HQ", *ops.servers[:2]), patience=1800)
    teller = ops.deliverer()
    ops.see(slow)
    teller.deliver()
    silence(ops, slow.kind)
    ops.later(HOUR / 2)
    teller.deliver()
    assert len(inbox.alerts) == 1
    ops.later(HOUR)
    for _ in range(3):
        teller.deliver()
    assert [alert.severity for alert in inbox.alerts] == [Severity.WARNING, Severity.CRITICAL]


@pytest.mark.parametrize("reason", ["silenced", "explained"])
def test_what_waits_for_a_channel_is_not_told_any_more_until_the_reason_is_gone(
    ops: Ops, inbox: Inbox, hq: Finding, reason: str
) -> None:
    branch = one_sided("Branch", *ops.servers[2:])
    teller = ops.deliverer()
    inbox.is_up = False
    ops.see(hq, branch)
    teller.deliver()
    inbox.is_up = True
    if reason == "silenced":
        silence(ops, hq.kind)
    else:
        with ops.store.write() as uow:
            uow.findings.set_causes({ops.problem(hq): ops.problem(branch)})
            uow.commit()
    ops.later(HOUR / 2)
    teller.deliver()
    assert [alert.relationship for alert in inbox.alerts] == ["Branch"]
    assert any(reason in (o or {}).get("inbox", "") for o in ops.outcomes())
    if reason == "silenced":
        ops.later(HOUR / 2)
    else:
        with ops.store.write() as uow:
            uow.findings.set_causes({ops.problem(hq): None})
            uow.commit()
    for _ in range(3):
        teller.deliver()
    assert [alert.relationship for alert in inbox.alerts] == ["Branch", "HQ"]


def test_what_is_kept_quiet_by_now_does_not_delay_what_waits_behind_it(
    ops: Ops, inbox: Inbox, hq: Finding
) -> None:
    """Where a deliverer died its piece comes first, and alone."""
    teller = ops.deliverer()
    inbox.dies = "before"
    ops.see(hq)
    with suppress(Died):
        teller.deliver()
    silence(ops, hq.kind)
    ops.see(hq, one_sided("Branch", *ops.servers[2:]))
    ops.later(HOUR / 10)
    ops.deliverer().deliver()
    assert [alert.relationship for alert in inbox.alerts] == ["Branch"]


def test_no_repeat_is_written_where_no_route_takes_the_problem(ops: Ops, hq: Finding) -> None:
    """A row a day for each would be for nobody (R10)."""
    ops.routes = (AlertRoute(Match(severity_at_least=Severity.CRITICAL), ("log",)),)
    ops.see(hq)
    teller = ops.deliverer()
    for _ in range(3):
        teller.deliver()
        with ops.store.read() as reading:
            assert reading.outbox.due_reminders(1) == (), "nor is it looked at again and again"
        ops.later(25 * HOUR)
    assert ops.outcomes() == [{NOBODY: "no route takes it"}]


class Choosy(Inbox):
    """Refuses one relationship for good, until it is mended."""

    is_choosy = True

    def deliver(self, message: Message) -> None:
        if self.is_choosy and any(alert.relationship == "HQ" for alert in members(message)):
            raise Undelivered(f"{self.name}: refused.", permanent=True)
        super().deliver(message)


def test_a_dead_letter_is_told_over_the_others_also_if_the_next_one_is_taken(
    ops: Ops, hq: Finding
) -> None:
    choosy = Choosy("inbox")
    ops.channels["inbox"] = choosy
    ops.routes = (AlertRoute(Match(), ("inbox", "log")),)
    teller = ops.deliverer()
    ops.see(hq, one_sided("Zurich", *ops.servers[2:]))
    teller.deliver()
    teller.deliver()
    assert Kind.ALERT_UNDELIVERED in {alert["kind"] for alert in ops.told("log")}


def test_what_was_given_up_is_told_when_the_channel_works_again(
    ops: Ops, inbox: Inbox, hq: Finding
) -> None:
    """Without a person's retry, and nothing is left behind."""
    choosy = Choosy("inbox")
    ops.channels["inbox"] = choosy
    teller = ops.deliverer()
    ops.see(hq)
    for _ in range(2):
        teller.deliver()
    choosy.is_choosy = False
    ops.see(hq, one_sided("Zurich", *ops.servers[2:]))
    for _ in range(2):
        teller.deliver()
    assert {a.relationship for a in choosy.alerts if a.relationship} == {"HQ", "Zurich"}
    with ops.store.read() as reading:
        assert reading.deliveries.load(undone=True) == ()


def test_a_channel_that_is_not_in_the_file_any_more_keeps_nothing_open_and_nothing_waiting(
    ops: Ops, hq: Finding
) -> None:
    refusing = Choosy("old")
    ops.channels["old"] = refusing
    ops.routes = (AlertRoute(Match(), ("old", "log")),)
    known = one_sided("Zurich", *ops.servers[2:])
    ops.see(hq, known)
    ops.deliverer().deliver()
    del ops.channels["old"]
    ops.routes = (AlertRoute(Match(), ("log",)),)
    teller = ops.deliverer()
    for _ in range(2):
        teller.deliver()
    with ops.store.read() as reading:
        assert reading.findings.unresolved(kinds=[Kind.ALERT_UNDELIVERED]) == ()
    ops.see()
    teller.deliver()
    with ops.store.read() as reading:
        assert reading.deliveries.load(undone=True) == ()


def test_what_changes_often_is_told_in_steps_and_ends_with_the_last_values(
    ops: Ops, inbox: Inbox, hq: Finding
) -> None:
    """A server that fails for another reason at every reading does not wake people four times an hour."""
    teller = ops.deliverer()
    for values in range(9):
        ops.see(mismatch("HQ", *ops.servers[:2], value=str(values)))
        teller.deliver()
    assert [alert.sentence for alert in inbox.alerts] == [f"They differ: {n}." for n in range(4)]
    assert any("changes often" in (o or {}).get(NOBODY, "") for o in ops.outcomes())
    for _ in range(3):
        ops.later(HOUR / 2)
        teller.deliver()
    assert [alert.sentence for alert in inbox.alerts[4:]] == ["They differ: 8."]
    ops.later(24 * HOUR)
    ops.see(mismatch("HQ", *ops.servers[:2], value="9"))
    teller.deliver()
    assert [alert.sentence for alert in inbox.alerts[5:]] == ["They differ: 9."]


def test_what_gets_louder_does_not_wait_until_it_changes_less_often(ops: Ops, inbox: Inbox) -> None:
    teller = ops.deliverer()
    for values in range(9):
        ops.see(mismatch("HQ", *ops.servers[:2], value=str(values)))
        teller.deliver()
    slow = replace(mismatch("HQ", *ops.servers[:2], value="10"), patience=0)
    ops.see(slow)
    teller.deliver()
    assert [alert.severity for alert in inbox.alerts[4:]] == [Severity.CRITICAL]


def test_the_end_of_what_changes_often_is_told_at_once(ops: Ops, inbox: Inbox, hq: Finding) -> None:
    teller = ops.deliverer()
    for values in range(9):
        ops.see(mismatch("HQ", *ops.servers[:2], value=str(values)))
        teller.deliver()
    ops.see()
    teller.deliver()
    assert short(inbox.alerts)[4:] == [("resolved", "They differ: 8.")]


def test_who_does_not_know_of_what_changes_often_is_told_at_once(ops: Ops, inbox: Inbox) -> None:
    """The others hear of that change when it is calm."""
    teller = ops.deliverer()
    for values in range(5):
        ops.see(mismatch("HQ", *ops.servers[:2], value=str(values)))
        teller.deliver()
    new = Inbox("new")
    ops.channels["new"] = new
    ops.routes = (AlertRoute(Match(), ("inbox", "new")),)
    ops.see(mismatch("HQ", *ops.servers[:2], value="5"))
    teller = ops.deliverer()
    for _ in range(2):
        teller.deliver()
    assert short(new.alerts) == [("opened", "They differ: 5.")]
    assert len(inbox.alerts) == 4
    ops.later(HOUR)
    for _ in range(2):
        teller.deliver()
    assert short(inbox.alerts)[4:] == [("changed", "They differ: 5.")]
