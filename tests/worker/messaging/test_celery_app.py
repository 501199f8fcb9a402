"""Messages: what they carry, where they wait, and what becomes of them on a broker's bad days."""

from __future__ import annotations

import json
import logging
import ssl

import pytest

from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from tests.worker.messaging.postbox import body_of, dispatcher_to, waiting
from worker.messaging.celery_app import CeleryDispatcher, make_app
from worker.model.roles import BrokerUnavailable, Role, Task
from worker.model.runs import Lane

NOWHERE = "redis+socket:///nonexistent/valkey.sock"


# ------------------------------------------------------------------------------------ messages


def test_a_message_carries_ids_and_waits_where_its_workers_are(broker: ValkeyServer) -> None:
    dispatcher = dispatcher_to(broker)
    dispatcher.read(7, 3, Lane.READ)
    dispatcher.read(8, 4, Lane.ON_DEMAND)
    dispatcher.settle(7)
    assert waiting(broker) == {
        "read": [("ipam_sync.read", [7, 3])],
        "on-demand": [("ipam_sync.read", [8, 4])],
        "control": [("ipam_sync.settle", [7])],
    }


def test_a_message_says_nothing_but_its_ids_and_never_expires(broker: ValkeyServer) -> None:
    """Celery drops an expired message without a word, and by the clock of another machine."""
    dispatcher_to(broker).read(7, 3, Lane.READ)
    (text,) = broker.client().lrange("read", 0, -1)
    message = json.loads(text)
    ids, keywords, _ = body_of(message)
    assert (ids, keywords) == ([7, 3], {})
    assert message["headers"]["expires"] is None
    assert message["headers"]["argsrepr"] == "(7, 3)"


def test_one_can_ask_how_many_wait(broker: ValkeyServer) -> None:
    dispatcher = dispatcher_to(broker)
    assert dispatcher.waiting(Lane.READ) == 0
    dispatcher.read(7, 3, Lane.READ)
    dispatcher.read(7, 4, Lane.READ)
    assert dispatcher.waiting(Lane.READ) == 2
    assert dispatcher.waiting(Lane.ON_DEMAND) == 0
    assert dispatcher.backlog().waiting == {Role.READ: 2, Role.ON_DEMAND: 0, Role.CONTROL: 0}


def test_reminders_do_not_pile_up_where_nobody_works(broker: ValkeyServer) -> None:
    dispatcher = dispatcher_to(broker)
    dispatcher.remind(Task.TICK)
    assert waiting(broker) == {"control": [("ipam_sync.tick", [])]}
    broker.client().rpush("control", *(["{}"] * 999))
    dispatcher.remind(Task.SWEEP)
    assert broker.client().llen("control") == 1000


def test_a_variable_of_celery_itself_changes_nothing(
    broker: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", NOWHERE)
    dispatcher_to(broker).settle(7)
    assert broker.client().llen("control") == 1


@pytest.mark.parametrize(
    ("url", "verified"),
    [
        ("rediss://broker.example:6379/0", True),
        ("rediss://broker.example:6379/0?ssl_ca_certs=/etc/ca.pem", True),
        ("rediss://broker.example:6379/0?ssl_cert_reqs=none", False),
    ],
)
def test_tls_to_the_broker_is_verified_unless_its_url_says_otherwise(
    url: str, verified: bool
) -> None:
    given = make_app(url).connection_for_write().ssl
    assert isinstance(given, dict)
    assert (given.get("ssl_cert_reqs", ssl.CERT_REQUIRED) is ssl.CERT_REQUIRED) is verified


# ------------------------------------------------------------------------------------ a broker that is down


def test_a_broker_that_is_down_costs_one_line_and_no_error_however_much_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is lost is in the store; the sweeper sends it again."""
    dispatcher = CeleryDispatcher(make_app(NOWHERE))
    with caplog.at_level(logging.WARNING, "worker.messaging.celery_app"):
        for server in range(1000):
            dispatcher.read(7, server, Lane.READ)
        dispatcher.settle(7)
        dispatcher.remind(Task.TICK)
    assert len(caplog.records) == 1
    assert "sweeper" in caplog.text


def test_how_much_waits_in_a_broker_that_is_down_nobody_can_say() -> None:
    dispatcher = CeleryDispatcher(make_app(NOWHERE))
    assert dispatcher.waiting(Lane.READ) is None
    with pytest.raises(BrokerUnavailable, match="IPAM_SYNC_BROKER_URL"):
        dispatcher.backlog()


def test_the_password_of_the_broker_is_in_no_sentence(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = CeleryDispatcher(make_app("redis://:pass%40word@127.0.0.1:1/0"))
    dispatcher.settle(7)
    with pytest.raises(BrokerUnavailable) as raised:
        dispatcher.backlog()
    assert "redis://:***@127.0.0.1:1/0" in str(raised.value)
    assert "word@" not in str(raised.value) + caplog.text
    assert "%40" not in str(raised.value) + caplog.text


def test_when_the_broker_is_back_messages_are_sent_again() -> None:
    with running_valkey() as broker:
        dispatcher = dispatcher_to(broker)
        broker.kill()
        dispatcher.settle(1)
        broker.start()

        def arrives() -> bool:
            dispatcher.settle(2)
            return bool(broker.client().llen("control"))

        eventually(arrives)
        assert ("ipam_sync.settle", [1]) not in waiting(broker)["control"]
