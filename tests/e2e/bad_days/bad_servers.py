"""Servers that have a bad day, in the ways that cost a reader time or an account its life.

Used by the tests of bad fleets and by the benchmark of them.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Final

import yaml

from tests.e2e.bad_days.installation import Installation
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.model.runs import Poll

#: Another account than the one of all others, with a password that nobody knows.
_STALE: Final = {"username": "CORP\\svc-stale", "password_file": "stale"}


class Bad(StrEnum):
    """What is wrong with a server; the value is for people."""

    DOWN = "down"
    SILENT = "silent"
    HANGING = "hanging"
    DRIPPING = "dripping"
    GARBAGE = "garbage"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - no password


#: Of those that the server itself can have.
_CHANGES: Final = {
    Bad.DOWN: {"faults": "refused"},
    Bad.SILENT: {"faults": "silent"},
    Bad.HANGING: {"think_seconds": "3600"},
    Bad.DRIPPING: {"faults": "drip"},
    Bad.GARBAGE: {"faults": "tampered"},
    Bad.WRONG_PASSWORD: {},
}


def strike(at: Installation, struck: dict[str, Bad], *, think_seconds: float) -> None:
    """Let these servers, by name, have a bad day, and all others a good one."""
    for server in at.running.fleet.servers:
        well = {"faults": "", "think_seconds": str(think_seconds)}
        bad = struck.get(server.name)
        at.running.change(server.name, {**well, **({} if bad is None else _CHANGES[bad])})
    _import(at, {name for name, bad in struck.items() if bad is Bad.WRONG_PASSWORD})


def _import(at: Installation, stale: Collection[str]) -> None:
    """The inventory, in which these servers are asked with the credential that is wrong."""
    papers = at.directory / "papers"
    sheet = yaml.safe_load((papers / "inventory.yaml").read_text())
    if stale:
        sheet["credentials"]["stale"] = _STALE
        (papers / "stale").write_text("of last year")
        (papers / "stale").chmod(0o600)
    for server in sheet["servers"]:
        if server["name"] in stale:
            server["winrm"]["credential"] = "stale"
    _import_file(at, papers / "struck.yaml", yaml.safe_dump(sheet))


def _import_file(at: Installation, file: Path, text: str) -> None:
    file.write_text(text)
    with at.ipam.store.write() as uow:
        import_inventory(uow, read_inventory(file))
        uow.commit()


def everybody_is_due(at: Installation) -> None:
    """For the schedule, with the failures that they had."""
    with at.ipam.store.write() as uow:
        servers = uow.inventory.servers()
        polls = uow.schedule.polls([server.id for server in servers])
        for server in servers:
            failures = polls[server.id].failures if server.id in polls else 0
            uow.schedule.save([Poll(server.id, uow.now(), failures)])
        uow.commit()


def scheduled(at: Installation) -> list[int]:
    """All runs that the schedule ever made, the oldest first."""
    with at.ipam.store.read() as reading:
        return sorted(run.id for run in reading.runs.latest(1000) if run.trigger == "schedule")
