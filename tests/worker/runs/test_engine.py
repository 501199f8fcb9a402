"""The recipe on a real store: open, look, judge, record, apply, close."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from typing_extensions import override

from reconcile.evidence.inputs import Rules
from reconcile.model.findings import Kind
from reconcile.model.nouns import Operation, Seen, Server, Standing, State, Unseen
from reconcile.model.record import EntryStatus, Hold
from tests.reconcile.fleet import HUB, OTHER, SPOKE, nets, told_by
from tests.worker.fleet import RUN_TABLES, Fleet, Site
from tests.worker.store.sql_counter import counted
from worker.config.run_policy import Policy, RunPolicy
from worker.model.operations import EntryFilter
from worker.model.run_report import OperationOutcome
from worker.operations.apply import apply_entries
from worker.runs.recheck import FURTHER_READINGS
from worker.store.unit_of_work import Store

AT_ONCE = RunPolicy(rules=Rules(confirm_after=timedelta(0)))
BYSTANDER = "bystander"


@pytest.fixture
def site(store: Store) -> Site:
    """Three servers, nobody tells anything yet."""
    return Site(store, Fleet()).servers(HUB, SPOKE, OTHER)


def fates(site_run: object) -> list[tuple[Operation, OperationOutcome]]:
    return [(line.planned.operation, line.fate) for line in site_run.lines]  # type: ignore[attr-defined]  # a Summary or a Preview


def with_bystanders(site: Site) -> None:
    """Every server keeps one relationship, so that none of them ever falls silent."""
    site.tell(HUB, SPOKE, f"{BYSTANDER}-1", scopes=nets("10.9.1.0"))
    site.tell(SPOKE, OTHER, f"{BYSTANDER}-2", scopes=nets("10.9.2.0"))


def test_auto_applies_what_both_partners_tell(site: Site) -> None:
    """A relationship told by both is created and applied in one run."""
    site.tell(HUB, SPOKE)
    assert fates(site.sync()) == [(Operation.CREATE, OperationOutcome.APPLIED)]
    with site.store.read() as reading:
        (view,) = reading.views.records()
    assert (view.record.record_id, view.tracker) == (view.record.key, ())


def test_nothing_is_applied_on_readings_that_grew_old_meanwhile(site: Site) -> None:
    """As on a laptop that slept between reading and applying; the next run judges again (R6)."""
    site.tell(HUB, SPOKE)
    site.sync()
    awake = site.run_policy
    old_at_once = timedelta(microseconds=-1)
    site.run_policy = replace(awake, rules=replace(awake.rules, evidence_age=old_at_once))
    site.fleet.stories.clear()
    site.tell(HUB, SPOKE, mclt_seconds=7200, scopes=nets("10.1.0.0"))
    assert set(fates(site.sync())) == {
        (Operation.REMOVE_SCOPES, OperationOutcome.PENDING),
        (Operation.UPDATE, OperationOutcome.PENDING),
    }
    site.run_policy = awake
    assert {fate for _, fate in fates(site.sync())} == {OperationOutcome.APPLIED}


def test_review_leaves_everything_but_states_pending(site: Site) -> None:
    """Under review a Create waits with RecordId 0; a state is a fact and applies at once."""
    site.tell(HUB, SPOKE)
    site.sync()
    site.run_policy = replace(site.run_policy, policy=Policy.REVIEW)
    site.fleet.stories.clear()
    site.tell(HUB, SPOKE, mclt_seconds=7200, state=State.COMMUNICATIONS_INTERRUPTED)
    site.tell(HUB, OTHER, "new", scopes=nets("10.5.0.0"))
    assert fates(site.sync()) == [
        (Operation.UPDATE, OperationOutcome.PENDING),
        (Operation.UPDATE, OperationOutcome.APPLIED),
        (Operation.CREATE, OperationOutcome.PENDING),
    ]
    with site.store.read() as reading:
        new = next(v for v in reading.views.records() if v.record.relationship_name == "new")
    assert new.record.record_id == 0
    assert [e.planned.operation for e in new.tracker] == [Operation.CREATE]


def test_what_review_left_is_applied_when_policy_is_auto_again(site: Site) -> None:
    """A need that is confirmed by a later run is that run's to apply; nothing is made twice."""
    site.run_policy = replace(site.run_policy, policy=Policy.REVIEW)
    site.tell(HUB, SPOKE)
    site.sync()
    site.run_policy = RunPolicy()
    summary = site.sync()
    assert fates(summary) == [(Operation.CREATE, OperationOutcome.APPLIED)]
    assert [line.new for line in summary.lines] == [False]


@pytest.mark.parametrize("silent", [False, True])
def test_a_run_that_finds_nothing_new_writes_nothing_else(site: Site, silent: bool) -> None:
    """R10: outside its own run and sightings not a row is touched, also while one is silent."""
    site.tell(HUB, SPOKE)
    site.tell(HUB, OTHER, "odd", scopes=nets("10.5.0.0"))
    site.tells(
        HUB,
        replace(
            told_by(HUB, SPOKE, "lonely"),
            partner="nobody",
            secondary_name=None,
            secondary_ip=None,
            scopes=nets("10.6.0.0"),
        ),
    )
    site.sync()
    if silent:
        site.silence(OTHER)
    site.sync()
    with counted(site.store.engine) as sql:
        site.sync()
    written = {table: rows for table, rows in sql.written.items() if rows}
    assert written.keys() <= RUN_TABLES
    assert written["sighting"] == 3


def test_plan_writes_nothing(site: Site) -> None:
    """Not a row, whatever it finds."""
    site.tell(HUB, SPOKE)
    with counted(site.store.engine) as sql:
        preview = site.plan()
    assert fates(preview) == [(Operation.CREATE, OperationOutcome.PLANNED)]
    assert not sql.written


def test_plan_shows_what_sync_records(site: Site) -> None:
    """What a dry run prints is the very object that would be recorded."""
    site.tell(HUB, SPOKE)
    planned = [line.planned for line in site.plan().lines]
    recorded = [replace(line.planned, record=None) for line in site.sync().lines]
    assert planned == recorded


def _lose(site: Site, count: int) -> None:
    """So many relationships exist, are synced, and then vanish on both partners."""
    for n in range(count):
        site.tell(HUB, SPOKE, f"lost-{n}", scopes=nets(f"10.2.{n}.0"))
    with_bystanders(site)
    site.sync()
    site.fleet.stories.clear()
    with_bystanders(site)


def test_removals_within_the_limit_are_applied_at_the_close(site: Site) -> None:
    """Five of seven are the limit's own number."""
    _lose(site, 5)
    assert fates(site.sync()) == [(Operation.DELETE, OperationOutcome.APPLIED)] * 5


def test_a_removal_over_the_limit_holds_all_of_them(site: Site) -> None:
    """Six are one too many: all are held, refused with numbers, and stay held."""
    _lose(site, 6)
    summary = site.sync()
    assert fates(summary) == [(Operation.DELETE, OperationOutcome.HELD)] * 6
    assert summary.refusal is not None
    assert (summary.refusal.wanted.relationships, summary.refusal.limit.relationships) == (6, 5)
    assert Kind.PLAN_REFUSED in {f.kind for f in summary.findings}
    again = site.sync()
    assert fates(again) == [(Operation.DELETE, OperationOutcome.HELD)] * 6
    assert [line.new for line in again.lines] == [False] * 6
    with site.store.read() as reading:
        views = reading.views.operations(EntryFilter())
    assert {v.entry.planned.hold for v in views} == {Hold.GUARD}


def test_removals_of_the_last_day_count_towards_the_limit(site: Site) -> None:
    """What the machine applied an hour ago is part of the number."""
    _lose(site, 4)
    assert fates(site.sync()) == [(Operation.DELETE, OperationOutcome.APPLIED)] * 4
    for n in range(4, 6):
        site.tell(HUB, SPOKE, f"lost-{n}", scopes=nets(f"10.2.{n}.0"))
    site.sync()
    site.fleet.stories.clear()
    with_bystanders(site)
    assert fates(site.sync()) == [(Operation.DELETE, OperationOutcome.HELD)] * 2


def test_the_plan_says_beforehand_what_would_be_held(site: Site) -> None:
    """``plan`` asks the same guard."""
    _lose(site, 6)
    preview = site.plan()
    assert fates(preview) == [(Operation.DELETE, OperationOutcome.HELD)] * 6
    assert preview.refusal is not None


def test_a_scope_that_moves_is_freed_and_taken_in_one_run(site: Site) -> None:
    """The Add waits for the Remove, both are applied at the close, nothing stays blocked."""
    with_bystanders(site)
    site.tell(HUB, SPOKE, "from", scopes=nets("10.2.0.0", "10.2.1.0"))
    site.tell(HUB, SPOKE, "to", scopes=nets("10.3.0.0"))
    site.sync()
    site.fleet.stories.clear()
    with_bystanders(site)
    site.tell(HUB, SPOKE, "from", scopes=nets("10.2.0.0"))
    site.tell(HUB, SPOKE, "to", scopes=nets("10.3.0.0", "10.2.1.0"))
    assert Kind.BLOCKED in {f.kind for f in site.plan().findings}
    summary = site.sync()
    assert fates(summary) == [
        (Operation.REMOVE_SCOPES, OperationOutcome.APPLIED),
        (Operation.ADD_SCOPES, OperationOutcome.APPLIED),
    ]
    assert summary.findings == ()
    assert site.sync().lines == ()


def test_a_relationship_that_changes_its_partner_is_one_move(site: Site) -> None:
    """The old record goes when both old partners are without it; the new one takes its name."""
    with_bystanders(site)
    site.tell(HUB, SPOKE)
    site.sync()
    site.fleet.stories.clear()
    with_bystanders(site)
    site.tell(HUB, OTHER)
    assert fates(site.sync()) == [
        (Operation.DELETE, OperationOutcome.APPLIED),
        (Operation.CREATE, OperationOutcome.APPLIED),
    ]
    with site.store.read() as reading:
        (record,) = (r for r in reading.records.load() if r.relationship_name == "HQ")
    assert {record.server1_name, record.server2_name} == {HUB.name, OTHER.name}


def test_what_takes_a_held_name_waits_as_long_as_the_removal(site: Site) -> None:
    """While the guard holds the removal, the Create stays waiting and is a finding."""
    with_bystanders(site)
    for n in range(6):
        site.tell(HUB, SPOKE, f"lost-{n}", scopes=nets(f"10.2.{n}.0"))
    site.sync()
    site.fleet.stories.clear()
    with_bystanders(site)
    site.tell(HUB, OTHER, "lost-0", scopes=nets("10.2.0.0"))
    summary = site.sync()
    assert (Operation.CREATE, OperationOutcome.WAITING) in fates(summary)
    assert Kind.BLOCKED in {f.kind for f in summary.findings}
    assert Kind.BLOCKED in {f.kind for f in site.sync().findings}


def test_an_empty_server_is_believed_only_after_recorded_readings(site: Site) -> None:
    """One empty reading removes nothing; a plan in between does not count as a reading."""
    site.run_policy = AT_ONCE
    site.tell(HUB, SPOKE)
    site.sync()
    site.forget()
    for _ in range(2):
        assert site.plan().lines == ()
    assert site.sync().lines == ()
    assert fates(site.sync()) == [(Operation.DELETE, OperationOutcome.APPLIED)]


def test_an_unread_server_loses_nothing(site: Site) -> None:
    """R1: the partner's silence and the server's own leave the row and the findings alone."""
    site.tell(HUB, SPOKE)
    site.sync()
    site.silence(HUB, SPOKE)
    summary = site.sync()
    assert summary.lines == ()
    assert [f.kind for f in summary.findings] == [Kind.SERVER_UNREAD] * 2


def test_a_row_changed_by_a_person_meanwhile_is_not_judged(site: Site) -> None:
    """R1: what was read before the change judges nothing; the next run does."""
    site.tell(HUB, SPOKE)
    site.sync()
    site.fleet.stories.clear()
    site.tell(HUB, SPOKE, mclt_seconds=7200)

    def a_person_changes_the_row() -> None:
        with site.store.write() as uow:
            (record,) = uow.records.load()
            uow.records.update([(record, replace(record, mclt_seconds=1800))])
            uow.commit()

    site.fleet.after_look = a_person_changes_the_row
    summary = site.sync()
    assert (summary.lines, summary.overtaken) == ((), 1)
    site.fleet.after_look = lambda: None
    assert fates(site.sync()) == [(Operation.UPDATE, OperationOutcome.APPLIED)]


def test_a_newer_reading_is_never_replaced_by_an_older_one(site: Site) -> None:
    """A run that looked first and records last says nothing."""
    site.tell(HUB, SPOKE)
    site.sync()
    old = {name: list(told or ()) for name, told in site.fleet.stories.items()}

    def another_run_sees_the_change() -> None:
        site.fleet.after_look = lambda: None
        other = Site(site.store, Fleet())
        other.tell(HUB, SPOKE, mclt_seconds=7200)
        other.sync()

    site.fleet.after_look = another_run_sees_the_change
    site.fleet.stories = dict(old)
    assert site.sync().lines == ()
    with site.store.read() as reading:
        (record,) = reading.records.load()
    assert record.mclt_seconds == 7200


def test_a_run_that_dies_after_recording_is_finished_by_the_next(site: Site) -> None:
    """R6: a crash leaves an entry pending; the next run confirms and applies it, once."""
    site.tell(HUB, SPOKE)
    site.run_policy = replace(site.run_policy, policy=Policy.REVIEW)
    first = site.sync()
    site.run_policy = RunPolicy()
    site.sync()
    with site.store.read() as reading:
        views = reading.views.operations(EntryFilter(statuses=tuple(EntryStatus)))
    assert [(v.entry.status, v.run, v.decided_by) for v in views] == [
        (EntryStatus.APPLIED, first.run, "ipam-sync")
    ]


def test_an_interrupted_run_says_so(site: Site) -> None:
    """Ctrl-C while servers are read: the run has its outcome, and nothing was judged."""
    site.tell(HUB, SPOKE)

    def ctrl_c() -> None:
        raise KeyboardInterrupt

    site.fleet.after_look = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        site.sync()
    with site.store.read() as reading:
        (run,) = reading.runs.latest(5)
        assert (run.outcome, reading.records.load()) == ("interrupted", ())
        assert reading.runs.in_progress() == ()


def test_a_run_for_a_server_asks_its_partners_too(site: Site) -> None:
    """Also those it learns of in this run; partners of partners are not asked."""
    site.tell(HUB, SPOKE)
    site.tell(SPOKE, OTHER, "far", scopes=nets("10.5.0.0"))
    summary = site.sync(server="dhcp01")
    assert site.fleet.asked == [HUB.name, SPOKE.name]
    assert [line.planned.relationship for line in summary.lines] == ["HQ"]


def test_a_run_for_one_relationship_judges_only_that(site: Site) -> None:
    """Others of the same servers are left alone, and so are their findings."""
    site.tell(HUB, SPOKE)
    site.tell(HUB, SPOKE, "second", scopes=frozenset())
    site.sync()
    site.fleet.stories.clear()
    site.tell(HUB, SPOKE, mclt_seconds=7200)
    site.tell(HUB, SPOKE, "second", scopes=frozenset(), mclt_seconds=7200)
    summary = site.sync(relationship="hq@dhcp01.corp.example")
    assert [line.planned.relationship for line in summary.lines] == ["HQ"]
    assert Kind.RELATIONSHIP_EMPTY in {f.kind for f in summary.findings}


def test_a_disagreement_that_a_second_look_ends_is_none(site: Site) -> None:
    """R2: the partner that was read earlier is read once more, and then both tell the same."""
    site.tell(HUB, SPOKE)
    site.sync()
    changed = told_by(HUB, SPOKE, mclt_seconds=7200)
    site.fleet.stories[SPOKE.name] = [told_by(SPOKE, HUB, primary=False, mclt_seconds=7200)]
    site.fleet.again[HUB.name] = [changed]
    site.fleet.rereads = True
    summary = site.sync()
    assert site.fleet.asked == [HUB.name, SPOKE.name, HUB.name]
    assert fates(summary) == [(Operation.UPDATE, OperationOutcome.APPLIED)]
    assert summary.findings == ()


class Restless(Fleet):
    """Each reading of a server tells another relationship differently than its partner does."""

    @override
    def look(
        self, servers: Iterable[Server], clock: Callable[[], datetime]
    ) -> Iterator[Seen | Unseen]:
        for server in servers:
            reading = len(self.asked)
            told = [
                replace(s, mclt_seconds=3600 + (s.name == f"R{reading}"))
                for s in self.stories.get(server.name) or ()
            ]
            self.stories |= {server.name: told} if told else {}
            yield from super().look([server], clock)


def test_a_disagreement_that_no_reading_settles_says_how_far_apart_they_were(site: Site) -> None:
    """R2: at most three further readings of a server, then the finding stands and says so."""
    for number in range(12):
        site.tell(HUB, SPOKE, f"R{number}", scopes=nets(f"10.9.{number}.0"))
    site.sync()
    site.fleet = Restless(site.fleet.stories, rereads=True)
    findings = site.sync().findings
    assert site.fleet.asked == [HUB.name, SPOKE.name] * (1 + FURTHER_READINGS)
    assert {f.relationship: "s apart" in f.detail for f in findings} == {"R6": False, "R7": True}


def test_a_disagreement_that_is_open_is_not_looked_at_again(site: Site) -> None:
    """Once recorded with the same values, it costs no further reading."""
    site.tell(HUB, SPOKE)
    site.sync()
    site.fleet.stories[SPOKE.name] = [told_by(SPOKE, HUB, primary=False, mclt_seconds=7200)]
    site.fleet.rereads = True
    site.sync()
    assert len(site.fleet.asked) == 3
    site.sync()
    assert site.fleet.asked == [HUB.name, SPOKE.name]


def test_cost_of_a_run_grows_with_what_it_asks_not_with_what_exists(store: Store) -> None:
    """Statements and rows fetched for one pair are the same in a fleet of 4 and of 40 pairs."""
    site = Site(store, Fleet())
    costs = []
    for first, last in ((0, 4), (4, 40)):
        fleet = [Server(n, f"dhcp{n:02}.corp.example") for n in range(2 * first, 2 * last)]
        site.servers(*fleet)
        for n in range(0, len(fleet), 2):
            number = first + n // 2
            site.tell(fleet[n], fleet[n + 1], f"rel-{number}", scopes=nets(f"10.1.{number}.0"))
        site.sync()
        site.sync(relationship="rel-0@dhcp00.corp.example")
        with counted(store.engine) as sql:
            site.sync(relationship="rel-0@dhcp00.corp.example")
        costs.append((sql.statements, sql.fetched))
    assert costs[0] == costs[1]


def test_a_scope_that_a_newly_mapped_partner_still_has_elsewhere_waits(store: Store) -> None:
    """Mapping a half record and adding a scope in one run: the Add waits, the run goes on."""
    site = Site(store, Fleet()).servers(HUB, OTHER)
    site.tells(HUB, told_by(HUB, SPOKE, "half", scopes=nets("10.1.0.0")))
    site.sync()
    site.servers(SPOKE)
    site.tell(OTHER, SPOKE, "holder", scopes=nets("10.2.0.0", "10.3.0.0"))
    site.fleet.stories[SPOKE.name] = None
    site.sync()
    site.fleet.stories.clear()
    site.tell(HUB, SPOKE, "half", scopes=nets("10.1.0.0", "10.2.0.0"))
    site.tell(OTHER, SPOKE, "holder", scopes=nets("10.3.0.0"))
    site.sync()
    with store.read() as reading:
        scopes = {r.relationship_name: r.scopes for r in reading.records.load()}
    assert scopes == {"half": nets("10.1.0.0", "10.2.0.0"), "holder": nets("10.3.0.0")}


def test_what_a_person_decides_meanwhile_is_left_as_decided(site: Site) -> None:
    """An entry rejected or held between two steps of a run is not applied, and the run ends well."""
    site.tell(HUB, SPOKE)
    site.sync()
    site.run_policy = replace(site.run_policy, policy=Policy.REVIEW)
    site.fleet.stories.clear()
    site.tell(HUB, SPOKE, mclt_seconds=7200)
    (line,) = site.sync().lines
    assert line.number is not None
    with site.store.write() as uow:
        uow.operations.hold([line.number], Hold.GUARD)
        applied = apply_entries(uow, {line.number: line.planned}, "ipam-sync", by_machine=True)
        assert (applied.done, list(applied.refused)) == ((), [line.number])
        uow.operations.decide([line.number], EntryStatus.REJECTED, "ada", by_machine=False)
        applied = apply_entries(uow, {line.number: line.planned}, "ada", by_machine=False)
        assert applied.refused == {line.number: "it is rejected by now"}


@pytest.mark.parametrize("standing", [Standing.DISABLED, Standing.RETIRED])
def test_a_server_that_is_no_longer_asked_is_no_longer_unread(
    site: Site, standing: Standing
) -> None:
    """A person took it out: the blindness that it was is over."""
    site.tell(HUB, SPOKE)
    site.silence(OTHER)
    assert [f.kind for f in site.sync().findings] == [Kind.SERVER_UNREAD]
    with site.store.write() as uow:
        (other,) = (s.id for s in uow.inventory.servers() if s.name == OTHER.name)
        uow.inventory.set_standing(other, standing)
        uow.commit()
    assert site.sync().findings == ()


def test_a_reading_of_another_server_is_a_wrong_host(site: Site) -> None:
    """R1: what calls itself by another server's name is not believed, and nothing is re-pointed."""
    site.tell(HUB, SPOKE)
    site.sync()
    site.fleet.stories = {HUB.name: site.fleet.stories[SPOKE.name]}
    summary = site.sync()
    assert summary.lines == ()
    (unseen,) = summary.sightings.values()
    assert isinstance(unseen, Unseen)
    assert unseen.failure.code == "wrong_host"


def test_held_removals_stay_summed_up_when_they_are_within_the_limit_again(site: Site) -> None:
    """One of six comes back: five are held all the same, and the run says so."""
    _lose(site, 6)
    site.sync()
    site.tell(HUB, SPOKE, "lost-0", scopes=nets("10.2.0.0"))
    summary = site.sync()
    assert summary.refusal is not None
    assert summary.refusal.wanted.relationships == 5
    assert Kind.PLAN_REFUSED in {f.kind for f in summary.findings}
    assert site.plan().refusal is not None
