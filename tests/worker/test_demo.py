"""The demo: its files, what the three syncs come to, and that its words are true."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import pytest

from collectors.base import EXPORT_AGAIN
from reconcile.findings import Finding, Kind
from reconcile.guard import Counts
from reconcile.model import Evidence, Operation, Unseen
from reconcile.names import fold
from tests import demo_exports
from worker.bootstrap import Ipam
from worker.demo import script, stage
from worker.inventory import read_inventory
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
    with stage.staged() as ipam:
        steps, dumps, contents = [], [], []
        for step in (script.FIRST, script.SECOND, script.THIRD):
            steps.append(stage.perform(ipam, step))
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


# ------------------------------------------------------------------------------------ the files


def test_the_committed_files_are_those_that_the_generator_makes() -> None:
    """To write them anew: python -m tests.demo_exports."""
    wanted = demo_exports.files()
    packaged = {
        path.relative_to(stage.FILES).as_posix(): path.read_bytes()
        for pattern in ("*.yaml", "before/*", "after/*")
        for path in stage.FILES.glob(pattern)
    }
    assert packaged.keys() == wanted.keys()
    assert [name for name in wanted if packaged[name] != wanted[name]] == []


def test_the_fleet_is_a_dozen_servers_in_two_domains() -> None:
    servers = read_inventory(stage.FILES / "inventory.yaml").servers
    domains = Counter(server.name.partition(".")[2] for server in servers)
    assert domains == {"corp.example": 9, "lab.example": 3}


def test_the_exports_show_what_real_ones_look_like() -> None:
    """Windows PowerShell 5.1 with CIM noise, UTF-16, PowerShell 7, and the class of 2012."""
    berlin = (stage.FILES / "before" / "berlin.corp.example.json").read_bytes()
    assert berlin.startswith(b"\xff\xfe")
    paris = (stage.FILES / "before" / "paris.corp.example.json").read_bytes()
    assert paris.startswith(b"\xef\xbb\xbf")
    assert b'"CimClass"' in paris
    assert b'"Ticks"' in paris
    oslo = json.loads((stage.FILES / "before" / "oslo.corp.example.json").read_bytes())
    assert oslo[0]["MaxClientLeadTime"] == "01:00:00"
    rome = json.loads((stage.FILES / "before" / "rome.corp.example.json").read_bytes())
    assert all("ServerType" not in one for one in rome)
    assert (stage.FILES / "before" / "dhcp02.corp.example.json").read_bytes() == b""


def test_partners_are_named_by_address_by_short_name_and_in_full() -> None:
    told = {
        server: {one["PartnerServer"] for one in json.loads(content.decode(encoding))}
        for server, encoding in (
            ("rome.corp.example", "utf-8"),
            ("berlin.corp.example", "utf-16"),
            ("oslo.corp.example", "utf-8"),
        )
        for content in [(stage.FILES / "before" / f"{server}.json").read_bytes()]
    }
    assert told == {
        "rome.corp.example": {"10.1.0.11", "dhcp02"},
        "berlin.corp.example": {"hub", "paris"},
        "oslo.corp.example": {"hub.corp.example"},
    }


# ------------------------------------------------------------------------------------ the syncs


def test_the_first_sync_creates_every_relationship_that_is_certain(
    performance: Performance,
) -> None:
    first = performance.steps[0]
    created = {one.name for one in demo_exports.BEFORE} - {"rome-dhcp02"}
    assert _fates(first) == {(name, Operation.CREATE): Fate.APPLIED for name in created}
    grades = {line.planned.relationship: line.planned.evidence for line in first.lines}
    weak = {name for name, grade in grades.items() if grade is Evidence.ONE_SIDE}
    assert weak == {"lab-vendor", "lab-west"}


def test_two_exports_of_the_first_sync_cannot_be_read_and_the_others_go_on(
    performance: Performance,
) -> None:
    first = performance.steps[0]
    unread = {
        first.names[server]: sighting.failure.code
        for server, sighting in first.sightings.items()
        if isinstance(sighting, Unseen)
    }
    assert unread == {"dhcp02.corp.example": "empty_output", "west.lab.example": "decode"}
    assert len(first.sightings) == 12


def test_the_first_sync_finds_the_names_that_nobody_may_guess(performance: Performance) -> None:
    assert _found(performance.steps[0]) == {
        (Kind.AMBIGUOUS_NAME, "rome-dhcp02"): 1,
        (Kind.UNMAPPED_NAME, "lab-vendor"): 1,
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


@pytest.mark.parametrize("row", script.SECOND.meanwhile, ids=lambda row: row[0])
def test_what_is_said_to_become_of_an_event_is_what_the_sync_does(
    row: tuple[str, str, str], performance: Performance
) -> None:
    name, _, outcome = row
    fates = {fate for (told, _), fate in _fates(performance.second).items() if told == name}
    about = [f.kind for f in performance.second.findings if _is_about(f, name)]
    if outcome.startswith("left alone: "):
        assert fates == set()
        assert about == [Kind(outcome.removeprefix("left alone: "))]
    elif outcome == "not believed yet":
        assert fates == set()
        assert Kind.ONE_SIDED in about
    elif outcome.startswith("held"):
        assert fates == {Fate.HELD}
    elif outcome.startswith("one move"):
        assert fates == {Fate.WAITING}
    else:
        assert outcome.rpartition(" ")[2] in ("applied", "created")
        assert Fate.APPLIED in fates


def _is_about(finding: Finding, relationship: str) -> bool:
    return fold(finding.relationship or "") == fold(relationship)


def test_every_relationship_that_changed_is_announced(performance: Performance) -> None:
    changed = {line.planned.relationship for line in performance.second.lines}
    news = {f.relationship for f in performance.second.findings} - {"lab-vendor", None}
    assert {name for name, _, _ in script.SECOND.meanwhile} == changed | news


def test_the_export_command_is_the_one_that_a_failed_read_recommends() -> None:
    assert EXPORT_AGAIN.endswith(script.EXPORT_COMMAND)
    assert script.TRY_NEXT[0][1].startswith(script.EXPORT_COMMAND)
