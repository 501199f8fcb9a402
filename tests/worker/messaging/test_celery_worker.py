"""Workers: what they take from the broker, when they let go of it, and how they survive its bad days."""

from __future__ import annotations

import pytest

from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from tests.worker.messaging.postbox import Hands, dispatcher_to, waiting, working
from worker.messaging.celery_app import CeleryDispatcher
from worker.model.roles import Role, Task
from worker.model.runs import Lane


def test_a_worker_does_what_messages_ask_for_and_takes_them_from_the_broker(
    broker: ValkeyServer,
) -> None:
    dispatcher = dispatcher_to(broker)
    with working(broker, Role.CONTROL) as hands:
        dispatcher.settle(7)
        assert hands.next() == ("settle", 7)
        dispatcher.remind(Task.SWEEP)
        assert hands.next() == ("sweep",)
        dispatcher.remind(Task.TICK)
        assert hands.next() == ("tick",)
        eventually(lambda: not broker.client().hlen("unacked"))
    assert dispatcher.backlog().in_flight == 0


def test_a_worker_leaves_the_queues_of_others_alone(broker: ValkeyServer) -> None:
    dispatcher = dispatcher_to(broker)
    with working(broker, Role.ON_DEMAND) as hands:
        dispatcher.read(7, 1, Lane.READ)
        dispatcher.settle(7)
        dispatcher.read(8, 2, Lane.ON_DEMAND)
        assert hands.next() == ("read", 8, 2)
    assert (broker.client().llen("read"), broker.client().llen("control")) == (1, 1)


def test_a_message_is_acknowledged_when_its_work_is_done_and_not_before(
    broker: ValkeyServer,
) -> None:
    dispatcher = dispatcher_to(broker)
    with working(broker, Role.READ) as hands:
        dispatcher.read(7, 3, Lane.READ)
        hands.next()
        assert dispatcher.backlog().in_flight == 1
        hands.go_on.set()
        eventually(lambda: dispatcher.backlog().in_flight == 0)


def test_a_worker_that_ends_gives_back_what_it_did_not_begin(broker: ValkeyServer) -> None:
    dispatcher = dispatcher_to(broker)
    with working(broker, Role.READ, threads=1) as hands:
        for server in range(3):
            dispatcher.read(7, server, Lane.READ)
        hands.next()
    assert dispatcher.waiting(Lane.READ) == 2
    assert dispatcher.backlog().in_flight == 0


# Celery says at a lost connection that its version 6 will do something else then.
@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
@pytest.mark.parametrize("threads", [2, 4], ids=["every thread busy", "some threads busy"])
def test_a_worker_finds_its_way_back_to_a_broker_that_was_killed(
    threads: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Celery alone does not when all its threads were busy: it takes nothing any more."""
    with running_valkey() as broker, working(broker, Role.READ, threads) as hands:
        dispatcher = dispatcher_to(broker)
        for server in range(2):
            dispatcher.read(7, server, Lane.READ)
            hands.next()
        broker.kill()
        hands.go_on.set()
        eventually(lambda: "Couldn't ack" in caplog.text or "cannot be reached" in caplog.text)
        broker.start()
        eventually(lambda: _arrives(dispatcher, hands))


def _arrives(dispatcher: CeleryDispatcher, hands: Hands) -> bool:
    dispatcher.read(8, 1, Lane.READ)
    return not hands.asked.empty() and hands.next() == ("read", 8, 1)


def test_a_broker_that_was_flushed_takes_and_gives_messages_as_before(
    broker: ValkeyServer,
) -> None:
    dispatcher = dispatcher_to(broker)
    with working(broker, Role.CONTROL) as hands:
        dispatcher.settle(1)
        assert hands.next() == ("settle", 1)
        broker.client().flushall()
        dispatcher.settle(2)
        assert hands.next() == ("settle", 2)


def test_the_queue_survives_a_restart_of_the_broker() -> None:
    with running_valkey() as broker:
        dispatcher = dispatcher_to(broker)
        dispatcher.settle(7)
        eventually(lambda: broker.client().info("persistence")["aof_pending_bio_fsync"] == 0)
        broker.kill()
        broker.start()
        assert waiting(broker) == {"control": [("ipam_sync.settle", [7])]}
