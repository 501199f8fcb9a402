"""Counts what a store sends to its database: statements, rows fetched, rows written per table.

`with counted(store.engine) as sql:` ... `sql.statements`, `sql.fetched`, `sql.written`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Engine, event

_WRITES: Final = re.compile(r"^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE)


@dataclass
class SqlCount:
    """What was counted; ``written`` has only tables of which rows were really touched."""

    statements: int = 0
    fetched: int = 0
    written: Counter[str] = field(default_factory=Counter)
    sent: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def counted(engine: Engine) -> Iterator[SqlCount]:
    """Count on every connection of the engine, from here to the end of the block."""
    count = SqlCount()

    def after(
        connection: Connection,
        cursor: Any,  # noqa: ANN401 - the driver's
        statement: str,
        parameters: object,
        context: Any,  # noqa: ANN401 - SQLAlchemy's, a different one for each dialect
        executemany: bool,
    ) -> None:
        count.statements += 1
        count.sent.append((statement, parameters))
        if written := _WRITES.match(statement):
            rows = cursor.rowcount if cursor.rowcount >= 0 else 1
            count.written += Counter({written[1]: rows})
        elif context is not None:
            context.cursor = _CountingCursor(cursor, count)

    event.listen(engine, "after_cursor_execute", after)
    try:
        yield count
    finally:
        event.remove(engine, "after_cursor_execute", after)


class _CountingCursor:
    """The driver's cursor; notes how many rows are taken from it."""

    def __init__(self, cursor: Any, count: SqlCount) -> None:  # noqa: ANN401 - the driver's
        self._cursor = cursor
        self._count = count

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the cursor has
        return getattr(self._cursor, name)

    def fetchall(self) -> list[Any]:
        rows: list[Any] = self._cursor.fetchall()
        self._count.fetched += len(rows)
        return rows

    def fetchone(self) -> Any:  # noqa: ANN401 - a row
        row = self._cursor.fetchone()
        self._count.fetched += row is not None
        return row

    def fetchmany(self, size: int) -> list[Any]:
        rows: list[Any] = self._cursor.fetchmany(size)
        self._count.fetched += len(rows)
        return rows
