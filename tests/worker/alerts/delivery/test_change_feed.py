"""What the machine applied is told: all of it, at least once, in one message, to who wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar

import pytest

from reconcile.model.findings import Kind
from reconcile.model.nouns import Operation, State
from reconcile.model.record import EntryStatus, Planned, PropertyChange, Record
from tests.worker.alerts.delivery.ops import Ops, mismatch
from tests.worker.store.samples import a_plan, a_record, an_update, insert, open_run
from tests.worker.store.sql_counter import counted
from worker.alerts.alerting import AppliedChangeRule
from worker.alerts.channels.port import Undelivered
from worker.alerts.delivery.attempt import CLAIM, MOST_ATTEMPTS
from worker.alerts.delivery.change_feed import backlogs
from worker.alerts.message import Changes, Message
from worker.alerts.rules import AlertRoute, Match, MatchChange

QUARTER = timedelta(minutes=15)


class Died(BaseException):
    """The process ends where it stands."""


@dataclass
class Inbox:
    """What one person was told of changes; something may happen right after a message arrived."""

    for_people: ClassVar[bool] = True
    refresh: ClassVar[None] = None

    name: str
    got: list[Changes] = field(default_factory=list)
    then: Callable[[], None] = lambda: None
    error: Undelivered | None = None

    def deliver(self, message: Message) -> None:
        if self.error is not None:
            raise self.error
        if isinstance(message, Changes):
            self.got.append(message)
            self.then()

    def numbers(self) -> list[list[int]]:
        return [[operation.number for operation in message.operations] for message in self.got]


@dataclass
class Site:
    """A team that is told of changes over ``inbox``, and a machine that makes some."""

    ops: Ops
    inbox: Inbox
    records: list[Record]

    def applies(self, *planned: Planned) -> list[int]:
        with self.ops.store.write() as uow:
            numbers = uow.operations.add(open_run(uow), planned)
            uow.operations.decide(numbers, EntryStatus.APPLIED, "ipam-sync", by_machine=True)
            uow.commit()
        return numbers

    def updates(self, *seconds: int) -> list[int]:
        return self.applies(*(an_update(self.records[0], s) for s in seconds))


@pytest.fixture
def site(ops: Ops) -> Site:
    inbox = Inbox("inbox")
    ops.channels = {**ops.channels, "inbox": inbox}
    ops.applied = AppliedChangeRule(("inbox",), QUARTER)
    one, two, *_ = ops.servers
    records = insert(
        ops.store, a_record("HQ", one, two, 1, 2, 3), a_record("branch", one, two, 4, 5)
    )
    ops.deliverer().deliver()
    return Site(ops, inbox, records)


def test_changes_of_a_quarter_of_an_hour_are_one_message_by_relationship(site: Site) -> None:
    hq, branch = site.records
    first = site.applies(an_update(hq, 60), a_plan(Operation.REMOVE_SCOPES, branch))
    teller = site.ops.deliverer()
    teller.deliver()
    assert site.inbox.got == [], "there may be more"
    second = site.applies(an_update(hq, 120))
    site.ops.later(QUARTER)
    teller.deliver()
    (message,) = site.inbox.got
    names = [o.planned.relationship for o in message.operations]
    assert names == ["branch", "HQ", "HQ"]
    assert [o.number for o in message.operations] == [first[1], first[0], second[0]]
    assert message.operations[1].planned == an_update(hq, 60)
    assert message.more == 0
    site.ops.later(QUARTER)
    teller.deliver()
    assert len(site.inbox.got) == 1, "once"


def test_nothing_applied_sends_nothing_and_writes_nothing(site: Site) -> None:
    teller = site.ops.deliverer()
    teller.deliver()
    site.ops.later(QUARTER)
    with counted(site.ops.store.engine) as sql:
        teller.deliver()
    assert "applied_digest" not in sql.written
    assert site.inbox.got == []


def test_states_are_told_to_nobody_here(site: Site) -> None:
    state = PropertyChange("Server1State", State.NORMAL, State.STARTUP)
    site.applies(a_plan(Operation.UPDATE, site.records[0], state))
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    assert site.inbox.got == []


def test_who_is_not_named_is_not_told(site: Site) -> None:
    site.updates(60)
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    assert site.ops.told("log") == []
    assert len(site.inbox.got) == 1


def test_a_log_and_a_person_are_each_told_by_themselves(site: Site) -> None:
    site.ops.applied = AppliedChangeRule(("inbox", "log"), QUARTER)
    site.inbox.error = Undelivered("inbox: away.")
    site.ops.deliverer().deliver()
    (number,) = site.updates(60)
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    assert [(line["event"], line["number"]) for line in site.ops.told("log")] == [
        ("applied", number)
    ]
    site.inbox.error = None
    site.ops.later(timedelta(seconds=10))
    site.ops.deliverer().deliver()
    assert site.inbox.numbers() == [[number]]
    assert len(site.ops.told("log")) == 1


def test_who_dies_between_sending_and_marking_has_another_send_the_very_same(site: Site) -> None:
    numbers = site.updates(60, 120)
    site.ops.later(QUARTER)

    def dies() -> None:
        raise Died

    site.inbox.then = dies
    with pytest.raises(Died):
        site.ops.deliverer().deliver()
    site.inbox.then = lambda: None
    later = site.updates(180)
    site.ops.deliverer().deliver()
    assert len(site.inbox.got) == 1, "it may still be at it"
    site.ops.later(CLAIM)
    site.ops.deliverer().deliver()
    assert site.inbox.numbers() == [numbers, numbers]
    first, second = site.inbox.got
    assert second.key == first.key
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    assert site.inbox.numbers()[2:] == [later]
    assert site.inbox.got[2].key != first.key


def test_of_two_deliverers_one_sends(site: Site) -> None:
    """The other one comes while the message is on its way."""
    site.updates(60)
    site.ops.later(QUARTER)
    site.inbox.then = lambda: site.ops.deliverer().deliver()
    site.ops.deliverer().deliver()
    site.ops.deliverer().deliver()
    assert len(site.inbox.got) == 1


def test_a_receiver_in_trouble_has_it_later_and_then_all_of_it_once(site: Site) -> None:
    numbers = site.updates(60)
    site.ops.later(QUARTER)
    site.inbox.error = Undelivered("inbox: away.", retry_after=timedelta(minutes=5))
    site.ops.deliverer().deliver()
    site.inbox.error = None
    site.ops.later(timedelta(minutes=4))
    site.ops.deliverer().deliver()
    assert site.inbox.got == []
    site.ops.later(timedelta(minutes=1))
    site.ops.deliverer().deliver()
    assert site.inbox.numbers() == [numbers]


def test_who_asked_for_patience_at_an_alert_is_told_no_changes_until_then(site: Site) -> None:
    site.ops.routes = (AlertRoute(Match(), ("inbox",)),)
    site.ops.see(mismatch("HQ", *site.ops.servers[:2]))
    site.inbox.error = Undelivered("inbox: busy.", retry_after=timedelta(hours=1))
    site.ops.deliverer().deliver()
    site.inbox.error = None
    numbers = site.updates(60)
    site.ops.later(2 * QUARTER)
    site.ops.deliverer().deliver()
    assert site.inbox.got == []
    site.ops.later(2 * QUARTER)
    site.ops.deliverer().deliver()
    assert site.inbox.numbers() == [numbers]


@pytest.mark.parametrize("permanent", [True, False])
def test_what_is_given_up_is_a_problem_that_others_are_told_of_until_one_arrives(
    site: Site, permanent: bool
) -> None:
    site.updates(60)
    site.ops.later(QUARTER)
    site.inbox.error = Undelivered("inbox: away.", permanent=permanent)
    for _ in range(1 if permanent else MOST_ATTEMPTS):
        assert site.ops.told("log") == []
        site.ops.deliverer().deliver()
        site.ops.later(timedelta(hours=1))
    site.ops.deliverer().deliver()
    (alert,) = site.ops.told("log")
    assert (alert["kind"], alert["event"]) == (Kind.ALERT_UNDELIVERED, "opened")
    site.inbox.error = None
    following = site.updates(120)
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    site.ops.deliverer().deliver()
    assert site.inbox.numbers() == [following]
    assert [line["event"] for line in site.ops.told("log")] == ["opened", "resolved"]


def test_very_many_changes_are_counted(site: Site) -> None:
    site.updates(*range(1, 251))
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    (message,) = site.inbox.got
    assert (len(message.operations), message.more, message.count) == (200, 50, 250)


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (MatchChange(), [0, 1, 2]),
        (MatchChange(relationship="BR*"), [1, 2]),
        (MatchChange(operation=frozenset({Operation.REMOVE_SCOPES})), [2]),
        (MatchChange(server="*01*", relationship="hq"), [0]),
        (MatchChange(server="nowhere*"), []),
    ],
)
def test_only_what_fits_is_told_and_counted_and_the_rest_is_passed_over(
    site: Site, match: MatchChange, fits: list[int]
) -> None:
    site.ops.applied = AppliedChangeRule(("inbox",), QUARTER, match)
    hq, branch = site.records
    removal = a_plan(Operation.REMOVE_SCOPES, branch)
    update = an_update(hq, 60)
    update = replace(update, server2=replace(update.server2, name="dhcp01.corp.example"))
    numbers = site.applies(update, an_update(branch, 60), removal)
    with site.ops.store.read() as reading:
        assert backlogs(reading, site.ops.applied)["inbox"].waits == len(fits)
    site.ops.later(QUARTER)
    teller = site.ops.deliverer()
    teller.deliver()
    told = sorted(number for message in site.inbox.numbers() for number in message)
    assert told == [numbers[place] for place in fits]
    site.ops.applied = AppliedChangeRule(("inbox",), QUARTER)
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    assert len(site.inbox.got) == bool(fits), "also what did not fit is behind it"


def test_a_channel_that_was_away_from_the_file_is_told_no_history(site: Site) -> None:
    site.ops.applied = AppliedChangeRule()
    site.ops.deliverer().deliver()
    site.updates(60)
    site.ops.applied = AppliedChangeRule(("inbox",), QUARTER)
    site.ops.later(QUARTER)
    teller = site.ops.deliverer()
    teller.deliver()
    following = site.updates(120)
    site.ops.later(QUARTER)
    teller.deliver()
    assert site.inbox.numbers() == [following]


def test_changes_are_told_beside_alerts_and_are_none(site: Site) -> None:
    site.ops.see(mismatch("HQ", *site.ops.servers[:2]))
    site.updates(60)
    site.ops.later(QUARTER)
    site.ops.deliverer().deliver()
    assert site.ops.events("log") == [("opened", "HQ")]
    assert len(site.inbox.got) == 1
