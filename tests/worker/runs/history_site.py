"""The IPAM of a history: its store and clock, the servers it reads, and what people do in it."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import event

from collectors.powershell.host import Host, Login, Transport
from reconcile.evidence.impostors import genuine
from reconcile.model.names import NameMap
from reconcile.model.nouns import (
    Identity,
    ReadFailure,
    Seen,
    ServedScope,
    Server,
    Sighting,
    Skipped,
    SkipReason,
    Story,
    Unseen,
)
from tests.worker.pristine import in_new_store
from tests.worker.runs.histories import Act, History, Step
from tests.worker.runs.history_people import perform
from worker.bootstrap import Ipam
from worker.config.settings import Settings
from worker.inventory.lookup import UnknownTarget
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

FAILURE: Final = ReadFailure("unreachable", "No answer.", "Check the network.", retry=True)
_START: Final = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass
class Clock:
    """The database's clock: it goes on by itself, and is set when a step begins."""

    at: datetime = _START
    set_at: float = field(default_factory=time.monotonic)

    def set(self, at: datetime) -> None:
        """Set the clock."""
        self.at, self.set_at = at, time.monotonic()

    def now(self) -> datetime:
        """Return the time."""
        return self.at + timedelta(seconds=time.monotonic() - self.set_at)

    def strftime(self, form: str, _: str) -> str:
        """Return the time as SQLite's function of this name, cut to milliseconds."""
        milliseconds = f"{self.now().microsecond // 1000:03}"
        return self.now().strftime(form.replace("%f", f"%S.{milliseconds}"))


@dataclass
class Reader:
    """Servers that report what a step says; see ``worker.runs`` for the port.

    It dates readings itself, so that in every order of reading the same server is the earlier one.
    """

    clock: Clock
    reports: Mapping[str, tuple[Story, ...] | None] = field(default_factory=dict)
    again: Mapping[str, tuple[Story, ...]] = field(default_factory=dict)
    began: datetime = _START
    readings: dict[int, int] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)

    def begin(self, step: Step) -> None:
        """Report from now on what servers report in this step."""
        self.reports, self.again = step.reports, step.again
        self.began = self.clock.now()
        self.readings, self.changed = {}, set()

    def refresh(self, run: int, *, at_once: bool = False) -> None:
        """There are no secrets."""

    def source(self, batch: object, server: Server, *, insist: bool) -> Host | None:
        """Return how the server is reached; every server is."""
        del batch, insist
        login = Login("reader", "reader")
        return Host(server.id, server.name, "https://server:5986/wsman", Transport.NTLM, login)

    def read(self, server: Server, source: object, names: NameMap) -> Sighting:
        """Return what the server reports, or that it was left out on purpose."""
        if isinstance(source, SkipReason):
            return Skipped(server.id, source)
        return genuine(self.reported(server), names, server.name)

    def reported(self, server: Server) -> Sighting:
        """Return what the server reports, whoever it says it is."""
        nth = self.readings[server.id] = self.readings.get(server.id, 0) + 1
        at = self.began + nth * _MILLISECOND + timedelta(microseconds=server.id)
        stories = self.reports.get(server.name)
        if nth > 1 and server.name in self.again:
            self.changed.add(server.id)
            stories = self.again[server.name]
        if stories is None:
            return Unseen(server.id, at, FAILURE)
        told = tuple(replace(story, asked=server.id) for story in stories)
        served = sorted({scope for story in told for scope in story.scopes})
        identity = Identity(dns_name=server.name, machine_id=f"machine-of-{server.id}")
        scopes = tuple(ServedScope(scope, active=True) for scope in served)
        return Seen(server.id, at, told, identity, scopes)

    def happened(self) -> Counter[str]:
        """Count servers that were read again in this step, and those that changed meanwhile."""
        twice = {server for server, readings in self.readings.items() if readings > 1}
        changed = twice & self.changed
        return Counter({"second reading": len(twice), "changed second reading": len(changed)})

    def flush(self) -> None:
        """There is nothing to write."""

    def stop(self) -> None:
        """No reading is under way."""

    def close(self) -> None:
        """There is nothing to end."""


class Place:
    """A store that histories use one after the other; each finds it empty."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "history.db"
        self.clock = Clock()
        self.store = open_store(in_new_store(self.file))
        event.listen(self.store.engine, "connect", self._prepare)
        self._pristine = self.file.read_bytes()
        self._version = 0
        self._beside = self._connection()

    def _connection(self) -> sqlite3.Connection:
        """Return a connection that stays open, so that no other one is the last to close.

        The last one writes the log back into the file, which takes longer than most transactions.
        """
        connection = sqlite3.connect(self.file, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("SELECT * FROM writer").fetchall()
        return connection

    def _prepare(self, connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.create_function("strftime", 2, self.clock.strftime)

    def close(self) -> None:
        """Close the store."""
        self._beside.close()
        self.store.close()

    def site(self, history: History) -> Site:
        """Return an IPAM that knows the servers of a history, and nothing else."""
        self._beside.close()
        self.store.engine.dispose()
        for suffix in ("-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        self.file.write_bytes(self._pristine)
        self._beside = self._connection()
        self.clock.set(_START)
        # The store caches the inventory by its version, which must not come back.
        self._version += 1000
        self._beside.execute("UPDATE writer SET inventory = ?", (self._version,))
        relationships, scopes = history.limits
        settings = Settings(
            database_url=f"sqlite:///{self.file}",
            policy=history.policy,
            guard_relationships_min=relationships,
            guard_scopes_min=scopes,
            concurrency=4,
        )
        site = Site(Ipam(settings, self.store), Reader(self.clock), self.clock, self._beside)
        for server in history.known:
            site.do(Act("add", server.name), server.addresses)
        return site


@dataclass
class Site:
    """An IPAM in the middle of a history."""

    ipam: Ipam
    reader: Reader
    clock: Clock
    beside: sqlite3.Connection
    began: datetime = _START

    @property
    def store(self) -> Store:
        """The store."""
        return self.ipam.store

    def begin(self, step: Step) -> None:
        """Let time pass, then have people do what they do; the run comes half a second later."""
        self.began += timedelta(seconds=step.after)
        self.clock.set(self.began)
        for act in step.acts:
            with suppress(UnknownTarget):  # a server that IPAM does not know
                self.do(act)
        self.clock.set(self.began + timedelta(seconds=0.5))
        self.reader.begin(step)

    def do(self, act: Act, addresses: tuple[str, ...] = ()) -> None:
        """Do what a person does. Raises UnknownTarget."""
        with self.store.write() as uow:
            perform(uow, act, addresses)
            uow.commit()

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Look into the file, or change it behind the program's back."""
        return self.beside.execute(statement).fetchall()
