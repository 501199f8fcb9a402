"""What operators can see of the workers: one function for each event, its line and its count.

The pipeline calls these where something happened, and knows neither log nor metrics.  An event is
a constant; its facts are ids and numbers.  docs/metrics.md lists the counts.
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
from worker.telemetry import metrics
from worker.telemetry.logs import bound, facts

_log: Final = logging.getLogger(__name__)


@contextmanager
def task(name: Task, **ids: int) -> Iterator[None]:
    """Every line that is written within has the ids; how long it took is measured.

    A task that failed for want of a database is over: what it was to do is sent again.
    """
    with bound(task=name.value, **ids), metrics.TASK_DURATION.labels(name).time():
        try:
            yield
        except StoreUnavailable as error:
            metrics.TASKS_FAILED.labels(name).inc()
            database_fails(error)
        except Exception:
            metrics.TASKS_FAILED.labels(name).inc()
            raise


def process_started(**what: object) -> None:
    """It takes work from now on."""
    _log.info("process started", extra=facts(**what))


def process_stopping() -> None:
    """It takes no more work, and ends what it has begun."""
    _log.info("process stopping")


def process_stopped() -> None:
    """In good order."""
    _log.info("process stopped")


def process_ended_by_force(why: str) -> None:
    """What it had in hand is found by others."""
    _log.error("process ended by force", extra=facts(why=why))


def supervised(what: str) -> None:
    """Something happened to a process of this one."""
    _log.info("supervised", extra=facts(what=what))


def metrics_served(address: str, port: int) -> None:
    """Of this process."""
    _log.info("metrics served", extra=facts(address=address, port=port))


def metrics_not_served(error: Exception) -> None:
    """The process goes on without."""
    _log.warning("metrics not served", extra=facts(error=str(error)))


def reminded(name: Task) -> None:
    """The beat asked for it."""
    metrics.REMINDERS.labels(name).inc()


# ------------------------------------------------------------------------------------ the database


class _Outage:
    """Of a process: each beginning and each end is told once.

    It ends when nothing failed from one beat of the heart to the next: some threads still fail
    while others succeed again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = self._failed = False

    def fails(self) -> bool:
        """True if that is news."""
        with self._lock:
            is_news = not self._is_on
            self._is_on = self._failed = True
        return is_news

    def beats(self) -> bool:
        """True if it is over, which is news."""
        with self._lock:
            is_over = self._is_on and not self._failed
            self._failed = False
            self._is_on &= not is_over
        return is_over


_OUTAGE: Final = _Outage()


def database_fails(error: Exception) -> None:
    """Something could not be done for want of it."""
    if _OUTAGE.fails():
        _log.error("database away", extra=facts(why=str(error)))


def database_works() -> None:
    """It could be written to, by the heart of the process."""
    if _OUTAGE.beats():
        _log.info("database back")


# ------------------------------------------------------------------------------------ runs


def run_opened(run: int, trigger: str, target: str, servers: int) -> None:
    """Over so many servers at first; partners may come in addition."""
    told = facts(run=run, trigger=trigger, target=target, servers=servers)
    _log.info("run opened", extra=told)


def run_closed(run: int, numbers: Mapping[str, object] | None) -> None:
    """With the numbers that its row has; None: not yet."""
    if numbers is None:
        return
    _log.info("run closed", extra=facts(run=run, **numbers))
    if numbers.get("refused") is not None:
        _log.warning("plan refused", extra=facts(run=run, why=numbers["refused"]))


def alerts_told(channel: str, alerts: int) -> None:
    """A channel took so many."""
    metrics.ALERTS_TOLD.labels(channel).inc(alerts)
    _log.info("alerts told", extra=facts(channel=channel, alerts=alerts))


def channel_broke(channel: str) -> None:
    """By a mistake of ours, which is being handled."""
    _log.exception("channel broke", extra=facts(channel=channel))


def changes_told(channel: str, changes: int) -> None:
    """A channel took a message about so many operations that were applied."""
    _log.info("changes told", extra=facts(channel=channel, changes=changes))


def alerts_failed(channel: str, why: str, *, is_dead: bool) -> None:
    """A channel took none of them; given up, or tried again later."""
    metrics.ALERTS_FAILED.labels(channel, "given_up" if is_dead else "again").inc()
    _log.warning("alerts not told", extra=facts(channel=channel, why=why, given_up=is_dead))


def judged(run: int, pairs: int, recorded: Iterable[Planned], opened: Iterable[Finding]) -> None:
    """A piece of a run was judged; these lines of OperationTracker and these findings are new."""
    metrics.PAIRS_JUDGED.inc(pairs)
    for planned in recorded:
        metrics.OPERATIONS_RECORDED.labels(planned.operation).inc()
        with bound(pair=planned.relationship):
            servers = [planned.server1.server, planned.server2.server]
            told = facts(run=run, operation=planned.operation.value, servers=servers)
            _log.debug("operation recorded", extra=told)
    for finding in opened:
        if finding.kind is Kind.CREDENTIAL_SUSPENDED:
            _log.error("credential suspended", extra=facts(credential=finding.about))
        else:
            with bound(pair=finding.relationship):
                told = facts(run=run, kind=finding.kind.value, servers=list(finding.servers))
                _log.debug("finding opened", extra=told)


def lease_lost(run: int) -> None:
    """Somebody took the holder for dead, and goes on with the run."""
    metrics.LEASES_LOST.inc()
    _log.warning("lease lost", extra=facts(run=run))


# ------------------------------------------------------------------------------------ readings


def reading(server: Server, look: Callable[[], Sighting]) -> Sighting:
    """Read the server, and tell how it went."""
    began = time.monotonic()
    sighting = look()
    _tell_reading(server, sighting, time.monotonic() - began)
    return sighting


def _tell_reading(server: Server, sighting: Sighting, seconds: float) -> None:
    who = {"server": server.id, "name": server.name}
    took = {**who, "seconds": round(seconds, 3)}
    match sighting:
        case Seen():
            _count_reading("seen", "", seconds)
            relationships = len(sighting.stories)
            _log.info("server read", extra=facts(**took, relationships=relationships))
        case Unseen():
            code = sighting.failure.code
            _count_reading("unseen", code, seconds)
            told = facts(**took, code=code, message=sighting.failure.message)
            _log.warning("server not read", extra=told)
        case Skipped():
            metrics.READINGS.labels("skipped", sighting.reason).inc()
            _log.info("server skipped", extra=facts(**who, reason=sighting.reason.value))
        case _:
            assert_never(sighting)


def _count_reading(outcome: str, reason: str, seconds: float) -> None:
    metrics.READINGS.labels(outcome, reason).inc()
    metrics.READING_DURATION.labels(outcome).observe(seconds)


# ------------------------------------------------------------------------------------ the sweeper


def processes_lost(names: Collection[str]) -> None:
    """They did not renew their registrations."""
    metrics.PROCESSES_LOST.inc(len(names))
    for name in names:
        _log.warning("process taken for dead", extra=facts(lost=name))


def sent_again(run: int, servers: Collection[int]) -> None:
    """Nobody was reading them, and no message asked for it."""
    if servers:
        metrics.MESSAGES_SENT_AGAIN.labels(Task.READ).inc(len(servers))
        _log.warning("messages sent again", extra=facts(run=run, servers=len(servers)))


def taken_up_again(run: int) -> None:
    """It could be judged or closed, and nobody was at it."""
    metrics.MESSAGES_SENT_AGAIN.labels(Task.SETTLE).inc()
    _log.warning("run taken up again", extra=facts(run=run))


def pruned(rows: Mapping[str, int]) -> None:
    """So many old rows are gone, by table."""
    for table, count in rows.items():
        metrics.ROWS_PRUNED.labels(table).inc(count)
    _log.info("old rows pruned", extra=facts(**rows))


def heartbeat(outcome: str, why: str = "") -> None:
    """``sent``, ``refused`` by its receiver, or ``withheld``."""
    metrics.HEARTBEATS.labels(outcome).inc()
    if outcome == "sent":
        _log.debug("heartbeat sent")
    else:
        _log.warning("heartbeat not sent", extra=facts(outcome=outcome, why=why))
