"""Celery's application, and how messages go out; how they come in is in ``worker.messaging.celery_worker``.

Used by the processes of ``worker.processes.main`` and by whoever starts a run.  Nothing is configured at
import, and there are no results: those are in the store.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Final

from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.model.roles import BrokerUnavailable, Role, Task, without_password
from worker.model.runs import Lane

_log: Final = logging.getLogger(__name__)

#: A broker that is down must not hold up a reading.
_CONNECT_SECONDS: Final = 5
#: The longest silence of a broker that is there; reading a queue answers every second.
_SILENCE_SECONDS: Final = 5
#: After this the broker gives a message to somebody else.  The sweeper is much faster; this is
#: only so that nothing stays there for ever.
_VISIBILITY_SECONDS: Final = 3600
#: A broker that failed is not asked again for so long: of a thousand messages not every one
#: waits for it.
_PAUSE_SECONDS: Final = 1.0
#: So many messages in the control queue mean that nobody works there; no ticks are added.
_BACKLOG: Final = 1000
_NETWORK_ERRORS: Final = (OperationalError, RedisError, OSError)


def make_app(broker_url: str) -> Celery:
    """The application for a broker, not yet connected to."""
    app = Celery("ipam-sync", set_as_current=False, fixups=[])
    app.conf.update(
        # Both, or a CELERY_BROKER_URL that somebody exported for something else would win.
        broker_read_url=broker_url,
        broker_write_url=broker_url,
        broker_use_ssl=_verified() if broker_url.startswith("rediss:") else None,
        broker_transport_options={
            "visibility_timeout": _VISIBILITY_SECONDS,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": _SILENCE_SECONDS,
            "socket_keepalive": True,
            "max_retries": 0,  # who sends does not wait for a broker; a worker does, by itself
        },
        # The nameless exchange needs no bindings, which a flushed broker would have lost.
        task_queues=[Queue(role, Exchange(""), routing_key=role) for role in Role],
        task_default_queue=Role.CONTROL.value,
        task_default_exchange="",
        task_default_routing_key=Role.CONTROL.value,
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_enable_prefetch_count_reduction=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
    )
    return app


def _verified() -> dict[str, object]:
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED}


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages wait in each queue, and how many are in somebody's hands."""

    waiting: dict[Role, int]
    in_flight: int


class CeleryDispatcher:
    """A dispatcher over Celery. Thread-safe.

    A message that cannot be sent is a line in the log and no error: its task is in the store, and
    recovery sends it again. Only ``backlog`` raises.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._failed_at: float | None = None
        # All threads of a process share the pause after a failure.
        self._lock = threading.Lock()

    def read(self, run: int, server: int, lane: Lane) -> None:
        self._send(Task.READ, (run, server), Role(lane.value))

    def settle(self, run: int) -> None:
        self._send(Task.SETTLE, (run,), Role.CONTROL)

    def waiting(self, lane: Lane) -> int | None:
        return self._waiting(Role(lane.value))

    def remind(self, task: Task) -> None:
        """A tick or a sweep, unless so many wait already that it is of no use."""
        message_count = self._waiting(Role.CONTROL)
        if message_count is not None and message_count < _BACKLOG:
            self._send(task, (), Role.CONTROL)

    def backlog(self) -> Backlog:
        """Return the numbers of queued messages. Raises BrokerUnavailable."""
        try:
            with self._app.connection_or_acquire() as connection:
                client = connection.default_channel.client
                counts = {role: int(client.llen(role.value)) for role in Role}
                return Backlog(counts, int(client.hlen("unacked")))
        except _NETWORK_ERRORS as error:
            url = without_password(self._app.conf.broker_write_url)
            raise BrokerUnavailable(
                f"The broker {url} cannot be asked ({error}). Start it, or correct "
                "IPAM_SYNC_BROKER_URL."
            ) from error

    def _waiting(self, role: Role) -> int | None:
        if self._is_paused():
            return None
        try:
            with self._app.connection_or_acquire() as connection:
                return int(connection.default_channel.client.llen(role.value))
        except _NETWORK_ERRORS as error:
            self._failed(error)
            return None

    def _send(self, task: Task, ids: tuple[int, ...], queue: Role) -> None:
        if self._is_paused():
            return
        try:
            self._app.send_task(task.value, ids, queue=queue.value, retry=False)
        except _NETWORK_ERRORS as error:
            self._failed(error)

    def _is_paused(self) -> bool:
        with self._lock:
            failed_at = self._failed_at
        return failed_at is not None and time.monotonic() - failed_at < _PAUSE_SECONDS

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._failed_at = time.monotonic()
        _log.warning("The broker takes no messages, the sweeper will send them again: %s", error)
