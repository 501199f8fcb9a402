"""The connection of a unit of work: the one place where SQL is executed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Executable,
    Row,
    String,
    Table,
    func,
    literal,
    select,
    text,
)
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.dialects import postgresql, sqlite

from worker.model.errors import RecordRefused
from worker.store.cache import ReadCache
from worker.store.engine import Database
from worker.store.errors import translated
from worker.store.transactions import lock_members

#: The most values in one IN list: few enough for any database, and enough to keep statements few.
CHUNK: Final = 500

#: SQLite's clock has milliseconds.
_SQLITE_TICK: Final = timedelta(milliseconds=1)

#: A row whose columns are read by name. The type checker does not know their types.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_Value = TypeVar("_Value")


class Connection:
    """A connection within its transaction, shared by the repositories of a unit of work.

    Every statement goes through ``run`` or ``rows``, which translate the exceptions of the drivers.
    """

    def __init__(self, database: Database, connection: SqlConnection) -> None:
        self._database = database
        self._connection = connection
        self._clock_read: tuple[datetime, float] | None = None

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is SQLite rather than PostgreSQL."""
        return self._database.is_sqlite

    @property
    def cache(self) -> ReadCache:
        """Return the cache that the threads of this process share."""
        return self._database.cache

    def now(self) -> datetime:
        """Return the time of the database's clock, aware UTC.

        The clock is read once, and the time that passed here since then is added. So the result
        is never later than the database's clock. SQLite's clock has milliseconds, so the added
        time is cut to milliseconds as well. PostgreSQL's ``now()`` is no help, because it returns
        the beginning of the transaction.
        """
        if self._clock_read is None:
            at = self._read_clock()
            self._clock_read = (at, monotonic())
        at, read_at = self._clock_read
        elapsed = timedelta(seconds=monotonic() - read_at)
        return at + (elapsed // _SQLITE_TICK * _SQLITE_TICK if self.is_sqlite else elapsed)

    def _read_clock(self) -> datetime:
        if self.is_sqlite:
            now = select(func.strftime("%Y-%m-%dT%H:%M:%fZ", "now"))
            return datetime.fromisoformat(self.rows(now)[0][0])
        time: datetime = self.rows(select(func.clock_timestamp()))[0][0]
        return time.astimezone(UTC)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Open a savepoint, and roll back to it if the block raises RecordRefused."""
        with translated(self._database.place):
            savepoint = self._connection.begin_nested()
        try:
            yield
        except RecordRefused:
            with translated(self._database.place):
                savepoint.rollback()
            raise
        with translated(self._database.place):
            savepoint.commit()

    def commit(self) -> None:
        """Commit the transaction and close the connection."""
        with translated(self._database.place):
            self._connection.commit()
            self._connection.close()

    def lock_members(self) -> None:
        """Wait for other transactions that write about members of runs, and keep others out."""
        lock_members(self._database, self._connection)

    def run(
        self,
        statement: Executable,
        rows: Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Execute a statement, once for each row of parameters if there are any."""
        with translated(self._database.place):
            result = self._connection.execute(statement, rows)
        assert isinstance(result, CursorResult)  # noqa: S101 - all Core statements give one
        return result

    def rows(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[AnyRow]:
        """Execute a query and return all its rows."""
        with translated(self._database.place):
            return self._connection.execute(statement, values).all()

    def upsert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an INSERT that takes an ON CONFLICT clause."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def replace(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows with all columns, in place of the rows that have the same primary keys."""
        self.run(_replacing(table, is_sqlite=self.is_sqlite), rows)

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that all have the same columns."""
        if rows:
            self.run(table.insert(), rows)

    def insert_keys(self, table: Table, rows: Sequence[Mapping[str, int | str]]) -> None:
        """Insert very many rows that consist of keys only.

        PostgreSQL takes one array for each column, three times as fast as the rows one by one.
        """
        if self.is_sqlite or not rows:
            self.insert(table, rows)
            return
        names = list(rows[0])
        arrays = (literal([row[n] for row in rows], ARRAY(table.c[n].type)) for n in names)
        unnested = select(*(func.unnest(array) for array in arrays))
        self.run(table.insert().from_select(names, unnested))

    def new_keys(self, table: Table, count: int) -> list[int]:
        """Return keys that no row of the table ever had, so that rows can be sent in bulk.

        The keys come from the database's own sequence, so rows added by hand do no harm.
        """
        if not count:
            return []
        if self.is_sqlite:
            last_key = text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :table")
            start = self.rows(last_key.bindparams(table=table.name))[0][0] + 1
            return list(range(start, start + count))
        (key,) = table.primary_key
        series = func.nextval(f"{table.name}_{key.name}_seq")
        next_keys = select(series).select_from(func.generate_series(1, count).alias())
        return sorted(row[0] for row in self.rows(next_keys))


class Repository:
    """Statements about a group of tables, on the connection of a unit of work."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def clock(*, is_sqlite: bool) -> ColumnElement[Any]:
    """Return the database's clock as an expression, in the form in which times are stored."""
    if is_sqlite:
        return func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now", type_=String())
    return func.clock_timestamp()


def chunks(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """Yield the values without duplicates, in order, in lists short enough for IN."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), CHUNK):
        yield unique[start : start + CHUNK]


# Built once. It runs for every reading, and building it takes longer than running it.
@cache
def _replacing(table: Table, *, is_sqlite: bool) -> Executable:
    statement = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={c.name: statement.excluded[c.name] for c in table.c if not c.primary_key},
    )
