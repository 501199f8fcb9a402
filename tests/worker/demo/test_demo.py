"""The demo: its fleet, what its three runs come to on both stages, and that its words are true."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collectors.simulator.running import Listener, SimulatedLogon
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold
from reconcile.model.nouns import Evidence, Operation, Unseen
from reconcile.planning.guard import Counts
from tests.worker.runs.office import HeldMessages
from worker.bootstrap import Ipam
from worker.demo import _ending_in_order, script, stage
from worker.demo.alone import alone
from worker.demo.directory import temporary_directory
from worker.demo.installed import Up, has_room, installed
from worker.demo.scenery import FLEET, scenery
from worker.demo.simulation.fleet_file import read_fleet
from worker.model.run_report import OperationOutcome, RunSummary
from worker.runs.schedule import open_due_run
from worker.up.child import CannotRun

Dump = dict[str, list[tuple[object, ...]]]
STAGES = (
    pytest.param(
        "installed",
        marks=pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux"),
    ),
    "alone",
)
#: What workers keep up to date in place, whether they do a run or not (R10).
IN_PLACE = {"lease", "worker_process", "server_poll"}


@dataclass(frozen=True)
class Performance:
    """What the steps came to, and the whole database after each of them."""

    is_installed: bool
    steps: list[RunSummary] = field(default_factory=list)
    dumps: list[Dump] = field(default_factory=list)
    contents: list[stage.Contents] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def second(self) -> RunSummary:
        return self.steps[1]


@contextmanager
def on_stage(*, is_installed: bool) -> Iterator[stage.DemoStage]:
    with temporary_directory(has_room) as directory, scenery(directory) as behind:
        if not is_installed:
            with alone(behind) as played:
                yield played
            return
        with installed(behind) as real:
            yield real


@pytest.fixture(scope="module", params=STAGES)
def performance(request: pytest.FixtureRequest) -> Performance:
    """The demo played once on each stage, without its screen."""
    played = Performance(request.param == "installed")
    with on_stage(is_installed=played.is_installed) as staged:
        for step in (script.FIRST, script.SECOND, script.THIRD):
            played.steps.append(staged.perform(step))
            played.dumps.append(_dump(staged.ipam))
            played.contents.append(stage.contents(staged.ipam.store))
        with staged.ipam.store.read() as reading:
            played.evidence.update(
                {r.relationship_name: r.evidence for r in reading.records.load()}
            )
    return played


def _dump(ipam: Ipam) -> Dump:
    file = ipam.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)  # noqa: S608 - names come from the database itself
            for (name,) in names
        }


def _fates(summary: RunSummary) -> dict[tuple[str, Operation], OperationOutcome]:
    return {
        (line.planned.relationship, line.planned.operation): line.fate for line in summary.lines
    }


def _found(summary: RunSummary) -> Counter[tuple[Kind, str | None]]:
    return Counter((f.kind, f.relationship) for f in summary.findings)


# ------------------------------------------------------------------------------------ the fleet


def test_the_fleet_is_a_baker_s_dozen_of_servers_in_two_domains() -> None:
    names = [server.name for server in read_fleet(FLEET).fleet.servers]
    assert Counter(name.partition(".")[2] for name in names) == {
        "corp.example": 9 + 1,
        "lab.example": 3,
    }


def test_the_fleet_has_every_way_to_log_on_with_tls_and_without_and_old_servers_too() -> None:
    described = read_fleet(FLEET)
    listeners = described.listeners.values()
    assert {listener.logon for listener in listeners} == set(SimulatedLogon)
    assert {listener.tls for listener in listeners} == {True, False}
    assert "2012" in {str(server.generation) for server in described.fleet.servers}
    assert described.listeners["dhcp02.corp.example"] == Listener(faults=("hang",))


def test_partners_are_named_by_address_by_short_name_and_in_full() -> None:
    fleet = read_fleet(FLEET).fleet
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
    servers = read_fleet(FLEET).fleet.servers
    told = {copy.name for server in servers for copy in server.copies.values()}
    created = told - {"rome-dhcp02"}
    assert _fates(first) == {(name, Operation.CREATE): OperationOutcome.APPLIED for name in created}
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
        ("hub-berlin", Operation.UPDATE): OperationOutcome.APPLIED,
        ("hub-oslo", Operation.ADD_SCOPES): OperationOutcome.APPLIED,
        ("hub-rome", Operation.UPDATE): OperationOutcome.APPLIED,
        ("lab-west", Operation.UPDATE): OperationOutcome.APPLIED,
        ("rome-dhcp02", Operation.CREATE): OperationOutcome.APPLIED,
        ("hub-oslo", Operation.REMOVE_SCOPES): OperationOutcome.HELD,
        ("hub-vienna", Operation.REMOVE_SCOPES): OperationOutcome.HELD,
        ("berlin-paris-old", Operation.DELETE): OperationOutcome.HELD,
        ("hub-oslo-wlan", Operation.ADD_SCOPES): OperationOutcome.WAITING,
    }
    states = [line.planned for line in performance.second.lines if line.planned.state_only]
    assert {planned.relationship for planned in states} == {"hub-rome", "lab-west"}


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
    own = {"run", "run_line", "sighting", "sqlite_sequence"}
    assert _changed(second, third) - IN_PLACE == own
    assert all(len(second[name]) == len(third[name]) for name in IN_PLACE)
    assert _changed(_last_keys(second), _last_keys(third)) - IN_PLACE == {"run"}
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


# ------------------------------------------------------------------------------------ the stages


def test_the_runs_of_the_installation_are_done_by_workers_and_the_schedule_starts_none(
    performance: Performance,
) -> None:
    last = performance.dumps[-1]
    assert len(last["run"]) == 3
    assert last["run_line"]
    assert [summary.run for summary in performance.steps] == [1, 2, 3]


def test_nobody_is_due_before_the_demo_is_over() -> None:
    """The beat reminds at its start, and that may be heard after the import."""
    with on_stage(is_installed=False) as staged:
        assert (
            open_due_run(staged.ipam.store, HeldMessages(), staged.ipam.run_policy.timing) is None
        )


@pytest.mark.parametrize(("seconds", "what"), [(60, "hangs"), (-60, r"is gone \(ended\)")])
def test_an_installation_that_hangs_or_is_gone_is_quoted(
    tmp_path: Path, seconds: int, what: str
) -> None:
    log = tmp_path / "up.log"
    log.write_text("".join(f"line {n}\n" for n in range(1, 21)))
    code = f"import time; time.sleep(max(0, {seconds}))"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        if seconds < 0:
            process.wait()
        with pytest.raises(CannotRun, match=f"installation {what} in a test") as failed:
            Up(process, log).must_run(0.0, "in a test")
        process.kill()
    first, *last = str(failed.value).split("\n")
    assert (last[0], last[-1], len(last)) == ("It said last:", "line 20", 9), first


def test_where_there_is_no_linux_it_says_so_and_plays_in_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(sys, "platform", "another")
    with stage.staged(told.append) as staged:
        assert staged.command == "ipam-sync sync"
    assert told == [f"{script.NO_INSTALLATION} It needs Linux."]


# ------------------------------------------------------------------------------------ the words


@pytest.mark.parametrize("change", script.SECOND.meanwhile, ids=lambda change: change.subject)
def test_what_is_said_to_become_of_an_event_is_what_the_sync_does(
    change: script.FleetChange, performance: Performance
) -> None:
    fates = {
        fate for (told, _), fate in _fates(performance.second).items() if told == change.subject
    }
    about = [f.kind for f in performance.second.findings if _is_about(f, change.subject)]
    if change.result.startswith("left alone: "):
        assert fates == set()
        assert about == [Kind(change.result.removeprefix("left alone: "))]
    elif change.result == "not believed yet" or "proves nothing" in change.result:
        assert fates == set()
        assert Kind.ONE_SIDED in about
    elif change.result.startswith("held"):
        assert fates == {OperationOutcome.HELD}
    elif change.result.startswith("one move"):
        assert fates == {OperationOutcome.WAITING}
    else:
        assert change.result.rpartition(" ")[2] in ("applied", "created")
        assert OperationOutcome.APPLIED in fates


def _is_about(finding: Finding, relationship: str) -> bool:
    return fold(finding.relationship or "") == fold(relationship)


def test_every_relationship_that_changed_is_announced(performance: Performance) -> None:
    changed = {line.planned.relationship for line in performance.second.lines}
    news = {f.relationship for f in performance.second.findings} - {"lab-vendor", None}
    assert {change.subject for change in script.SECOND.meanwhile} == changed | news


def test_an_end_that_a_library_swallowed_is_heeded_at_the_next_step() -> None:
    """It was raised where nobody lets it through."""
    with _ending_in_order() as ending:
        ending.heed()
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            ending.heed()
