"""Pair + diff + plan of many relationships told by both sides, against diffsync on the same ones."""

from __future__ import annotations

import logging
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import structlog
from diffsync import Adapter, DiffSyncModel

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.machines import by_machine
from reconcile.model.formatting import dotted
from reconcile.model.names import NameMap
from reconcile.model.nouns import Seen, Server, Story
from reconcile.model.record import ATTRIBUTES, Record
from reconcile.planning.apply import created
from reconcile.planning.plan import Plan, complete, draft
from tests.benchmarks.fleet import Size, servers, told
from tests.benchmarks.report import Report

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SIZE = Size(servers=700, relationships=10_000, scopes_per_relationship=20)
CHANGED = 0.01
ROUNDS = 5


def run(report: Report) -> None:
    """Print each round of both, the ratio, and what each needs in memory."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    report.head(
        f"core: {SIZE.relationships} relationships x {SIZE.scopes_per_relationship} scopes on "
        f"{SIZE.servers} servers, told by both sides, {CHANGED:.0%} changed"
    )
    fleet = servers(SIZE)
    records = _stored(fleet)
    now = told(SIZE, fleet, CHANGED)
    ours, theirs = [], []
    source, target = _adapter(records, {}), _adapter(records, _changed(now))
    for number in range(1, ROUNDS + 1):
        ours.append(_timed(lambda: _plan(fleet, now, records)))
        theirs.append(_timed(lambda: source.diff_to(target)))
        report.round(number, pair_diff_plan_s=ours[-1], diffsync_diff_s=theirs[-1])
    operations = len(_plan(fleet, now, records).needs)
    report.ratio("pair + diff + plan / diffsync diff (best of each)", min(ours), min(theirs), 0.5)
    report.line(f"operations planned: {operations}")
    report.line(
        f"peak memory while working: ours {_peak(lambda: _plan(fleet, now, records)):.1f} MiB, "
        f"diffsync {_peak(lambda: source.diff_to(target)):.1f} MiB"
    )


def _plan(fleet: list[Server], stories: dict[int, list[Story]], records: list[Record]) -> Plan:
    names = NameMap(fleet)
    judged = draft(
        JudgementInput(
            servers={s.id: s for s in fleet},
            names=names,
            names_before=names,
            machines=by_machine(fleet),
            sightings={s: Seen(s, NOW, tuple(t)) for s, t in stories.items()},
            previous={},
            records=tuple(records),
            now=NOW,
        )
    )
    return complete(judged, {})


def _stored(fleet: list[Server]) -> list[Record]:
    """What a first sync of the unchanged fleet makes."""
    creates = _plan(fleet, told(SIZE, fleet), []).new
    return [
        replace(created(planned), key=key, pending=False) for key, planned in enumerate(creates, 1)
    ]


class Relationship(DiffSyncModel):
    """The same fields as our record, scopes as one attribute."""

    _modelname = "relationship"
    _identifiers: ClassVar[tuple[str, ...]] = ("name", "one", "two")
    _attributes: ClassVar[tuple[str, ...]] = (*ATTRIBUTES.values(), "scopes")

    name: str
    one: int | None
    two: int | None
    auto_state_transition: bool | None
    mclt_seconds: int | None
    mode: str | None
    relationship_name: str
    server1_ip: str | None
    server1_name: str | None
    server1_ps_name: str | None
    server1_percentage: int | None
    server1_record_id: int | None
    server1_state: str
    server2_ip: str | None
    server2_name: str | None
    server2_ps_name: str | None
    server2_record_id: int | None
    server2_state: str
    shared_secret_enabled: bool | None
    state_switch_interval_seconds: int | None
    scopes: tuple[str, ...]


class Fleet(Adapter):
    """All relationships, already paired: diffsync is given what we have to work out."""

    relationship = Relationship
    top_level = ["relationship"]  # noqa: RUF012 - as diffsync declares it


def _adapter(records: list[Record], mclt: dict[str, int]) -> Fleet:
    fleet = Fleet()
    for record in records:
        values = {a: getattr(record, a) for a in ATTRIBUTES.values()}
        values["mclt_seconds"] = mclt.get(record.relationship_name, record.mclt_seconds)
        fleet.add(
            Relationship(
                name=record.relationship_name,
                one=record.server1_record_id,
                two=record.server2_record_id,
                scopes=tuple(dotted(s) for s in sorted(record.scopes)),
                **values,
            )
        )
    return fleet


def _changed(stories: dict[int, list[Story]]) -> dict[str, int]:
    return {s.name: s.mclt_seconds for told in stories.values() for s in told}


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak(work: Callable[[], object]) -> float:
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20
