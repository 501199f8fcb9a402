"""Sending what channels are to be told: each channel by itself, at least once, in order.

A deliverer claims what is due for a channel, sends it, and marks it, in this order: one that dies
in between has another one send the same again, with the same keys.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from reconcile.model.findings import Event
from worker.alerts.alerting import Alerting
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.delivery.attempt import CLAIM, hand_over, refused
from worker.alerts.delivery.change_feed import tell_changes
from worker.alerts.delivery.composer import Words, as_first_seen_by, build_alert, words_of
from worker.alerts.delivery.dead_letters import forget_others, is_in_trouble, works_again
from worker.alerts.delivery.policy import next_look, why_not
from worker.alerts.delivery.reminders import remind
from worker.alerts.delivery.router import route
from worker.alerts.message import Alert, Digest
from worker.model.alerts import Delivery, OpenFinding, Silence
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

#: A claim lasts longer than this and one more delivery together.
_BEGIN_ANOTHER_SECONDS: Final = 60.0
#: How often it is looked whether something has to be told again lest it is forgotten.
_REFRESH_SECONDS: Final = 60.0
#: Claimed at once: what keeps state is told one by one, people many at once.
_SINGLES, _TOGETHER = 25, 200
#: People are told so many problems, or more, in one message.
_DIGEST_FROM: Final = 4


@dataclass(frozen=True, slots=True)
class _Item:
    """A delivery and its alert."""

    delivery: Delivery
    alert: Alert

    @property
    def number(self) -> int:
        return self.alert.sequence


class Deliverer:
    """The deliveries of a process. Thread-safe. A channel that hangs delays no other one."""

    def __init__(
        self, store: Store, alerting: Alerting, words: Words, recorder: EventRecorder
    ) -> None:
        self._store = store
        self._alerting = alerting
        self._words = words
        self._recorder = recorder
        # One lock a channel keeps the order of its messages. Another thread skips a busy channel.
        self._busy = {name: threading.Lock() for name in alerting.channels}
        self._has_looked = False
        self._works: set[str] = set()
        self._refreshed: dict[str, float] = {}

    def deliver(self) -> None:
        """Route events to channels and deliver them. Work of another thread is left to it."""
        if not self._has_looked:
            self._look_at_everything()
        # Routing can find that a problem became more severe since its event, which is another event.
        while remind(self._store, self._alerting, self._words) + route(
            self._store, self._alerting, self._words
        ):
            pass
        channels = self._alerting.channels.values()
        with ThreadPoolExecutor(max(1, len(channels)), "channel") as threads:
            for future in [threads.submit(self._tell, channel) for channel in channels]:
                future.result()

    def _look_at_everything(self) -> None:
        """There may be channels and routes that there were not before, and some are gone."""
        with self._store.write() as uow:
            # One transaction, so that a crash in between is made up for at the next start.
            uow.outbox.remind_all()
            forget_others(uow, self._alerting.channels)
            uow.change_feed.keep_only(self._alerting.applied.channels)
            uow.commit()
        self._has_looked = True

    def _tell(self, channel: Channel) -> None:
        if not self._busy[channel.name].acquire(blocking=False):
            return
        try:
            self._works.discard(channel.name)
            self._refresh(channel)
            while self._tell_some(channel):
                pass
            if channel.name in self._works:
                self._tell_what_was_given_up(channel)
            tell_changes(self._store, channel, self._alerting.applied, self._recorder)
        finally:
            self._busy[channel.name].release()

    def _refresh(self, channel: Channel) -> None:
        """Repeat open problems to a channel whose receiver forgets them."""
        refreshed_at = self._refreshed.get(channel.name, -_REFRESH_SECONDS)
        if channel.refresh is None or time.monotonic() - refreshed_at < _REFRESH_SECONDS:
            return
        self._refreshed[channel.name] = time.monotonic()
        with self._store.write() as uow:
            uow.deliveries.enqueue_again(channel.name, uow.now() - channel.refresh)
            uow.commit()

    def _tell_what_was_given_up(self, channel: Channel) -> None:
        """Once: what is refused again waits until the channel takes something else."""
        with self._store.read() as reading:
            # A look without the writer's turn, because most channels have no trouble.
            if not is_in_trouble(reading.findings, channel.name):
                return
        with self._store.write() as uow:
            revived = works_again(uow, channel.name)
            uow.commit()
        if not revived:
            return
        while self._tell_some(channel):
            pass
        with self._store.write() as uow:
            works_again(uow, channel.name, is_last=True)
            uow.commit()

    def _tell_some(self, channel: Channel) -> bool:
        """False when there is nothing more to be told, or it is no use now."""
        claim = uuid4().hex
        items = self._claim(channel, claim)
        if not items:
            return items is not None
        if channel.for_people and len(items) >= _DIGEST_FROM:
            return self._send(channel, claim, items)
        started_at = time.monotonic()
        for place, item in enumerate(items):
            if time.monotonic() - started_at > _BEGIN_ANOTHER_SECONDS:
                self._let_go(claim, items[place:])
                return True
            if not self._send(channel, claim, [item]):
                self._let_go(claim, items[place + 1 :])
                return False
        return True

    def _claim(self, channel: Channel, claim: str) -> list[_Item] | None:
        """Claim the due deliveries of a channel.

        Return those still needed, None if none was due.
        """
        limit = _TOGETHER if channel.for_people else _SINGLES
        with self._store.read() as reading:
            # A look without the writer's turn, because most sweeps find nothing due.
            if not reading.deliveries.is_due(channel.name):
                return None
        with self._store.write() as uow:
            # The claim is committed before anything is sent. A process that dies while sending
            # leaves a claim that lapses, and the message is sent again under the same key.
            claimed = uow.deliveries.claim(channel.name, claim, uow.now() + CLAIM, limit)
            if not claimed:
                return None
            problems = uow.findings.by_id({d.finding for d in claimed})
            event_keys = [(d.finding, d.wanted or 0) for d in claimed]
            events = {(e.finding, e.sequence): e for e in uow.outbox.events_at(event_keys)}
            words, silences, current_time = (
                words_of(uow.inventory, self._words),
                uow.silences.load(),
                uow.now(),
            )
            items = []
            for delivery, key in zip(claimed, event_keys, strict=True):
                problem, event = problems[delivery.finding], events[key]
                item = _Item(
                    delivery, as_first_seen_by(build_alert(event, problem, words), delivery)
                )
                if (reason := _why_not_now(item, problem, silences)) is None:
                    items.append(item)
                    continue
                uow.deliveries.cancel(delivery.finding, delivery.channel)
                uow.outbox.set_outcome(key, {delivery.channel: reason})
                look = next_look(problem, item.alert, silences, self._alerting, current_time)
                uow.outbox.set_reminder(problem.id, look, None)
            uow.commit()
        return items

    def _send(self, channel: Channel, claim: str, items: Sequence[_Item]) -> bool:
        """True if the channel works."""
        alerts = tuple(item.alert for item in items)
        batch = items[0].delivery.batch or claim
        message = (
            alerts[0] if len(alerts) == 1 else Digest(f"digest-{batch}", alerts, _last(alerts))
        )
        try:
            hand_over(channel, message)
        except Undelivered as error:
            self._failed(channel, claim, items, error)
            return error.permanent
        self._done(channel, claim, items)
        return True

    def _done(self, channel: Channel, claim: str, items: Sequence[_Item]) -> None:
        with self._store.write() as uow:
            events = {i.delivery.finding: (i.number, i.alert.event) for i in items}
            # Only rows that still carry this claim are marked, so a claim that lapsed changes
            # nothing.
            uow.deliveries.mark_delivered(claim, events)
            for item in items:
                key = (item.delivery.finding, item.number)
                uow.outbox.set_outcome(key, {channel.name: f"told as {item.alert.event}"})
            uow.commit()
        self._works.add(channel.name)
        self._recorder.alerts_told(channel.name, len(items))

    def _failed(
        self, channel: Channel, claim: str, items: Sequence[_Item], error: Undelivered
    ) -> None:
        attempts = max(item.delivery.attempts for item in items) + 1
        with self._store.write() as uow:
            # The failure, its problem and the next try are one fact, so they are one transaction.
            verdict = refused(uow, channel.name, attempts, error)
            tried = {item.delivery.finding: item.number for item in items}
            uow.deliveries.mark_failed(
                claim,
                tried,
                error.sentence,
                verdict.again,
                is_dead=verdict.is_dead,
                in_doubt=error.unsure,
            )
            if verdict.is_dead:
                for key in tried.items():
                    uow.outbox.set_outcome(key, {channel.name: f"given up: {error.sentence}"})
            uow.commit()
        self._recorder.alerts_failed(channel.name, error.sentence, is_dead=verdict.is_dead)

    def _let_go(self, claim: str, items: Sequence[_Item]) -> None:
        if items:
            with self._store.write() as uow:
                uow.deliveries.release(claim, [item.delivery.finding for item in items])
                uow.commit()


def _why_not_now(item: _Item, problem: OpenFinding, silences: Iterable[Silence]) -> str | None:
    """Return why a delivery is not needed any more, or None.

    Its problem may have ended while a failed delivery was noticed, or it may be silenced or
    explained by now.
    """
    if item.alert.event is not Event.RESOLVED:
        return why_not(problem, item.alert, silences) if problem.resolved_at is None else None
    return None if item.delivery.may_know_it_open else "over before it was told"


def _last(alerts: Sequence[Alert]) -> datetime:
    return max(alert.at for alert in alerts)
