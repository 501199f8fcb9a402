"""Column types and partial indexes of the baseline, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
WORD: Final = sa.String(32)
DIGEST: Final = sa.String(64)


def create_partial_index(
    name: str,
    table: str,
    columns: list[str],
    condition: str,
    *,
    sqlite: str | None = None,
    unique: bool = False,
) -> None:
    """Create an index of the rows that meet a condition. SQLite can have its own spelling."""
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(sqlite or condition),
        postgresql_where=sa.text(condition),
    )
