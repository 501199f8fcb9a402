"""An ``ipam-sync`` that counts what it asks of the database: `python -m tests.benchmarks.counting FILE ARGS...`.

FILE holds three numbers, always as they are now: statements, rows read, rows written.
"""

from __future__ import annotations

import mmap
import re
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Engine, event

from worker.cli import main

_NUMBERS: Final = struct.Struct("<3Q")
_WRITES: Final = re.compile(r"\s*(?:INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sql:
    """What was asked of a database."""

    statements: int
    rows_read: int
    rows_written: int

    def __add__(self, other: Sql) -> Sql:
        return Sql(
            self.statements + other.statements,
            self.rows_read + other.rows_read,
            self.rows_written + other.rows_written,
        )

    def __sub__(self, other: Sql) -> Sql:
        return Sql(
            self.statements - other.statements,
            self.rows_read - other.rows_read,
            self.rows_written - other.rows_written,
        )

    @classmethod
    def of(cls, file: Path) -> Self:
        """What the process that has this file counted so far."""
        return cls(*_NUMBERS.unpack(file.read_bytes()))


def count_into(file: Path) -> None:
    """From now on, for every engine of this process. PostgreSQL's driver knows the rows it read."""
    file.write_bytes(_NUMBERS.pack(0, 0, 0))
    with file.open("r+b") as opened:
        shown = mmap.mmap(opened.fileno(), _NUMBERS.size)
    lock = threading.Lock()
    numbers = [0, 0, 0]

    def after(_: object, cursor: Any, statement: str, *__: object) -> None:  # noqa: ANN401 - the driver's
        with lock:
            numbers[0] += 1
            numbers[2 if _WRITES.match(statement) else 1] += max(0, cursor.rowcount)
            _NUMBERS.pack_into(shown, 0, *numbers)

    event.listen(Engine, "after_cursor_execute", after)


if __name__ == "__main__":
    count_into(Path(sys.argv[1]))
    sys.argv = ["ipam-sync", *sys.argv[2:]]
    sys.exit(main())
