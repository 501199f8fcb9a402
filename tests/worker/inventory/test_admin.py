"""What a person decides about servers, names, credentials and windows is kept with before and after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reconcile.model.nouns import Provenance, Standing
from worker.inventory.admin import (
    add_alias,
    add_server,
    confirm_machine,
    end_maintenance,
    remove_alias,
    rename_server,
    resume_credential,
    set_standing,
    set_tags,
    start_maintenance,
)
from worker.inventory.file import Inventory, InventoryServer
from worker.inventory.importer import import_by
from worker.inventory.lookup import UnknownTarget
from worker.model.audit import Action, Audited, Person
from worker.model.credentials import Credential, LogonRefusal
from worker.model.errors import StoreError
from worker.model.maintenance import Window
from worker.store.unit_of_work import Store, UnitOfWork
from worker.views.text import iso

ADA = Person("ada", "cli@ops01")
HOUR = timedelta(hours=1)


@pytest.fixture
def server(store: Store) -> int:
    """dhcp01 with an alias that a person gave and a machine, a credential that it refused."""
    with store.write() as uow:
        key = uow.inventory.add("dhcp01", ["10.0.0.1"])
        uow.inventory.add("dhcp02")
        uow.inventory.add_aliases([(key, "hq")], Provenance.PERSON)
        uow.inventory.remember_machines({key: "machine 1"})
        uow.credentials.save(Credential("corp", "svc"))
        uow.credentials.save(Credential("lab", "svc"))
        (corp, _) = uow.credentials.proofs()
        uow.credentials.record_refusal(LogonRefusal("corp", key, corp.salt, 1))
        uow.commit()
    return key


def decide(store: Store, decision: Callable[[UnitOfWork], object]) -> tuple[Audited, ...]:
    """Carry it out; what is kept of it."""
    with store.write() as uow:
        decision(uow)
        uow.commit()
    with store.read() as reading:
        return reading.audit.latest(10)


def a_window(uow: UnitOfWork, server: int, relationship: str | None = None) -> Window:
    now = uow.now()
    return Window(0, server, relationship, now, now + HOUR, "disks", ADA.who)


INVENTORY = Inventory(
    (Credential("corp", "svc"), Credential("new", "svc")),
    (InventoryServer("dhcp01", ("10.9.9.9",)), InventoryServer("dhcp03")),
)

#: action, how, what about, before, after
DECISIONS: list[tuple[Action, Callable[[UnitOfWork, int], object], str, Any, Any]] = [
    (
        Action.ADD_SERVER,
        lambda u, _: add_server(u, ADA, "dhcp03", ["10.0.0.3"], ["old"], ["lab"]),
        "dhcp03",
        None,
        {
            "name": "dhcp03",
            "standing": "enabled",
            "addresses": ["10.0.0.3"],
            "aliases": ["old (person)"],
            "machine_id": None,
            "tags": ["lab"],
        },
    ),
    (
        Action.RENAME,
        lambda u, _: rename_server(u, ADA, "hq", "dhcp09"),
        "dhcp01",
        {"name": "dhcp01"},
        {"name": "dhcp09"},
    ),
    (
        Action.TAG,
        lambda u, _: set_tags(u, ADA, "hq", ["lab", "vienna"]),
        "dhcp01",
        {"tags": []},
        {"tags": ["lab", "vienna"]},
    ),
    (
        Action.DISABLE,
        lambda u, _: set_standing(u, ADA, "hq", Standing.DISABLED),
        "dhcp01",
        {"standing": "enabled"},
        {"standing": "disabled"},
    ),
    (
        Action.RETIRE,
        lambda u, _: set_standing(u, ADA, "hq", Standing.RETIRED),
        "dhcp01",
        {"standing": "enabled"},
        {"standing": "retired"},
    ),
    (
        Action.CONFIRM,
        lambda u, server: confirm_machine(u, ADA, server, "machine 2"),
        "dhcp01",
        {"machine_id": "machine 1"},
        {"machine_id": "machine 2"},
    ),
    (
        Action.ADD_ALIAS,
        lambda u, _: add_alias(u, ADA, "dhcp01", "10.0.0.12"),
        "dhcp01",
        {"aliases": ["hq (person)"]},
        {"aliases": ["hq (person)", "10.0.0.12 (person)"]},
    ),
    (
        Action.REMOVE_ALIAS,
        lambda u, _: remove_alias(u, ADA, "dhcp01", "HQ"),
        "dhcp01",
        {"aliases": ["hq (person)"]},
        {"aliases": []},
    ),
    (
        Action.RESUME,
        lambda u, _: resume_credential(u, ADA, "corp"),
        "corp",
        {"suspended_at": None, "refused_by": ["dhcp01"]},
        {"suspended_at": None, "refused_by": []},
    ),
    (
        Action.IMPORT,
        lambda u, _: import_by(u, ADA, INVENTORY, "servers.yaml"),
        "servers.yaml",
        {"servers": 2, "credentials": 2},
        {
            "servers": 3,
            "credentials": 3,
            "added": ["dhcp03"],
            "changed": {"dhcp01": ["addresses: 10.0.0.1 -> 10.9.9.9"]},
            "credentials_written": ["new"],
        },
    ),
]


@pytest.mark.parametrize(
    ("action", "how", "subject", "before", "after"), DECISIONS, ids=[d[0] for d in DECISIONS]
)
def test_a_decision_is_kept_once_with_who_where_before_and_after(
    store: Store,
    server: int,
    action: Action,
    how: Callable[[UnitOfWork, int], object],
    subject: str,
    before: object,
    after: object,
) -> None:
    (kept,) = decide(store, lambda uow: how(uow, server))
    assert (kept.who, kept.origin) == ("ada", "cli@ops01")
    assert (kept.action, kept.subject, kept.before, kept.after) == (action, subject, before, after)


def test_to_enable_a_retired_server_is_kept(store: Store, server: int) -> None:
    with store.write() as uow:
        uow.inventory.set_standing(server, Standing.RETIRED)
        uow.commit()
    (kept,) = decide(store, lambda uow: set_standing(uow, ADA, "dhcp01", Standing.ENABLED))
    assert (kept.action, kept.before, kept.after) == (
        "enable",
        {"standing": "retired"},
        {"standing": "enabled"},
    )


def test_a_window_is_kept_when_it_begins_and_when_it_ends_before_its_time(
    store: Store, server: int
) -> None:
    with store.write() as uow:
        window = start_maintenance(uow, ADA, a_window(uow, server, "HQ"), "dhcp01")
        uow.commit()
    ended, begun = decide(store, lambda uow: end_maintenance(uow, ADA, window.id))
    with store.read() as reading:
        (over,) = reading.maintenance.windows(over=True)
    assert begun.subject == ended.subject == f"window {window.id} of HQ@dhcp01"
    assert [begun.action, ended.action] == ["start_maintenance", "end_maintenance"]
    times = {"starts_at": iso(window.starts_at), "note": "disks"}
    assert begun.before is None
    assert begun.after == ended.before == {**times, "ends_at": iso(window.ends_at)}
    assert ended.after == {**times, "ends_at": iso(over.ends_at)}
    assert over.ends_at < window.ends_at


UNCHANGED: list[Callable[[UnitOfWork, int], object]] = [
    lambda u, _: rename_server(u, ADA, "dhcp01", "dhcp01"),
    lambda u, _: set_standing(u, ADA, "dhcp01", Standing.ENABLED),
    lambda u, server: confirm_machine(u, ADA, server, "machine 1"),
    lambda u, _: add_alias(u, ADA, "dhcp01", "HQ"),
    lambda u, _: resume_credential(u, ADA, "lab"),
    lambda u, _: import_by(u, ADA, Inventory((), (InventoryServer("dhcp01"),)), "servers.yaml"),
]


@pytest.mark.parametrize("how", UNCHANGED)
def test_what_changes_nothing_was_no_decision(
    store: Store, server: int, how: Callable[[UnitOfWork, int], object]
) -> None:
    assert decide(store, lambda uow: how(uow, server)) == ()


def test_to_end_a_window_that_is_over_is_no_decision(store: Store, server: int) -> None:
    with store.write() as uow:
        number = uow.maintenance.add(a_window(uow, server))
        uow.maintenance.end(number, "ada")
        uow.commit()
    assert decide(store, lambda uow: end_maintenance(uow, ADA, number)) == ()


FAILING: list[Callable[[UnitOfWork], object]] = [
    lambda u: add_server(u, ADA, "DHCP01", [], []),
    lambda u: rename_server(u, ADA, "dhcp01", "dhcp02"),
    lambda u: rename_server(u, ADA, "dhcp07", "dhcp08"),
    lambda u: set_standing(u, ADA, "dhcp07", Standing.RETIRED),
    lambda u: confirm_machine(u, ADA, 4711, "machine 2"),
    lambda u: add_alias(u, ADA, "dhcp07", "hq"),
    lambda u: remove_alias(u, ADA, "dhcp01", "unheard-of"),
    lambda u: resume_credential(u, ADA, "unheard-of"),
    lambda u: end_maintenance(u, ADA, 4711),
]


@pytest.mark.parametrize("how", FAILING)
def test_what_fails_is_not_kept_whatever_the_transaction_does(
    store: Store, server: int, how: Callable[[UnitOfWork], object]
) -> None:
    def fails(uow: UnitOfWork) -> None:
        with pytest.raises((StoreError, UnknownTarget)):
            how(uow)

    assert decide(store, fails) == ()


def test_what_is_rolled_back_is_not_kept(store: Store, server: int) -> None:
    with store.write() as uow:
        for _, how, *_ in DECISIONS[2:]:
            how(uow, server)
    with store.read() as reading:
        assert reading.audit.latest(10) == ()
