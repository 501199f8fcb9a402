"""The table of kinds is complete, and what follows from it covers every kind."""

from __future__ import annotations

import pytest

from reconcile.kinds.severity import OVERRIDABLE
from reconcile.kinds.spec import KindSpec, ResolvedBy, Rise
from reconcile.kinds.table import AT_CLOSE, KINDS, kinds_resolved_by
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.nouns import State


def test_every_kind_has_one_row() -> None:
    assert set(KINDS) == set(Kind)


def test_every_matter_and_every_evidence_has_a_kind() -> None:
    assert {spec.matter for spec in KINDS.values()} == set(Matter)
    assert {spec.resolved_by for spec in KINDS.values()} == set(ResolvedBy)


def test_people_can_override_every_kind_and_every_state() -> None:
    states = {f"{Kind.STATE_NOT_NORMAL}.{state}" for state in State if state is not State.NORMAL}
    assert {*Kind, *states} == OVERRIDABLE


@pytest.mark.parametrize("spec", KINDS.values(), ids=lambda spec: str(spec.kind))
def test_a_meaning_is_a_sentence_of_one_line_without_a_table_border(spec: KindSpec[...]) -> None:
    assert spec.meaning[0].isupper()
    assert spec.meaning.endswith(".")
    assert not {"|", "\n"} & set(spec.meaning)


@pytest.mark.parametrize("spec", KINDS.values(), ids=lambda spec: str(spec.kind))
def test_a_critical_problem_rises_no_further(spec: KindSpec[...]) -> None:
    for grade in (spec.default, *spec.grades.values()):
        assert grade.severity is not Severity.CRITICAL or grade.rise is Rise.NEVER


def test_what_ends_at_a_close_is_found_there_and_what_a_pair_ends_is_not() -> None:
    assert AT_CLOSE.isdisjoint(kinds_resolved_by(ResolvedBy.PAIR, ResolvedBy.EXISTENCE))
    assert kinds_resolved_by(ResolvedBy.CLOSE) <= AT_CLOSE
