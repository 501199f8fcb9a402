"""What Prometheus is served: documented, bounded, and true to the store."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import update

from reconcile.findings.life import begin
from reconcile.model.findings import Finding, Kind, Matter, Severity
from reconcile.model.nouns import Standing, State
from reconcile.model.record import Hold
from tests.worker.runs.office import HeldMessages
from tests.worker.scraping import a_fleet_with_a_past, served
from tests.worker.store.samples import (
    a_finding,
    a_record,
    add_servers,
    an_update,
    found,
    insert,
    open_run,
    over,
)
from tests.worker.store.sql_counter import counted
from worker.config.settings import Settings
from worker.messaging.celery_app import Backlog
from worker.model.alerts import Acknowledgement, Silence
from worker.model.maintenance import Window
from worker.model.roles import BrokerUnavailable, Role
from worker.model.runs import EVERYTHING, Lane, RunScope, Trigger
from worker.monitoring import http
from worker.monitoring.exporter import exported
from worker.runs.schedule import open_due_run
from worker.store.schema import open_store
from worker.store.tables.failover import finding as finding_table
from worker.store.unit_of_work import Store
from worker.telemetry.metrics import Metrics

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
SUFFIXES = {"counter": "_total", "info": "_info"}


def backlog() -> Backlog:
    """Of a broker with a message in each queue."""
    return Backlog(dict.fromkeys(Role, 1), 2)


def names(registry: CollectorRegistry) -> set[str]:
    """As Prometheus has them."""
    return {metric.name + SUFFIXES.get(metric.type, "") for metric in registry.collect()}


def test_the_page_names_every_metric_that_there_is_and_no_other(store: Store) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    installation = exported(store, Settings(), backlog)
    assert documented == names(Metrics().registry) | names(installation)


def test_the_page_names_type_and_labels_of_each(store: Store) -> None:
    a_fleet_with_a_past(store)
    metrics = Metrics()
    with http.own_metrics(metrics, "read", "127.0.0.1", None):
        pass
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", PAGE, flags=re.MULTILINE)
    page = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    for registry in (metrics.registry, exported(store, Settings(), backlog)):
        for metric in registry.collect():
            labels = {label for sample in metric.samples for label in sample.labels} - {"le"}
            kind, documented = page[metric.name + SUFFIXES.get(metric.type, "")]
            assert kind == metric.type
            assert documented == labels or not metric.samples, metric.name


def test_names_keep_the_conventions() -> None:
    for name in re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE):
        assert name.startswith("ipam_sync_")
        assert not re.search(r"_(ms|milliseconds|minutes|percent)(_|$)", name)


def test_servers_queues_and_processes_are_told(store: Store) -> None:
    add_servers(store, 3)
    told = served(exported(store, Settings(), backlog))
    assert told["ipam_sync_store_up"] == told["ipam_sync_broker_up"] == 1
    assert sum(v for k, v in told.items() if k.startswith("ipam_sync_servers{")) == 3
    assert told['ipam_sync_queue_messages{queue="read"}'] == 1
    assert told["ipam_sync_messages_in_hand"] == 2


def test_a_broker_that_is_down_is_told_and_the_rest_as_well(store: Store) -> None:
    def down() -> Backlog:
        raise BrokerUnavailable("gone")

    told = served(exported(store, Settings(), down))
    assert (told["ipam_sync_store_up"], told["ipam_sync_broker_up"]) == (1, 0)


@pytest.mark.parametrize("servers", [2, 40])
def test_a_scrape_takes_the_same_statements_however_many_servers(
    store: Store, servers: int
) -> None:
    add_servers(store, servers)
    registry = exported(store, Settings(), None)
    served(registry)
    with counted(store.engine) as sql:
        served(registry)
    assert sql.statements < 30
    assert sum(sql.written.values()) == 0


# ------------------------------------------------------------------------------------ the numbers


def test_a_state_that_is_too_old_counts_as_unknown_and_is_not_told_by_itself(
    store: Store,
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


def test_sides_that_are_not_normal_are_told_up_to_a_bound(store: Store) -> None:
    one, two = add_servers(store, 2)
    insert(store, *(a_record(f"R{n}", one, two, n) for n in range(20)))
    with store.read() as reading:
        assert len(reading.statistics.figures(odd_sides=7).odd_sides) == 7
        assert sum(reading.statistics.figures(odd_sides=7).sides.values()) == 40


def test_a_server_tells_when_it_was_read_and_one_that_is_not_asked_nothing(
    store: Store,
) -> None:
    one, two, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        uow.inventory.set_standing(two, Standing.DISABLED)
        seen = uow.readings.latest([one], {})[one].read_at
        uow.commit()
    told = served(exported(store, Settings(), None))
    name = "ipam_sync_server_last_success_timestamp_seconds"
    assert {k: v for k, v in told.items() if k.startswith(name)} == {
        f'{name}{{server="dhcp01.corp.example"}}': pytest.approx(seen.timestamp()),
        f'{name}{{server="dhcp03.corp.example"}}': 0,
    }
    assert told['ipam_sync_servers{standing="disabled"}'] == 1


def test_a_server_tells_whether_it_is_in_maintenance(store: Store) -> None:
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
            uow.maintenance.add(window)
        uow.commit()
    name = "ipam_sync_server_in_maintenance"
    told = served(exported(store, Settings(), None))
    assert {k: v for k, v in told.items() if k.startswith(name)} == {
        f'{name}{{server="dhcp01.corp.example"}}': 1,
        f'{name}{{server="dhcp02.corp.example"}}': 0,
        f'{name}{{server="dhcp03.corp.example"}}': 0,
    }


def test_findings_are_told_with_the_severity_that_people_gave_them(store: Store) -> None:
    one, two, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        run = open_run(uow)
        found(uow, run, [a_finding("HQ", one, two), a_finding("branch", one)])
        down = Finding(Kind.STATE_NOT_NORMAL, "HQ", (one, two), "", grade=State.PARTNER_DOWN)
        found(uow, run, [down])
        uow.commit()
    settings = Settings(severities={"partner_mismatch": Severity.CRITICAL})
    told = served(exported(store, settings, None))
    name = "ipam_sync_findings_open"
    assert {k: v for k, v in told.items() if k.startswith(f"{name}{{") and v} == {
        f'{name}{{kind="partner_mismatch",matter="drift",severity="critical"}}': 2,
        f'{name}{{kind="state_not_normal",matter="health",severity="critical"}}': 1,
    }
    assert told[f'{name}{{kind="blocked",matter="drift",severity="warning"}}'] == 0
    for severity in Severity:
        assert f'{name}{{kind="state_not_normal",matter="health",severity="{severity}"}}' in told


def test_labels_of_findings_are_bounded(store: Store) -> None:
    """Neither what is open nor what people call things adds a series."""
    before = set(served(exported(store, Settings(), None)))
    one, two, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        found(uow, open_run(uow), [a_finding(f"R{n}", one, two) for n in range(9)])
        uow.commit()
    after = set(served(exported(store, Settings(), None)))
    assert {k for k in after if "finding" in k} == {k for k in before if "finding" in k}


def test_the_age_of_the_oldest_finding_of_a_matter_and_severity_is_told(store: Store) -> None:
    one, two, _ = a_fleet_with_a_past(store)
    gone = Finding(Kind.SERVER_UNREAD, None, (one,), "")
    with store.write() as uow:
        run = open_run(uow)
        ids = found(uow, run, [a_finding("HQ", one, two), a_finding("branch", one), gone])
        over(uow, [ids[gone.fingerprint]])
        long_ago = uow.now() - timedelta(hours=3)
        uow.commit()
    with store.engine.begin() as connection:
        old = update(finding_table).where(finding_table.c.relationship == "HQ")
        connection.execute(old.values(first_seen=long_ago))
    told = served(exported(store, Settings(), None))
    name = "ipam_sync_oldest_finding_age_seconds"
    drift = f'{name}{{matter="drift",severity="warning"}}'
    assert told.pop(drift) == pytest.approx(3 * 3600, abs=60)
    others = {k: v for k, v in told.items() if k.startswith(name)}
    assert set(others.values()) == {0}
    assert len(others) == len(Matter) * len(Severity) - 1


def test_what_keeps_people_quiet_counts_all_the_same(store: Store) -> None:
    """Acknowledged, explained by another, silenced."""
    one, two, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        told = [a_finding(name, one, two) for name in ("HQ", "branch", "depot")]
        known, effect, cause = found(uow, open_run(uow), told).values()
        now = uow.now()
        uow.findings.acknowledge(known, Acknowledgement("ada", "I know", now))
        uow.findings.set_causes({effect: cause})
        uow.silences.add(Silence(0, "new switch", "ada", now, now + timedelta(hours=1)))
        uow.commit()
    series = 'ipam_sync_findings_open{kind="partner_mismatch",matter="drift",severity="warning"}'
    assert served(exported(store, Settings(), None))[series] == 3


def test_what_is_not_confirmed_yet_is_not_open(store: Store) -> None:
    one, _, _ = a_fleet_with_a_past(store)
    with store.write() as uow:
        suspected = begin(Finding(Kind.SERVER_UNREAD, None, (one,), ""), uow.now())
        uow.findings.begin(open_run(uow), [suspected])
        uow.commit()
    told = served(exported(store, Settings(), None))
    assert not any(told[k] for k in told if k.startswith("ipam_sync_findings_open{"))
    assert not any(told[k] for k in told if k.startswith("ipam_sync_oldest_finding_age"))


def test_findings_that_outlasted_their_patience_are_told_one_step_louder(store: Store) -> None:
    """Each by its own patience; one that an older ipam-sync opened has none."""
    one, two, _ = a_fleet_with_a_past(store)
    lost = Finding(
        Kind.STATE_NOT_NORMAL, "", (one, two), "", grade=State.COMMUNICATIONS_INTERRUPTED
    )
    patiences = {"HQ": 0, "branch": 3600, "lab": 7200, "old": None}
    with store.write() as uow:
        problems = [replace(lost, relationship=name, patience=p) for name, p in patiences.items()]
        found(uow, open_run(uow), problems)
        uow.commit()

    def told(settings: Settings) -> dict[str, float]:
        values = served(exported(store, settings, None)).items()
        labels = 'ipam_sync_findings_open{kind="state_not_normal",matter="health",severity='
        return {k.removeprefix(labels): n for k, n in values if k.startswith(labels) and n}

    assert told(Settings()) == {'"critical"}': 1, '"warning"}': 3}
    quiet = Settings(severities={"state_not_normal": Severity.INFO})
    assert told(quiet) == {'"info"}': 4}


def test_what_outlasted_its_patience_falls_to_zero_when_it_is_over(store: Store) -> None:
    """Also where nothing else of that kind can be so loud: a series that vanishes is no zero."""
    one, two, _ = a_fleet_with_a_past(store)
    grade = State.COMMUNICATIONS_INTERRUPTED
    lost = Finding(Kind.STATE_NOT_NORMAL, "HQ", (one, two), "", grade=grade, patience=0)
    settings = Settings(severities={"state_not_normal.PartnerDown": Severity.WARNING})
    series = 'ipam_sync_findings_open{kind="state_not_normal",matter="health",severity="critical"}'
    with store.write() as uow:
        (key,) = found(uow, open_run(uow), [lost]).values()
        uow.commit()
    assert served(exported(store, settings, None))[series] == 1
    with store.write() as uow:
        over(uow, [key])
        uow.commit()
    assert served(exported(store, settings, None))[series] == 0


def test_operations_are_told_by_what_holds_them(store: Store) -> None:
    a_fleet_with_a_past(store)
    with store.write() as uow:
        records = uow.records.load()
        numbers = uow.operations.add(open_run(uow), [an_update(r, 60) for r in records])
        uow.operations.hold(numbers[:1], Hold.GUARD)
        uow.commit()
    told = served(exported(store, Settings(), None))
    pending = {k: v for k, v in told.items() if k.startswith("ipam_sync_operations_pending") and v}
    assert pending == {
        'ipam_sync_operations_pending{hold="guard",operation="FailoverUpdate"}': 1,
        'ipam_sync_operations_pending{hold="none",operation="FailoverUpdate"}': 1,
    }


def test_processes_ticks_and_the_oldest_run_are_told(store: Store) -> None:
    with store.write() as uow:
        uow.processes.register("host:1", Role.READ, timedelta(minutes=1))
        uow.processes.register("host:2", Role.READ, timedelta(minutes=-1))
        uow.runs.open(Trigger.SCHEDULE, "schedule", EVERYTHING, RunScope(), Lane.READ)
        now = uow.now()
        uow.commit()
    open_due_run(store, HeldMessages(), Settings().run_policy.timing)
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
