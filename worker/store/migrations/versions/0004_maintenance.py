"""Maintenance windows of servers and of relationships."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add; what is there stays as it is."""
    op.create_table(
        "maintenance",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("relationship", sa.Text(), nullable=True),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_maintenance_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_maintenance_server_id", "maintenance", ["server_id"])
    op.create_index("ix_maintenance_ends_at", "maintenance", ["ends_at"])
