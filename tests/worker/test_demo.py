"""The demo: its fleet, what the three syncs come to, and that its words are true."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import pytest

from collectors.base import EXPORT_AGAIN
from collectors.simulator.running import Listener, Logon
from reconcile.findings import Finding, Kind
from reconcile.guard import Counts
from reconcile.model import Evidence, Operation, Unseen
from reconcile.names import fold
from worker.bootstrap import Ipam
from worker.demo import script, stage
from worker.simulation.fleet_file import read_fleet
from worker.summary import Fate, Summary

Dump = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class Performance:
    """What the steps came to, and the whole database after each of them."""

    steps: tuple[Summary, ...]
    dumps: tuple[Dump, ...]
    contents: tuple[stage.Contents, ...]
    evidence: dict[str, Evidence]

    @property
    def second(self) -> Summary:
        return self.steps[1]


@pytest.fixture(scope="module")
def performance() -> Iterator[Performance]:
    """The demo played once, without its screen."""
    with stage.staged() as staged:
        ipam = staged.ipam
        steps, dumps, contents = [], [], []
        for step in (script.FIRST, script.SECOND, script.THIRD):
            steps.append(staged.perform(step))
            dumps.append(_dump(ipam))
            contents.append(stage.contents(ipam.store))
        with ipam.store.read() as reading:
            evidence = {r.relationship_name: r.evidence for r in reading.records()}
        yield Performance(tuple(steps), tuple(dumps), tuple(contents), evidence)


def _dump(ipam: Ipam) -> Dump:
    file = ipam.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)  # noqa: S608 - names come from the database itself
            for (name,) in names
        }


def _fates(summary: Summary) -> dict[tuple[str, Operation], Fate]:
    return {
        (line.planned.relationship, line.planned.operation): line.fate for line in summary.lines
    }


def _found(summary: Summary) -> Counter[tuple[Kind, str | None]]:
    return Counter((f.kind, f.relationship) for f in summary.findings)


# ------------------------------------------------------------------------------------ the fleet


def test_the_fleet_is_a_baker_s_dozen_of_servers_in_two_domains() -> None:
    names = [server.name for server in read_fleet(stage.FLEET).fleet.servers]
    assert Counter(name.partition(".")[2] for name in names) == {
        "corp.example": 9 + 1,
        "lab.example": 3,
    }


def test_the_fleet_has_every_way_to_log_on_with_tls_and_without_and_old_servers_too() -> None:
    described = read_fleet(stage.FLEET)
    listeners = described.listeners.values()
    assert {listener.logon for listener in listeners} == set(Logon)
    assert {listener.tls for listener in listeners} == {True, False}
    assert "2012" in {str(server.generation) for server in described.fleet.servers}
    assert described.listeners["dhcp02.corp.example"] == Listener(faults=("hang",))


def test_partners_are_named_by_address_by_short_name_and_in_full() -> None:
    fleet = read_fleet(stage.FLEET).fleet
    told = {
        name: {copy.partner for copy in fleet.server(name).copies.values()}
        for name in ("rome", "berlin", "oslo")
    }
    assert told == {
        "rome": {"10.1.0.11", "dhcp02"},
        "berlin": {"hub", "paris"},
        "oslo": {"hub.corp.example"},
    }


# ------------------------------------------------------------------------------------ the syncs


def test_the_first_sync_creates_every_relationship_that_is_certain(
    performance: Performance,
) -> None:
    first = performance.steps[0]
    servers = read_fleet(stage.FLEET).fleet.servers
    told = {copy.name for server in servers for copy in server.copies.values()}
    created = told - {"rome-dhcp02"}
    assert _fates(first) == {(name, Operation.CREATE): Fate.APPLIED for name in created}
    grades = {line.planned.relationship: line.planned.evidence for line in first.lines}
    weak = {name for name, grade in grades.items() if grade is Evidence.ONE_SIDE}
    assert weak == {"lab-vendor", "lab-west"}


def test_the_server_that_hangs_and_the_one_that_refuses_are_unread_and_the_others_go_on(
    performance: Performance,
) -> None:
    first = performance.steps[0]
    unread = {
        first.names[server]: sighting.failure.code
        for server, sighting in first.sightings.items()
        if isinstance(sighting, Unseen)
    }
    assert unread == {"dhcp02.corp.example": "timeout", "west.lab.example": "auth"}
    assert len(first.sightings) == 13


def test_the_first_sync_finds_the_names_that_nobody_may_guess(performance: Performance) -> None:
    assert _found(performance.steps[0]) == {
        (Kind.AMBIGUOUS_NAME, "rome-dhcp02"): 1,
        (Kind.UNMAPPED_NAME, "lab-vendor"): 1,
        (Kind.SCOPE_WITHOUT_FAILOVER, None): 1,
        (Kind.SERVER_UNREAD, None): 2,
    }


def test_the_second_sync_applies_what_is_certain_and_holds_every_removal(
    performance: Performance,
) -> None:
    assert _fates(performance.second) == {
        ("hub-berlin", Operation.UPDATE): Fate.APPLIED,
        ("hub-oslo", Operation.ADD_SCOPES): Fate.APPLIED,
        ("hub-rome", Operation.UPDATE): Fate.APPLIED,
        ("lab-west", Operation.UPDATE): Fate.APPLIED,
        ("rome-dhcp02", Operation.CREATE): Fate.APPLIED,
        ("hub-oslo", Operation.REMOVE_SCOPES): Fate.HELD,
        ("hub-vienna", Operation.REMOVE_SCOPES): Fate.HELD,
        ("berlin-paris-old", Operation.DELETE): Fate.HELD,
        ("hub-oslo-wlan", Operation.ADD_SCOPES): Fate.WAITING,
    }
    states = [line.planned for line in performance.second.lines if line.planned.state_only]
    assert [planned.relationship for planned in states] == ["hub-rome", "lab-west"]


def test_the_second_sync_finds_what_contradicts_itself(performance: Performance) -> None:
    assert _found(performance.second) == {
        (Kind.PARTNER_MISMATCH, "hub-paris"): 1,
        (Kind.SCOPE_ONE_SIDED, "hub-madrid"): 1,
        (Kind.STATE_NOT_NORMAL, "hub-rome"): 1,
        (Kind.ONE_SIDED, "hub-lyon"): 1,
        (Kind.ONE_SIDED, "hub-turin"): 1,
        (Kind.SERVER_REPLACED, None): 1,
        (Kind.SCOPE_WITHOUT_FAILOVER, None): 1,
        (Kind.EMPTY_READ_UNCONFIRMED, None): 1,
        (Kind.BLOCKED, "hub-oslo-wlan"): 1,
        (Kind.PLAN_REFUSED, None): 1,
        (Kind.UNMAPPED_NAME, "lab-vendor"): 1,
    }


def test_the_second_sync_refuses_by_the_number_of_scopes(performance: Performance) -> None:
    refusal = performance.second.refusal
    assert refusal is not None
    assert (refusal.wanted, refusal.applied) == (Counts(1, 58), Counts())
    assert refusal.limit == Counts(5, 50)


def test_the_second_sync_raises_what_both_partners_tell_now_to_evidence_of_both(
    performance: Performance,
) -> None:
    weak = {n for n, grade in performance.evidence.items() if grade is not Evidence.BOTH}
    assert weak == {"lab-vendor"}


def test_the_third_sync_writes_no_row_outside_runs_and_sightings(
    performance: Performance,
) -> None:
    first, second, third = performance.dumps
    assert _changed(second, third) == {"run", "sighting", "sqlite_sequence"}
    assert _changed(_last_keys(second), _last_keys(third)) == {"run"}
    assert {"failover", "operation_tracker", "finding"} <= _changed(first, second)


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {name for name in after if after[name] != before.get(name)}


def _last_keys(dump: Dump) -> dict[str, object]:
    """SQLite's own count of keys, by table."""
    return {str(table): last for table, last in dump["sqlite_sequence"]}


def test_the_comparison_on_the_screen_sees_what_the_second_sync_wrote(
    performance: Performance,
) -> None:
    first, second, third = performance.contents
    assert second == third
    for part in ("relationships", "operations", "findings", "watches"):
        assert getattr(first, part) != getattr(second, part)


# ------------------------------------------------------------------------------------ the words


@pytest.mark.parametrize("change", script.SECOND.meanwhile, ids=lambda change: change.about)
def test_what_is_said_to_become_of_an_event_is_what_the_sync_does(
    change: script.Change, performance: Performance
) -> None:
    fates = {fate for (told, _), fate in _fates(performance.second).items() if told == change.about}
    about = [f.kind for f in performance.second.findings if _is_about(f, change.about)]
    if change.result.startswith("left alone: "):
        assert fates == set()
        assert about == [Kind(change.result.removeprefix("left alone: "))]
    elif change.result == "not believed yet" or "proves nothing" in change.result:
        assert fates == set()
        assert Kind.ONE_SIDED in about
    elif change.result.startswith("held"):
        assert fates == {Fate.HELD}
    elif change.result.startswith("one move"):
        assert fates == {Fate.WAITING}
    else:
        assert change.result.rpartition(" ")[2] in ("applied", "created")
        assert Fate.APPLIED in fates


def _is_about(finding: Finding, relationship: str) -> bool:
    return fold(finding.relationship or "") == fold(relationship)


def test_every_relationship_that_changed_is_announced(performance: Performance) -> None:
    changed = {line.planned.relationship for line in performance.second.lines}
    news = {f.relationship for f in performance.second.findings} - {"lab-vendor", None}
    assert {change.about for change in script.SECOND.meanwhile} == changed | news


def test_the_export_command_is_the_one_that_a_failed_read_recommends() -> None:
    assert EXPORT_AGAIN.endswith(script.EXPORT_COMMAND)
