"""Statements that are compiled once for all stores of a test process.

An engine keeps what it compiled, and a program has one engine. Tests open hundreds of stores, and
compiled the same statements anew for each of them, which took a third of their time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, TypeAlias

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import Compiled
from typing_extensions import override

_Key: TypeAlias = tuple[object, ...]


class SharedStatements(dict[_Key, Compiled]):
    """Compiled statements by all of their key but its first part, the engine's own dialect."""

    @override
    def get(self, key: _Key, default: object = None) -> Compiled | None:  # type: ignore[override]  # all that SQLAlchemy calls
        """Return the compiled statement, whichever engine compiled it."""
        del default
        return super().get(key[1:])

    @override
    def __setitem__(self, key: _Key, compiled: Compiled) -> None:
        super().__setitem__(key[1:], compiled)


_BY_DIALECT: Final[defaultdict[str, SharedStatements]] = defaultdict(SharedStatements)


def share_compiled_statements() -> None:
    """Let every engine of this process take and leave its statements in one place."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_BY_DIALECT[connection.dialect.name])
