"""Runs that several processes work on: members, leases, processes, due times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
WORD = sa.String(32)


def upgrade() -> None:
    """Add; what is there stays as it is, and earlier runs are those of one process."""
    op.add_column("sighting", sa.Column("clock_offset_seconds", sa.Float(), nullable=True))
    op.add_column("run", sa.Column("targets", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("only_name", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("lane", WORD, nullable=True))
    op.create_index(
        "ix_run_open",
        "run",
        ["id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column(
        "credential",
        sa.Column("proven", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "logon_slot",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("lapses_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["credential"],
            ["credential.name"],
            name="fk_logon_slot_credential",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_logon_slot_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("credential", "server_id", name="pk_logon_slot"),
    )
    _members()
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", BIG, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "worker_process",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("alive_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker_process"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "server_poll",
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("read_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_server_poll_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("server_id", name="pk_server_poll"),
    )
    op.create_index("ix_server_poll_due_at", "server_poll", ["due_at"])


def _members() -> None:
    op.create_table(
        "run_member",
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("server_id", BIG, nullable=False),
        sa.Column("is_target", sa.Boolean(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("unresolved", sa.Boolean(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("claimed_by", BIG, nullable=True),
        sa.Column("claimed_at", TIME, nullable=True),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("looked", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_run_member_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name="fk_run_member_server_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "server_id", name="pk_run_member"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_run_member_waiting",
        "run_member",
        ["server_id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "run_line",
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_run_line_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["number"], ["operation_tracker.number"], name="fk_run_line_number"
        ),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_run_line"),
        sqlite_with_rowid=False,
    )
