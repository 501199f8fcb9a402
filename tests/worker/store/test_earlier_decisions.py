"""What people decided before there was an audit is in it, as far as somebody kept who and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from tests.worker.store.test_schema import execute, made_by
from worker.model.audit import Action, Audited, Decision, Person
from worker.store.schema import open_store, upgrade

FIRST, SECOND, THIRD = (datetime(2026, 3, day, 6, tzinfo=UTC) for day in (1, 2, 3))


def a_row(table: str, **values: object) -> str:
    """The statement that adds it."""
    told = ", ".join(map(_literal, values.values()))
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({told})"  # noqa: S608 - our own values


def _literal(value: object) -> str:
    if isinstance(value, datetime):
        value = f"{value:%Y-%m-%dT%H:%M:%S}.000000Z"
    if isinstance(value, str):
        return f"'{value}'"
    return "NULL" if value is None else str(value).lower()


def an_operation(number: int, operation: str, status: str, **values: object) -> str:
    """A line of OperationTracker that ada decided, by the tables of 0008."""
    told: dict[str, object] = {
        "run_id": 1,
        "relationship": "HQ",
        "name_key": "hq",
        "server1_name": "dhcp01",
        "server2_name": "dhcp02",
        **dict.fromkeys(("changes", "scopes", "contested", "witnesses"), "[]"),
        "evidence": "both",
        "reason": "",
        "hold": "",
        "fingerprint": f"f{number}",
        "takes_relationships": 0,
        "takes_scopes": 0,
        "stands": False,
        "recorded_at": FIRST,
        "decided_at": SECOND,
        "decided_by": "ada",
        "by_machine": False,
    }
    named = {"number": number, "operation": operation, "status": status}
    return a_row("operation_tracker", **(told | named | values))


def a_window(number: int, relationship: str | None, ended_by: str | None) -> str:
    """Of maintenance, over since the third day."""
    times = {"starts_at": FIRST, "ends_at": THIRD}
    told = {"relationship": relationship, "note": "disks", "who": "ada", "ended_by": ended_by}
    return a_row("maintenance", id=number, server_id=1, **times, **told)


RUN: Final = a_row(
    "run",
    id=1,
    started_by="cli",
    who="ada",
    target="all servers",
    started_at=FIRST,
    summary="{}",
)
SERVER: Final = a_row(
    "server", id=1, name="dhcp01", name_key="dhcp01", standing="retired", changed_at=FIRST
)
ALIAS: Final = a_row(
    "server_alias", server_id=1, text="hub", key="hub", provenance="person", is_address=False
)


def audits(url: str) -> list[Audited]:
    """Newest first."""
    store = open_store(url)
    with store.read() as reading:
        found = list(reading.audit.latest(99))
    store.close()
    return found


def test_decisions_of_people_are_moved_in_with_who_and_when_and_an_honest_from_where(
    database_url: str,
) -> None:
    made_by(database_url, "0008")
    rejected = {"decided_at": FIRST, "decided_by": "bob", "scopes": "[512,256]", "hold": "guard"}
    update = '[["MCLT",3600,5400],["Mode","HotStandby","LoadBalance"]]'
    execute(
        database_url,
        RUN,
        SERVER,
        an_operation(1, "FailoverUpdate", "applied", changes=update),
        an_operation(2, "FailoverRemoveScopes", "rejected", **rejected, stands_until=THIRD),
        a_window(1, None, "bob"),
        a_window(2, "HQ", "ada"),
    )
    assert upgrade(database_url) == "0008"
    of_pair, of_server, applied, refused = audits(database_url)
    assert applied == Audited(
        applied.id,
        SECOND,
        "ada",
        "before the audit",
        "apply",
        "operation 1: FailoverUpdate of HQ",
        {
            "status": "pending",
            "held": None,
            "stored": {"MCLT": "PT1H", "Mode": "HotStandby"},
            "wanted": {"MCLT": "PT1H30M", "Mode": "LoadBalance"},
        },
        {"status": "applied", "stored": {"MCLT": "PT1H30M", "Mode": "LoadBalance"}},
    )
    assert (refused.at, refused.who, refused.action) == (FIRST, "bob", "reject")
    assert refused.before is not None
    assert (refused.before["held"], refused.before["wanted"]) == ("guard", {})
    scopes = {"Scopes": ["0.0.1.0", "0.0.2.0"]}
    assert refused.after == {
        "status": "rejected",
        "stored": scopes,
        "until": "2026-03-03T06:00:00Z",
    }
    subjects = ["window 2 of HQ@dhcp01", "window 1 of dhcp01"]
    assert [of_pair.subject, of_server.subject] == subjects
    assert (of_server.at, of_server.who, of_server.action) == (THIRD, "bob", "end_maintenance")
    told = {"starts_at": "2026-03-01T06:00:00Z", "note": "disks"}
    assert of_server.before == told
    assert of_server.after == told | {"ends_at": "2026-03-03T06:00:00Z"}


def test_nothing_is_made_up(database_url: str) -> None:
    """What the machine did is no decision; of an alias, a retirement and a window's begin nobody kept
    who or when.
    """
    made_by(database_url, "0008")
    execute(
        database_url,
        RUN,
        SERVER,
        ALIAS,
        an_operation(1, "FailoverUpdate", "applied", decided_by="ipam-sync", by_machine=True),
        an_operation(2, "FailoverUpdate", "superseded"),
        an_operation(3, "FailoverUpdate", "pending", decided_by=None, decided_at=None),
        an_operation(4, "FailoverUpdate", "applied", decided_by=None),
        a_window(1, None, None),
    )
    upgrade(database_url)
    assert audits(database_url) == []


@pytest.mark.parametrize("renamed", [False, True])
def test_what_was_kept_when_it_was_decided_is_not_doubled(database_url: str, renamed: bool) -> None:
    made_by(database_url, "0015")
    kept = (
        ("apply", "operation 1: FailoverUpdate of HQ"),
        ("end_maintenance", f"window 1 of {'old name' if renamed else 'dhcp01'}"),
    )
    execute(
        database_url,
        RUN,
        SERVER,
        an_operation(1, "FailoverUpdate", "applied"),
        an_operation(11, "FailoverUpdate", "applied", decided_at=FIRST),
        a_window(1, None, "ada"),
        *(
            a_row("audit", at=THIRD, who="ada", origin="cli@ops01", action=action, subject=subject)
            for action, subject in kept
        ),
    )
    assert upgrade(database_url) == "0015"
    end, apply, added = audits(database_url)
    assert [(a.action, a.origin) for a in (apply, end)] == [
        ("apply", "cli@ops01"),
        ("end_maintenance", "cli@ops01"),
    ]
    assert (added.subject, added.origin) == (
        "operation 11: FailoverUpdate of HQ",
        "before the audit",
    )
    assert added.id > end.id, "the list goes by time"


def test_the_audit_goes_on_after_them(database_url: str) -> None:
    made_by(database_url, "0008")
    execute(database_url, RUN, an_operation(1, "FailoverAddScopes", "applied"))
    upgrade(database_url)
    store = open_store(database_url)
    with store.write() as uow:
        uow.audit.add(Person("eve", "cli@here"), [Decision(Action.RETIRE, "dhcp01", None, None)])
        uow.commit()
    store.close()
    assert [a.who for a in audits(database_url)] == ["eve", "ada"]
