"""What every channel promises, held against real receivers: arrival, or ``Undelivered`` in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.worker.alerts.receivers import Manner, receiving
from tests.worker.alerts.samples import DIGEST, NOW, OPENED
from worker.alerts.channels.alertmanager import Alertmanager
from worker.alerts.channels.pagerduty import PagerDuty
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.channels.posting import Receiver
from worker.alerts.channels.webhook import Webhook
from worker.alerts.message import Message, trial

SECRET = "s3cr3t-t0ken"  # noqa: S105 - an example that must never be shown
Make = Callable[[str], Channel]


def _receiver(url: str) -> Receiver:
    return Receiver("ops", f"{url}/{SECRET}", allow_private=True, timeout=timedelta(seconds=1))


POSTING: dict[str, Make] = {
    "webhook": lambda url: Webhook(_receiver(url), SECRET),
    "alertmanager": lambda url: Alertmanager(_receiver(url), token=SECRET),
    "pagerduty": lambda url: PagerDuty(_receiver(url), SECRET),
}


@pytest.fixture(params=sorted(POSTING))
def make(request: pytest.FixtureRequest) -> Make:
    return POSTING[request.param]


def refused(channel: Channel, message: Message = OPENED) -> Undelivered:
    with pytest.raises(Undelivered) as raised:
        channel.deliver(message)
    error = raised.value
    assert error.sentence.startswith("ops: ")
    assert error.sentence.endswith(".")
    assert SECRET not in f"{error} {error!r} {error.__cause__!r} {channel!r}"
    return error


@pytest.mark.parametrize("message", [OPENED, DIGEST, trial(NOW)], ids=["alert", "digest", "test"])
def test_a_message_of_any_kind_arrives(make: Make, message: Message) -> None:
    with receiving() as to:
        make(to.url).deliver(message)
        assert to.got


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_receiver_in_trouble_is_tried_again(make: Make, status: int) -> None:
    with receiving(Manner(status)) as to:
        error = refused(make(to.url), DIGEST)
        assert len(to.got) == 1, "the channel itself tries once"
    assert (error.permanent, error.retry_after) == (False, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_message_that_is_refused_for_good_is_permanent(make: Make, status: int) -> None:
    with receiving(Manner(status)) as to:
        assert refused(make(to.url)).permanent


def test_who_is_overrun_says_when_to_come_back(make: Make) -> None:
    with receiving(Manner(429, {"Retry-After": "90"})) as to:
        error = refused(make(to.url))
    assert (error.permanent, error.retry_after) == (False, timedelta(seconds=90))


def test_a_redirect_leads_nowhere(make: Make) -> None:
    with receiving() as elsewhere, receiving(Manner(308, {"Location": elsewhere.url})) as to:
        assert refused(make(to.url)).permanent
        assert elsewhere.got == []


@pytest.mark.parametrize("fault", ["stall", "drip", "drop", "half", "garbage"])
def test_a_receiver_that_misbehaves_costs_its_timeout_at_most(make: Make, fault: str) -> None:
    with receiving(Manner(fault=fault)) as to:
        begun = time.monotonic()
        error = refused(make(to.url))
        assert time.monotonic() - begun < 10
    assert (error.permanent, error.retry_after) == (False, None)


def test_nobody_there_is_tried_again(make: Make) -> None:
    with receiving() as to:
        url = to.url
    assert not refused(make(url)).permanent
