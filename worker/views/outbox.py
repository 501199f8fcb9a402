"""What channels are still to be told, and what was given up, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconcile.model.findings import Finding
from worker.alerts.wording import HAPPENED
from worker.model.alerts import Delivery, PastEvent
from worker.model.change_feed import AppliedBacklog
from worker.views.operations import Json, server_name
from worker.views.screen import Cell, Screen
from worker.views.text import counted, iso, moment


@dataclass(frozen=True, slots=True)
class Undone:
    """A delivery that a channel still has to get, or that failed, with the problem's ``event``."""

    delivery: Delivery
    finding: Finding
    event: PastEvent | None
    in_file: bool
    paused_until: datetime | None

    @property
    def next_try(self) -> datetime | None:
        """Return the time of the next try, after a pause of the channel. None for a dead letter."""
        return None if self.delivery.is_dead else _after(self.delivery.due_at, self.paused_until)


@dataclass(frozen=True, slots=True)
class UntoldChanges:
    """Applied changes that a ``channel`` still has to get, or that failed."""

    channel: str
    backlog: AppliedBacklog
    paused_until: datetime | None

    @property
    def next_try(self) -> datetime | None:
        """Return the time of the next try, after a pause of the channel. None if nothing waits."""
        due_at = self.backlog.next_try
        return None if due_at is None else _after(due_at, self.paused_until)


def _after(due_at: datetime, paused_until: datetime | None) -> datetime:
    return due_at if paused_until is None else max(due_at, paused_until)


def undone_json(undone: Undone, names: Mapping[int, str]) -> Json:
    """Return a delivery that is waiting, or that failed."""
    delivery, finding, event = undone.delivery, undone.finding, undone.event
    return {
        "problem": delivery.finding,
        "kind": finding.kind.value,
        "relationship": finding.relationship,
        "servers": [server_name(names, s) for s in finding.servers],
        "channel": delivery.channel,
        "in_file": undone.in_file,
        "event": None if event is None else event.event.value,
        "key": None if event is None else event.key,
        "since": None if event is None else iso(event.at),
        "state": "given_up" if delivery.is_dead else "waiting",
        "attempts": delivery.attempts,
        "next_try": iso(undone.next_try),
        "error": delivery.error,
    }


def changes_json(untold: UntoldChanges) -> Json:
    """Return the waiting changes of a channel."""
    backlog = untold.backlog
    return {
        "channel": untold.channel,
        "waiting": backlog.waits,
        "given_up": backlog.given_up,
        "attempts": backlog.attempts,
        "next_try": iso(untold.next_try),
        "error": backlog.error,
    }


def show_changes(screen: Screen, untold: Iterable[UntoldChanges], now: datetime) -> None:
    """Show one row for each channel."""
    rows = (
        (
            backlog.channel,
            str(backlog.backlog.waits),
            f"critical: {backlog.backlog.given_up}" if backlog.backlog.given_up else "",
            _next(backlog.next_try, backlog.backlog.attempts, now, ""),
            backlog.backlog.error or "",
        )
        for backlog in untold
    )
    screen.table(("channel", "changes waiting", "given up", "next try", "last error"), rows)


def show_undone(
    screen: Screen, undone: Iterable[Undone], names: Mapping[int, str], now: datetime
) -> None:
    """Show one row for each delivery."""
    rows = (
        (
            str(delivery.delivery.finding),
            _about(delivery.finding, names),
            delivery.delivery.channel
            if delivery.in_file
            else (delivery.delivery.channel, "not in the file"),
            _event(delivery.event),
            _next(delivery.next_try, delivery.delivery.attempts, now, "critical: given up"),
            delivery.delivery.error or "",
        )
        for delivery in undone
    )
    screen.table(("problem", "about", "channel", "event", "next try", "last error"), rows)


def _about(finding: Finding, names: Mapping[int, str]) -> Cell:
    servers = ", ".join(server_name(names, s) for s in finding.servers)
    parts = [finding.relationship or finding.about or "", servers]
    return (finding.kind.replace("_", " "), *(part for part in parts if part))


def _event(event: PastEvent | None) -> Cell:
    return "" if event is None else (HAPPENED[event.event], moment(event.at))


def _next(next_try: datetime | None, attempts: int, now: datetime, never: str) -> Cell:
    words = never if next_try is None else "now" if next_try <= now else moment(next_try)
    return (words, f"after {counted(attempts, 'attempt')}") if attempts else words
