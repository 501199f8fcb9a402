"""What a scrape gives, and a fleet that has something to tell."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from tests.worker.store.samples import a_reading, a_record, add_servers, insert, open_run
from worker.store.unit_of_work import Store


def served(registry: CollectorRegistry) -> dict[str, float]:
    """Samples by name and labels."""
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def a_fleet_with_a_past(store: Store) -> tuple[int, int, int]:
    """Three servers, the first two of them read just now; relationships of 1-2 and of 1-3."""
    one, two, three = add_servers(store, 3)
    insert(store, a_record("HQ", one, two, 1), a_record("branch", one, three, 2))
    with store.write() as uow:
        run = open_run(uow)
        uow.readings.replace([(run, a_reading(s, uow.now(), "HQ")) for s in (one, two)])
        uow.runs.close(run, "done", {})
        uow.commit()
    return one, two, three
