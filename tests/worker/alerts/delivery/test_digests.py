"""Many problems at once: one message where people read, each for itself where state is kept."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from reconcile.model.findings import Finding
from tests.worker.alerts.delivery.ops import Ops, fingerprints, one_sided
from tests.worker.alerts.delivery.receiving_ends import Around, Killed, die, hook, mail, told
from tests.worker.alerts.mail_server import Mailboxes, mail_server
from tests.worker.alerts.receivers import receiving
from worker.alerts.delivery.attempt import CLAIM
from worker.alerts.rules import AlertRoute, Match


@pytest.fixture
def boxes() -> Iterator[Mailboxes]:
    """The mail server of the operations team."""
    with mail_server() as boxes:
        yield boxes


@pytest.fixture
def site(ops: Ops, boxes: Mailboxes) -> Ops:
    """Everything goes to the log and by mail; nothing is repeated."""
    ops.channels["mail"] = mail(boxes)
    ops.routes = (AlertRoute(Match(), ("log", "mail")),)
    ops.repeat = {}
    return ops


def lost(site: Ops, count: int) -> list[Finding]:
    """What is found when a site with so many relationships dies."""
    return [one_sided(f"Site-{number:02}", *site.servers[:2]) for number in range(count)]


def body(sent: EmailMessage) -> str:
    part = sent.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


def test_a_dead_site_is_one_mail_and_each_of_its_problems_elsewhere(
    site: Ops, boxes: Mailboxes
) -> None:
    problems = lost(site, 80)
    with receiving() as to:
        site.channels["hook"] = hook(to)
        site.routes = (AlertRoute(Match(), ("log", "mail", "hook")),)
        site.see(*problems)
        site.deliverer().deliver()
        assert [len(document["alerts"]) for document in to.documents] == [1] * 80
        assert len({key for key, _, _ in told(to)}) == 80
        assert {name for _, _, name in told(to)} == {p.relationship for p in problems}
    assert site.view("log") == fingerprints(problems)
    (sent,) = boxes.mails
    assert sent["Subject"] == "80 problems: 80 critical opened"
    listed = [line for line in body(sent).splitlines() if line.startswith("- [CRITICAL]")]
    assert len(listed) == 50
    for number, line in enumerate(listed):
        assert f"Site-{number:02}" in line
    assert "- and 30 more" in body(sent)


def test_its_end_is_one_mail_too(site: Ops, boxes: Mailboxes) -> None:
    site.see(*lost(site, 80))
    site.deliverer().deliver()
    site.see()
    site.deliverer().deliver()
    assert [sent["Subject"] for sent in boxes.mails] == [
        "80 problems: 80 critical opened",
        "80 problems: 80 resolved",
    ]


def test_a_few_are_mails_of_their_own_each_in_its_thread(site: Ops, boxes: Mailboxes) -> None:
    site.see(*lost(site, 3))
    site.deliverer().deliver()
    assert len(boxes.mails) == 3
    assert len({sent["References"] for sent in boxes.mails}) == 3


def killed_after_sending(site: Ops) -> None:
    channel = site.channels["mail"]
    site.channels["mail"] = Around(channel, after=die)
    with pytest.raises(Killed):
        site.deliverer().deliver()
    site.channels["mail"] = channel
    site.later(CLAIM)


def test_who_goes_on_for_a_dead_deliverer_sends_the_same_digest_again(
    site: Ops, boxes: Mailboxes
) -> None:
    first, late = lost(site, 6), lost(site, 12)
    site.see(*first)
    killed_after_sending(site)
    site.see(*late)
    site.deliverer().deliver()
    one, again, rest = boxes.mails
    assert one["Message-ID"] == again["Message-ID"] != rest["Message-ID"]
    assert body(one).count("[CRITICAL]") == body(again).count("[CRITICAL]") == 6
    for number in range(6, 12):
        assert f"Site-{number:02}" in body(rest)


def test_news_is_no_part_of_a_digest_that_a_receiver_may_take_for_a_double(
    site: Ops, boxes: Mailboxes
) -> None:
    problems = lost(site, 6)
    site.see(*problems)
    killed_after_sending(site)
    site.see(*problems[1:])
    site.deliverer().deliver()
    one, again, end = boxes.mails
    assert one["Message-ID"] == again["Message-ID"]
    assert "RESOLVED" not in body(again)
    assert end["Subject"].startswith("[RESOLVED] one sided: Site-00")


def test_a_mail_server_that_refuses_gives_up_all_of_the_digest_at_once(
    site: Ops, boxes: Mailboxes
) -> None:
    boxes.answer = "554 no such policy"
    problems = lost(site, 6)
    site.see(*problems)
    teller = site.deliverer()
    teller.deliver()
    teller.deliver()
    with site.store.read() as reading:
        dead = [d for d in reading.deliveries.load(undone=True) if d.channel == "mail"]
    assert [d.is_dead for d in dead] == [True] * 6
    kinds = [alert["kind"] for alert in site.told("log")]
    assert kinds.count("alert_undelivered") == 1, "one problem, not six"
