"""An operations team whose channels are files, and a store in which problems come and go.

Used by the tests of this package.  Time passes by making all that is stored older.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from reconcile.findings.drift import Judged, drift
from reconcile.model.findings import Event, Finding, Kind, Severity
from tests.worker.store.samples import add_servers
from worker.alerts.alerting import REPEAT, Alerting, AppliedChangeRule
from worker.alerts.channels.lines import Lines
from worker.alerts.channels.port import Channel
from worker.alerts.delivery.composer import Words
from worker.alerts.delivery.deliverer import Deliverer
from worker.alerts.rules import AlertRoute, Match
from worker.config.run_policy import RunPolicy
from worker.model.alerts import NewEvent, PastEvent, Snapshot
from worker.model.runs import Lane, RunScope, Trigger
from worker.runs.findings import Fact, keep_findings
from worker.store.tables.columns import AwareUtc, metadata
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

_OLDER = (
    "finding",
    "finding_event",
    "delivery",
    "silence",
    "run",
    "channel_pause",
    "operation_tracker",
    "applied_digest",
)


def mismatch(name: str, *servers: int, value: str = "60") -> Finding:
    """A warning about a pair, at once."""
    said = (("MCLT", (("dhcp00", value), ("dhcp01", "3600"))),)
    return Finding(Kind.PARTNER_MISMATCH, name, servers, f"They differ: {value}.", said)


def one_sided(name: str, *servers: int) -> Finding:
    """A critical one, at once."""
    return Finding(Kind.ONE_SIDED, name, servers, "Only one of them tells it.")


@dataclass
class Ops:
    """``log`` and ``pager`` are files of JSON lines; pager takes what is critical."""

    store: Store
    directory: Path
    channels: dict[str, Channel] = field(default_factory=dict)
    routes: tuple[AlertRoute, ...] = ()
    repeat: Mapping[Severity, timedelta] = field(default_factory=lambda: REPEAT)
    applied: AppliedChangeRule = field(default_factory=AppliedChangeRule)
    servers: list[int] = field(default_factory=list)
    run: int = 0

    def __post_init__(self) -> None:
        self.servers = self.servers or add_servers(self.store, 4)
        if not self.channels:
            self.channels = {n: Lines(n, self.directory / n) for n in ("log", "pager")}
        if not self.routes:
            critical = Match(severity_at_least=Severity.CRITICAL)
            self.routes = (AlertRoute(Match(), ("log",)), AlertRoute(critical, ("pager",)))

    @property
    def alerting(self) -> Alerting:
        return Alerting(dict(self.channels), self.routes, self.repeat, self.applied)

    def deliverer(self) -> Deliverer:
        """Another process's."""
        return Deliverer(self.store, self.alerting, Words({}), EventRecorder())

    def see(self, *findings: Finding, close: bool = True) -> None:
        """A run that reads everything finds these problems, and no others."""
        with self.store.write() as uow:
            self.run = uow.runs.open(
                Trigger.CLI, "tester", "everything", RunScope(), Lane.ON_DEMAND
            )
            known = [
                p for p in uow.findings.unresolved() if p.finding.kind is not Kind.ALERT_UNDELIVERED
            ]
            everything = Judged({}, frozenset(self.servers))
            life = drift(findings, (p.finding for p in known), everything)
            keep_findings(uow, Fact(self.run, findings, RunPolicy()), life, known)
            if close:
                uow.runs.close(self.run, "done", {})
            uow.commit()

    def open(self) -> set[str]:
        """The problems that are open, by fingerprint."""
        with self.store.read() as reading:
            return {p.finding.fingerprint for p in reading.findings.unresolved() if p.is_open}

    def told(self, channel: str) -> list[dict[str, Any]]:
        """What arrived there, in order."""
        file = self.directory / channel
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def events(self, channel: str) -> list[tuple[str, str]]:
        """The same in short: what happened to which relationship."""
        return [(a["event"], a["relationship"]) for a in self.told(channel)]

    def view(self, channel: str) -> set[str]:
        """The problems that are open for who knows nothing but what arrived there."""
        last: dict[str, str] = {}
        for alert in self.told(channel):
            last[alert["fingerprint"]] = alert["event"]
        return {fingerprint for fingerprint, event in last.items() if event != Event.RESOLVED}

    def history(self) -> dict[int, list[PastEvent]]:
        """Every event by problem."""
        with self.store.read() as reading:
            ids = {
                row[0] for row in reading._connection.rows(select(metadata.tables["finding"].c.id))
            }
            every = reading.outbox.events(ids)
        sorted_: defaultdict[int, list[PastEvent]] = defaultdict(list)
        for event in every:
            sorted_[event.finding].append(event)
        return dict(sorted_)

    def outcomes(self) -> list[Mapping[str, str] | None]:
        """What became of every event, oldest problem first."""
        return [e.outcome for _, events in sorted(self.history().items()) for e in events]

    def problem(self, finding: Finding) -> int:
        """The id of a problem that is there."""
        with self.store.read() as reading:
            known = reading.findings.unresolved()
        return next(p.id for p in known if p.finding.fingerprint == finding.fingerprint)

    def happens(self, problem: int, event: Event) -> None:
        """Something that no run found."""
        with self.store.write() as uow:
            known = uow.outbox.events([problem])[-1]
            snapshot = Snapshot(known.snapshot.finding, known.snapshot.evidence)
            uow.outbox.add([NewEvent(problem, event, snapshot, uow.now(), who="ada", note="seen")])
            uow.commit()

    def later(self, by: timedelta) -> None:
        """So much time passes."""
        with self.store.engine.begin() as connection:
            for name in _OLDER:
                table = metadata.tables[name]
                times = [c for c in table.c if isinstance(c.type, AwareUtc)]
                keys = list(table.primary_key)
                for row in connection.execute(select(*keys, *times)).all():
                    moved = {c.name: v - by for c in times if (v := getattr(row, c.name))}
                    this = [key == getattr(row, key.name) for key in keys]
                    if moved:
                        connection.execute(update(table).where(*this).values(moved))


def fingerprints(findings: Iterable[Finding]) -> set[str]:
    """Of these."""
    return {finding.fingerprint for finding in findings}
