"""A run that workers do comes to the same as one ``sync``, in whatever order they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.findings import Kind, Severity
from reconcile.model.nouns import Operation, Seen, Standing, Unseen
from reconcile.model.record import Record
from tests.worker.pristine import in_new_store
from tests.worker.runs.office import Message, Office, office, told
from worker.bootstrap import opened
from worker.config.run_policy import Policy
from worker.demo import script
from worker.demo.scenery import FLEET
from worker.demo.simulation.fleet_file import read_fleet
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.model.run_report import RunSummary
from worker.model.runs import Trigger
from worker.operations.apply import apply_entries
from worker.processes.inline import over_winrm
from worker.runs.targets import RunRequest
from worker.views.documents import loudness

#: One of the demo's servers hangs.
_SHORT = timedelta(seconds=2)


def by_sync(directory: Path, at: Office) -> tuple[RunSummary, dict[str, Record]]:
    """What one process makes of the same fleet in a database of its own."""
    settings = replace(at.ipam.settings, database_url=in_new_store(directory / "sync.db"))
    with opened(settings) as ipam:
        with ipam.store.write() as uow:
            import_inventory(uow, read_inventory(directory / "papers" / "inventory.yaml"))
            uow.commit()
        summary = over_winrm(ipam).sync(RunRequest(Trigger.CLI, "tester"))
        with ipam.store.read() as reading:
            return summary, told(reading.records.load())


def test_a_first_run_creates_what_a_sync_creates(tmp_path: Path, database_url: str) -> None:
    with office(tmp_path, made(24, partners=5), database_url=database_url) as at:
        summary = at.run()
        assert [s for s in summary.sightings.values() if not isinstance(s, Seen)] == []
        synced, records = by_sync(tmp_path, at)
        assert told(at.records()) == records
        assert len(records) == 60
        assert (summary.pairs, len(summary.lines)) == (synced.pairs, len(synced.lines))
        assert at.open_shells() == 0


def test_a_second_run_writes_nothing_new(tmp_path: Path) -> None:
    with office(tmp_path, made(12)) as at:
        at.run()
        before = at.records(), at.entries()
        again = at.run()
        assert (at.records(), at.entries()) == before
        assert again.lines == ()
        assert again.pairs == 24


def test_the_demo_s_story_ends_the_same(tmp_path: Path) -> None:
    """Ambiguous names, moves, held removals, contradictions, a replaced machine, all in it."""
    described = read_fleet(FLEET)
    with office(tmp_path, described.fleet, described.listeners, poll_deadline=_SHORT) as at:
        first = at.run()
        assert (first.pairs, first.overtaken) == (13, 0), "those with a record, by nobody else"
        assert {k.kind for k in first.findings} == {
            Kind.AMBIGUOUS_NAME,
            Kind.UNMAPPED_NAME,
            Kind.SCOPE_WITHOUT_FAILOVER,
            Kind.SERVER_UNREAD,
        }
        for change in script.SECOND.meanwhile:
            for subject, words in change.changes.items():
                at.running.change(subject, words)
        second = at.run()
        fates = {
            (line.planned.relationship, line.planned.operation): line.fate for line in second.lines
        }
        assert fates == {
            ("hub-berlin", Operation.UPDATE): "applied",
            ("hub-oslo", Operation.ADD_SCOPES): "applied",
            ("hub-rome", Operation.UPDATE): "applied",
            ("rome-dhcp02", Operation.CREATE): "applied",
            ("hub-oslo", Operation.REMOVE_SCOPES): "held",
            ("hub-vienna", Operation.REMOVE_SCOPES): "held",
            ("berlin-paris-old", Operation.DELETE): "held",
            ("hub-oslo-wlan", Operation.ADD_SCOPES): "waiting",
        }
        assert second.overtaken == 0
        assert second.refusal is not None
        assert second.refusal.why.startswith("58 of 97 scope memberships (limit 50)")
        kinds = {f.kind for f in second.findings}
        assert kinds == {
            Kind.PARTNER_MISMATCH,
            Kind.SCOPE_ONE_SIDED,
            Kind.STATE_NOT_NORMAL,
            Kind.ONE_SIDED,
            Kind.EMPTY_READ_UNCONFIRMED,
            Kind.SERVER_REPLACED,
            Kind.BLOCKED,
            Kind.PLAN_REFUSED,
            Kind.UNMAPPED_NAME,
            Kind.SCOPE_WITHOUT_FAILOVER,
        }
        rows = at.records(), len(at.entries()), at.sql("SELECT * FROM finding")
        third = at.run()
        assert (third.pairs, third.overtaken) == (14, 0)
        assert (at.records(), len(at.entries()), at.sql("SELECT * FROM finding")) == rows
        assert {f.kind for f in third.findings} == kinds


def test_a_run_about_a_server_asks_its_partners_and_judges_only_its_pairs(tmp_path: Path) -> None:
    with office(tmp_path, made(12)) as at:
        summary = at.run(server="dhcp0001.corp.example")
        names = {summary.names[s] for s in summary.sightings}
        near = {f"dhcp{n:04d}.corp.example" for n in (1, 2, 3, 11, 12)}
        assert names == near
        assert {r.relationship_name for r in at.records()} == {
            "dhcp0001-dhcp0002",
            "dhcp0001-dhcp0003",
            "dhcp0011-dhcp0001",
            "dhcp0012-dhcp0001",
        }


def test_one_dead_server_delays_only_its_own_pairs(tmp_path: Path) -> None:
    """The others are recorded while it is still being asked."""
    with office(tmp_path, made(6, partners=2)) as at:
        run = at.ask()
        dead = next(m for m in at.dispatcher.waiting_now if m[2] == 1)
        at.dispatcher.waiting_now.remove(dead)
        at.work()
        assert {r.relationship_name for r in at.records()} == {
            "dhcp0002-dhcp0003",
            "dhcp0003-dhcp0004",
            "dhcp0004-dhcp0005",
            "dhcp0005-dhcp0006",
        }
        at.dispatcher.waiting_now.append(dead)
        at.work()
        assert len(at.records()) == 6
        assert at.summary(run).pairs == 6


def test_an_unread_server_is_unseen_and_the_run_ends_all_the_same(tmp_path: Path) -> None:
    with office(tmp_path, made(4, partners=2)) as at:
        at.running.change("dhcp0002", {"faults": "drop"})
        summary = at.run()
        unread = [s for s in summary.sightings.values() if isinstance(s, Unseen)]
        assert [summary.names[s.server] for s in unread] == ["dhcp0002.corp.example"]
        assert sum(isinstance(s, Seen) for s in summary.sightings.values()) == 3
        assert Kind.SERVER_UNREAD in {f.kind for f in summary.findings}


def test_a_server_that_its_partners_have_lost_is_down_until_one_reaches_it(tmp_path: Path) -> None:
    """Judged once, when the run closes, by the word of all; as a sync would."""
    sides = ("dhcp0001-dhcp0002@dhcp0001", "dhcp0002-dhcp0003@dhcp0003")

    def down(summary: RunSummary) -> list[str]:
        found = [f for f in summary.findings if f.kind is Kind.SERVER_DOWN]
        return [summary.names[s] for f in found for s in f.servers]

    with office(tmp_path, made(4, partners=2)) as at:
        at.running.change("dhcp0002", {"faults": "drop"})
        assert down(at.run()) == []
        for side in sides:
            at.running.change(side, {"state": "CommunicationInterrupted"})
        assert down(at.run()) == ["dhcp0002.corp.example"]
        assert down(by_sync(tmp_path, at)[0]) == ["dhcp0002.corp.example"]
        rows = at.sql("SELECT * FROM finding WHERE kind = 'server_down'")
        assert down(at.run(server="dhcp0001")) == ["dhcp0002.corp.example"]
        assert at.sql("SELECT * FROM finding WHERE kind = 'server_down'") == rows
        at.running.change(sides[0], {"state": "Normal"})
        at.later(timedelta(minutes=10))  # its latest reading is too old to serve a run
        about = at.run(server="dhcp0004")
        assert "dhcp0002.corp.example" not in {about.names[s] for s in about.sightings}
        over = "SELECT count(*) FROM finding WHERE kind = 'server_down' AND resolved_at IS NOT NULL"
        assert at.sql(over) == [(1,)], "a partner that was asked reaches it"


def test_a_run_tells_by_their_age_how_loud_findings_are(tmp_path: Path) -> None:
    with office(tmp_path, made(2, partners=1)) as at:
        at.run()
        at.running.change("dhcp0001-dhcp0002@dhcp0001", {"state": "CommunicationInterrupted"})

        def severities(summary: RunSummary) -> list[Severity]:
            return [
                loudness(f, {}, summary.ages)
                for f in summary.findings
                if f.kind is Kind.STATE_NOT_NORMAL
            ]

        assert severities(at.run()) == [Severity.WARNING]
        at.long_ago("finding", "first_seen")
        assert severities(at.run()) == [Severity.CRITICAL]


def test_what_one_partner_tells_anew_is_believed_while_the_other_is_silent(tmp_path: Path) -> None:
    """News is what it did not tell in an earlier run: this run's own reading is none (R2)."""
    with office(tmp_path, made(2, partners=1)) as at:
        at.run()
        (before,) = at.records()
        at.running.change(before.relationship_name, {"mclt_seconds": "60"})
        at.running.change("dhcp0002", {"faults": "drop"})
        summary = at.run()
        assert [(line.planned.operation, line.fate) for line in summary.lines] == [
            (Operation.UPDATE, "applied")
        ]
        (after,) = at.records()
        assert (before.mclt_seconds == 60, after.mclt_seconds == 60) == (False, True)


@pytest.mark.parametrize("order", ["forwards", "backwards"])
@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        ("dhcp0001-dhcp0002@dhcp0002", {"deleted": "true"}),
        ("dhcp0002-dhcp0003@dhcp0002", {"deleted": "true"}),
        ("dhcp0002", {"faults": "drop"}),
    ],
    ids=["one-sided", "one-sided the other way", "unread"],
)
def test_what_only_one_partner_tells_is_found_in_whatever_order_they_are_judged(
    tmp_path: Path, subject: str, changes: dict[str, str], order: str
) -> None:
    """Also where nothing is stored yet, and the partner that tells nothing comes last (R2)."""
    with office(tmp_path, made(3, partners=2)) as at:
        at.running.change(subject, changes)
        run = at.ask()
        if order == "backwards":
            at.dispatcher.waiting_now.extend(
                [at.dispatcher.waiting_now.popleft() for _ in range(3)][::-1]
            )
        at.work(threads=1)
        synced, records = by_sync(tmp_path, at)
        summary = at.summary(run)
        assert told(at.records()) == records
        assert {f.kind for f in summary.findings} == {f.kind for f in synced.findings}
        assert summary.pairs == synced.pairs


class Muddled(deque[Message]):
    """Hands out everything twice, and what came last first."""

    def append(self, message: Message, /) -> None:
        self.extendleft((message, message))


@pytest.mark.parametrize("order", ["twice", "backwards", "muddled", "late"])
def test_messages_that_come_twice_backwards_or_late_do_no_harm(tmp_path: Path, order: str) -> None:
    with office(tmp_path, made(8)) as at:
        if order == "muddled":
            at.dispatcher.waiting_now = Muddled()
        run = at.ask()
        messages = list(at.dispatcher.waiting_now)
        if order == "backwards":
            at.dispatcher.waiting_now.clear()
            at.dispatcher.waiting_now.extend(reversed(messages))
        if order == "twice":
            at.dispatcher.waiting_now.extend(messages)
        at.work()
        assert len(at.records()) == 16
        summary = at.summary(run)
        if order == "late":
            at.dispatcher.waiting_now.extend(messages)
            at.work()
        assert at.summary(run) == summary
        assert len(at.entries()) == 16
        assert sum(station.runs for station in at.running.simulator.stations) == 8


def test_a_pair_whose_partners_are_both_retired_is_judged_without_anybody_being_asked(
    tmp_path: Path,
) -> None:
    """A person was the witness (R3); a later run does not judge it again and again."""
    with office(tmp_path, made(6, partners=2)) as at:
        at.run()
        with at.ipam.store.write() as uow:
            for server in (1, 2):
                uow.inventory.set_standing(server, Standing.RETIRED)
            uow.commit()
        gone = {"dhcp0001-dhcp0002"}
        removed = at.run()
        assert {
            line.planned.relationship
            for line in removed.lines
            if line.planned.operation is Operation.DELETE
        } >= gone
        assert gone.isdisjoint({r.relationship_name for r in at.records()})
        before = at.records(), at.entries()
        at.run()
        assert (at.records(), at.entries()) == before


@contextmanager
def reviewed(directory: Path) -> Iterator[Office]:
    """What ``auto`` has created, and from then on a person decides."""
    with office(directory, made(6, partners=2)) as at:
        at.run()
    with office(directory, made(6, partners=2), policy=Policy.REVIEW) as at:
        yield at


def fates(summary: RunSummary) -> set[tuple[str, Operation, str]]:
    """What became of each operation."""
    return {
        (line.planned.relationship, line.planned.operation, line.fate) for line in summary.lines
    }


def test_under_review_workers_apply_states_and_nothing_else(tmp_path: Path) -> None:
    """Neither at once nor when the run closes, however little is taken away (R6)."""
    with reviewed(tmp_path) as at:
        at.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "60"})
        at.running.change("dhcp0002-dhcp0003@dhcp0002", {"state": "PartnerDown"})
        at.running.change("dhcp0004-dhcp0005", {"deleted": "true"})
        assert fates(at.run()) == {
            ("dhcp0001-dhcp0002", Operation.UPDATE, "pending"),
            ("dhcp0002-dhcp0003", Operation.UPDATE, "applied"),
            ("dhcp0004-dhcp0005", Operation.DELETE, "pending"),
        }
        assert "dhcp0004-dhcp0005" in {r.relationship_name for r in at.records()}


def test_under_review_a_move_waits_even_when_its_scope_is_free_by_then(tmp_path: Path) -> None:
    """A person takes the scope away while the run goes on; the machine still adds nothing."""
    scope = "11.0.0.0"  # of dhcp0001-dhcp0002
    with reviewed(tmp_path) as at:
        at.running.change("dhcp0001-dhcp0002", {"scopes": f"-{scope}"})
        at.running.change("dhcp0002-dhcp0003", {"scopes": f"+{scope}"})
        moved = at.run()
        assert fates(moved) == {
            ("dhcp0001-dhcp0002", Operation.REMOVE_SCOPES, "pending"),
            ("dhcp0002-dhcp0003", Operation.ADD_SCOPES, "waiting"),
        }
        with at.ipam.store.write() as uow:
            (removal,) = (
                line.number or 0
                for line in moved.lines
                if line.planned.operation is Operation.REMOVE_SCOPES
            )
            (entry,) = uow.operations.by_number([removal])
            done = apply_entries(uow, {removal: entry.planned}, "tester", by_machine=False)
            uow.commit()
        assert done.done == (removal,)
        later = at.run()
        assert {fate for _, _, fate in fates(later)} == {"pending"}
        assert Kind.BLOCKED not in {f.kind for f in later.findings}, "nothing is in its way now"
