"""Processes that run until they are told to end: a worker of one role, or the beat.

Used by ``ipam-sync worker`` and ``ipam-sync beat``.  This is where settings, store, broker and
pipeline come together for them.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

from worker.bootstrap import opened
from worker.config.settings import Settings, SettingsError
from worker.messaging.celery_app import CeleryDispatcher, make_app
from worker.messaging.celery_worker import add_tasks, consume, stop_consuming
from worker.model.roles import BEAT, Role, Task
from worker.processes.signals import ENDING, Signals
from worker.processes.visible import visible
from worker.processes.worker import WorkerProcess
from worker.telemetry import events

#: So long after the first signal a worker is gone, whatever holds it up.
STOP_SECONDS: Final = 15.0
#: The one writer asks the database several things, and after each answer waits for busy threads of
#: its process to make way; with Python's own 5 ms that is most of the time for which it writes.
_SWITCH_SECONDS: Final = 0.002
#: On-demand runs are few, and control tasks share one writer.
_THREADS: Final[Mapping[Role, int]] = {Role.ON_DEMAND: 8, Role.CONTROL: 4}

Say = Callable[[str], None]


def work(settings: Settings, role: Role) -> NoReturn:
    """Be a worker of this role until a signal, and end the process.

    The first signal ends readings and gives back what was not begun; the second, or
    ``STOP_SECONDS``, ends the process at once, and others do what it had in hand.
    Raises SettingsError, StoreError and ReadError when it begins.
    """
    app = make_app(_broker(settings))
    threads = _THREADS.get(role, settings.concurrency)
    sys.setswitchinterval(_SWITCH_SECONDS)
    with (
        Signals(*ENDING) as signals,
        visible(settings, role.value) as recorder,
        bounded_end(signals, events.process_ended_by_force, STOP_SECONDS) as stops,
        opened(settings) as ipam,
        WorkerProcess(ipam, CeleryDispatcher(app), role.value, recorder) as worker_process,
    ):
        stops.append(worker_process.stop)
        add_tasks(app, worker_process, recorder)
        code = consume(app, role, threads, lambda: events.process_started(threads=threads))
    _leave(code)


@contextmanager
def bounded_end(signals: Signals, say: Say, seconds: float) -> Iterator[list[Callable[[], None]]]:
    """From a signal on, what is in this context is told to end, and ends in time or by force.

    It yields what shall be called then, beside the end of consuming.
    """
    stops: list[Callable[[], None]] = []
    ended = threading.Event()

    def end() -> None:
        signals.wait()
        if ended.is_set():
            return
        events.process_stopping()
        stop_consuming()
        for stop in stops:
            threading.Thread(target=stop, name="stopping", daemon=True).start()
        hurried = signals.wait(seconds)
        if not ended.is_set():
            say("Ended at once." if hurried else f"Ended after {seconds:g} s: something hangs.")
            os._exit(1)

    thread = threading.Thread(target=end, name="ending")
    thread.start()
    try:
        yield stops
    finally:
        ended.set()
        signals.wake()
        thread.join()


def keep_time(settings: Settings) -> NoReturn:
    """Be a beat until a signal, remind the workers to tick, to deliver and to sweep, and end the process.

    Which servers are due, and whether a reminder came too early, is for the store to say: two
    beats at once do no harm.  It goes by a clock that nobody sets, so that a corrected clock
    neither stops the schedule nor makes it catch up.
    """
    dispatcher = CeleryDispatcher(make_app(_broker(settings)))
    timing = settings.run_policy.timing
    often = {Task.TICK: timing.tick, Task.DELIVER: timing.tick, Task.SWEEP: timing.sweep}
    periods = {task: period.total_seconds() for task, period in often.items()}
    due = dict.fromkeys(periods, time.monotonic())
    with (
        Signals(*ENDING) as signals,
        visible(settings, BEAT) as recorder,
        opened(settings) as ipam,
        WorkerProcess(ipam, dispatcher, BEAT, recorder),
    ):
        events.process_started()
        task, at = _next(due)
        while signals.wait(max(0.0, at - time.monotonic())) is None:
            dispatcher.remind(task)
            recorder.reminded(task)
            due[task] = max(at, time.monotonic() - periods[task]) + periods[task]
            task, at = _next(due)
        events.process_stopping()
    _leave(0)


def _next(due: Mapping[Task, float]) -> tuple[Task, float]:
    return min(due.items(), key=lambda item: item[1])


def _leave(code: int) -> NoReturn:
    """Without what libraries do at the end of Python: they would ask a broker that may be gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _broker(settings: Settings) -> str:
    if settings.broker_url is None:
        raise SettingsError(
            ("IPAM_SYNC_BROKER_URL is not set: name the broker, such as redis://localhost:6379/0.",)
        )
    return settings.broker_url
