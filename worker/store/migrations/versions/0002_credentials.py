"""Credentials, what servers said to them, machine ids, and findings about no server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add; what is there stays as it is."""
    op.add_column("server", sa.Column("machine_id", sa.Text(), nullable=True))
    op.add_column("finding", sa.Column("about", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "credential",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("password_env", sa.Text(), nullable=True),
        sa.Column("password_file", sa.Text(), nullable=True),
        sa.Column("certificate_file", sa.Text(), nullable=True),
        sa.Column("key_file", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("suspended_at", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_credential"),
    )
    op.create_table(
        "logon",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("refused_at", TIME, nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("retry_at", TIME, nullable=True),
        sa.Column("mark", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential"], ["credential.name"], name="fk_logon_credential", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_logon_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("credential", "server_id", name="pk_logon"),
    )
    op.create_index("ix_logon_server_id", "logon", ["server_id"])
