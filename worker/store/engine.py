"""Engines: how a database URL becomes a configured SQLite or PostgreSQL engine.

Used by ``schema``. Nothing connects before the first transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from worker.model.errors import StoreUnavailable
from worker.store.cache import ReadCache
from worker.store.errors import DatabaseDescription

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.pool import ConnectionPoolEntry

#: Another process needs only some milliseconds to change the journal mode.
_PAUSE_SECONDS: Final = 0.01
#: A server that takes longer to accept a connection is down for us.
_CONNECT_SECONDS: Final = 10
#: The age up to which a pooled connection is used again. Connections are idle for minutes while
#: servers are read, and a firewall may drop an idle connection silently.
_CONNECTION_SECONDS: Final = 60
#: libpq gives up a server that vanished silently after about a minute, not after hours.
_KEEPALIVE: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
#: The least idle time between two statements. Tests that wait for no lock still need some.
_MIN_IDLE_MILLISECONDS: Final = 1000
#: The limit of a whole transaction, as a multiple of the idle time between two statements.
_TRANSACTION_FACTOR: Final = 3
#: The first version of PostgreSQL that has ``transaction_timeout``.
_TRANSACTION_TIMEOUT_VERSION: Final = 170000
#: Each thread gets a connection at once. Threads queue for the write lock, not for a connection.
_NO_BOUND: Final = -1
#: The key of a pooled connection's file in its ``info``.
_FILE: Final = "file"
_SECRET_OPTIONS: Final = ("password", "sslpassword")
_POSTGRES_DRIVER: Final = "postgresql+psycopg"


@dataclass(frozen=True, slots=True)
class Database:
    """An engine with what this process knows of its database.

    ``place`` describes the database in messages. ``file`` is the file of SQLite. A writer waits
    for a lock for up to ``lock_timeout_seconds``. The writers of one process queue at ``turn``, so
    that only one of them waits at the database.
    """

    engine: Engine
    place: DatabaseDescription
    lock_timeout_seconds: float
    file: Path | None = None
    cache: ReadCache = field(default_factory=ReadCache, repr=False)
    turn: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is SQLite rather than PostgreSQL."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection of the pool."""
        self.engine.dispose()


def database(url: str, lock_timeout_seconds: float) -> Database:
    """Return the database of an SQLAlchemy URL, without a connection.

    Raises:
        StoreUnavailable: the URL names neither an SQLite file nor a PostgreSQL database.
    """
    parsed = _parsed(url)
    make = _sqlite if parsed.drivername == "sqlite" else _postgres
    return make(parsed, lock_timeout_seconds)


def _parsed(url: str) -> URL:
    """Return the parsed URL with the driver that is installed.

    The error does not quote the URL, because it may contain a password.
    """
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
    """Return an SQLite database.

    With ``isolation_level`` None the driver begins no transaction. ``transactions`` begins them,
    so that reads are consistent and DDL is part of its transaction.
    """
    pages = _page_limit(url)
    engine = create_engine(
        url.difference_update_query(["max_page_count"]),
        max_overflow=_NO_BOUND,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"timeout": lock_timeout_seconds, "isolation_level": None},
    )
    name = url.database or ""
    file = None if name.startswith("file:") else Path(name)

    def on_connect(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        _use_wal(connection, lock_timeout_seconds)
        if pages is not None:
            connection.execute(f"PRAGMA max_page_count = {pages}")
        entry.info[_FILE] = _identity(file)

    def on_checkout(_: object, entry: ConnectionPoolEntry, __: object) -> None:
        """Replace a connection to a file that was moved away or restored from a backup.

        SQLite would go on writing to the file that nobody else can see any more.
        """
        if entry.info[_FILE] != _identity(file):
            raise DisconnectionError

    def on_checkin(connection: sqlite3.Connection | None, _: object) -> None:
        """Lift the mode that ``transactions`` sets for a single transaction."""
        if connection is not None:
            connection.execute("PRAGMA query_only = OFF")

    def on_error(context: ExceptionContext) -> None:
        """Keep the connection open after an interruption such as Ctrl-C.

        SQLAlchemy would close it at once, without a rollback. SQLite keeps a closed connection
        and its lock as long as a statement of it is referenced.
        """
        if not isinstance(context.original_exception, Exception):
            context.is_disconnect = False

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "checkin", on_checkin)
    event.listen(engine, "handle_error", on_error)
    return Database(engine, DatabaseDescription(f"SQLite file {name}"), lock_timeout_seconds, file)


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another one that takes its name. None: there is no file."""
    try:
        status = None if file is None else file.stat()
    except OSError:
        return None
    return status and (status.st_dev, status.st_ino)


def _page_limit(url: URL) -> int | None:
    """Return the N of ``?max_page_count=N``, or None.

    The pragma of SQLite bounds the file for one connection only, so each connection sets it.
    """
    limit = url.query.get("max_page_count")
    if limit is None:
        return None
    if not isinstance(limit, str) or not limit.isdecimal():
        raise StoreUnavailable("max_page_count in IPAM_SYNC_DATABASE_URL is no number.")
    return int(limit)


def _use_wal(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """Use write-ahead logging, so that readers and the writer do not block each other.

    The file keeps the mode. SQLite does not wait by itself here while another process opens the
    same new file. So this function retries until the lock timeout.
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
    """Return whether another connection has locked the SQLite file."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _postgres(url: URL, lock_timeout_seconds: float) -> Database:
    """Return a PostgreSQL database.

    An engine shows its URL in its repr. So passwords among the options are passed separately.
    """
    defaults = {"connect_timeout": str(_CONNECT_SECONDS), "application_name": "ipam-sync"}
    options = dict(url.query)
    secrets = {name: options.pop(name) for name in _SECRET_OPTIONS if name in options}
    engine = create_engine(
        url.set(query={**defaults, **_KEEPALIVE, **options}),
        connect_args=secrets,
        pool_timeout=lock_timeout_seconds,
        pool_recycle=_CONNECTION_SECONDS,
        hide_parameters=True,
    )
    milliseconds = max(1, int(lock_timeout_seconds * 1000))  # 0 would mean no limit

    def on_connect(connection: psycopg.Connection, _: object) -> None:
        """Limit lock waits and idle transactions, so that a stalled machine blocks no other one.

        The server ends a transaction that is idle for too long between two statements. A client
        that stalls halfway through sending a statement does not count as idle. Only the limit of
        the whole transaction ends that one, on servers that have the limit. The limits are set
        once for each connection, because each statement costs a round trip.
        """
        idle = max(_MIN_IDLE_MILLISECONDS, milliseconds)
        limits = {"lock_timeout": milliseconds, "idle_in_transaction_session_timeout": idle}
        if connection.info.server_version >= _TRANSACTION_TIMEOUT_VERSION:
            limits["transaction_timeout"] = _TRANSACTION_FACTOR * idle
        connection.execute(";".join(f"SET {name} = {value}" for name, value in limits.items()))
        connection.commit()

    def on_checkin(connection: psycopg.Connection | None, _: object) -> None:
        """Reset the modes that ``transactions`` sets for a single transaction."""
        if connection is not None and not connection.closed:
            connection.isolation_level = connection.read_only = None

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "checkin", on_checkin)
    hidden = tuple(str(secret) for secret in (url.password, *secrets.values()) if secret)
    return Database(engine, DatabaseDescription(_postgres_text(url), hidden), lock_timeout_seconds)


def _postgres_text(url: URL) -> str:
    host = url.host or url.query.get("host")
    parts = {"": url.database, "on ": host, "port ": url.port, "as ": url.username}
    words = (f" {word}{value}" for word, value in parts.items() if value)
    return "PostgreSQL database" + "".join(words)
