"""The two doors of a history: one process that works at its own run, and workers with messages."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tests.worker.runs.histories import Wanted
from tests.worker.runs.history_site import Site
from tests.worker.runs.office import HeldMessages, Message
from worker.inventory.lookup import UnknownTarget
from worker.model.runs import Lane, Trigger
from worker.processes.inline import Inline
from worker.processes.registration import Registration
from worker.runs.engine import Engine
from worker.runs.judge import MOST
from worker.runs.recovery import sweep
from worker.runs.request import request_run
from worker.runs.schedule import open_due_run
from worker.runs.targets import RunRequest
from worker.telemetry.events import EventRecorder

#: A door plays the run of a step: in order it gets the IPAM, what is wanted, and a source of luck.
Door: TypeAlias = Callable[[Site, Wanted, random.Random], Counter[str]]

#: The schedule spreads load by a random part of an interval; with this seed it is almost nothing.
_NO_JITTER: Final = 139
_LONG_AGO: Final = "2020-01-01T00:00:00.000000Z"
#: Shares of messages that are lost, doubled, and late.
_LOST, _DOUBLED, _LATE = 0.12, 0.12, 0.08
_MOST_ROUNDS: Final = 300


class _NeverOver(AssertionError):
    """A run that workers did not end."""


class _Worker:
    """A worker process that reads the servers of a history."""

    def __init__(self, site: Site, dispatcher: HeldMessages) -> None:
        recorder, run_policy = EventRecorder(), site.ipam.run_policy
        self.dispatcher = dispatcher
        self.engine = Engine(site.store, dispatcher, site.reader, run_policy, recorder, 8, MOST)
        self.registration = Registration(
            site.store, dispatcher, "all", run_policy.timing, recorder, self.engine.in_flight
        )

    def handle(self, message: Message) -> None:
        """Do what a message asks for. Whoever concluded a run has it settled by anybody."""
        kind, run, server = message
        if kind == "settle":
            self.engine.settle(run)
            return
        reading = self.engine.read(self.registration.process, run, server)
        for number in () if reading is None else reading.runs:
            self.dispatcher.settle(number)


def through_sync(site: Site, wanted: Wanted, luck: random.Random) -> Counter[str]:
    """Play a run by ``sync``; one of the schedule by a worker whose messages all arrive at once."""
    del luck
    if wanted.scheduled:
        return _scheduled(site, None)
    with suppress(UnknownTarget):
        inline = Inline(site.store, site.ipam.run_policy, site.reader, Lane.ON_DEMAND, threads=1)
        inline.sync(_request(wanted))
    return Counter()


def through_calm_workers(site: Site, wanted: Wanted, luck: random.Random) -> Counter[str]:
    """Play a run by one worker whose messages all come at once and in order."""
    del luck
    return _through_workers(site, wanted, None)


def through_workers(site: Site, wanted: Wanted, luck: random.Random) -> Counter[str]:
    """Play a run by two workers whose messages come in any order, twice, late, or never."""
    return _through_workers(site, wanted, luck)


def _through_workers(site: Site, wanted: Wanted, luck: random.Random | None) -> Counter[str]:
    if wanted.scheduled:
        return _scheduled(site, luck)
    dispatcher = HeldMessages()
    with suppress(UnknownTarget):
        run = request_run(site.store, dispatcher, _request(wanted))
        return _work(site, dispatcher, run, luck)
    return Counter()


def _request(wanted: Wanted) -> RunRequest:
    return RunRequest(Trigger.CLI, "tester", wanted.server, wanted.relationship)


def _scheduled(site: Site, luck: random.Random | None) -> Counter[str]:
    random.seed(_NO_JITTER)
    dispatcher = HeldMessages()
    site.sql("DELETE FROM lease WHERE name = 'tick'")
    run = open_due_run(site.store, dispatcher, site.ipam.run_policy.timing)
    return Counter() if run is None else _work(site, dispatcher, run, luck)


def _work(
    site: Site, dispatcher: HeldMessages, run: int, luck: random.Random | None
) -> Counter[str]:
    with _workers(site, dispatcher, 1 if luck is None else 2) as workers:
        return _Broker(site, dispatcher, workers, luck).work(run)


@contextmanager
def _workers(site: Site, dispatcher: HeldMessages, count: int) -> Iterator[list[_Worker]]:
    workers = [_Worker(site, dispatcher) for _ in range(count)]
    with ExitStack() as stack:
        for worker in workers:
            stack.enter_context(worker.registration)
        yield workers


@dataclass
class _Broker:
    """A broker and its workers; with ``luck`` on a bad day, and they live with it."""

    site: Site
    dispatcher: HeldMessages
    workers: list[_Worker]
    luck: random.Random | None
    late: list[Message] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def work(self, run: int) -> Counter[str]:
        """Work until the run is over and no message is left."""
        rounds = 0
        while not self._is_over(run):
            rounds += 1
            if rounds > _MOST_ROUNDS:
                raise _NeverOver(run)
            messages = self.dispatcher.waiting_now
            if messages:
                self._hand_out(messages[0] if self.luck is None else self.luck.choice(messages))
            else:
                self._recover()
        self.dispatcher.waiting_now.extend(self.late)
        while (message := self.dispatcher.take()) is not None:
            self.happened["late"] += 1
            self._worker().handle(message)
        return self.happened

    def _worker(self) -> _Worker:
        return self.workers[0] if self.luck is None else self.luck.choice(self.workers)

    def _is_over(self, run: int) -> bool:
        with self.site.store.read() as reading:
            return reading.runs.find_in_progress(run) is None

    def _hand_out(self, message: Message) -> None:
        self.dispatcher.waiting_now.remove(message)
        chance = (_LOST + _LATE + 1 - _DOUBLED) / 2 if self.luck is None else self.luck.random()
        if chance < _LOST:
            self.happened["lost"] += 1
            return
        if chance < _LOST + _LATE:
            self.late.append(message)
            return
        self._worker().handle(message)
        if chance > 1 - _DOUBLED:
            self.happened["doubled"] += 1
            self._worker().handle(message)

    def _recover(self) -> None:
        """Sweep when it is time; a queue of readings has no messages to settle."""
        self.dispatcher.waiting_now.clear()
        self.happened["swept"] += 1
        self.site.sql(f"UPDATE run_member SET published_at = '{_LONG_AGO}'")  # noqa: S608
        self.site.sql("DELETE FROM lease WHERE name = 'sweep'")
        sweep(self.site.store, self.dispatcher, self.site.ipam.run_policy.timing, EventRecorder())
