"""What people decide is kept, and the database itself refuses to change or remove it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")

#: Both say it as a broken constraint, so that the store has one word for it.
GUARDS = {
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


def upgrade() -> None:
    """Add; nobody knows from where what was decided before was decided, so it is not made up."""
    op.create_table(
        "audit",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)
