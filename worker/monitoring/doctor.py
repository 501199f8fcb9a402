"""What of an installation works: settings, database, clock, broker, processes, and the last success.

Or what one host does itself.  Used by ``ipam-sync doctor``.  It writes nothing, and asks everything
it can even if something fails.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final, TypeAlias

from reconcile.model.nouns import Standing
from reconcile.remedies.own import ipam_sync
from worker.alerts.toml_section import AlertsFileUnusable
from worker.bootstrap import alerting_in_force, opened
from worker.config.settings import Settings, SettingsError, load_settings
from worker.messaging.celery_app import Backlog, CeleryDispatcher, make_app
from worker.model.alerts import ChannelBacklog
from worker.model.errors import StoreError
from worker.model.roles import BEAT, EXPORTER, BrokerUnavailable, Role, without_password
from worker.model.runs import Process
from worker.store import schema
from worker.store.repositories.processes import ProcessRepository
from worker.store.unit_of_work import Transaction

#: An installation is silent when nothing ended well for so many intervals.
_SILENCE: Final = 3
#: The latest good run is among the last few unless much is wrong.
_RUNS_LOOKED_AT: Final = 50
#: More than this in a queue and nobody in sight to take it is worth a word.
_LONG_QUEUE: Final = 100
#: As long as Prometheus waits by default.
_EXPORTER_SECONDS: Final = 10.0
_EVERY_ADDRESS: Final = ("0.0.0.0", "::", "")  # noqa: S104 - nobody listens here
_START: Final = "Start it: ipam-sync up for everything, or ipam-sync worker and ipam-sync beat."


class CheckGrade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check, with a remedy if it is not in order.

    ``code`` is the stable code of the error that made the check fail, if an error did.
    """

    name: str
    grade: CheckGrade
    text: str
    remedy: str = ""
    code: str | None = None


_Look: TypeAlias = Callable[[Transaction, Settings], Iterator[CheckResult]]


def _now() -> datetime:
    return datetime.now(UTC)


def check_up(
    environ: Mapping[str, str], clock: Callable[[], datetime] = _now
) -> tuple[CheckResult, ...]:
    """Run all checks, in the order in which one would fix them. ``clock`` is this machine's."""
    backlogs: Mapping[str, ChannelBacklog] | None = None

    def installation(reading: Transaction, settings: Settings) -> Iterator[CheckResult]:
        nonlocal backlogs
        backlogs = reading.deliveries.backlogs()
        yield _clocks(reading, clock, settings)
        yield from _processes(reading.processes.registered(), settings)
        yield _last_success(reading, settings)

    def telling(settings: Settings) -> Iterator[CheckResult]:
        yield _alerts(settings, environ, backlogs)

    return tuple(_checked(environ, installation, telling))


def check_own(environ: Mapping[str, str], part: str, port: int) -> tuple[CheckResult, ...]:
    """A role, the beat or the EXPORTER (at ``port``) on this host, and what that needs.

    For health checks: what another host does not do is no reason to start this one again.
    """

    def here(reading: Transaction, _: Settings) -> Iterator[CheckResult]:
        if part != EXPORTER:
            yield _alive_here(reading.processes, part)

    def serving(settings: Settings) -> Iterator[CheckResult]:
        if part == EXPORTER:
            yield _exporter(settings, port)

    return tuple(_checked(environ, here, serving))


def _checked(
    environ: Mapping[str, str], look: _Look, then: Callable[[Settings], Iterator[CheckResult]]
) -> Iterator[CheckResult]:
    """Run the checks of settings and store, then those that no transaction may wait for."""
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        text = " ".join(error.problems)
        yield CheckResult("settings", CheckGrade.FAIL, text, "Correct them.", error.code)
        return
    yield CheckResult("settings", CheckGrade.OK, "They are in order.")
    yield from _database(settings, look)
    yield from _broker(settings)
    yield from then(settings)


def _database(settings: Settings, look: _Look) -> Iterator[CheckResult]:
    url = settings.safe_database_url
    try:
        revision = schema.current(settings.database_url)
        if revision is None:
            text = f"{url} is empty; this ipam-sync needs revision {schema.HEAD}."
            yield CheckResult("database", CheckGrade.FAIL, text, "Run ipam-sync db upgrade.")
            return
        with opened(settings) as ipam, ipam.store.read() as reading:
            yield CheckResult("database", CheckGrade.OK, f"{url}, revision {revision}.")
            yield from look(reading, settings)
    except StoreError as error:
        remedy = "Without the database nothing works."
        yield CheckResult("database", CheckGrade.FAIL, str(error), remedy, error.code)


def _alive_here(processes: ProcessRepository, role: str) -> CheckResult:
    host = socket.gethostname()
    alive = [p for p in processes.registered() if p.is_alive and p.role == role and p.host == host]
    name = BEAT if role == BEAT else f"worker {role}"
    if alive:
        return CheckResult(name, CheckGrade.OK, f"{len(alive)} alive on {host}.")
    return CheckResult(name, CheckGrade.FAIL, f"None is alive on {host}.", _START)


def _exporter(settings: Settings, port: int) -> CheckResult:
    """Check the exporter by a scrape, because nothing else shows that it serves."""
    address = settings.metrics_address
    if address in _EVERY_ADDRESS:
        address = "127.0.0.1"
    connection = HTTPConnection(address, port, timeout=_EXPORTER_SECONDS)
    try:
        connection.request("GET", "/metrics")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        reason = str(error) or type(error).__name__
        text = f"{address}:{port} does not answer: {reason}."
        return CheckResult(EXPORTER, CheckGrade.FAIL, text, "Start it: ipam-sync exporter.")
    finally:
        connection.close()
    if status != HTTPStatus.OK:
        text = f"{address}:{port} answers with {status}."
        return CheckResult(
            EXPORTER, CheckGrade.FAIL, text, "Somebody else may serve there; choose --port."
        )
    return CheckResult(EXPORTER, CheckGrade.OK, f"{address}:{port} answers.")


def _clocks(reading: Transaction, clock: Callable[[], datetime], settings: Settings) -> CheckResult:
    own_time = clock()
    theirs = reading.now()
    difference = abs(theirs - own_time - (clock() - own_time) / 2)
    text = f"This machine and the database are {difference.total_seconds():.1f} s apart."
    if difference <= settings.clock_skew:
        return CheckResult("clock", CheckGrade.OK, text)
    return CheckResult(
        "clock",
        CheckGrade.WARN,
        text,
        "ipam-sync goes by the database's clock; set the wrong one right, with NTP.",
    )


def _processes(processes: tuple[Process, ...], settings: Settings) -> Iterator[CheckResult]:
    alive = [process.role for process in processes if process.is_alive]
    missing = CheckGrade.WARN if settings.broker_url is None else CheckGrade.FAIL
    for role in (*Role, BEAT):
        name = BEAT if role == BEAT else f"worker {role}"
        count = alive.count(role)
        if count:
            yield CheckResult(name, CheckGrade.OK, f"{count} alive.")
        else:
            yield CheckResult(name, missing, "None is alive.", _START)


def _last_success(reading: Transaction, settings: Settings) -> CheckResult:
    """Counted from the start of the oldest process, where nothing ended well yet."""
    current_time = reading.now()
    if not any(server.standing is Standing.ENABLED for server in reading.inventory.servers()):
        return CheckResult(
            "runs", CheckGrade.WARN, "No server is asked.", "Run ipam-sync servers import FILE."
        )
    good = [
        run.ended_at
        for run in reading.runs.latest(_RUNS_LOOKED_AT)
        if run.ended_at is not None and run.outcome == "done"
    ]
    started = [process.started_at for process in reading.processes.registered() if process.is_alive]
    text = (
        f"The last one ended well {_ago(current_time - good[0])}."
        if good
        else "None has ended well yet."
    )
    last_good = good[0] if good else min(started, default=current_time)
    if current_time - last_good > _SILENCE * settings.interval:
        remedy = "See ipam-sync runs list, and what the workers say."
        return CheckResult("runs", CheckGrade.FAIL, text, remedy)
    return CheckResult("runs", CheckGrade.OK, text)


def _alerts(
    settings: Settings, environ: Mapping[str, str], backlogs: Mapping[str, ChannelBacklog] | None
) -> CheckResult:
    """Check the file of channels and their backlogs (None: the database could not be read)."""
    try:
        alerting = alerting_in_force(settings, environ)
    except AlertsFileUnusable as error:
        remedy = "Correct the file: no worker that tells people begins with it."
        return CheckResult("alerts", CheckGrade.FAIL, " ".join(error.problems), remedy, error.code)
    if alerting is None:
        text = "Nobody is told of problems: IPAM_SYNC_ALERTS_FILE names no file of channels."
        return CheckResult("alerts", CheckGrade.OK, text)
    channel_backlogs = [(backlogs or {}).get(name, ChannelBacklog()) for name in alerting.channels]
    waiting_count, given_up = (
        sum(b.waits for b in channel_backlogs),
        sum(b.given_up for b in channel_backlogs),
    )
    counts = "" if backlogs is None else f"; waiting: {waiting_count}; given up: {given_up}"
    text = f"Channels: {len(alerting.channels)}{counts}."
    if not alerting.routes:
        remedy = "No problem is told without a route to a channel; see docs/alerts.md."
        return CheckResult("alerts", CheckGrade.WARN, text, remedy)
    if given_up or any(b.failed for b in channel_backlogs):
        return CheckResult(
            "alerts", CheckGrade.WARN, text, _untold(alerting.channels, backlogs or {})
        )
    return CheckResult("alerts", CheckGrade.OK, text)


def _untold(channels: Iterable[str], backlogs: Mapping[str, ChannelBacklog]) -> str:
    """Return the commands for a channel that did not take what it was told."""
    name = next(
        n for n in channels if n in backlogs and (backlogs[n].given_up or backlogs[n].failed)
    )
    test, retry = ipam_sync("alerts test", name), ipam_sync("alerts retry", name)
    return f"See ipam-sync alerts outbox; then {test.text}, and when it works: {retry.text}"


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} seconds ago"


def _broker(settings: Settings) -> Iterator[CheckResult]:
    if settings.broker_url is None:
        text = "There is none, so runs are started by hand: ipam-sync sync."
        yield CheckResult(
            "broker", CheckGrade.WARN, text, "Set IPAM_SYNC_BROKER_URL, or use ipam-sync up."
        )
        return
    try:
        backlog = CeleryDispatcher(make_app(settings.broker_url)).backlog()
    except BrokerUnavailable as error:
        remedy = "Without it workers get nothing to do."
        yield CheckResult("broker", CheckGrade.FAIL, str(error), remedy, error.code)
        return
    yield CheckResult("broker", CheckGrade.OK, f"{without_password(settings.broker_url)} answers.")
    yield _queues(backlog)


def _queues(backlog: Backlog) -> CheckResult:
    words = ", ".join(f"{role} {count}" for role, count in backlog.waiting.items())
    text = f"Waiting: {words}; in hand: {backlog.in_flight}."
    if backlog.waiting[Role.CONTROL] < _LONG_QUEUE:
        return CheckResult("queues", CheckGrade.OK, text)
    remedy = "Run more workers of that role: ipam-sync worker --role control."
    return CheckResult("queues", CheckGrade.WARN, text, remedy)
