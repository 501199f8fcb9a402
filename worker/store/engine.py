"""From a URL to an engine: which databases we speak to, and how each is set up.

Used by ``schema``; nothing connects before the first transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    URL,
    Engine,
    ExceptionContext,
    NullPool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import SQLAlchemyError

from worker.model.errors import StoreUnavailable
from worker.store.cache import Shelf
from worker.store.errors import Place

if TYPE_CHECKING:
    import psycopg

_PAUSE_SECONDS: Final = 0.01
_CONNECT_SECONDS: Final = 10
#: How old a connection may be that is used again: none has been idle for the minutes in which
#: servers are read, after which a firewall may have forgotten it.
_CONNECTION_SECONDS: Final = 60
#: A server that vanished without a word is given up after about a minute, not after hours.
_GIVING_UP: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
#: Milliseconds; tests that wait for no lock at all still think between two statements.
_LEAST_IDLE: Final = 1000
#: So many times as long as a lock is waited for, a transaction may take in all.
_LONGEST: Final = 3
#: The first PostgreSQL that knows of such a limit.
_WITH_LIMIT: Final = 170000
_SECRET_OPTIONS: Final = ("password", "sslpassword")
_POSTGRES_DRIVER: Final = "postgresql+psycopg"


@dataclass(frozen=True, slots=True)
class Database:
    """An engine, its place for sentences, how long a writer waits for its turn, SQLite's file, and
    the inventory as last loaded from it.

    Writers of one process queue at ``turn``, so that only one of them waits at the database.
    """

    engine: Engine
    place: Place
    lock_timeout_seconds: float
    file: Path | None = None
    shelf: Shelf = field(default_factory=Shelf, repr=False)
    turn: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite, False for PostgreSQL."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def database(url: str, lock_timeout_seconds: float) -> Database:
    """The database of an SQLAlchemy URL, not yet connected to.

    Raises StoreUnavailable if the URL is not that of a file or of PostgreSQL.
    """
    parsed = _parsed(url)
    make = _sqlite if parsed.drivername == "sqlite" else _postgres
    return make(parsed, lock_timeout_seconds)


def _parsed(url: str) -> URL:
    """The URL with our driver, or one sentence that does not quote it: it may hold a password."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        parsed = None
    if parsed is None or (parsed.host and "@" in f"{parsed.host}{parsed.database}"):
        raise StoreUnavailable(
            "IPAM_SYNC_DATABASE_URL is no database URL; write sqlite:////directory/file.db or "
            "postgresql://user:password@host/database, with %XX for special characters in the "
            "password."
        )
    backend = parsed.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername=_POSTGRES_DRIVER)
    if backend != "sqlite":
        raise StoreUnavailable(
            f"IPAM_SYNC_DATABASE_URL names the database {backend}; only sqlite and postgresql "
            "are supported."
        )
    if parsed.database in (None, "", ":memory:"):
        raise StoreUnavailable(
            "IPAM_SYNC_DATABASE_URL names no file; a database in memory would be forgotten at "
            "once. Write sqlite:////directory/file.db."
        )
    return parsed.set(drivername="sqlite")


def _sqlite(url: URL, lock_timeout_seconds: float) -> Database:
    """The driver is told to begin nothing by itself (isolation_level None): ``transactions`` does,
    so that reads are consistent and DDL is part of its transaction.
    """
    pages = _page_limit(url)
    engine = create_engine(
        url.difference_update_query(["max_page_count"]),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": lock_timeout_seconds, "isolation_level": None},
    )

    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        _use_wal(connection, lock_timeout_seconds)
        if pages is not None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

    def on_error(context: ExceptionContext) -> None:
        """After an interruption SQLAlchemy would close the connection at once, and not roll back.
        SQLite keeps such a one, with its lock, as long as anybody has the statement in hand.
        """
        if not isinstance(context.original_exception, Exception):
            context.is_disconnect = False

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "handle_error", on_error)
    name = url.database or ""
    file = None if name.startswith("file:") else Path(name)
    return Database(engine, Place(f"SQLite file {name}"), lock_timeout_seconds, file)


def _page_limit(url: URL) -> int | None:
    """``?max_page_count=N`` bounds the file, as SQLite's pragma does for one connection."""
    given = url.query.get("max_page_count")
    if given is None:
        return None
    if not isinstance(given, str) or not given.isdecimal():
        raise StoreUnavailable("max_page_count in IPAM_SYNC_DATABASE_URL is no number.")
    return int(given)


def _use_wal(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """Readers and the writer do not block each other; the file remembers it.

    SQLite does not wait by itself here while another process opens the same new file.
    """
    deadline = monotonic() + wait_seconds
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or monotonic() >= deadline:
                raise
            sleep(_PAUSE_SECONDS)
        else:
            return


def is_busy(error: BaseException | None) -> bool:
    """True if SQLite's file is locked by another connection."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _postgres(url: URL, lock_timeout_seconds: float) -> Database:
    """Passwords among the options are taken out of the URL, which an engine shows in its repr."""
    usual = {"connect_timeout": str(_CONNECT_SECONDS), "application_name": "ipam-sync"}
    given = dict(url.query)
    secrets = {name: given.pop(name) for name in _SECRET_OPTIONS if name in given}
    engine = create_engine(
        url.set(query={**usual, **_GIVING_UP, **given}),
        connect_args=secrets,
        pool_timeout=lock_timeout_seconds,
        pool_recycle=_CONNECTION_SECONDS,
        hide_parameters=True,
    )
    milliseconds = max(1, int(lock_timeout_seconds * 1000))  # 0 would be for ever

    def on_connect(connection: psycopg.Connection, _: object) -> None:
        """No lock is waited for any longer, and the server ends a transaction that is held up for
        so long between two statements: a machine that stands still keeps nobody else waiting.

        One that stands still before all of a statement was sent is not between two: only the limit
        of the whole transaction ends that, where the server has one.

        Once, and not in every transaction: each statement is a way to the server and back.
        """
        idle = max(_LEAST_IDLE, milliseconds)
        limits = {"lock_timeout": milliseconds, "idle_in_transaction_session_timeout": idle}
        if connection.info.server_version >= _WITH_LIMIT:
            limits["transaction_timeout"] = _LONGEST * idle
        connection.execute(";".join(f"SET {name} = {value}" for name, value in limits.items()))
        connection.commit()

    def on_checkin(connection: psycopg.Connection | None, _: object) -> None:
        """``transactions`` sets these for one transaction."""
        if connection is not None and not connection.closed:
            connection.isolation_level = connection.read_only = None

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "checkin", on_checkin)
    hidden = tuple(str(secret) for secret in (url.password, *secrets.values()) if secret)
    return Database(engine, Place(_postgres_text(url), hidden), lock_timeout_seconds)


def _postgres_text(url: URL) -> str:
    host = url.host or url.query.get("host")
    parts = {"": url.database, "on ": host, "port ": url.port, "as ": url.username}
    words = (f" {word}{value}" for word, value in parts.items() if value)
    return "PostgreSQL database" + "".join(words)
