"""Metrics of the whole installation, from the store and the broker; used by ``ipam-sync exporter``.

One exporter is enough; several tell the same.  Everything is asked anew for each scrape, in a fixed
number of statements.  docs/metrics.md explains each metric; a test holds the two together.
"""

from __future__ import annotations

import logging
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from reconcile.kinds.severity import severity
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Finding, Kind, Matter, Severity
from reconcile.model.nouns import Operation, Standing, State
from reconcile.model.record import Hold
from worker.config.settings import Settings
from worker.messaging.celery_app import Backlog
from worker.model.errors import StoreError
from worker.model.roles import BEAT, BrokerUnavailable, Role
from worker.model.statistics import Figures
from worker.monitoring.counters import Tallies
from worker.store.unit_of_work import Store
from worker.telemetry.events import facts

_log: Final = logging.getLogger(__name__)

#: So many sides that are not in state Normal are told one by one.
MOST_SIDES: Final = 1000
_HOLDS: Final = {hold: hold.value or "none" for hold in Hold}

AskBroker = Callable[[], Backlog]


def exported(store: Store, settings: Settings, ask: AskBroker | None) -> CollectorRegistry:
    """Return the metrics to serve.

    Without a broker ``ask`` is None. Nothing is read before a scrape.
    """
    registry = CollectorRegistry()
    registry.register(Installation(store, settings, ask))
    return registry


class Installation(Collector):
    """The metrics of store and broker, read at each scrape, one scrape at a time."""

    def __init__(self, store: Store, settings: Settings, ask: AskBroker | None) -> None:
        self._store = store
        self._settings = settings
        self._ask = ask
        self._tallies = Tallies()
        # Two scrapes at once would count the same new runs twice.
        self._lock = Lock()

    @override
    def collect(self) -> Iterator[Metric]:
        with self._lock:
            families = [*self._of_the_store(), *self._of_the_broker()]
        yield from families

    def _of_the_store(self) -> Iterator[Metric]:
        try:
            with self._store.read() as reading:
                figures = reading.statistics.figures(MOST_SIDES)
                self._tallies.look(reading, figures)
        except StoreError as error:
            _log.warning("store not readable", extra=facts(error=str(error)))
            yield _one("ipam_sync_store_up", "1 if the database answers.", 0)
            return
        yield _one("ipam_sync_store_up", "1 if the database answers.", 1)
        yield from _servers(figures)
        yield from _sides(figures, self._settings.evidence_age)
        yield from _findings(figures, self._settings)
        yield _operations(figures)
        yield from _work(figures, self._settings.tick)
        yield from self._tallies.registry.collect()

    def _of_the_broker(self) -> Iterator[Metric]:
        if self._ask is None:
            return
        up = "1 if the broker answers."
        try:
            backlog = self._ask()
        except BrokerUnavailable as error:
            _log.warning("broker not reachable", extra=facts(error=str(error)))
            yield _one("ipam_sync_broker_up", up, 0)
            return
        yield _one("ipam_sync_broker_up", up, 1)
        samples = [((role.value,), count) for role, count in backlog.waiting.items()]
        yield _many("ipam_sync_queue_messages", "Messages that wait.", ("queue",), samples)
        held = "Messages that are in the hands of workers."
        yield _one("ipam_sync_messages_in_hand", held, backlog.in_flight)


def _servers(figures: Figures) -> Iterator[Metric]:
    enabled_servers = [s for s in figures.servers if s.standing is Standing.ENABLED]
    yield _many(
        "ipam_sync_server_last_success_timestamp_seconds",
        "When a server that is asked was last read; 0: never.",
        ("server",),
        [((s.name,), _timestamp(s.read_at)) for s in enabled_servers],
    )
    yield _many(
        "ipam_sync_server_in_maintenance",
        "1 if a server that is asked is left alone for maintenance now, else 0.",
        ("server",),
        [((s.name,), s.in_maintenance) for s in enabled_servers],
    )
    standings = Counts(s.standing for s in figures.servers)
    yield _many(
        "ipam_sync_servers",
        "Servers in the inventory.",
        ("standing",),
        [((standing.value,), standings[standing]) for standing in Standing],
    )


def _sides(figures: Figures, evidence_age: timedelta) -> Iterator[Metric]:
    """Yield the sides of relationships by state.

    A state older than the evidence age reads as Unknown.
    """
    readable_names = {
        s.id: s.name
        for s in figures.servers
        if s.read_at is not None and figures.now - s.read_at <= evidence_age
    }
    states = Counts[State]()
    for (server, state), count in figures.sides.items():
        states[state if server in readable_names else State.UNKNOWN] += count
    yield _many(
        "ipam_sync_relationship_sides",
        "Sides of stored relationships by state; one that is too old counts as Unknown.",
        ("state",),
        [((state.value,), states[state]) for state in State],
    )
    yield _many(
        "ipam_sync_relationship_side_state",
        "1 for the state of a side that is not Normal and was told lately; at most 1000 sides.",
        ("relationship", "server", "state"),
        [
            ((side.relationship, readable_names[side.server], side.state.value), 1)
            for side in figures.odd_sides
            if side.server in readable_names
        ],
    )


def _findings(figures: Figures, settings: Settings) -> Iterator[Metric]:
    """Yield the open findings.

    Every severity that a kind could have gets a series, so that absence is a zero.
    """

    def graded(kind: Kind, grade: str, *, outlasted: bool) -> Severity:
        finding = Finding(kind, None, (), "", grade=grade)
        return severity(finding, settings.severities, outlasted=outlasted)

    counts = Counts(
        {
            (kind, graded(kind, grade, outlasted=outlasted)): 0
            for kind in Kind
            for grade in ("", *State)
            for outlasted in (False, True)
        }
    )
    ages = {(matter, current_severity): 0.0 for matter in Matter for current_severity in Severity}
    for (word, grade, outlasted), total in figures.findings.items():
        kind = Kind(word)
        current_severity = graded(kind, grade, outlasted=outlasted)
        counts[kind, current_severity] += total.count
        age = (figures.now - total.oldest_at).total_seconds()
        ages[KINDS[kind].matter, current_severity] = max(
            ages[KINDS[kind].matter, current_severity], age
        )
    yield _many(
        "ipam_sync_findings_open",
        "Findings that are open, by the severity that they have now.",
        ("kind", "matter", "severity"),
        [
            ((kind, KINDS[kind].matter, current_severity), count)
            for (kind, current_severity), count in counts.items()
        ],
    )
    yield _many(
        "ipam_sync_oldest_finding_age_seconds",
        "How long ago the oldest open finding was first seen; 0: there is none.",
        ("matter", "severity"),
        ages.items(),
    )


def _operations(figures: Figures) -> Metric:
    counts = {(o.value, word): 0 for o in Operation for word in _HOLDS.values()}
    for (operation, hold), count in figures.operations.items():
        counts[operation, _HOLDS[Hold(hold)]] = count
    return _many(
        "ipam_sync_operations_pending",
        "Pending lines of OperationTracker, and what holds them for a person.",
        ("operation", "hold"),
        counts.items(),
    )


def _work(figures: Figures, tick: timedelta) -> Iterator[Metric]:
    yield _one(
        "ipam_sync_credentials_suspended",
        "Credentials that nobody is asked with any more.",
        figures.suspended_credentials,
    )
    yield _one("ipam_sync_runs_in_progress", "Runs that workers are at.", figures.open_runs)
    oldest_run_at = figures.oldest_run_at
    yield _one(
        "ipam_sync_oldest_run_age_seconds",
        "How long ago the oldest of them began; 0: there is none.",
        0 if oldest_run_at is None else (figures.now - oldest_run_at).total_seconds(),
    )
    yield _one(
        "ipam_sync_last_run_timestamp_seconds",
        "When the latest run that ended well did; 0: none has.",
        _timestamp(figures.ended_well_at),
    )
    yield _many(
        "ipam_sync_processes_alive",
        "Workers and beats that renew their registration.",
        ("role",),
        [((role,), figures.processes.get(role, 0)) for role in (*Role, BEAT)],
    )
    ticked = figures.ticked_by
    yield _one(
        "ipam_sync_last_tick_timestamp_seconds",
        "When a worker last looked who is due, which the beat asks for; 0: never.",
        _timestamp(None if ticked is None else ticked - tick / 2),
    )


def _timestamp(moment: datetime | None) -> float:
    return 0 if moment is None else moment.timestamp()


def _one(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _many(
    name: str,
    says: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float]],
) -> Metric:
    family = GaugeMetricFamily(name, says, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
