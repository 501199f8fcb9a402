"""How messages come in: the bodies of the tasks, and Celery's worker that calls them.

A message says where to look, the crew does what is still needed.  Used by ``worker.processes.main``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import MethodType
from typing import Any, Final, Protocol

from celery import Celery
from celery.bootsteps import RUN  # type: ignore[attr-defined]  # its stub forgot it
from celery.worker import WorkController, state
from celery.worker.consumer import Consumer
from kombu.asynchronous import set_event_loop
from typing_extensions import override

from worker.model.roles import Role, Task
from worker.telemetry.events import EventRecorder

_log: Final = logging.getLogger(__name__)


class Hands(Protocol):
    """The methods of ``worker.processes.worker.WorkerProcess`` that tasks call."""

    def read(self, run: int, server: int) -> None: ...

    def settle(self, run: int) -> None: ...

    def sweep(self) -> None: ...

    def tick(self) -> None: ...

    def deliver(self) -> None: ...


def add_tasks(app: Celery, worker_process: Hands, recorder: EventRecorder) -> None:
    """Register the tasks of messages at this application, and at no other."""

    @app.task(name=Task.READ.value, shared=False)
    def read(run: int, server: int) -> None:
        with recorder.task(Task.READ, run=run, server=server):
            worker_process.read(run, server)

    @app.task(name=Task.SETTLE.value, shared=False)
    def settle(run: int) -> None:
        with recorder.task(Task.SETTLE, run=run):
            worker_process.settle(run)

    @app.task(name=Task.SWEEP.value, shared=False)
    def sweep() -> None:
        with recorder.task(Task.SWEEP):
            worker_process.sweep()

    @app.task(name=Task.TICK.value, shared=False)
    def tick() -> None:
        with recorder.task(Task.TICK):
            worker_process.tick()

    @app.task(name=Task.DELIVER.value, shared=False)
    def deliver() -> None:
        with recorder.task(Task.DELIVER):
            worker_process.deliver()


def consume(app: Celery, role: Role, threads: int, ready: Callable[[], None]) -> int:
    """Work at a queue until ``stop_consuming``, finish what was begun, and return an exit code.

    ``ready`` is called when messages are being taken.
    """
    app.set_default()  # the threads of the pool look for the tasks there
    worker = WorkController(
        app=app,
        pool_cls="threads",
        concurrency=threads,
        queues=[role.value],
        consumer_cls=_Consumer,
        ready_callback=lambda _: ready(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    try:
        worker.start()
    finally:  # Celery keeps both for the process, and would end the next worker in it at once
        state.should_stop = None
        set_event_loop(None)
    return int(worker.exitcode or 0)


def stop_consuming() -> None:
    """From any thread, also before ``consume``: within about a second no more messages are taken,
    and those that were taken and not begun are given back.
    """
    state.should_stop = 0  # type: ignore[assignment]  # the exit code; its stub knows None only


class _Consumer(Consumer):
    """Celery's, made to find its way back to a broker that was away.

    Celery logs an acknowledgement that fails and goes on.  The message then counts as being
    worked on for ever; with late acknowledgement as many as there are threads are lost at once
    when the broker goes, nothing more is taken, and so nobody notices that the connection is
    dead.  Here it ends the connection, and a new one begins with nothing in hand.
    """

    task_consumer: Any  # Celery's steps set it

    def call_soon_ack(self, send: MethodType, *args: object) -> None:
        """Celery's worker (since 5.7) acknowledges through this."""
        self.call_soon(self._acknowledge, send, *args)

    def _acknowledge(self, send: MethodType, *args: object) -> None:
        send(*args)
        message: Any = send.__self__
        of_this_connection = self.task_consumer and message.channel is self.task_consumer.channel
        if self.blueprint.state == RUN and of_this_connection and not message.acknowledged:
            raise ConnectionResetError("an acknowledgement could not be sent")

    @override
    def ensure_connected(self, conn: Any) -> Any:
        """Celery's waits become longer and longer, and end with giving up."""
        self.first_connection_attempt = False
        return conn.ensure_connection(
            self._unreachable,
            max_retries=None,
            interval_start=0.2,
            interval_step=0.4,
            interval_max=2,
            callback=state.maybe_shutdown,
        )

    def _unreachable(self, error: Exception, seconds: float) -> None:
        _log.warning("The broker cannot be reached, again in %.1f s: %s", seconds, error)
