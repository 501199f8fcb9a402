"""What every channel promises, held against real receivers: arrival, or ``Undelivered`` in bounded time."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.headerregistry import Address
from pathlib import Path

import pytest

from tests.ports import closed_port
from tests.processes import PATIENCE_SECONDS
from tests.worker.alerts.delivery.inbox import Digests, Inbox
from tests.worker.alerts.mail_server import mail_server, scripted
from tests.worker.alerts.receivers import Manner, receiving
from tests.worker.alerts.samples import CHANGES, DIGEST, NOW, OPENED
from worker.alerts.channel_types import FOR_INCIDENTS, KINDS
from worker.alerts.channels.alertmanager import Alertmanager
from worker.alerts.channels.lines import Lines
from worker.alerts.channels.mail import Mail, Security
from worker.alerts.channels.pagerduty import PagerDuty
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.channels.posting import Receiver
from worker.alerts.channels.services import service
from worker.alerts.channels.webhook import Webhook
from worker.alerts.message import Message, trial
from worker.alerts.templates import Texts

SECRET = "s3cr3t-t0ken"  # noqa: S105 - an example that must never be shown
Make = Callable[[str, timedelta], Channel]
TEXTS = Texts()
#: Those that an installation may have, and the fakes of other tests.
EVERY = (*sorted(KINDS), "inbox", "digests")
#: For receivers that let it pass, and for all others.
BOUND, PATIENT = timedelta(seconds=1), timedelta(seconds=PATIENCE_SECONDS)


def _receiver(url: str, timeout: timedelta) -> Receiver:
    return Receiver("ops", f"{url}/{SECRET}", allow_private=True, timeout=timeout)


#: Of those the status of an answer is known.
POSTING: dict[str, Make] = {
    "webhook": lambda url, timeout: Webhook(_receiver(url, timeout), SECRET),
    "alertmanager": lambda url, timeout: Alertmanager(_receiver(url, timeout), token=SECRET),
    "pagerduty": lambda url, timeout: PagerDuty(_receiver(url, timeout), SECRET),
}
OVER_HTTP: dict[str, Make] = {
    **POSTING,
    "apprise": lambda url, timeout: service(
        "ops", f"{url.replace('http:', 'json:')}/{SECRET}", TEXTS, timeout
    ),
}


@contextmanager
def reached(kind: str, state: str, directory: Path) -> Iterator[tuple[Channel, Callable[[], int]]]:
    """A channel whose receiver is ``well``, ``stalling``, ``dropping`` or ``absent``, and what it got."""
    if kind in OVER_HTTP:
        with _http(kind, state) as found:
            yield found
    elif kind == "email":
        with _mail(state) as found:
            yield found
    elif kind in ("inbox", "digests"):
        inbox = (Inbox if kind == "inbox" else Digests)("ops", is_up=state == "well")
        yield inbox, lambda: len(inbox.messages)
    else:
        with _lines(state, directory) as found:
            yield found


@contextmanager
def _http(kind: str, state: str) -> Iterator[tuple[Channel, Callable[[], int]]]:
    if state == "absent":
        with closed_port() as port:
            yield OVER_HTTP[kind](f"http://127.0.0.1:{port}", PATIENT), lambda: 0
        return
    fault = {"stalling": "stall", "dropping": "drop"}.get(state)
    with receiving(Manner(fault=fault)) as to:
        timeout = BOUND if state == "stalling" else PATIENT
        yield OVER_HTTP[kind](to.url, timeout), lambda: len(to.got)


@contextmanager
def _mail(state: str) -> Iterator[tuple[Channel, Callable[[], int]]]:
    box = Address(addr_spec="a@corp.example")

    def channel(port: int) -> Channel:
        timeout = BOUND if state == "stalling" else PATIENT
        here, to = ("127.0.0.1", port), (box,)
        return Mail("ops", *here, Security.NONE, box, to, TEXTS, None, SECRET, timeout=timeout)

    def trouble(_: bytes, connection: socket.socket, over: threading.Event) -> bytes:
        if state == "stalling":
            over.wait(PATIENCE_SECONDS)
        else:
            connection.shutdown(socket.SHUT_RDWR)
        return b""

    if state == "well":
        with mail_server() as boxes:
            yield channel(boxes.port), lambda: len(boxes.mails)
    elif state == "absent":
        with closed_port() as port:
            yield channel(port), lambda: 0
    else:
        with scripted(trouble) as port:
            yield channel(port), lambda: 0


@contextmanager
def _lines(state: str, directory: Path) -> Iterator[tuple[Channel, Callable[[], int]]]:
    file = directory / "alerts.jsonl"
    if state == "well":
        yield Lines("ops", file), lambda: len(file.read_bytes().splitlines())
        return
    if state == "absent":
        file = directory / "nowhere" / "alerts.jsonl"
    else:
        os.mkfifo(file)  # nobody reads it
    yield Lines("ops", file), lambda: 0


def refused(channel: Channel, message: Message = OPENED) -> Undelivered:
    with pytest.raises(Undelivered) as raised:
        channel.deliver(message)
    error = raised.value
    assert error.sentence.startswith("ops: ")
    assert error.sentence.endswith(".")
    assert SECRET not in f"{error} {error!r} {error.__cause__!r} {channel!r}"
    return error


# ----------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("message", [OPENED, DIGEST, trial(NOW)], ids=["alert", "digest", "test"])
@pytest.mark.parametrize("kind", EVERY)
def test_a_message_of_any_kind_arrives(kind: str, message: Message, tmp_path: Path) -> None:
    with reached(kind, "well", tmp_path) as (channel, got):
        assert channel.name == "ops"
        channel.deliver(message)
        assert got() >= 1
        if channel.for_people:
            assert got() == 1, "a digest is one thing to read"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_changes_arrive_but_where_incidents_are_expected(kind: str, tmp_path: Path) -> None:
    with reached(kind, "well", tmp_path) as (channel, got):
        if isinstance(channel, FOR_INCIDENTS):
            assert refused(channel, CHANGES).permanent
            assert got() == 0
        else:
            channel.deliver(CHANGES)
            assert got() == (len(CHANGES.operations) if kind == "log" else 1)


@pytest.mark.parametrize("state", ["stalling", "dropping", "absent"])
@pytest.mark.parametrize("kind", EVERY)
def test_a_receiver_in_trouble_costs_the_timeout_at_most_and_is_tried_again(
    kind: str, state: str, tmp_path: Path
) -> None:
    with reached(kind, state, tmp_path) as (channel, _):
        begun = time.monotonic()
        error = refused(channel)
        assert time.monotonic() - begun < PATIENCE_SECONDS / 2
    assert (error.permanent, error.retry_after) == (False, None)


# ------------------------------------------------------------------------------ those that post


@pytest.fixture(params=sorted(POSTING))
def make(request: pytest.FixtureRequest) -> Make:
    return POSTING[request.param]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_receiver_in_trouble_is_tried_again(make: Make, status: int) -> None:
    with receiving(Manner(status)) as to:
        error = refused(make(to.url, PATIENT), DIGEST)
        assert len(to.got) == 1, "the channel itself tries once"
    assert (error.permanent, error.retry_after) == (False, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_message_that_is_refused_for_good_is_permanent(make: Make, status: int) -> None:
    with receiving(Manner(status)) as to:
        assert refused(make(to.url, PATIENT)).permanent


def test_who_is_overrun_says_when_to_come_back(make: Make) -> None:
    with receiving(Manner(429, {"Retry-After": "90"})) as to:
        error = refused(make(to.url, PATIENT))
    assert (error.permanent, error.retry_after) == (False, timedelta(seconds=90))


def test_a_redirect_leads_nowhere(make: Make) -> None:
    with receiving() as elsewhere, receiving(Manner(308, {"Location": elsewhere.url})) as to:
        assert refused(make(to.url, PATIENT)).permanent
        assert elsewhere.got == []


@pytest.mark.parametrize("fault", ["drip", "half", "garbage"])
def test_a_receiver_that_misbehaves_costs_its_timeout_at_most(make: Make, fault: str) -> None:
    with receiving(Manner(fault=fault)) as to:
        begun = time.monotonic()
        error = refused(make(to.url, BOUND))
        assert time.monotonic() - begun < PATIENCE_SECONDS / 2
    assert (error.permanent, error.retry_after) == (False, None)
