"""Both ends of the broker: what waits in it, and a worker whose hands note what they are asked for.

Used by `test_celery_app.py` and `test_celery_worker.py`.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

from tests.processes import PATIENCE_SECONDS
from tests.valkey import ValkeyServer
from worker.messaging.celery_app import CeleryDispatcher, make_app
from worker.messaging.celery_worker import add_tasks, consume, stop_consuming
from worker.model.roles import Role
from worker.telemetry.events import EventRecorder


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

    def deliver(self) -> None:
        self.asked.put(("deliver",))

    def next(self) -> tuple[object, ...]:
        return self.asked.get(timeout=PATIENCE_SECONDS)


@contextmanager
def working(broker: ValkeyServer, role: Role, threads: int = 4) -> Iterator[Hands]:
    """A worker of this role until the end of this."""
    hands, ready = Hands(), threading.Event()
    app = make_app(broker.celery_url)
    add_tasks(app, hands, EventRecorder())
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


def dispatcher_to(broker: ValkeyServer) -> CeleryDispatcher:
    return CeleryDispatcher(make_app(broker.celery_url))


def waiting(broker: ValkeyServer) -> dict[str, list[tuple[str, list[int]]]]:
    """What waits in the broker: by queue, what is asked for and the ids."""
    found = {}
    for role in Role:
        messages = [json.loads(text) for text in broker.client().lrange(role.value, 0, -1)]
        if messages:
            found[role.value] = [(m["headers"]["task"], body_of(m)[0]) for m in messages]
    return found


def body_of(message: dict[str, Any]) -> list[Any]:
    assert message["content-type"] == "application/json"
    body: list[Any] = json.loads(base64.b64decode(message["body"]))
    return body
