"""The audit log, and the triggers that refuse to change or remove what it contains."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, TIME, WORD

#: Rows are only ever added. Both databases report a broken constraint, so that the store has one
#: error for it.
_TRIGGERS: Final = {
    "sqlite": (
        (
            "CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit"
            " BEGIN SELECT RAISE(ABORT, 'what was decided is never changed'); END"
        ),
        (
            "CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit"
            " BEGIN SELECT RAISE(ABORT, 'what was decided is never removed'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'what was decided is never changed or removed'"
            " USING ERRCODE = 'restrict_violation'; END $$"
        ),
        (
            "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()"
        ),
    ),
}


def create_audit() -> None:
    """Create the audit log and its triggers."""
    op.create_table(
        "audit",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
