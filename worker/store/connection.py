"""What every part of a unit of work stands on: one connection, one place where SQL is executed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
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
from sqlalchemy.dialects import postgresql, sqlite

from worker.store.engine import Database
from worker.store.errors import translated

#: Values in one IN list: few enough for any database, so many that statements stay few.
CHUNK: Final = 500

_SQLITE_TICK: Final = timedelta(milliseconds=1)

#: Columns by name; what they hold is known by the table, not by the type checker.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_Value = TypeVar("_Value")


class Session:
    """A connection within its transaction.

    Every statement goes through ``_run`` or ``_rows``: there the drivers' exceptions end.
    """

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._asked: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The database's clock; PostgreSQL's ``now()`` would be the transaction's beginning.

        It is asked once.  What passed here since its answer is added: the time is never later
        than it is there.  SQLite knows thousandths of a second only, so no finer ones are made up.
        """
        if self._asked is None:
            at = self._ask_for_the_time()
            self._asked = (at, monotonic())
        at, asked = self._asked
        passed = timedelta(seconds=monotonic() - asked)
        return at + (passed // _SQLITE_TICK * _SQLITE_TICK if self._database.is_sqlite else passed)

    def _ask_for_the_time(self) -> datetime:
        if self._database.is_sqlite:
            clock = select(func.strftime("%Y-%m-%dT%H:%M:%fZ", "now"))
            return datetime.fromisoformat(self._rows(clock)[0][0])
        time: datetime = self._rows(select(func.clock_timestamp()))[0][0]
        return time.astimezone(UTC)

    @property
    def _clock(self) -> ColumnElement[Any]:
        """The same within a statement."""
        return clock(is_sqlite=self._database.is_sqlite)

    def _run(
        self,
        statement: Executable,
        rows: Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        with translated(self._database.place):
            result = self._connection.execute(statement, rows)
        assert isinstance(result, CursorResult)  # noqa: S101 - all Core statements give one
        return result

    def _rows(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[AnyRow]:
        with translated(self._database.place):
            return self._connection.execute(statement, values).all()

    def _upsert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An insertion that may say what to do about rows that are there."""
        return sqlite.insert(table) if self._database.is_sqlite else postgresql.insert(table)

    def _insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that all have the same columns."""
        if rows:
            self._run(table.insert(), rows)

    def _insert_keys(self, table: Table, rows: Sequence[Mapping[str, int | str]]) -> None:
        """The same for very many rows of nothing but keys.

        PostgreSQL takes an array per column three times as fast as the rows one by one.
        """
        if self._database.is_sqlite or not rows:
            self._insert(table, rows)
            return
        names = list(rows[0])
        arrays = (literal([row[n] for row in rows], ARRAY(table.c[n].type)) for n in names)
        unnested = select(*(func.unnest(array) for array in arrays))
        self._run(table.insert().from_select(names, unnested))

    def _new_keys(self, table: Table, count: int) -> list[int]:
        """Keys that no row of the table ever had: known before the rows are sent in bulk.

        They are of the database's own series, so rows that somebody adds by hand do no harm.
        """
        if not count:
            return []
        if self._database.is_sqlite:
            used = text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :table")
            start = self._rows(used.bindparams(table=table.name))[0][0] + 1
            return list(range(start, start + count))
        (key,) = table.primary_key
        series = func.nextval(f"{table.name}_{key.name}_seq")
        taken = select(series).select_from(func.generate_series(1, count).alias())
        return sorted(row[0] for row in self._rows(taken))


def clock(*, is_sqlite: bool) -> ColumnElement[Any]:
    """The database's clock within a statement, as times are stored."""
    if is_sqlite:
        return func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now", type_=String())
    return func.clock_timestamp()


def chunks(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """The values without doubles, in order, in lists short enough for IN."""
    every = list(dict.fromkeys(values))
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]
