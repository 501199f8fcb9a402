"""What Prometheus is served: documented, bounded, and true to the store."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from reconcile.findings import Finding, Kind, Severity
from reconcile.model import Standing, State
from reconcile.record import Hold
from tests.worker.pipeline.office import Pigeonholes
from tests.worker.store.samples import (
    a_finding,
    a_reading,
    a_record,
    add_servers,
    an_update,
    found,
    insert,
    open_run,
)
from tests.worker.store.sql_counter import counted
from worker import metrics, serving
from worker.app import Backlog
from worker.broker import BEAT, BrokerUnavailable, Role
from worker.exporting import exported
from worker.pipeline.timing import tick
from worker.ports import EVERYTHING
from worker.run_ports import Lane, Scope
from worker.serving import ports_of
from worker.settings import Settings
from worker.store.schema import open_store
from worker.store.store import SqlStore
from worker.window_ports import Window

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
SUFFIXES = {"counter": "_total", "info": "_info"}


def backlog() -> Backlog:
    """Of a broker with a message in each queue."""
    return Backlog(dict.fromkeys(Role, 1), 2)


def served(registry: CollectorRegistry) -> dict[str, float]:
    """Samples by name and labels."""
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def names(registry: CollectorRegistry) -> set[str]:
    """As Prometheus has them."""
    return {metric.name + SUFFIXES.get(metric.type, "") for metric in registry.collect()}


def test_the_page_names_every_metric_that_there_is_and_no_other(store: SqlStore) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    installation = exported(store, Settings(), backlog)
    assert documented == names(metrics.REGISTRY) | names(installation)


def test_the_page_names_type_and_labels_of_each(store: SqlStore) -> None:
    a_fleet_with_a_past(store)
    with serving.own_metrics("read", "127.0.0.1", None):
        pass
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", PAGE, flags=re.MULTILINE)
    page = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    for registry in (metrics.REGISTRY, exported(store, Settings(), backlog)):
        for metric in registry.collect():
            labels = {label for sample in metric.samples for label in sample.labels} - {"le"}
            kind, documented = page[metric.name + SUFFIXES.get(metric.type, "")]
            assert kind == metric.type
            assert documented == labels or not metric.samples, metric.name


def test_names_keep_the_conventions() -> None:
    for name in re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE):
        assert name.startswith("ipam_sync_")
        assert not re.search(r"_(ms|milliseconds|minutes|percent)(_|$)", name)


def test_servers_queues_and_processes_are_told(store: SqlStore) -> None:
    add_servers(store, 3)
    told = served(exported(store, Settings(), backlog))
    assert told["ipam_sync_store_up"] == told["ipam_sync_broker_up"] == 1
    assert sum(v for k, v in told.items() if k.startswith("ipam_sync_servers{")) == 3
    assert told['ipam_sync_queue_messages{queue="read"}'] == 1
    assert told["ipam_sync_messages_in_hand"] == 2


def test_a_broker_that_is_down_is_told_and_the_rest_as_well(store: SqlStore) -> None:
    def down() -> Backlog:
        raise BrokerUnavailable("gone")

    told = served(exported(store, Settings(), down))
    assert (told["ipam_sync_store_up"], told["ipam_sync_broker_up"]) == (1, 0)


@pytest.mark.parametrize("servers", [2, 40])
def test_a_scrape_takes_the_same_statements_however_many_servers(
    store: SqlStore, servers: int
) -> None:
    add_servers(store, servers)
    registry = exported(store, Settings(), None)
    served(registry)
    with counted(store.engine) as sql:
        served(registry)
    assert sql.statements < 30
    assert sum(sql.written.values()) == 0


# ------------------------------------------------------------------------------------ the numbers


def a_fleet_with_a_past(store: SqlStore) -> tuple[int, int, int]:
    """Three servers, the first two of them read just now; relationships of 1-2 and of 1-3."""
    one, two, three = add_servers(store, 3)
    insert(store, a_record("HQ", one, two, 1), a_record("branch", one, three, 2))
    with store.write() as uow:
        run = open_run(uow)
        uow.add_sightings(run, [a_reading(s, uow.now(), "HQ") for s in (one, two)])
        uow.close_run(run, "done", {})
        uow.commit()
    return one, two, three


def test_a_state_that_is_too_old_counts_as_unknown_and_is_not_told_by_itself(
    store: SqlStore,
) -> None:
    """In both records the second side is stored as CommunicationsInterrupted."""
    a_fleet_with_a_past(store)
    told = served(exported(store, Settings(), None))
    sides = {k: v for k, v in told.items() if k.startswith("ipam_sync_relationship_sides{") and v}
    assert sides == {
        'ipam_sync_relationship_sides{state="Normal"}': 2,
        'ipam_sync_relationship_sides{state="CommunicationsInterrupted"}': 1,
        'ipam_sync_relationship_sides{state="Unknown"}': 1,
    }
    (odd,) = [k for k in told if k.startswith("ipam_sync_relationship_side_state")]
    assert 'relationship="HQ",server="dhcp02.corp.example"' in odd
    assert 'state="CommunicationsInterrupted"' in odd


def test_sides_that_are_not_normal_are_told_up_to_a_bound(store: SqlStore) -> None:
    one, two = add_servers(store, 2)
    insert(store, *(a_record(f"R{n}", one, two, n) for n in range(20)))
    with store.read() as reading:
        assert len(reading.figures(odd_sides=7).odd_sides) == 7
        assert sum(reading.figures(odd_sides=7).sides.values()) == 40


def test_a_server_tells_when_it_was_read_and_one_that_is_not_asked_nothing(
    store: SqlStore,
) -> None:
    one, two, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        uow.set_standing(two, Standing.DISABLED)
        seen = uow.latest_readings([one], {})[one].read_at
        uow.commit()
    told = served(exported(store, Settings(), None))
    name = "ipam_sync_server_last_success_timestamp_seconds"
    assert {k: v for k, v in told.items() if k.startswith(name)} == {
        f'{name}{{server="dhcp01.corp.example"}}': pytest.approx(seen.timestamp()),
        f'{name}{{server="dhcp03.corp.example"}}': 0,
    }
    assert told['ipam_sync_servers{standing="disabled"}'] == 1


def test_a_server_tells_whether_it_is_in_maintenance(store: SqlStore) -> None:
    """One of its relationships is not the server, and what is over or to come is not now."""
    one, two, three = a_fleet_with_a_past(store)
    hour = timedelta(hours=1)
    with store.write() as uow:
        now = uow.now()
        for server, relationship, begins, ends in (
            (one, None, -hour, hour),
            (two, "HQ", -hour, hour),
            (three, None, -2 * hour, -hour),
            (three, None, hour, 2 * hour),
        ):
            window = Window(0, server, relationship, now + begins, now + ends, "disks", "ada")
            uow.add_window(window)
        uow.commit()
    name = "ipam_sync_server_in_maintenance"
    told = served(exported(store, Settings(), None))
    assert {k: v for k, v in told.items() if k.startswith(name)} == {
        f'{name}{{server="dhcp01.corp.example"}}': 1,
        f'{name}{{server="dhcp02.corp.example"}}': 0,
        f'{name}{{server="dhcp03.corp.example"}}': 0,
    }


def test_findings_are_told_with_the_severity_that_people_gave_them(store: SqlStore) -> None:
    one, two, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        run = open_run(uow)
        found(uow, run, [a_finding("HQ", one, two), a_finding("branch", one)])
        down = Finding(Kind.STATE_NOT_NORMAL, "HQ", (one, two), "", grade=State.PARTNER_DOWN)
        found(uow, run, [down])
        uow.commit()
    settings = Settings(severities={"partner_mismatch": Severity.CRITICAL})
    told = served(exported(store, settings, None))
    counted = {k: v for k, v in told.items() if k.startswith("ipam_sync_findings_open") and v}
    assert counted == {
        'ipam_sync_findings_open{kind="partner_mismatch",severity="critical"}': 2,
        'ipam_sync_findings_open{kind="state_not_normal",severity="critical"}': 1,
    }
    assert told['ipam_sync_findings_open{kind="blocked",severity="warning"}'] == 0


def test_operations_are_told_by_what_holds_them(store: SqlStore) -> None:
    a_fleet_with_a_past(store)
    with store.write() as uow:
        records = uow.records()
        numbers = uow.add_entries(open_run(uow), [an_update(r, 60) for r in records])
        uow.hold(numbers[:1], Hold.GUARD)
        uow.commit()
    told = served(exported(store, Settings(), None))
    pending = {k: v for k, v in told.items() if k.startswith("ipam_sync_operations_pending") and v}
    assert pending == {
        'ipam_sync_operations_pending{hold="guard",operation="FailoverUpdate"}': 1,
        'ipam_sync_operations_pending{hold="none",operation="FailoverUpdate"}': 1,
    }


def test_runs_are_counted_once_when_they_end_from_the_first_scrape_on(store: SqlStore) -> None:
    done = 'ipam_sync_runs_total{outcome="done",trigger="cli"}'
    took = 'ipam_sync_run_duration_seconds_count{trigger="cli"}'
    a_fleet_with_a_past(store)
    with store.write() as uow:
        first, second = open_run(uow), open_run(uow)
        uow.commit()
    registry = exported(store, Settings(), None)
    assert served(registry)[done] == 0, "what ended before is not counted"

    def end(run: int, outcome: str) -> None:
        with store.write() as uow:
            uow.close_run(run, outcome, {})
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
        uow.prune(uow.now() + timedelta(days=1), 1000)
        uow.commit()
    assert served(registry)[done] == 1, "pruning makes no count fall"


def test_processes_ticks_and_the_oldest_run_are_told(store: SqlStore) -> None:
    with store.write() as uow:
        uow.register_process("host:1", Role.READ, timedelta(minutes=1))
        uow.register_process("host:2", Role.READ, timedelta(minutes=-1))
        uow.start_run("schedule", "schedule", EVERYTHING, Scope(), Lane.READ)
        now = uow.now()
        uow.commit()
    tick(store, Pigeonholes(), Settings().conduct.timing)
    told = served(exported(store, Settings(), None))
    assert told['ipam_sync_processes_alive{role="read"}'] == 1
    assert told['ipam_sync_processes_alive{role="beat"}'] == 0
    assert told["ipam_sync_runs_in_progress"] == 1
    assert 0 <= told["ipam_sync_oldest_run_age_seconds"] < 60
    ticked = told["ipam_sync_last_tick_timestamp_seconds"]
    assert ticked == pytest.approx(now.timestamp(), abs=60)


def test_a_database_that_is_gone_is_told_and_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "ipam-sync.db"
    registry = exported(open_store(f"sqlite:///{file}"), Settings(), None)
    moved = file.rename(tmp_path / "moved.db")
    file.mkdir()
    assert served(registry) == {"ipam_sync_store_up": 0}
    file.rmdir()
    moved.rename(file)
    assert served(registry)["ipam_sync_store_up"] == 1


# ------------------------------------------------------------------------------------ serving


def fetched(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_each_role_has_ports_of_its_own_so_that_no_two_clash() -> None:
    ports = [port for role in (*Role, BEAT) for port in ports_of(role, 9000)]
    assert len(set(ports)) == len(ports)
    assert [ports_of(role, 9000)[0] for role in (*Role, BEAT)] == [9000, 9001, 9002, 9003]


def test_a_second_process_of_a_role_takes_the_next_port_and_a_taken_one_is_an_error() -> None:
    registry = CollectorRegistry()
    with serving.served(registry, "127.0.0.1", [0]) as first:
        with serving.served(registry, "127.0.0.1", [first, 0]) as second:
            assert second != first
            assert fetched(second) == fetched(first) == ""
        with (
            pytest.raises(serving.CannotServe, match=str(first)),
            serving.served(registry, "127.0.0.1", [first]),
        ):
            pass


def test_a_worker_that_cannot_serve_works_all_the_same_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving.own_metrics("read", "192.0.2.1", 9000):
        pass
    assert [record.message for record in caplog.records] == ["metrics not served"]


def test_a_worker_serves_what_it_counts_and_its_process() -> None:
    with serving.served(CollectorRegistry(), "127.0.0.1", [0]) as port:
        pass  # just now it was free
    with serving.own_metrics("read", "127.0.0.1", port):
        text = fetched(port)
    assert 'ipam_sync_process_info{role="read",version=' in text
    assert "process_cpu_seconds_total" in text
    assert "_created" not in text
