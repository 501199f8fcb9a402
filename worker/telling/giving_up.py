"""That a channel did not take an alert is a problem itself, told over the others."""

from __future__ import annotations

from reconcile.findings import Finding, Kind
from reconcile.life import Event, Step, begin
from reconcile.model import Evidence
from worker.alert_ports import NewEvent, OpenFinding, Snapshot
from worker.ports import UnitOfWork


def give_up(uow: UnitOfWork, channel: str, why: str) -> None:
    """Somebody has to look at the channel; once, however many alerts it did not take."""
    if _open(uow, channel) is not None:
        return
    finding = Finding(
        Kind.ALERT_UNDELIVERED,
        None,
        (),
        f"Alerts cannot be delivered over {channel}: {why} What happens next is tried again.",
        about=channel,
    )
    before = uow.openings({finding.fingerprint}).get(finding.fingerprint, ())
    step = begin(finding, uow.now(), before)
    latest = max((run.id for run in uow.runs(1)), default=0)
    (key,) = uow.begin_findings(latest, [step]).values()
    _tell(uow, key, finding, Event.OPENED)


def works_again(uow: UnitOfWork, channel: str) -> None:
    """It took one, so that what it still thinks is open can be told to be over."""
    problem = _open(uow, channel)
    if problem is not None:
        uow.go_on_findings([(problem.id, Step(problem.finding, None))])
        _tell(uow, problem.id, problem.finding, Event.RESOLVED)
        uow.want_ends(channel)


def _open(uow: UnitOfWork, channel: str) -> OpenFinding | None:
    known = uow.open_findings(kinds=[Kind.ALERT_UNDELIVERED])
    return next((p for p in known if p.finding.about == channel), None)


def _tell(uow: UnitOfWork, key: int, finding: Finding, event: Event) -> None:
    uow.add_events([NewEvent(key, event, Snapshot(finding, Evidence.BOTH), uow.now())])
