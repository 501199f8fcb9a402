"""Databases of the ipam-sync that was never released, made by hand, and all that a database holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import create_engine, inspect

REVISIONS: Final = tuple(f"{number:04}" for number in range(1, 17))
REFUSED: Final = (
    "was made by an unreleased ipam-sync 0.1 (revision {revision}), so nothing upgrades it. Move it"
    " away or drop it, or name another database in IPAM_SYNC_DATABASE_URL. Then run `ipam-sync"
    " servers import FILE`: the records are read from the servers again. Decisions, silences,"
    " maintenance windows and the audit log are not carried over."
)


def make_unreleased(url: str, revision: str) -> None:
    """Make a database with that revision and one server."""
    execute(
        url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')",  # noqa: S608 - our own value
        "CREATE TABLE server (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "INSERT INTO server (id, name) VALUES (1, 'dhcp01')",
    )


def execute(url: str, *statements: str) -> None:
    """Execute statements in one transaction."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def contents(url: str) -> dict[str, Sequence[Any]]:
    """Return the rows of all tables."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            table: connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608 - a table's name
            for table in inspect(connection).get_table_names()
        }
    engine.dispose()
    return rows
