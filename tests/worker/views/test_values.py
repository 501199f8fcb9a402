"""What is derived when it is shown: states by age, moves, what waits, what to do next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import worker.views
from reconcile.model.findings import Finding, Kind, Severity
from reconcile.model.nouns import Evidence, Mode, Operation, Seen, State
from reconcile.model.record import Contest, Hold, Party, Planned, PropertyChange
from reconcile.planning.guard import Counts, RemovalRefusal
from worker.model.run_report import OperationLine, OperationOutcome, Preview, RunSummary
from worker.views.advice import after_plan, after_sync
from worker.views.changes import moves, old_to_new, waits_for
from worker.views.documents import finding_json, plan_json, sync_json
from worker.views.operations import line_json, operation_json
from worker.views.records import Age, state_now
from worker.views.text import iso

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
READ = {1: Seen(1, NOW, ())}
NAMES = {1: "dhcp01", 2: "dhcp02"}
SYNC = "ipam-sync sync --exports x"
MISMATCH = Finding(Kind.PARTNER_MISMATCH, "HQ", (1, 2), "They differ.", (("MCLT", ()),))
UNMAPPED = Finding(Kind.UNMAPPED_NAME, "HQ", (1, 9), "Who is it?")
REFUSAL = RemovalRefusal(Counts(2, 3), Counts(1, 0), Counts(2, 50), "too much", "look")


def planned(operation: Operation, record: int | None, **values: object) -> Planned:
    defaults: dict[str, object] = {
        "relationship": f"R{record}",
        "server1": Party(1, "dhcp01"),
        "server2": Party(None, "stranger"),
        "changes": (),
        "scopes": (),
        "evidence": Evidence.BOTH,
        "reason": "both partners tell it",
        "witnesses": (1,),
    }
    return Planned(operation, record, **{**defaults, **values})  # type: ignore[arg-type]  # per test


def line(
    operation: Operation,
    record: int | None,
    number: int | None,
    fate: OperationOutcome,
    **values: object,
) -> OperationLine:
    return OperationLine(planned(operation, record, **values), fate, number)


REMOVAL = line(Operation.REMOVE_SCOPES, 1, 7, OperationOutcome.HELD, scopes=(1,), hold=Hold.GUARD)
OTHER = line(Operation.UPDATE, 5, 8, OperationOutcome.PENDING)
WAITING = line(
    Operation.ADD_SCOPES, 2, 9, OperationOutcome.WAITING, contested=(Contest(1, 256, 1),)
)
ORPHAN = line(
    Operation.ADD_SCOPES, 3, 10, OperationOutcome.WAITING, contested=(Contest(1, 256, 4),)
)


def summary(
    *lines: OperationLine, findings: tuple[Finding, ...] = (), refusal: RemovalRefusal | None = None
) -> RunSummary:
    return RunSummary(3, READ, 1, lines, 0, findings, 0, 0, refusal, 0, NAMES)


def preview(*lines: OperationLine, findings: tuple[Finding, ...] = ()) -> Preview:
    return Preview(READ, 1, lines, findings, None, 0, NAMES)


@pytest.mark.parametrize(
    ("seen_at", "state"),
    [
        (NOW - HOUR, State.NORMAL),
        (NOW - HOUR - timedelta(seconds=1), State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_a_state_reads_as_unknown_once_it_is_older_than_the_evidence_age(
    seen_at: datetime | None, state: State
) -> None:
    assert state_now(State.NORMAL, seen_at, Age(NOW, HOUR)) is state


def test_a_removal_and_what_waits_for_it_are_one_move_and_others_keep_their_place() -> None:
    assert moves((REMOVAL, OTHER, WAITING, ORPHAN)) == (
        (REMOVAL, WAITING),
        (OTHER,),
        (ORPHAN,),
    )


def test_what_waits_says_for_which_removal_or_record() -> None:
    lines = (REMOVAL, WAITING, ORPHAN)
    assert waits_for(WAITING.planned, lines) == (
        "waiting for the removal of #7, which has 0.0.1.0",
    )
    assert waits_for(ORPHAN.planned, lines) == ("waiting for record 4, which has 0.0.1.0",)


def test_what_waits_is_spelt_out_for_programs() -> None:
    document = line_json(WAITING, NAMES)
    assert document["waits_for"] == [{"server": "dhcp01", "scope": "0.0.1.0", "record": 1}]


def test_values_are_spelt_as_the_type_does() -> None:
    update = planned(
        Operation.UPDATE,
        1,
        changes=(
            PropertyChange("MCLT", 3600, 90000),
            PropertyChange("Mode", Mode.LOAD_BALANCE, Mode.HOT_STANDBY),
            PropertyChange("StateSwitchInterval", None, 60),
            PropertyChange("SharedSecretEnabled", True, False),
        ),
    )
    document = operation_json(update, NAMES)
    assert document["before"] == {
        "MCLT": "PT1H",
        "Mode": "LoadBalance",
        "StateSwitchInterval": None,
        "SharedSecretEnabled": True,
    }
    assert document["server2"] == "stranger"
    assert old_to_new(update.changes[0]) == "MCLT: PT1H -> P1DT1H"
    assert old_to_new(update.changes[2]) == "StateSwitchInterval: nothing -> PT1M"


def test_a_server_that_is_gone_is_shown_by_its_number() -> None:
    assert finding_json(UNMAPPED, NAMES, {})["servers"] == ["dhcp01", "server 9"]


def test_severities_are_those_that_people_set() -> None:
    assert finding_json(MISMATCH, NAMES, {})["severity"] == "warning"
    loud = {"partner_mismatch": Severity.CRITICAL}
    assert finding_json(MISMATCH, NAMES, loud)["severity"] == "critical"


def test_a_refusal_names_what_it_holds_by_number_or_by_relationship() -> None:
    unrecorded = line(Operation.DELETE, 4, None, OperationOutcome.HELD, hold=Hold.GUARD)
    told = Preview({}, 1, (REMOVAL, unrecorded, OTHER), (), REFUSAL, 0, NAMES)
    refused = plan_json(told, {})["refused"]
    assert isinstance(refused, dict)
    assert refused["held"] == [7, "R4"]
    assert refused["wanted"] == {"relationships": 2, "scopes": 3}
    held = sync_json(summary(REMOVAL, refusal=REFUSAL), {}, (9, 7))["refused"]
    assert isinstance(held, dict)
    assert held["held"] == [7, 9]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (summary(REMOVAL, WAITING), "operations apply --destructive 7 9"),
        (summary(OTHER), "ipam-sync operations apply 8\n"),
        (summary(ORPHAN), "drift list --kind blocked"),
        (summary(OTHER, ORPHAN), "operations apply 8\n"),
        (summary(refusal=REFUSAL), "operations list --held"),
        (summary(findings=(MISMATCH,)), "drift list"),
        (summary(findings=(UNMAPPED,)), "nothing to do"),
        (
            summary(
                *(line(Operation.UPDATE, n, n, OperationOutcome.PENDING) for n in range(1, 20))
            ),
            "--run 3",
        ),
    ],
)
def test_the_last_line_of_a_sync_says_what_to_do_next(told: RunSummary, words: str) -> None:
    assert words in "\n".join(after_sync(told, SYNC, {}))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (preview(line(Operation.UPDATE, 1, None, OperationOutcome.PLANNED)), f"Next: {SYNC}"),
        (preview(OTHER), "operations apply 8"),
        (preview(findings=(MISMATCH,)), "nothing to record"),
        (preview(), "nothing to do"),
    ],
)
def test_the_last_line_of_a_plan_says_what_to_do_next(told: Preview, words: str) -> None:
    assert words in "\n".join(after_plan(told, SYNC, {}))


def test_where_nobody_was_read_nobody_is_told_that_all_is_well() -> None:
    (said, _) = after_plan(Preview({}, 0, (), (), None, 0, {}), SYNC, {})
    assert "No server was asked" in said


def test_times_for_programs_are_utc_with_whole_seconds() -> None:
    assert iso(NOW + timedelta(microseconds=5)) == "2026-11-02T08:00:00Z"
    assert iso(None) is None


def test_no_module_that_shows_things_reads_the_store() -> None:
    """Presentation decides nothing and opens nothing."""
    for path in Path(worker.views.__path__[0]).glob("*.py"):
        assert "worker.store" not in path.read_text()
        assert "worker.bootstrap" not in path.read_text()
