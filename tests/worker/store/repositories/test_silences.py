"""Silences: in force from when to when, for what; ended early by a person, and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.model.findings import Kind, Matter
from tests.worker.store.outbox import problems
from tests.worker.store.samples import BEGIN, minutes
from worker.model.alerts import Silence
from worker.store.unit_of_work import Store, UnitOfWork

HOUR = timedelta(hours=1)
WHAT = Silence(0, "disks are replaced", "ada", BEGIN, minutes(60))


def silence(uow: UnitOfWork, begin: timedelta, end: timedelta) -> int:
    now = uow.now()
    return uow.silences.add(replace(WHAT, starts_at=now + begin, ends_at=now + end))


@pytest.mark.parametrize(
    "given",
    [
        WHAT,
        replace(WHAT, kind=Kind.ONE_SIDED, matter=Matter.DRIFT),
        replace(WHAT, server="dhcp*", relationship="HQ-?", ended_by="bob"),
    ],
)
def test_a_silence_comes_back_as_it_was_given(store: Store, given: Silence) -> None:
    with store.write() as uow:
        key = uow.silences.add(given)
        assert uow.silences.load(every=True) == (replace(given, id=key),)


def test_those_in_force_have_begun_and_not_ended(store: Store) -> None:
    with store.write() as uow:
        silence(uow, -2 * HOUR, -HOUR)
        now = silence(uow, -HOUR, HOUR)
        at_once = silence(uow, timedelta(0), HOUR)
        silence(uow, HOUR, 2 * HOUR)
        assert [s.id for s in uow.silences.load()] == [now, at_once]
        assert len(uow.silences.load(every=True)) == 4


def test_a_person_may_end_one_early_and_it_is_kept(store: Store) -> None:
    with store.write() as uow:
        one = silence(uow, -HOUR, HOUR)
        other = silence(uow, -HOUR, HOUR)
        assert uow.silences.end(one, "bob")
        assert [s.id for s in uow.silences.load()] == [other]
        ended = uow.silences.load(every=True)[0]
        assert (ended.id, ended.ended_by) == (one, "bob")
        assert ended.starts_at < ended.ends_at <= uow.now()


def test_one_that_is_over_or_unknown_cannot_be_ended(store: Store) -> None:
    with store.write() as uow:
        one = silence(uow, -2 * HOUR, -HOUR)
        assert not uow.silences.end(one, "bob")
        assert not uow.silences.end(one + 99, "bob")
        assert uow.silences.load(every=True)[0].ended_by is None


def test_one_that_has_not_begun_never_will(store: Store) -> None:
    with store.write() as uow:
        one = silence(uow, HOUR, 2 * HOUR)
        assert uow.silences.end(one, "bob")
        (kept,) = uow.silences.load(every=True)
        assert kept.ends_at <= uow.now()
        assert uow.silences.load() == ()


def test_when_one_is_ended_early_it_is_time_to_look_at_what_waited_for_it(store: Store) -> None:
    waiting, _idle = problems(store, 2)
    with store.write() as uow:
        one = silence(uow, -HOUR, HOUR)
        uow.outbox.set_reminder(waiting, uow.now() + HOUR, None)
        assert uow.outbox.due_reminders(9) == ()
        uow.silences.end(one, "bob")
        assert uow.outbox.due_reminders(9) == (waiting,)
