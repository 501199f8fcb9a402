"""Stores whose time a test sets, on each database: empty ones, one for each story."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import event

from tests.postgres import PostgresServer
from tests.worker.pristine import in_new_store
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

BEGIN: Final = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    """What the database says that the time is."""

    now: datetime = BEGIN

    def strftime(self, form: str, when: str) -> str:
        """In place of SQLite's own, with its %f."""
        assert when == "now"
        return self.now.strftime(form.replace("%f", f"%S.{self.now.microsecond // 1000:03}"))


#: Opens a store at that time; it is gone afterwards.
Place: TypeAlias = Callable[[Clock], AbstractContextManager[Store]]


def on_sqlite(directory: Path) -> Place:
    """A new file each time."""

    @contextmanager
    def place(clock: Clock) -> Iterator[Store]:
        store = open_store(in_new_store(directory / "story.db"))

        def on_connect(connection: sqlite3.Connection, _: object) -> None:
            connection.execute("PRAGMA synchronous = OFF")
            connection.create_function("strftime", 2, clock.strftime)

        event.listen(store.engine, "connect", on_connect)
        store.engine.dispose()  # its connections so far have the real clock
        try:
            yield store
        finally:
            store.close()
            for leftover in directory.glob("story.db*"):
                leftover.unlink()

    return place


@contextmanager
def on_postgres(server: PostgresServer) -> Iterator[Place]:
    """Copies of a database."""
    with server.database() as pristine:
        open_store(server.url(pristine)).close()

        @contextmanager
        def place(clock: Clock) -> Iterator[Store]:
            with server.database(pristine) as name:
                store = open_store(server.url(name))

                def at_that_time(
                    _1: object, _2: object, statement: str, values: object, *_3: object
                ) -> tuple[str, object]:
                    time = f"'{clock.now.isoformat()}'::timestamptz"
                    return statement.replace("clock_timestamp()", time), values

                event.listen(store.engine, "before_cursor_execute", at_that_time, retval=True)
                try:
                    yield store
                finally:
                    store.close()

        yield place
