"""Which of the programs that ``ipam-sync up`` started are alive, as ``ipam-sync doctor`` sees it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from worker.model.errors import StoreError
from worker.model.runs import Process
from worker.store.unit_of_work import Store
from worker.up.child import ChildProgram
from worker.up.supervisor import Say, Supervisor

#: What takes longer is reported, and still waited for.
_PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Registrations:
    """Registrations of workers and beats on this host in the database.

    ``earlier`` are those that an earlier ``up`` left: they still count as alive for a while, and
    in a container the new processes have the same numbers.
    """

    store: Store
    earlier: frozenset[int]

    def pids(self) -> frozenset[int]:
        """Return the processes that are alive, none while the database is away."""
        host = socket.gethostname()
        try:
            return frozenset(
                process.pid
                for process in _registered(self.store)
                if process.is_alive and process.host == host and process.id not in self.earlier
            )
        except StoreError:
            return frozenset()


def registrations(store: Store) -> Registrations:
    """Return those from now on. Raises StoreError."""
    return Registrations(store, frozenset(process.id for process in _registered(store)))


def wait_until_alive(
    supervisor: Supervisor,
    registered: Callable[[], Collection[int]],
    say: Say,
    patience: float = _PATIENCE_SECONDS,
) -> None:
    """Keep everything running until all of it is alive, however long that takes.

    After ``patience`` seconds it reports once what is not.  Raises StopRequested.
    """

    def missing() -> tuple[str, ...]:
        return not_alive(supervisor.programs(), registered())

    if supervisor.watch_until(lambda: not missing(), patience):
        return
    names = ", ".join(missing())
    say(f"Not running after {patience:g} s: {names}. Their messages above say why.")
    supervisor.watch_until(lambda: not missing())


def not_alive(
    programs: Iterable[tuple[ChildProgram, int | None]], registered: Collection[int]
) -> tuple[str, ...]:
    """Return the names of programs that have ended, or should have registered and have not."""
    return tuple(
        program.name
        for program, pid in programs
        if pid is None or (program.registers and pid not in registered)
    )


def _registered(store: Store) -> tuple[Process, ...]:
    with store.read() as reading:
        return reading.processes.registered()
