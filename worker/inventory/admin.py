"""A person decides about servers, their names, credentials and maintenance: done and kept as one.

Used by the doors, within their one writing transaction.  What changes nothing was no decision, so
it leaves no trace.  For operations see ``deciding``, for inventory files ``importing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconcile.model.nouns import Provenance, Server, Standing
from reconcile.remedies.own import ipam_sync
from worker.inventory.lookup import UnknownTarget, find_server
from worker.model.audit import Action, AuditedDecision, AuditValues, Person
from worker.model.audit_format import kept_time
from worker.model.maintenance import Window
from worker.store.repositories.inventory import InventoryRepository
from worker.store.repositories.maintenance import MaintenanceRepository
from worker.store.unit_of_work import Transaction, UnitOfWork

_STANDINGS: Final = {
    Standing.ENABLED: Action.ENABLE,
    Standing.DISABLED: Action.DISABLE,
    Standing.RETIRED: Action.RETIRE,
}


class UnknownAlias(UnknownTarget):
    """The server has no such alias."""

    code = "unknown_alias"


class UnknownCredential(UnknownTarget):
    """The inventory has no such credential."""

    code = "unknown_credential"


class UnknownWindow(UnknownTarget):
    """There never was such a maintenance window."""

    code = "unknown_window"


def add_server(
    uow: UnitOfWork,
    by: Person,
    name: str,
    addresses: Sequence[str],
    aliases: Sequence[str],
    tags: Sequence[str] = (),
) -> None:
    """A new one. Raises NameTaken."""
    key = uow.inventory.add(name, addresses)
    uow.inventory.add_aliases(((key, text) for text in aliases), Provenance.PERSON)
    uow.inventory.set_tags(key, tags)
    uow.audit.add(
        by, [AuditedDecision(Action.ADD_SERVER, name, None, _told(_by_id(uow.inventory, key)))]
    )


def rename_server(uow: UnitOfWork, by: Person, text: str, new: str) -> Server:
    """The server as it was. Raises UnknownTarget and NameTaken."""
    server = find_server(uow.inventory.servers(), text)
    uow.inventory.rename(server.id, new)
    _keep(uow, by, Action.RENAME, server)
    return server


def set_tags(uow: UnitOfWork, by: Person, text: str, tags: Sequence[str]) -> Server:
    """The server as it was, which has these tags now and no others. Raises UnknownTarget."""
    server = find_server(uow.inventory.servers(), text)
    if server.tags != tuple(tags):
        uow.inventory.set_tags(server.id, tags)
        uow.outbox.remind_all()  # other routes may take what is open, and other silences fit
    _keep(uow, by, Action.TAG, server)
    return server


def set_standing(uow: UnitOfWork, by: Person, text: str, standing: Standing) -> Server:
    """The server as it was. Raises UnknownTarget."""
    server = find_server(uow.inventory.servers(), text)
    uow.inventory.set_standing(server.id, standing)
    _keep(uow, by, _STANDINGS[standing], server)
    return server


def confirm_machine(uow: UnitOfWork, by: Person, server: int, machine: str) -> None:
    """That machine is the server now. Raises StoreError if there is no such server any more."""
    server_of = {s.id: s for s in uow.inventory.servers()}
    uow.inventory.confirm_machine(server, machine)
    _keep(uow, by, Action.CONFIRM, server_of[server])


def add_alias(uow: UnitOfWork, by: Person, text: str, alias: str) -> Server:
    """The server that it means from now on. Raises UnknownTarget."""
    server = find_server(uow.inventory.servers(), text)
    uow.inventory.add_aliases([(server.id, alias)], Provenance.PERSON)
    _keep(uow, by, Action.ADD_ALIAS, server)
    return server


def remove_alias(uow: UnitOfWork, by: Person, text: str, alias: str) -> Server:
    """The server that had it. Raises UnknownTarget, UnknownAlias."""
    server = find_server(uow.inventory.servers(), text)
    if not uow.inventory.remove_alias(server.id, alias):
        raise UnknownAlias(
            f"{server.name} has no alias {alias!r}. "
            f"See: {ipam_sync('servers show', server.name).text}"
        )
    _keep(uow, by, Action.REMOVE_ALIAS, server)
    return server


def resume_credential(uow: UnitOfWork, by: Person, name: str) -> bool:
    """False if it was neither suspended nor refused. Raises UnknownCredential."""
    refusals_before = _refusals(uow, name)
    if not uow.credentials.resume(name):
        return False
    uow.audit.add(by, [AuditedDecision(Action.RESUME, name, refusals_before, _refusals(uow, name))])
    return True


def start_maintenance(uow: UnitOfWork, by: Person, window: Window, server: str) -> Window:
    """Start a maintenance window, and return it as stored. ``server`` is the name of its server."""
    number = uow.maintenance.add(window)
    stored = _window(uow.maintenance, number)
    subject = f"window {number} of {_of(stored, server)}"
    uow.audit.add(by, [AuditedDecision(Action.START_MAINTENANCE, subject, None, _times(stored))])
    return stored


def end_maintenance(uow: UnitOfWork, by: Person, number: int) -> bool:
    """False if it was over already. Raises UnknownWindow."""
    window = _window(uow.maintenance, number)
    if not uow.maintenance.end(number, by.who):
        return False
    subject = f"window {number} of {_of(window, _by_id(uow.inventory, window.server).name)}"
    times_after = _times(_window(uow.maintenance, number))
    uow.audit.add(
        by, [AuditedDecision(Action.END_MAINTENANCE, subject, _times(window), times_after)]
    )
    return True


def _keep(uow: UnitOfWork, by: Person, action: Action, server: Server) -> None:
    """Audit the values of a server that changed, under the name that it had."""
    values_before, values_after = _told(server), _told(_by_id(uow.inventory, server.id))
    changed = [name for name in values_before if values_before[name] != values_after[name]]
    if changed:
        changed_before, changed_after = (
            {name: side[name] for name in changed} for side in (values_before, values_after)
        )
        uow.audit.add(by, [AuditedDecision(action, server.name, changed_before, changed_after)])


def _told(server: Server) -> AuditValues:
    return {
        "name": server.name,
        "standing": server.standing.value,
        "addresses": list(server.addresses),
        "aliases": [f"{a.text} ({a.provenance})" for a in server.aliases],
        "machine_id": server.machine_id,
        "tags": list(server.tags),
    }


def _by_id(inventory: InventoryRepository, server: int) -> Server:
    return next(s for s in inventory.servers() if s.id == server)


def _refusals(reading: Transaction, name: str) -> AuditValues:
    view = next((v for v in reading.credentials.views() if v.credential.name == name), None)
    if view is None:
        raise UnknownCredential(f"There is no credential {name!r}. See: ipam-sync credentials list")
    names = {s.id: s.name for s in reading.inventory.servers()}
    return {
        "suspended_at": kept_time(view.suspended_at),
        "refused_by": [names[server] for server in view.refused_by],
    }


def _window(maintenance: MaintenanceRepository, number: int) -> Window:
    for window in maintenance.windows(over=True):
        if window.id == number:
            return window
    raise UnknownWindow(
        f"There is no maintenance window {number}. See: ipam-sync maintenance list --all"
    )


def _of(window: Window, server: str) -> str:
    return server if window.relationship is None else f"{window.relationship}@{server}"


def _times(window: Window) -> AuditValues:
    return {
        "starts_at": kept_time(window.starts_at),
        "ends_at": kept_time(window.ends_at),
        "note": window.note,
    }
