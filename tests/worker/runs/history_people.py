"""What people do in a history, each thing in the transaction that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

from reconcile.model.nouns import Standing
from tests.worker.runs.histories import Act
from worker.inventory.admin import (
    add_alias,
    add_server,
    end_maintenance,
    set_standing,
    start_maintenance,
)
from worker.inventory.lookup import UnknownTarget
from worker.model.audit import Person
from worker.model.errors import StoreError
from worker.model.maintenance import Window
from worker.model.operations import EntryFilter, EntryView
from worker.operations.decide import Terms, apply_selected, reject_selected
from worker.store.unit_of_work import UnitOfWork

_ADA: Final = Person("ada", "cli@test")
_STANDINGS: Final = {
    "enable": Standing.ENABLED,
    "disable": Standing.DISABLED,
    "retire": Standing.RETIRED,
}


def perform(uow: UnitOfWork, act: Act, addresses: tuple[str, ...]) -> None:
    """Do what a person does. Raises UnknownTarget."""
    if act.verb in _STANDINGS:
        set_standing(uow, _ADA, act.server, _STANDINGS[act.verb])
    else:
        _ACTS[act.verb](uow, act, addresses)


def _add(uow: UnitOfWork, act: Act, addresses: tuple[str, ...]) -> None:
    if all(s.name != act.server for s in uow.inventory.servers()):
        add_server(uow, _ADA, act.server, addresses, ())


def _alias(uow: UnitOfWork, act: Act, _: object) -> None:
    with suppress(StoreError):
        add_alias(uow, _ADA, act.server, act.text)


def _begin_window(uow: UnitOfWork, act: Act, _: object) -> None:
    now = uow.now()
    server = next((s for s in uow.inventory.servers() if s.name == act.server), None)
    if server is None:
        raise UnknownTarget(act.server)
    until = now + timedelta(minutes=act.number)
    window = Window(0, server.id, act.text or None, now, until, "disks", "ada")
    start_maintenance(uow, _ADA, window, server.name)


def _end_windows(uow: UnitOfWork, _: Act, __: object) -> None:
    for window in uow.maintenance.open_windows():
        end_maintenance(uow, _ADA, window.id)


def _pending(uow: UnitOfWork) -> list[EntryView]:
    """Return the operations that wait, in an order that does not depend on their numbers."""
    return sorted(uow.views.operations(EntryFilter()), key=_natural)


def _natural(view: EntryView) -> str:
    planned = view.entry.planned
    return repr(
        (planned.relationship, planned.partners, planned.operation, planned.scopes, planned.changes)
    )


_TERMS: Final = Terms(timedelta(hours=1), destructive=True, insist=True)


def _apply_all(uow: UnitOfWork, _: Act, __: object) -> None:
    apply_selected(uow, [view.entry.number for view in _pending(uow)], _TERMS, _ADA)


def _apply_one(uow: UnitOfWork, act: Act, _: object) -> None:
    if waiting := _pending(uow):
        chosen = waiting[act.number % len(waiting)].entry.number
        apply_selected(uow, [chosen], _TERMS, _ADA)


def _reject_one(uow: UnitOfWork, act: Act, _: object) -> None:
    if waiting := _pending(uow):
        chosen = waiting[act.number % len(waiting)].entry.number
        reject_selected(uow, [chosen], _ADA, None)


_ACTS: Final[Mapping[str, Callable[[UnitOfWork, Act, tuple[str, ...]], None]]] = {
    "add": _add,
    "alias": _alias,
    "rest": _begin_window,
    "pause": _begin_window,
    "end windows": _end_windows,
    "apply": _apply_one,
    "apply all": _apply_all,
    "reject": _reject_one,
}
