"""``ipam-sync up`` and ``ipam-sync worker`` for all roles: which programs run, in which order."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worker.bootstrap import alerting_in_force, opened
from worker.config.settings import Settings, load_settings
from worker.model.roles import Role
from worker.processes.signals import ENDING, Signals
from worker.up import postgres, valkey
from worker.up.alive import registrations, wait_until_alive
from worker.up.child import CannotRun, ChildProgram, our_own
from worker.up.orphans import taken_over
from worker.up.place import DataDirectory, occupied
from worker.up.supervisor import Say, StopRequested, Supervisor, supervising

#: Longer than a worker takes to end by itself, see ``worker.processes.main``.
WORKER_PATIENCE_SECONDS: Final = 20.0
_WORKERS, _BEAT = 1, 2
_CONFIG: Final = "IPAM_SYNC_CONFIG"
#: What is decided here and nowhere else.
_OURS: Final = (
    "IPAM_SYNC_DATABASE_URL",
    "IPAM_SYNC_DATABASE_PASSWORD_FILE",
    "IPAM_SYNC_BROKER_URL",
    "IPAM_SYNC_BROKER_PASSWORD_FILE",
)


def run_everything(root: Path, *, wants_postgres: bool, readers: int, say: Say) -> None:
    """Database, broker, workers and beat until a signal.

    Raises CannotRun, SettingsError, StoreError and AlertsFileUnusable.
    """
    _refuse_other_places(os.environ)
    _refuse_missing_extras(wants_postgres=wants_postgres)
    try:
        with (
            Signals(*ENDING, signal.SIGCHLD) as signals,
            occupied(root, wants_postgres=wants_postgres) as place,
            taken_over(place.run / "servers.lock", signals, say) as lock,
            supervising(signals, say) as supervisor,
        ):
            place.write_settings()
            settings = load_settings(os.environ, config_file=place.settings)
            _refuse_unusable_alerts(settings)
            _start_servers(supervisor, place, lock)
            _upgrade(supervisor, place)
            with opened(settings) as ipam:
                ours = registrations(ipam.store)
                _start_our_own(supervisor, place, readers)
                wait_until_alive(supervisor, ours.pids, say)
            _say_what_next(place, say)
            supervisor.watch()
    except StopRequested:
        pass
    say("Everything has ended; the data stays.")


def run_workers(say: Say) -> None:
    """A worker of each role until a signal."""
    try:
        with (
            Signals(*ENDING, signal.SIGCHLD) as signals,
            supervising(signals, say) as supervisor,
        ):
            for role in Role:
                supervisor.start(_worker(role))
            supervisor.watch()
    except StopRequested:
        pass


def _refuse_other_places(environ: Mapping[str, str]) -> None:
    for name in _OURS:
        if name in environ:
            raise CannotRun(
                f"{name} is set, but ipam-sync up has a database and a broker of its own. Unset "
                "it; or use those with ipam-sync worker and ipam-sync beat instead."
            )


def _refuse_missing_extras(*, wants_postgres: bool) -> None:
    """Raises CannotRun before anything is made or started."""
    valkey.binary()
    if wants_postgres:
        postgres.programs()


def _refuse_unusable_alerts(settings: Settings) -> None:
    """Or everything would run but the worker that tells people, which would end again and again."""
    alerting_in_force(settings)


def _start_servers(supervisor: Supervisor, place: DataDirectory, kept: int) -> None:
    server = valkey.server(place.queue, place.broker, kept=kept)
    supervisor.start(server, lambda _: valkey.answers(place.broker))
    if place.uses_postgres:
        _start_postgres(supervisor, place, kept)


def _start_postgres(supervisor: Supervisor, place: DataDirectory, kept: int) -> None:
    directory = postgres.programs()
    if not place.cluster.exists():
        postgres.create(directory, place.cluster)
    server = postgres.server(directory, place.cluster, place.run, kept=kept)
    supervisor.start(server, lambda pid: postgres.is_ready(place.cluster, pid))


def _upgrade(supervisor: Supervisor, place: DataDirectory) -> None:
    environment = _environment(place)
    upgrade = ChildProgram("migration", our_own("db", "upgrade"), environment=environment)
    if supervisor.once(upgrade) != 0:
        raise CannotRun("The database could not be made ready; why is said above.")


def _start_our_own(supervisor: Supervisor, place: DataDirectory, readers: int) -> None:
    environment = _environment(place)
    for number in range(1, readers + 1):
        name = "" if readers == 1 else f" {number}"
        supervisor.start(_worker(Role.READ, name, environment))
    for role in (Role.ON_DEMAND, Role.CONTROL):
        supervisor.start(_worker(role, "", environment))
    beat = ChildProgram("beat", our_own("beat"), _BEAT, environment=environment, registers=True)
    supervisor.start(beat)


def _environment(place: DataDirectory) -> dict[str, str]:
    return {**os.environ, _CONFIG: str(place.settings)}


def _worker(
    role: Role, suffix: str = "", environment: Mapping[str, str] | None = None
) -> ChildProgram:
    return ChildProgram(
        f"worker {role}{suffix}",
        our_own("worker", "--role", role),
        _WORKERS,
        patience=WORKER_PATIENCE_SECONDS,
        environment=environment,
        registers=True,
    )


def _say_what_next(place: DataDirectory, say: Say) -> None:
    kind = "PostgreSQL" if place.uses_postgres else "SQLite"
    say(f"Everything runs, with {kind}, in {place.root}. In another terminal:")
    say(f"  export {_CONFIG}={shlex.quote(str(place.settings))}")
    say("  ipam-sync servers import servers.yaml")
    say("  ipam-sync doctor")
    say("Ctrl-C ends it.")
