"""OperationTracker and the lines of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.migrations.baseline.columns import BIG, DIGEST, TIME, WORD, create_partial_index


def create_operations() -> None:
    """Create OperationTracker and the lines of runs."""
    _operation_tracker()
    _run_line()


def _operation_tracker() -> None:
    op.create_table(
        "operation_tracker",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("record", BIG),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("operation", WORD, nullable=False),
        sa.Column("relationship", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("server1_id", BIG),
        sa.Column("server1_name", sa.Text(), nullable=False),
        sa.Column("server2_id", BIG),
        sa.Column("server2_name", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("contested", sa.Text(), nullable=False),
        sa.Column("witnesses", sa.Text(), nullable=False),
        sa.Column("evidence", WORD, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hold", WORD, nullable=False),
        sa.Column("fingerprint", DIGEST, nullable=False),
        sa.Column("takes_relationships", sa.Integer(), nullable=False),
        sa.Column("takes_scopes", sa.Integer(), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("stands_until", TIME),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("decided_by", sa.Text()),
        sa.Column("by_machine", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_operation_tracker_run_id"),
        sa.PrimaryKeyConstraint("number", name="pk_operation_tracker"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tracker_record", "operation_tracker", ["record"])
    op.create_index("ix_tracker_run", "operation_tracker", ["run_id"])
    op.create_index("ix_tracker_server1", "operation_tracker", ["server1_id", "status"])
    op.create_index("ix_tracker_server2", "operation_tracker", ["server2_id", "status"])
    op.create_index("ix_tracker_status", "operation_tracker", ["status", "decided_at"])
    create_partial_index(
        "uq_tracker_pending",
        "operation_tracker",
        ["record", "fingerprint"],
        "status = 'pending'",
        unique=True,
    )


def _run_line() -> None:
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
