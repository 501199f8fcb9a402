"""Messages: what they carry, where they wait, and what becomes of them on a broker's bad days."""

from __future__ import annotations

import base64
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import pytest

from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from worker.app import CeleryPost, make_app
from worker.broker import BrokerUnavailable, Role, Task
from worker.run_ports import Lane
from worker.tasks import add_tasks, consume, stop_consuming

PATIENCE_SECONDS = 20.0
NOWHERE = "redis+socket:///nonexistent/valkey.sock"


@dataclass
class Hands:
    """Does what a crew does: notes what it was asked for, and waits in a reading if told to."""

    asked: Queue[tuple[object, ...]] = field(default_factory=Queue)
    go_on: threading.Event = field(default_factory=threading.Event)

    def read(self, run: int, server: int) -> None:
        self.asked.put(("read", run, server))
        assert self.go_on.wait(PATIENCE_SECONDS)

    def settle(self, run: int) -> None:
        self.asked.put(("settle", run))

    def sweep(self) -> None:
        self.asked.put(("sweep",))

    def tick(self) -> None:
        self.asked.put(("tick",))

    def next(self) -> tuple[object, ...]:
        return self.asked.get(timeout=PATIENCE_SECONDS)


@contextmanager
def working(broker: ValkeyServer, role: Role, threads: int = 4) -> Iterator[Hands]:
    """A worker of this role until the end of this."""
    hands, ready = Hands(), threading.Event()
    app = make_app(broker.celery_url)
    add_tasks(app, hands)
    worker = threading.Thread(target=consume, args=(app, role, threads, ready.set))
    worker.start()
    assert ready.wait(PATIENCE_SECONDS)
    try:
        yield hands
    finally:
        hands.go_on.set()
        stop_consuming()
        worker.join(PATIENCE_SECONDS)
    assert not worker.is_alive()


def post_to(broker: ValkeyServer) -> CeleryPost:
    return CeleryPost(make_app(broker.celery_url))


def waiting(broker: ValkeyServer) -> dict[str, list[tuple[str, list[int]]]]:
    """What waits in the broker: by queue, what is asked for and the ids."""
    found = {}
    for role in Role:
        messages = [json.loads(text) for text in broker.client().lrange(role.value, 0, -1)]
        if messages:
            found[role.value] = [(m["headers"]["task"], _body(m)[0]) for m in messages]
    return found


def _body(message: dict[str, Any]) -> list[Any]:
    assert message["content-type"] == "application/json"
    body: list[Any] = json.loads(base64.b64decode(message["body"]))
    return body


# ------------------------------------------------------------------------------------ messages


def test_a_message_carries_ids_and_waits_where_its_workers_are(broker: ValkeyServer) -> None:
    post = post_to(broker)
    post.read(7, 3, Lane.READ)
    post.read(8, 4, Lane.ON_DEMAND)
    post.settle(7)
    assert waiting(broker) == {
        "read": [("ipam_sync.read", [7, 3])],
        "on-demand": [("ipam_sync.read", [8, 4])],
        "control": [("ipam_sync.settle", [7])],
    }


def test_a_message_says_nothing_but_its_ids_and_never_expires(broker: ValkeyServer) -> None:
    """Celery drops an expired message without a word, and by the clock of another machine."""
    post_to(broker).read(7, 3, Lane.READ)
    (text,) = broker.client().lrange("read", 0, -1)
    message = json.loads(text)
    ids, keywords, _ = _body(message)
    assert (ids, keywords) == ([7, 3], {})
    assert message["headers"]["expires"] is None
    assert message["headers"]["argsrepr"] == "(7, 3)"


def test_one_can_ask_how_many_wait(broker: ValkeyServer) -> None:
    post = post_to(broker)
    assert post.waiting(Lane.READ) == 0
    post.read(7, 3, Lane.READ)
    post.read(7, 4, Lane.READ)
    assert post.waiting(Lane.READ) == 2
    assert post.waiting(Lane.ON_DEMAND) == 0
    assert post.backlog().waiting == {Role.READ: 2, Role.ON_DEMAND: 0, Role.CONTROL: 0}


def test_reminders_do_not_pile_up_where_nobody_works(broker: ValkeyServer) -> None:
    post = post_to(broker)
    post.remind(Task.TICK)
    assert waiting(broker) == {"control": [("ipam_sync.tick", [])]}
    broker.client().rpush("control", *(["{}"] * 999))
    post.remind(Task.SWEEP)
    assert broker.client().llen("control") == 1000


def test_a_variable_of_celery_itself_changes_nothing(
    broker: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", NOWHERE)
    post_to(broker).settle(7)
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
    post = CeleryPost(make_app(NOWHERE))
    with caplog.at_level(logging.WARNING, "worker.app"):
        for server in range(1000):
            post.read(7, server, Lane.READ)
        post.settle(7)
        post.remind(Task.TICK)
    assert len(caplog.records) == 1
    assert "sweeper" in caplog.text


def test_how_much_waits_in_a_broker_that_is_down_nobody_can_say() -> None:
    post = CeleryPost(make_app(NOWHERE))
    assert post.waiting(Lane.READ) is None
    with pytest.raises(BrokerUnavailable, match="IPAM_SYNC_BROKER_URL"):
        post.backlog()


def test_the_password_of_the_broker_is_in_no_sentence(caplog: pytest.LogCaptureFixture) -> None:
    post = CeleryPost(make_app("redis://:pass%40word@127.0.0.1:1/0"))
    post.settle(7)
    with pytest.raises(BrokerUnavailable) as raised:
        post.backlog()
    assert "redis://:***@127.0.0.1:1/0" in str(raised.value)
    assert "word@" not in str(raised.value) + caplog.text
    assert "%40" not in str(raised.value) + caplog.text


def test_when_the_broker_is_back_messages_are_sent_again() -> None:
    with running_valkey() as broker:
        post = post_to(broker)
        broker.kill()
        post.settle(1)
        broker.start()

        def arrives() -> bool:
            post.settle(2)
            return bool(broker.client().llen("control"))

        eventually(arrives)
        assert ("ipam_sync.settle", [1]) not in waiting(broker)["control"]


# ------------------------------------------------------------------------------------ workers


def test_a_worker_does_what_messages_ask_for_and_takes_them_from_the_broker(
    broker: ValkeyServer,
) -> None:
    post = post_to(broker)
    with working(broker, Role.CONTROL) as hands:
        post.settle(7)
        assert hands.next() == ("settle", 7)
        post.remind(Task.SWEEP)
        assert hands.next() == ("sweep",)
        post.remind(Task.TICK)
        assert hands.next() == ("tick",)
        eventually(lambda: not broker.client().hlen("unacked"))
    assert post.backlog().in_hand == 0


def test_a_worker_leaves_the_queues_of_others_alone(broker: ValkeyServer) -> None:
    post = post_to(broker)
    with working(broker, Role.ON_DEMAND) as hands:
        post.read(7, 1, Lane.READ)
        post.settle(7)
        post.read(8, 2, Lane.ON_DEMAND)
        assert hands.next() == ("read", 8, 2)
    assert (broker.client().llen("read"), broker.client().llen("control")) == (1, 1)


def test_a_message_is_acknowledged_when_its_work_is_done_and_not_before(
    broker: ValkeyServer,
) -> None:
    post = post_to(broker)
    with working(broker, Role.READ) as hands:
        post.read(7, 3, Lane.READ)
        hands.next()
        assert post.backlog().in_hand == 1
        hands.go_on.set()
        eventually(lambda: post.backlog().in_hand == 0)


def test_a_worker_that_ends_gives_back_what_it_did_not_begin(broker: ValkeyServer) -> None:
    post = post_to(broker)
    with working(broker, Role.READ, threads=1) as hands:
        for server in range(3):
            post.read(7, server, Lane.READ)
        hands.next()
    assert post.waiting(Lane.READ) == 2
    assert post.backlog().in_hand == 0


# Celery says at a lost connection that its version 6 will do something else then.
@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
@pytest.mark.parametrize("threads", [2, 4], ids=["every thread busy", "some threads busy"])
def test_a_worker_finds_its_way_back_to_a_broker_that_was_killed(
    threads: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Celery alone does not when all its threads were busy: it takes nothing any more."""
    with running_valkey() as broker, working(broker, Role.READ, threads) as hands:
        post = post_to(broker)
        for server in range(2):
            post.read(7, server, Lane.READ)
            hands.next()
        broker.kill()
        hands.go_on.set()
        eventually(lambda: "Couldn't ack" in caplog.text or "cannot be reached" in caplog.text)
        broker.start()
        eventually(lambda: _arrives(post, hands))


def _arrives(post: CeleryPost, hands: Hands) -> bool:
    post.read(8, 1, Lane.READ)
    return not hands.asked.empty() and hands.next() == ("read", 8, 1)


def test_a_broker_that_was_flushed_takes_and_gives_messages_as_before(
    broker: ValkeyServer,
) -> None:
    post = post_to(broker)
    with working(broker, Role.CONTROL) as hands:
        post.settle(1)
        assert hands.next() == ("settle", 1)
        broker.client().flushall()
        post.settle(2)
        assert hands.next() == ("settle", 2)


def test_the_queue_survives_a_restart_of_the_broker() -> None:
    with running_valkey() as broker:
        post = post_to(broker)
        post.settle(7)
        eventually(lambda: broker.client().info("persistence")["aof_pending_bio_fsync"] == 0)
        broker.kill()
        broker.start()
        assert waiting(broker) == {"control": [("ipam_sync.settle", [7])]}
