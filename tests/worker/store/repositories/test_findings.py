"""Findings: one problem is one open row, and it is found by each server it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.model.findings import Finding, Kind
from tests.worker.store.samples import a_finding, add_servers, changed, found, open_run, over
from tests.worker.store.strategies import findings
from worker.model.errors import RecordRefused
from worker.store.unit_of_work import Store

REFUSED = Finding(Kind.PLAN_REFUSED, None, (), "too much at once")


@given(told=st.lists(findings, max_size=4, unique_by=lambda finding: finding.fingerprint))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_findings_come_back_as_they_were_found(store: Store, told: list[Finding]) -> None:
    """Every example is rolled back, so the one store serves them all."""
    with store.write() as uow:
        found(uow, open_run(uow), told)
        assert [one.finding for one in uow.findings.unresolved()] == told


def test_findings_are_found_by_every_server_they_are_about(store: Store) -> None:
    one, two, three = add_servers(store, 3)
    both, single = a_finding("alpha", one, two), a_finding(None, three)
    with store.write() as uow:
        found(uow, open_run(uow), [both, single, REFUSED])
        told = [
            [f.finding for f in uow.findings.unresolved(servers)]
            for servers in ([one], [two, one], [three], [three + 99], [])
        ]
    assert told == [[both, REFUSED], [both, REFUSED], [single, REFUSED], [REFUSED], [REFUSED]]


def test_a_problem_is_open_once(store: Store) -> None:
    with store.write() as uow:
        run = open_run(uow)
        found(uow, run, [a_finding("alpha", 1, 2)])
        with pytest.raises(RecordRefused):
            found(uow, run, [a_finding("ALPHA", 2, 1)])


def test_a_problem_that_comes_back_has_its_row_again(store: Store) -> None:
    finding = a_finding("alpha", 1, 2)
    with store.write() as uow:
        found(uow, open_run(uow), [finding])
        (first,) = uow.findings.unresolved()
        over(uow, [first.id])
        assert uow.findings.unresolved() == ()
        assert uow.findings.openings([finding.fingerprint]) == {
            finding.fingerprint: first.life.openings
        }
        later = open_run(uow)
        found(uow, later, [finding])
        (second,) = uow.findings.unresolved([1])
        assert uow.findings.openings([finding.fingerprint]) == {}, "it is not over"
    assert (second.id, second.run, second.resolved_at) == (first.id, later, None)
    assert second.first_seen > first.first_seen


def test_a_finding_that_changes_keeps_its_row_and_its_beginning(store: Store) -> None:
    finding = a_finding("alpha", 1, 2)
    other = replace(finding, detail="they differ more", values=(), grade="PartnerDown")
    with store.write() as uow:
        found(uow, open_run(uow), [finding])
        (before,) = uow.findings.unresolved()
        assert any(uow.now() > before.changed_at for _ in range(100_000))
        changed(uow, before.id, other)
        (after,) = uow.findings.unresolved([2])
    assert (after.id, after.finding, after.first_seen) == (before.id, other, before.first_seen)
    assert after.changed_at > before.changed_at == before.first_seen


def test_a_finding_that_comes_to_be_about_another_server_is_found_there(store: Store) -> None:
    with store.write() as uow:
        found(uow, open_run(uow), [a_finding("alpha", 1, 2)])
        (problem,) = uow.findings.unresolved()
        changed(uow, problem.id, a_finding("alpha", 1, 3))
        assert uow.findings.unresolved([2]) == ()
        assert len(uow.findings.unresolved([3])) == 1


def test_resolving_twice_changes_nothing(store: Store) -> None:
    with store.write() as uow:
        found(uow, open_run(uow), [a_finding("alpha", 1, 2), a_finding("beta", 1, 2)])
        first, second = uow.findings.unresolved()
        over(uow, [first.id])
        over(uow, [first.id])
        assert uow.findings.unresolved() == (second,)
