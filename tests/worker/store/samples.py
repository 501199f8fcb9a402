"""Values for the store's tests: small, complete, and different where it matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from reconcile.findings.life import Life, LifeStep
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Evidence, Mode, Operation, Seen, ServerType, State, Story
from reconcile.model.record import ATTRIBUTES, Party, Planned, PropertyChange, Record
from worker.model.runs import Lane, RunScope, Trigger
from worker.store.tables.inventory import server as server_table
from worker.store.unit_of_work import Store, UnitOfWork

BEGIN = datetime(2026, 3, 1, 6, 0, 0, 123456, tzinfo=UTC)


def minutes(count: int) -> datetime:
    """A time that many minutes after BEGIN."""
    return BEGIN + timedelta(minutes=count)


def add_servers(store: Store, count: int, prefix: str = "dhcp") -> list[int]:
    """Servers `dhcp01.corp.example` and so on."""
    with store.write() as uow:
        servers = [uow.inventory.add(f"{prefix}{n:02}.corp.example") for n in range(1, count + 1)]
        uow.commit()
    return servers


def remove_by_hand(uow: UnitOfWork, server: int) -> None:
    """As an administrator does it with SQL; ipam-sync itself removes none."""
    uow._connection.run(delete(server_table).where(server_table.c.id == server))


def open_run(uow: UnitOfWork) -> int:
    return uow.runs.open(Trigger.CLI, "CORP\\ada", "all servers", RunScope(), Lane.ON_DEMAND)


def a_record(name: str, one: int | None, two: int | None, *scopes: int) -> Record:
    return Record(
        key=0,
        relationship_name=name,
        mode=Mode.LOAD_BALANCE,
        mclt_seconds=3600,
        auto_state_transition=True,
        state_switch_interval_seconds=600,
        shared_secret_enabled=True,
        server1_record_id=one,
        server1_name=f"server {one}",
        server1_ps_name="dhcp-a",
        server1_ip="10.0.0.1",
        server1_percentage=50,
        server1_state=State.NORMAL,
        server2_record_id=two,
        server2_name=f"server {two}",
        server2_ps_name=None,
        server2_ip="10.0.0.2",
        server2_state=State.COMMUNICATIONS_INTERRUPTED,
        scopes=frozenset(scopes),
        evidence=Evidence.BOTH,
    )


def insert(store: Store, *records: Record) -> list[Record]:
    """The records as the store has them afterwards."""
    with store.write() as uow:
        keys = uow.records.insert([(record, ()) for record in records])
        uow.commit()
    with store.read() as reading:
        return list(reading.records.by_key(keys))


def a_plan(operation: Operation, record: Record, *changes: PropertyChange) -> Planned:
    scopes = () if operation is Operation.UPDATE else tuple(sorted(record.scopes))
    one, two = record.server1_record_id, record.server2_record_id
    return Planned(
        operation=operation,
        record=record.key,
        relationship=record.relationship_name,
        server1=Party(one, record.server1_name or ""),
        server2=Party(two, record.server2_name or ""),
        changes=changes,
        scopes=scopes,
        evidence=Evidence.BOTH,
        reason="both partners say so",
        witnesses=record.partners,
    )


def a_create(record: Record) -> Planned:
    changes = (
        PropertyChange(p, None, getattr(record, attribute)) for p, attribute in ATTRIBUTES.items()
    )
    return a_plan(Operation.CREATE, record, *changes)


def an_update(record: Record, mclt_seconds: int) -> Planned:
    return a_plan(
        Operation.UPDATE, record, PropertyChange("MCLT", record.mclt_seconds, mclt_seconds)
    )


def a_finding(name: str | None, *servers: int) -> Finding:
    said = (("MCLT", (("dhcp01", "PT1H"), ("dhcp02", "PT2H"))),)
    return Finding(Kind.PARTNER_MISMATCH, name, servers, "they differ", said)


def found(uow: UnitOfWork, run: int, findings: Iterable[Finding]) -> Mapping[str, int]:
    """Problems that are open at once, whatever their kind; their ids by fingerprint."""
    now = uow.now()
    return uow.findings.begin(run, [LifeStep(f, _open_since(now)) for f in findings])


def changed(uow: UnitOfWork, problem: int, finding: Finding) -> None:
    """It is another one now."""
    before = uow.findings.by_id([problem])[problem].life
    uow.findings.save([(problem, LifeStep(finding, replace(before, changed_at=uow.now())))])


def over(uow: UnitOfWork, problems: Iterable[int]) -> None:
    """They are not there any more."""
    known = uow.findings.by_id(list(problems))
    uow.findings.save((key, LifeStep(problem.finding, None)) for key, problem in known.items())


def _open_since(now: datetime) -> Life:
    return Life(now, now, 1, now, now, openings=(now,))


def a_story(asked: int, name: str, *scopes: int, partner: str = "dhcp02") -> Story:
    return Story(
        asked=asked,
        name=name,
        partner=partner,
        mode=Mode.HOT_STANDBY,
        state=State.NORMAL,
        scopes=frozenset(scopes),
        mclt_seconds=3600,
        auto_state_transition=False,
        reserve_percent=5,
        server_type=ServerType.PRIMARY,
        primary_name="dhcp01.corp.example",
        unknown_values=(("ServerRole", "Sleeping"),),
    )


def a_reading(server: int, at: datetime, *names: str) -> Seen:
    return Seen(server, at, tuple(a_story(server, name, 1, 2) for name in names))


def later(seen: Seen, at: datetime) -> Seen:
    return replace(seen, read_at=at)
