"""What a worker or a beat counts about itself, for Prometheus; docs/metrics.md explains each.

``worker.telemetry.events`` counts, ``worker.monitoring.http`` serves.  What the whole installation has is in the
store, and told by ``worker.monitoring.exporter``: no process knows it.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Info

from reconcile.model.nouns import Operation
from worker.model.roles import Task

#: From a message without work to a batch of hundreds of servers.
_TASK_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
#: Up to the poll's deadline and a little more.
_READING_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 90)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.process = Info(
            "ipam_sync_process",
            "The process: its role and the program's version.",
            registry=registry,
        )
        self.task_duration = Histogram(
            "ipam_sync_task_duration_seconds",
            "How long tasks took, those that failed included.",
            ["task"],
            buckets=_TASK_SECONDS,
            registry=registry,
        )
        self.tasks_failed = Counter(
            "ipam_sync_tasks_failed", "Tasks that ended with an error.", ["task"], registry=registry
        )
        self.reading_duration = Histogram(
            "ipam_sync_reading_duration_seconds",
            "How long it took to read a server that was asked.",
            ["outcome"],
            buckets=_READING_SECONDS,
            registry=registry,
        )
        self.readings = Counter(
            "ipam_sync_readings",
            "Readings of servers; the reason is the code of a failure, or why the server was skipped.",
            ["outcome", "reason"],
            registry=registry,
        )
        self.alerts_told = Counter(
            "ipam_sync_alerts_told", "Alerts that a channel took.", ["channel"], registry=registry
        )
        self.alerts_failed = Counter(
            "ipam_sync_alerts_failed",
            "Messages with alerts that a channel did not take; what becomes of them.",
            ["channel", "then"],
            registry=registry,
        )
        self.pairs_judged = Counter(
            "ipam_sync_pairs_judged",
            "Judgements of pairs. A pair that is judged again in a run counts again.",
            registry=registry,
        )
        self.operations_recorded = Counter(
            "ipam_sync_operations_recorded",
            "New lines of OperationTracker.",
            ["operation"],
            registry=registry,
        )
        self.leases_lost = Counter(
            "ipam_sync_leases_lost",
            "Works that ended because somebody else had taken them over.",
            registry=registry,
        )
        self.messages_sent_again = Counter(
            "ipam_sync_messages_sent_again",
            "Messages that the sweeper sent because nobody did what they asked for.",
            ["task"],
            registry=registry,
        )
        self.processes_lost = Counter(
            "ipam_sync_processes_lost",
            "Workers and beats that the sweeper took for dead.",
            registry=registry,
        )
        self.reminders = Counter(
            "ipam_sync_reminders",
            "Ticks and sweeps that the beat asked for.",
            ["task"],
            registry=registry,
        )
        self.rows_pruned = Counter(
            "ipam_sync_rows_pruned", "Old rows that were removed.", ["table"], registry=registry
        )
        self.heartbeats = Counter(
            "ipam_sync_heartbeats",
            "Pushes to the heartbeat's URL: sent, refused, or withheld from an unhealthy installation.",
            ["outcome"],
            registry=registry,
        )
        self._begin_with_zero()

    def _begin_with_zero(self) -> None:
        """Add the series of what did not happen yet, so that they are zero rather than missing."""
        for task in Task:
            self.task_duration.labels(task)
            self.tasks_failed.labels(task)
        for task in (Task.READ, Task.SETTLE):
            self.messages_sent_again.labels(task)
        for task in (Task.TICK, Task.DELIVER, Task.SWEEP):
            self.reminders.labels(task)
        for operation in Operation:
            self.operations_recorded.labels(operation)
        for outcome in ("sent", "refused", "withheld"):
            self.heartbeats.labels(outcome)
        for table in ("sighting", "reading", "run"):
            self.rows_pruned.labels(table)
