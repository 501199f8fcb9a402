"""What the exporter counts from scrape to scrape: runs that ended, findings that came and went.

Counted from when the exporter began, so no pruning makes a count fall.  What was complete at the last
look is not looked at again; used by ``worker.monitoring.exporter``.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from reconcile.kinds.table import KINDS
from reconcile.model.findings import Kind
from worker.model.runs import Trigger
from worker.model.statistics import Figures
from worker.store.unit_of_work import Transaction

_OUTCOMES: Final = ("done", "failed", "interrupted")
#: Events are committed out of order, but so long no transaction takes: what is older is complete.
_SETTLED: Final = timedelta(minutes=10)
#: From a run about one server to one about thousands of slow ones.
_RUN_SECONDS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Tallies:
    """Counters of runs and findings. Only one update may run at a time."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._runs = _Runs(self.registry)
        self._findings = _Findings(self.registry)

    def look(self, reading: Transaction, figures: Figures) -> None:
        """Count what happened since the last look."""
        self._runs.look(reading)
        self._findings.look(reading, figures)


class _Runs:
    """Looks at those that are newer than the oldest one that was open at the last look."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._first: int | None = None
        self._known: frozenset[int] = frozenset()
        labels = ["trigger", "outcome"]
        self._over = Counter(
            "ipam_sync_runs", "Runs that ended since the exporter began.", labels, registry=registry
        )
        self._took = Histogram(
            "ipam_sync_run_duration_seconds",
            "How long those runs took.",
            ["trigger"],
            buckets=_RUN_SECONDS,
            registry=registry,
        )
        for trigger in Trigger:
            self._took.labels(trigger)
            for outcome in _OUTCOMES:
                self._over.labels(trigger, outcome)

    def look(self, reading: Transaction) -> None:
        first_run = reading.statistics.first_open_run()
        if self._first is None:
            self._first = first_run
            self._known = frozenset(
                run.id for run in reading.statistics.runs_over_since(first_run, ())
            )
            return
        ended_runs = reading.statistics.runs_over_since(self._first, self._known)
        for run in ended_runs:
            trigger = _word(run.trigger, Trigger)
            self._over.labels(trigger, _word(run.outcome, _OUTCOMES)).inc()
            self._took.labels(trigger).observe(run.took.total_seconds())
        known_runs = self._known | {run.id for run in ended_runs}
        self._first, self._known = (
            first_run,
            frozenset(run for run in known_runs if run >= first_run),
        )


class _Findings:
    """Counters of opened and resolved findings.

    The number of opened findings is read. The number of resolved ones follows from that and from
    the open ones. So a finding counts that went with its server without an event. A finding may
    change its severity while it is open, but never its kind.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._last: int | None = None
        self._known: frozenset[int] = frozenset()
        self._open: Counts[str] = Counts()
        self._opened, self._resolved = (
            Counter(
                f"ipam_sync_findings_{word}",
                f"Findings that were {word} since the exporter began.",
                ["kind", "matter"],
                registry=registry,
            )
            for word in ("opened", "resolved")
        )
        for kind in Kind:
            self._opened.labels(kind, KINDS[kind].matter)
            self._resolved.labels(kind, KINDS[kind].matter)

    def look(self, reading: Transaction, figures: Figures) -> None:
        are_open = Counts[str]()
        for (kind, *_), total in figures.findings.items():
            are_open[kind] += total.count
        if self._last is None:
            self._last, self._open = reading.statistics.last_finding_event(), are_open
            return
        # Asked first, for what is settled by now must be among the openings.
        settled = reading.statistics.last_finding_event(figures.now - _SETTLED)
        openings = reading.statistics.findings_opened_since(self._last)
        new = Counts(o.kind for o in openings if o.event not in self._known)
        for kind in Kind:
            growth = are_open[kind] - self._open[kind]
            # Numbered before the first look and committed after it, it is seen only by this.
            came = max(new[kind], growth)
            self._opened.labels(kind, KINDS[kind].matter).inc(came)
            self._resolved.labels(kind, KINDS[kind].matter).inc(came - growth)
        self._last = max(self._last, settled)
        self._known = frozenset(o.event for o in openings if o.event > self._last)
        self._open = are_open


def _word(text: str, words: Iterable[str]) -> str:
    """Return the text if it is one of the words, so that the number of series is limited."""
    return text if text in set(words) else "other"
