"""What operators can see of the workers: one function for each event, its line and its count.

The pipeline calls these where something happened, and knows neither log nor metrics. An event is
a constant. Its facts are ids and numbers. An event that is only a line is a function. An event
that is counted as well is a method of the process's ``EventRecorder``. docs/metrics.md lists the
counts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, assert_never

from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Seen, Server, Sighting, Skipped, Unseen
from reconcile.model.record import Planned
from worker.model.errors import StoreUnavailable
from worker.model.roles import Task
from worker.telemetry.logs import bound
from worker.telemetry.metrics import Metrics

_log: Final = logging.getLogger(__name__)


def facts(**known: object) -> dict[str, object]:
    """Return the facts of an event: identifiers, not objects."""
    return {"facts": known}


def process_started(**what: object) -> None:
    """Log that the process takes work from now on."""
    _log.info("process started", extra=facts(**what))


def process_stopping() -> None:
    """Log that the process takes no more work, and ends what it has begun."""
    _log.info("process stopping")


def process_stopped() -> None:
    """In good order."""
    _log.info("process stopped")


def process_ended_by_force(why: str) -> None:
    """Log that the process ends now. Others find its in-flight claims."""
    _log.error("process ended by force", extra=facts(why=why))


def supervised(what: str) -> None:
    """Something happened to a process of this one."""
    _log.info("supervised", extra=facts(what=what))


def metrics_served(address: str, port: int) -> None:
    """Log the address at which this process serves metrics."""
    _log.info("metrics served", extra=facts(address=address, port=port))


def metrics_not_served(error: Exception) -> None:
    """The process goes on without."""
    _log.warning("metrics not served", extra=facts(error=str(error)))


def run_opened(run: int, trigger: str, target: str, servers: int) -> None:
    """Log a new run over so many servers. Partners may come in addition."""
    log_facts = facts(run=run, trigger=trigger, target=target, servers=servers)
    _log.info("run opened", extra=log_facts)


def run_closed(run: int, numbers: Mapping[str, object] | None) -> None:
    """Log the end of a run with its numbers. None: it is not closed yet."""
    if numbers is None:
        return
    _log.info("run closed", extra=facts(run=run, **numbers))
    if numbers.get("refused") is not None:
        _log.warning("plan refused", extra=facts(run=run, why=numbers["refused"]))


def channel_broke(channel: str) -> None:
    """By a mistake of ours, which is being handled."""
    _log.exception("channel broke", extra=facts(channel=channel))


def changes_told(channel: str, changes: int) -> None:
    """A channel took a message about so many operations that were applied."""
    _log.info("changes told", extra=facts(channel=channel, changes=changes))


class _Outage:
    """Whether the database is away, as a process sees it. Each change is reported once.

    An outage ends when nothing failed from one heartbeat to the next, because some threads still
    fail while others succeed again.
    """

    def __init__(self) -> None:
        # Threads of a pool report failures and heartbeats at the same time.
        self._lock = threading.Lock()
        self._is_on = self._failed = False

    def fails(self) -> bool:
        """Note a failure, and return whether it begins an outage."""
        with self._lock:
            is_news = not self._is_on
            self._is_on = self._failed = True
        return is_news

    def beats(self) -> bool:
        """Note a heartbeat, and return whether it ends an outage."""
        with self._lock:
            is_over = self._is_on and not self._failed
            self._failed = False
            self._is_on &= not is_over
        return is_over


class EventRecorder:
    """The events of one process that are counted or remembered, beside their lines.

    ``metrics`` counts them. Threads share an instance.
    """

    def __init__(self) -> None:
        self.metrics: Final = Metrics()
        self._outage = _Outage()

    @contextmanager
    def task(self, name: Task, **ids: int) -> Iterator[None]:
        """Measure a task, and add the ids to every line that is written within.

        A task that failed for want of a database is over, because its work is sent again.
        """
        with bound(task=name.value, **ids), self.metrics.task_duration.labels(name).time():
            try:
                yield
            except StoreUnavailable as error:
                self.metrics.tasks_failed.labels(name).inc()
                self.database_fails(error)
            except Exception:
                self.metrics.tasks_failed.labels(name).inc()
                raise

    def reminded(self, name: Task) -> None:
        """Count a message of the beat."""
        self.metrics.reminders.labels(name).inc()

    def database_fails(self, error: Exception) -> None:
        """Report an outage of the database, once."""
        if self._outage.fails():
            _log.error("database away", extra=facts(why=str(error)))

    def database_works(self) -> None:
        """Report the end of an outage, if nothing failed since the last heartbeat."""
        if self._outage.beats():
            _log.info("database back")

    def alerts_told(self, channel: str, alerts: int) -> None:
        """Report alerts that a channel took."""
        self.metrics.alerts_told.labels(channel).inc(alerts)
        _log.info("alerts told", extra=facts(channel=channel, alerts=alerts))

    def alerts_failed(self, channel: str, why: str, *, is_dead: bool) -> None:
        """Report alerts that a channel did not take. They are tried again unless ``is_dead``."""
        self.metrics.alerts_failed.labels(channel, "given_up" if is_dead else "again").inc()
        _log.warning("alerts not told", extra=facts(channel=channel, why=why, given_up=is_dead))

    def judged(
        self, run: int, pairs: int, recorded: Iterable[Planned], opened: Iterable[Finding]
    ) -> None:
        """Report a piece of a run that was judged, with its new operations and findings."""
        self.metrics.pairs_judged.inc(pairs)
        for planned in recorded:
            self.metrics.operations_recorded.labels(planned.operation).inc()
            with bound(pair=planned.relationship):
                servers = [planned.server1.server, planned.server2.server]
                log_facts = facts(run=run, operation=planned.operation.value, servers=servers)
                _log.debug("operation recorded", extra=log_facts)
        for finding in opened:
            if finding.kind is Kind.CREDENTIAL_SUSPENDED:
                _log.error("credential suspended", extra=facts(credential=finding.about))
            else:
                with bound(pair=finding.relationship):
                    log_facts = facts(
                        run=run, kind=finding.kind.value, servers=list(finding.servers)
                    )
                    _log.debug("finding opened", extra=log_facts)

    def lease_lost(self, run: int) -> None:
        """Report that another process took the holder for dead, and goes on with the run."""
        self.metrics.leases_lost.inc()
        _log.warning("lease lost", extra=facts(run=run))

    def reading(self, server: Server, look: Callable[[], Sighting]) -> Sighting:
        """Read the server, and report the outcome."""
        started_at = time.monotonic()
        sighting = look()
        self._report_reading(server, sighting, time.monotonic() - started_at)
        return sighting

    def _report_reading(self, server: Server, sighting: Sighting, seconds: float) -> None:
        server_facts = {"server": server.id, "name": server.name}
        took = {**server_facts, "seconds": round(seconds, 3)}
        match sighting:
            case Seen():
                self._count_reading("seen", "", seconds)
                relationships = len(sighting.stories)
                _log.info("server read", extra=facts(**took, relationships=relationships))
            case Unseen():
                code = sighting.failure.code
                self._count_reading("unseen", code, seconds)
                log_facts = facts(**took, code=code, message=sighting.failure.message)
                _log.warning("server not read", extra=log_facts)
            case Skipped():
                self.metrics.readings.labels("skipped", sighting.reason).inc()
                _log.info(
                    "server skipped", extra=facts(**server_facts, reason=sighting.reason.value)
                )
            case _:
                assert_never(sighting)

    def _count_reading(self, outcome: str, reason: str, seconds: float) -> None:
        self.metrics.readings.labels(outcome, reason).inc()
        self.metrics.reading_duration.labels(outcome).observe(seconds)

    def processes_lost(self, names: Collection[str]) -> None:
        """Report processes that did not renew their registrations."""
        self.metrics.processes_lost.inc(len(names))
        for name in names:
            _log.warning("process taken for dead", extra=facts(lost=name))

    def sent_again(self, run: int, servers: Collection[int]) -> None:
        """Report servers of a run that no process read and no message asked for."""
        if servers:
            self.metrics.messages_sent_again.labels(Task.READ).inc(len(servers))
            _log.warning("messages sent again", extra=facts(run=run, servers=len(servers)))

    def taken_up_again(self, run: int) -> None:
        """Report a run that could be judged or closed, and that no process worked at."""
        self.metrics.messages_sent_again.labels(Task.SETTLE).inc()
        _log.warning("run taken up again", extra=facts(run=run))

    def pruned(self, rows: Mapping[str, int]) -> None:
        """Report the number of old rows that were removed, by table."""
        for table, count in rows.items():
            self.metrics.rows_pruned.labels(table).inc(count)
        _log.info("old rows pruned", extra=facts(**rows))

    def heartbeat(self, outcome: str, why: str = "") -> None:
        """Report a heartbeat that was ``sent``, ``refused`` by its receiver, or ``withheld``."""
        self.metrics.heartbeats.labels(outcome).inc()
        if outcome == "sent":
            _log.debug("heartbeat sent")
        else:
            _log.warning("heartbeat not sent", extra=facts(outcome=outcome, why=why))
