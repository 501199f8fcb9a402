"""What the exporter counts: once, from the first scrape on, and never downwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import delete, func, insert, select, update

from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from tests.worker.scraping import a_fleet_with_a_past, served
from tests.worker.store.samples import a_finding, found, open_run, over
from worker.config.settings import Settings
from worker.model.alerts import NewEvent, Snapshot
from worker.model.statistics import Opening
from worker.monitoring.exporter import exported
from worker.store.repositories.statistics import StatisticsRepository
from worker.store.tables.alerts import finding_event
from worker.store.tables.failover import finding
from worker.store.unit_of_work import Store


def test_runs_are_counted_once_when_they_end_from_the_first_scrape_on(store: Store) -> None:
    done = 'ipam_sync_runs_total{outcome="done",trigger="cli"}'
    took = 'ipam_sync_run_duration_seconds_count{trigger="cli"}'
    a_fleet_with_a_past(store)
    with store.write() as uow:
        first, second = open_run(uow), open_run(uow)
        uow.commit()
    registry = exported(store, Settings(), None)
    assert served(registry)[done] == 0, "what ended before is not counted"

    def end(number: int, outcome: str) -> None:
        with store.write() as uow:
            uow.runs.close(number, outcome, {})
            uow.commit()

    end(second, "done")
    assert served(registry)[done] == 1
    assert served(registry)[done] == 1
    end(first, "interrupted")
    told = served(registry)
    assert told[done] == 1
    assert told['ipam_sync_runs_total{outcome="interrupted",trigger="cli"}'] == 1
    assert told[took] == 2
    with store.write() as uow:
        uow.retention.prune(uow.now() + timedelta(days=1), 1000)
        uow.commit()
    assert served(registry)[done] == 1, "pruning makes no count fall"


def opened(store: Store, *names: str) -> list[int]:
    """Problems that are confirmed, and told so."""
    with store.write() as uow:
        number = open_run(uow)
        findings = [a_finding(name, 1, 2) for name in names]
        ids = found(uow, number, findings)
        at = uow.now()
        uow.outbox.add(
            [
                NewEvent(ids[f.fingerprint], Event.OPENED, Snapshot(f, Evidence.BOTH), at, number)
                for f in findings
            ]
        )
        uow.commit()
    return [ids[f.fingerprint] for f in findings]


def resolve(store: Store, *findings: int) -> None:
    with store.write() as uow:
        over(uow, findings)
        uow.commit()


def came_and_went(registry: CollectorRegistry) -> tuple[float, float]:
    told = served(registry)
    labels = '{kind="partner_mismatch",matter="drift"}'
    came, went = (
        told[f"ipam_sync_findings_{word}_total{labels}"] for word in ("opened", "resolved")
    )
    return came, went


def test_findings_are_counted_as_they_come_and_go_from_the_first_scrape_on(
    store: Store,
) -> None:
    """Also one that came, went and came back between two scrapes."""
    (old,) = opened(store, "old")
    registry = exported(store, Settings(), None)
    assert came_and_went(registry) == (0, 0), "what was open before is not counted"
    one, two = opened(store, "one", "two")
    resolve(store, one)
    assert came_and_went(registry) == (2, 1)
    assert came_and_went(registry) == (2, 1)
    resolve(store, old, two)
    opened(store, "two")
    assert came_and_went(registry) == (3, 3)
    resolve(store, two)
    assert came_and_went(registry) == (3, 4)


def test_an_opening_that_is_committed_late_is_counted_once(store: Store) -> None:
    """Numbers are given before the end of a transaction, so a lower one may be seen later."""
    registry = exported(store, Settings(), None)
    opened(store, "first")
    came_and_went(registry)
    opened(store, "late", "early")
    late = finding_event.c.id == select(func.max(finding_event.c.id) - 1).scalar_subquery()
    with store.engine.begin() as connection:
        (row,) = connection.execute(select(finding_event).where(late)).mappings().all()
        connection.execute(delete(finding_event).where(finding_event.c.id == row["id"]))
        hidden = update(finding).where(finding.c.id == row["finding_id"])
        connection.execute(hidden.values(confirmed_at=None))
    assert came_and_went(registry) == (1, 0)
    with store.engine.begin() as connection:
        connection.execute(hidden.values(confirmed_at=row["at"]))
        connection.execute(insert(finding_event).values(**row))
    (other,) = opened(store, "other")
    resolve(store, other)
    assert came_and_went(registry) == (3, 1)


def test_what_is_settled_is_not_looked_at_again_and_not_counted_again(store: Store) -> None:
    registry = exported(store, Settings(), None)
    came_and_went(registry)
    opened(store, "one", "two")
    with store.engine.begin() as connection:
        connection.execute(update(finding_event).values(at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert came_and_went(registry) == (2, 0)
    opened(store, "three")
    assert came_and_went(registry) == (3, 0)
    assert came_and_went(registry) == (3, 0)


def test_what_else_happened_is_not_looked_at_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where little opens, much goes on and ends all the same."""
    looked_from: list[int] = []
    since = StatisticsRepository.findings_opened_since

    def noted(reading: StatisticsRepository, event: int) -> tuple[Opening, ...]:
        looked_from.append(event)
        return since(reading, event)

    monkeypatch.setattr(StatisticsRepository, "findings_opened_since", noted)
    registry = exported(store, Settings(), None)
    (one,) = opened(store, "one")
    came_and_went(registry)
    with store.write() as uow:
        snapshot = Snapshot(a_finding("one", 1, 2), Evidence.BOTH)
        uow.outbox.add([NewEvent(one, Event.STILL_OPEN, snapshot, uow.now())] * 50)
        last = uow.statistics.last_finding_event()
        uow.commit()
    with store.engine.begin() as connection:
        connection.execute(update(finding_event).values(at=datetime(2026, 1, 1, tzinfo=UTC)))
    for _ in range(2):
        assert came_and_went(registry) == (0, 0)
    assert looked_from[-1] == last


def test_an_opening_that_was_under_way_at_the_first_scrape_is_counted(store: Store) -> None:
    """Its number is not looked at any more; that it is open is."""
    registry = exported(store, Settings(), None)
    came_and_went(registry)
    with store.write() as uow:
        found(uow, open_run(uow), [a_finding("HQ", 1, 2)])
        uow.commit()
    assert came_and_went(registry) == (1, 0)
