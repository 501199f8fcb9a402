"""What a worker or a beat counts about itself, for Prometheus; docs/metrics.md explains each.

``worker.telemetry.events`` counts, ``worker.monitoring.http`` serves.  What the whole installation has is in the
store, and told by ``worker.monitoring.exporter``: no process knows it.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Info

from reconcile.model.nouns import Operation
from worker.model.roles import Task

REGISTRY: Final = CollectorRegistry()

_TASK_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_READING_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 90)

PROCESS: Final = Info(
    "ipam_sync_process", "The process: its role and the program's version.", registry=REGISTRY
)
TASK_DURATION: Final = Histogram(
    "ipam_sync_task_duration_seconds",
    "How long tasks took, those that failed included.",
    ["task"],
    buckets=_TASK_SECONDS,
    registry=REGISTRY,
)
TASKS_FAILED: Final = Counter(
    "ipam_sync_tasks_failed", "Tasks that ended with an error.", ["task"], registry=REGISTRY
)
READING_DURATION: Final = Histogram(
    "ipam_sync_reading_duration_seconds",
    "How long it took to read a server that was asked.",
    ["outcome"],
    buckets=_READING_SECONDS,
    registry=REGISTRY,
)
READINGS: Final = Counter(
    "ipam_sync_readings",
    "Readings of servers; the reason is the code of a failure, or why the server was skipped.",
    ["outcome", "reason"],
    registry=REGISTRY,
)
ALERTS_TOLD: Final = Counter(
    "ipam_sync_alerts_told", "Alerts that a channel took.", ["channel"], registry=REGISTRY
)
ALERTS_FAILED: Final = Counter(
    "ipam_sync_alerts_failed",
    "Messages with alerts that a channel did not take; what becomes of them.",
    ["channel", "then"],
    registry=REGISTRY,
)
PAIRS_JUDGED: Final = Counter(
    "ipam_sync_pairs_judged", "Pairs that were judged.", registry=REGISTRY
)
OPERATIONS_RECORDED: Final = Counter(
    "ipam_sync_operations_recorded",
    "New lines of OperationTracker.",
    ["operation"],
    registry=REGISTRY,
)
LEASES_LOST: Final = Counter(
    "ipam_sync_leases_lost",
    "Works that ended because somebody else had taken them over.",
    registry=REGISTRY,
)
MESSAGES_SENT_AGAIN: Final = Counter(
    "ipam_sync_messages_sent_again",
    "Messages that the sweeper sent because nobody did what they asked for.",
    ["task"],
    registry=REGISTRY,
)
PROCESSES_LOST: Final = Counter(
    "ipam_sync_processes_lost",
    "Workers and beats that the sweeper took for dead.",
    registry=REGISTRY,
)
REMINDERS: Final = Counter(
    "ipam_sync_reminders", "Ticks and sweeps that the beat asked for.", ["task"], registry=REGISTRY
)
ROWS_PRUNED: Final = Counter(
    "ipam_sync_rows_pruned", "Old rows that were removed.", ["table"], registry=REGISTRY
)
HEARTBEATS: Final = Counter(
    "ipam_sync_heartbeats",
    "Pushes to the heartbeat's URL: sent, refused, or withheld from an unhealthy installation.",
    ["outcome"],
    registry=REGISTRY,
)


def _begin_with_zero() -> None:
    """What did not happen yet is a zero, not a series that is missing."""
    for task in Task:
        TASK_DURATION.labels(task)
        TASKS_FAILED.labels(task)
    for task in (Task.READ, Task.SETTLE):
        MESSAGES_SENT_AGAIN.labels(task)
    for task in (Task.TICK, Task.DELIVER, Task.SWEEP):
        REMINDERS.labels(task)
    for operation in Operation:
        OPERATIONS_RECORDED.labels(operation)
    for outcome in ("sent", "refused", "withheld"):
        HEARTBEATS.labels(outcome)
    for table in ("sighting", "reading", "run"):
        ROWS_PRUNED.labels(table)


_begin_with_zero()
